"""The store: what is not there is not empty, what does not hold is not missing."""

from hashlib import sha256

import pytest

from audit.checkpoint import cosign, with_lines
from audit.errors import WitnessFault
from crypto.notes import COSIGNATURE, SignerKey
from service.cli.witness.errors import StoreError, StoreFault
from tests.audit.bundles import WITNESS
from tests.audit.examples import ORIGIN
from tests.cli.witness.city import log_of
from tests.cli.witness.desk import LOG_KEY, Desk, request_of

OTHER = SignerKey(name=WITNESS.name, algorithm=COSIGNATURE, seed=b"\x05" * 32)


def fault(desk: Desk, signer: SignerKey = WITNESS) -> StoreFault:
    """Why the store is not used, for reading as for cosigning."""
    store = desk.store(signer=signer)
    with pytest.raises(StoreError) as reading:
        store.kept(ORIGIN)
    with pytest.raises(StoreError) as cosigning:
        store.cosign(request_of(3, 9), [LOG_KEY])
    assert reading.value.fault is cosigning.value.fault
    return reading.value.fault


@pytest.fixture
def kept(desk: Desk) -> Desk:
    """A desk whose store keeps a note of three entries."""
    desk.begin()
    desk.store().cosign(request_of(0, 3), [LOG_KEY])
    return desk


def test_a_missing_store_is_not_an_empty_one(kept: Desk) -> None:
    """Without the folder, or with an empty one in its place, nothing is read and nothing cosigned."""
    kept.folder_of_store.rename(kept.folder / "elsewhere")
    assert fault(kept) is StoreFault.MISSING
    kept.folder_of_store.mkdir()
    assert fault(kept) is StoreFault.MISSING
    assert list(kept.folder_of_store.iterdir()) == []


def test_a_store_belongs_to_one_key(kept: Desk) -> None:
    """Another key, of the same name too, does not go on with this store."""
    assert fault(kept, OTHER) is StoreFault.OTHER_KEY
    (kept.folder_of_store / "witness").write_text("")
    assert fault(kept) is StoreFault.OTHER_KEY


def test_a_damaged_note_is_not_a_missing_one(kept: Desk) -> None:
    """Empty, cut, one byte changed, without our line, or with a line of another: refused each time."""
    whole = kept.note.read_bytes()
    body, gap, lines = whole.decode().partition("\n\n")
    log_line, own_line = lines.split("\n")[:2]
    other = cosign(f"{body}\n", OTHER, 5)
    damaged = [b"", whole[:-1], whole[:40], b"\xff" + whole]
    damaged += [whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :] for at in (0, len(ORIGIN) + 1, 40)]
    damaged += [f"{body}{gap}{log_line}\n".encode(), f"{body}{gap}{log_line}\n{other}".encode()]
    damaged += [f"{body}{gap}{own_line}\n{own_line}\n".encode(), whole + bytes(300_000)]
    for data in damaged:
        kept.note.write_bytes(data)
        assert fault(kept) is StoreFault.DAMAGED
        assert kept.note.read_bytes() == data
    kept.note.write_bytes(whole)
    assert kept.store().kept(ORIGIN) is not None


def test_the_note_of_another_log_is_not_this_ones(kept: Desk) -> None:
    """A file under another log's name is no note of that log."""
    other = "log.other.example/test"
    kept.note.rename(kept.folder_of_store / f"{sha256(other.encode()).hexdigest()}.note")
    with pytest.raises(StoreError) as caught:
        kept.store().kept(other)
    assert caught.value.fault is StoreFault.DAMAGED


def test_a_cosignature_of_ours_that_the_store_forgot_stops_it(kept: Desk) -> None:
    """A larger note with our line is proof that the store is an older one; one of the kept size is not."""
    note = log_of(9).note()
    ours = with_lines(note, cosign(note.partition("\n\n")[0] + "\n", WITNESS, 5))
    request = request_of(3, 9)
    with pytest.raises(StoreError) as caught:
        kept.store().cosign(type(request)(old=3, hashes=request.hashes, note=ours), [LOG_KEY])
    assert caught.value.fault is StoreFault.OLDER
    kept.store().cosign(request, [LOG_KEY])
    assert kept.store().cosign(type(request)(old=9, hashes=(), note=ours), [LOG_KEY]).checkpoint.size == 9


def test_nothing_of_a_store_is_open_to_others(kept: Desk) -> None:
    """Folders and files are the owner's alone."""
    kept.store().keep_evidence(request_of(3, 9), WitnessFault.FORK)
    found = [kept.folder_of_store, *kept.folder_of_store.rglob("*")]
    assert len(found) >= 6
    assert {path.stat().st_mode & 0o077 for path in found} == {0}


def test_evidence_does_not_fill_the_disk(kept: Desk) -> None:
    """A log that shows another contradiction each time is kept a thousand times, and no more."""
    above = kept.folder_of_store / "evidence"
    for number in range(1000):
        (above / f"x-{number}").mkdir()
    assert kept.store().keep_evidence(request_of(3, 9), WitnessFault.FORK) == above
    assert len(list(above.iterdir())) == 1000
