"""aics-tlog, a strict checker of C2SP logs, finds every file of an export in order, and each changed one out of order.

It needs Python 3.12, while we run from 3.11 on: it is not in the lock, and where it is not installed this is skipped.
"""

from pathlib import Path

import pytest

from audit.layout import bundles_of, tiles_of
from tests.audit.bundles import WITNESS_VKEY, Log
from tests.audit.examples import VKEY
from tests.others.logs import LEAVES, damaged, export, root

aics_tlog = pytest.importorskip(
    "aics_tlog", reason="aics-tlog is not installed (it needs Python 3.12; no lock names it)"
)
SIZE = 700


def test_every_tile_and_every_entry_is_found_in_order(tmp_path: Path) -> None:
    """It walks the whole tree, entries too, and comes to our root; any file with one bit turned is found."""
    folder = export(SIZE, tmp_path / "log")
    reader = aics_tlog.FileSystemTileReader(folder)
    report = aics_tlog.audit_tiles(reader, SIZE, root(SIZE))
    assert (report.tiles, report.bundles) == (len(list(tiles_of(SIZE))), len(list(bundles_of(SIZE))))
    for path in [path for path in (folder / "tile").rglob("*") if path.is_file()]:
        whole = path.read_bytes()
        path.write_bytes(damaged(whole, 40))
        with pytest.raises(aics_tlog.TileVerificationError):
            aics_tlog.audit_tiles(reader, SIZE, root(SIZE))
        path.write_bytes(whole)


def test_the_log_and_a_quorum_of_witnesses_are_believed() -> None:
    """With one witness wanted a cosigned checkpoint counts; one without its line, or of another size, does not."""
    log, witness = aics_tlog.parse_vkey(VKEY), aics_tlog.parse_vkey(WITNESS_VKEY)
    note = Log(leaves=LEAVES[:SIZE]).note()
    alone = Log(leaves=LEAVES[:SIZE], witnesses=()).note()
    said = [
        aics_tlog.verify_checkpoint(aics_tlog.parse_note(one), log, [witness], quorum=1).ok
        for one in (note, alone, note.replace("\n700\n", "\n701\n"))
    ]
    assert said == [True, False, False]
