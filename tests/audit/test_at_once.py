"""Parts that are scanned at once: how many, how far ahead, and that each of them is."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from audit import bundle, verify
from audit.policy import read_policy
from audit.scan import Step, VerifyError
from audit.tiles import Tile
from audit.verify import Files, verify_path
from tests.audit.bundles import POLICY, Log, save, whole
from tests.audit.examples import small_leaves

TRUST = read_policy(POLICY.encode())
LOG = Log(leaves=small_leaves(256 * 15 + 3))
FILES = whole(LOG)


class Pool(ThreadPoolExecutor):
    """Threads in place of processes: what they do is seen here."""

    workers: list[int | None] = []  # noqa: RUF012  # each test begins with none
    ended: list[bool] = []  # noqa: RUF012

    def __init__(self, workers: int | None) -> None:
        """As many as are asked for."""
        self.workers.append(workers)
        super().__init__(workers)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """How the work was ended."""
        self.ended.append(cancel_futures)
        super().shutdown(wait, cancel_futures=cancel_futures)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A part is one tile, and three parts are many."""
    monkeypatch.setattr(bundle, "TILES_A_PART", 1)
    monkeypatch.setattr(verify, "MANY", 3)
    monkeypatch.setattr(verify, "ProcessPoolExecutor", Pool)
    monkeypatch.setattr(Pool, "workers", [])
    monkeypatch.setattr(Pool, "ended", [])


def test_every_part_is_scanned(tmp_path: Path) -> None:
    """Those that were looked at to see whether there are many, and all behind them; the table too."""
    found = verify_path(save(FILES, tmp_path / "bundle"), TRUST, LOG.note(300))
    assert (found.read, found.table, found.first, found.last) == (
        3843,
        True,
        "2026-11-23T05:50:27.179Z",
        "2026-11-23T05:50:31.021Z",
    )
    assert len(Pool.workers) == 1
    changed = {**FILES, "entries.csv": FILES["entries.csv"][:-3] + b'."\r'}
    with pytest.raises(VerifyError) as caught:
        verify_path(save(changed, tmp_path / "changed"), TRUST)
    assert caught.value.args == (Step.TABLE, None, "")


@pytest.mark.parametrize(("tiles", "pools"), [(1, 0), (2, 0), (3, 1), (4, 1)])
def test_a_few_parts_are_scanned_here(tmp_path: Path, tiles: int, pools: int) -> None:
    """Starting processes takes longer than so few parts do."""
    log = Log(leaves=LOG.leaves[: 256 * tiles])
    assert verify_path(save(whole(log), tmp_path / "bundle"), TRUST).read == 256 * tiles
    assert len(Pool.workers) == pools


@pytest.mark.parametrize(("processors", "workers", "ahead"), [(None, 1, 3), (1, 1, 3), (2, 2, 5), (3, 3, 7)])
def test_it_is_never_far_ahead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, processors: int | None, workers: int, ahead: int
) -> None:
    """A worker a processor; for each two parts wait, and one more, before the first is given back."""
    monkeypatch.setattr("os.cpu_count", lambda: processors)
    path, asked = save(FILES, tmp_path / "bundle"), 0

    def parts() -> Iterator[Sequence[Tile]]:
        nonlocal asked
        for number in range(15):
            asked += 1
            yield (Tile(0, number),)

    scanned = iter(verify._scan_at_once(path, Files(path), False)(parts()))
    assert next(scanned).first_index == 0
    assert (Pool.workers, asked) == ([workers], ahead)
    assert [part.first_index for part in scanned] == [256 * number for number in range(1, 15)]


def test_where_one_is_refused_the_others_are_not_waited_for(tmp_path: Path) -> None:
    """What was not begun yet is never begun."""
    cut = {**FILES, "tile/entries/004": b"\x00"}
    with pytest.raises(VerifyError) as caught:
        verify_path(save(cut, tmp_path / "bundle"), TRUST)
    assert caught.value.args == (Step.ENTRIES, 1024, "")
    assert Pool.ended[0] is True
