"""A bundle is accepted whole, signed, cosigned and unchanged, and in no other case (formats.md §26)."""

import base64
import io
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from audit.bundle import TABLE, TILES_A_PART, Verified, verify_bundle
from audit.checkpoint import Checkpoint, body_of, cosigned, read_key, sign_note, write_body
from audit.event import Decision, Entry, Event, Purpose, Reason, canonical
from audit.layout import read_bundle
from audit.policy import Cosigned, read_policy
from audit.scan import Step, VerifyError
from audit.tree import leaf_hash, root_of
from audit.words import write_json
from crypto.notes import public_of, sign, write_vkey
from tests.audit.bundles import (
    COSIGNED_AT,
    POLICY,
    UNWITNESSED,
    WITNESS,
    Files,
    Log,
    entry_bundles,
    hash_tiles,
    in_memory,
    little_memory,
    of_case,
    second_opinion,
    since,
    table,
    whole,
)
from tests.audit.examples import ORIGIN, SEED, START, VKEY, digest, full_entry, many_leaves, small_leaves

KNOWN = json.loads((Path(__file__).parents[1] / "vectors" / "log.json").read_text("utf-8"))
TRUST = read_policy(POLICY.encode())
LEAVES = small_leaves(600)
LOG = Log(leaves=LEAVES)
FILES = whole(LOG)
CASE = "c_" + "4" * 32
LATER = START.replace(minute=59)


def judge(files: Mapping[str, bytes], old: str | None, policy: str) -> Verified | VerifyError:
    """The verdict on a bundle; the verifier of one file, which shares no line with ours, must say the same."""
    outcome: Verified | VerifyError
    try:
        outcome = verify_bundle(in_memory(files), read_policy(policy.encode()), old)
    except VerifyError as error:
        outcome = error
    assert json.loads(write_json(outcome)) == second_opinion(files, policy, old)
    return outcome


def accept(files: Mapping[str, bytes], old: str | None = None, policy: str = POLICY) -> Verified:
    """What a bundle proves."""
    found = judge(files, old, policy)
    assert isinstance(found, Verified), found
    return found


def fault_of(
    files: Mapping[str, bytes], old: str | None = None, policy: str = POLICY
) -> tuple[Step, int | None, str]:
    """Where a bundle is refused."""
    found = judge(files, old, policy)
    assert isinstance(found, VerifyError), found
    return found.step, found.index, found.fault


def without(files: Mapping[str, bytes], *names: str) -> Files:
    """The files but these."""
    return {name: data for name, data in files.items() if name not in names}


def put(changes: Mapping[int, bytes | None], log: Log = LOG) -> Log:
    """The log with other leaves at these places, signed as if it had always been so."""
    leaves, hashes = list(log.leaves), list(log.all_hashes)
    for at, leaf in changes.items():
        leaves[at] = leaf
        hashes[at] = hashes[at] if leaf is None else leaf_hash(leaf)
    return replace(log, leaves=leaves, hashes=hashes)


def says(event: Event, reference: int | None = None, number: int = 9999, *, denied: bool = False) -> bytes:
    """An entry that comes after all of the small log."""
    decision, reason = (Decision.DENY, Reason.ROLE) if denied else (None, None)
    entry = Entry(event=event, id=digest(number)[:16], reference=reference, decision=decision, reason=reason)
    return canonical(entry, LATER)


def test_the_frozen_bundle_is_accepted() -> None:
    """A bundle that was exported once is accepted for ever, byte for byte as it was."""
    frozen = KNOWN["bundle"]
    files = {
        name: bytes.fromhex(text) if name.startswith("tile/") else text.encode()
        for name, text in frozen["files"].items()
    }
    found = accept(files, policy=frozen["policy"])
    assert (found.read, found.cosigned.checkpoint.size, found.table) == (3, 3, True)
    assert found.cosigned.cosigners == (("npo", 1_767_225_600),)
    leaves = read_bundle(files["tile/entries/000.p/3"], 3)
    log = Log(leaves=leaves, origin=KNOWN["log"]["name"], witnesses=())
    made = {**whole(log), "checkpoint": files["checkpoint"]}
    assert made == files
    assert frozen["files"]["checkpoint"].startswith(log.note())


@pytest.mark.parametrize("count", [0, 1, 2, 255, 256, 257, 512, 700])
def test_a_true_bundle_is_accepted(count: int) -> None:
    """No false alarm: every size is accepted, the empty log too, and says what was proved."""
    log = Log(leaves=small_leaves(count))
    point = Checkpoint(origin=ORIGIN, size=count, root=root_of(log.all_hashes))
    last = f"2026-11-23T05:50:27.{178 + count}Z"
    assert accept(whole(log)) == Verified(
        cosigned=Cosigned(checkpoint=point, cosigners=(("npo", COSIGNED_AT),)),
        scope="whole",
        read=count,
        first="2026-11-23T05:50:27.179Z" if count else "",
        last=last if count else "",
        redacted=(),
        pruned=0,
        table=True,
        since=None,
    )
    assert not accept(without(whole(log), TABLE)).table


def padded(length: int) -> bytes:
    """A leaf of so many bytes: of a read of many fields, whose codes are as long as is needed."""
    bare = Entry(event=Event.CASE_READ, id=digest(7777)[:16], subject=CASE, purpose=Purpose.FOOD_SUPPORT)
    codes = [f"f{number:02}{'x' * 37}" for number in range(99)]
    each = len('"",') + len(codes[0])
    more, missing = divmod(length - len(canonical(replace(bare, fields=(codes[0],)), LATER)), each)
    short = [
        code[: 40 - (each - missing) // 2] for code in codes[:2]
    ]  # one code too many, so two are shorter
    short[1] = short[1][: len(short[1]) - (each - missing) % 2]
    return canonical(replace(bare, fields=(*short, *codes[2 : more + 2])), LATER)


def test_the_longest_entry_is_accepted_and_no_longer_one() -> None:
    """2,048 bytes; one that claims more does not fit its bundle."""
    longest = padded(2048)
    assert len(longest) == 2048
    log = put({2: longest}, Log(leaves=LEAVES[:3]))
    assert accept(whole(log)).read == 3
    long = Log(leaves=[b"x" * 2049])
    assert fault_of({**whole(Log(leaves=LEAVES[:1])), **entry_bundles(long.leaves)}) == (Step.ENTRIES, 0, "")


def test_a_commitment_may_begin_with_any_letter() -> None:
    """In the table it is guarded only where a spreadsheet would calculate."""
    begins = {0x5F: "X", 0xF8: "+", 0xFC: "/", 0x00: "A", 0xD0: "0"}
    entries = [
        Entry(event=Event.LOGIN_OK, id=digest(800 + at)[:16], detail=bytes([first, *range(31)]))
        for at, first in enumerate(begins)
    ]
    log = Log(leaves=[canonical(one, LATER) for one in entries])
    rows = whole(log)[TABLE].decode().splitlines()[1:]
    for row, letter in zip(rows, begins.values(), strict=True):
        cell = "'+" if letter == "+" else letter
        assert f',"{cell}' in row
    assert accept(whole(log)).table


@pytest.mark.parametrize(
    ("size", "first"), [(0, 0), (1, 0), (255, 0), (256, 256), (511, 256), (512, 512), (599, 512), (600, 512)]
)
def test_a_bundle_since_an_entry_begins_with_its_tile(size: int, first: int) -> None:
    """Entries before that are there by their hashes only (formats.md §26)."""
    files = since(LOG, size)
    assert sorted(name for name in files if "entries/" in name) == sorted(entry_bundles(LEAVES, first // 256))
    found = accept(files)
    assert (found.scope, found.read) == (f"since {size}", 600 - first)
    assert found.first == f"2026-11-23T05:50:27.{179 + first}Z"
    assert found.last == "2026-11-23T05:50:27.778Z"
    assert accept({**files, TABLE: table(LEAVES, first)}).table


def test_a_bundle_since_a_size_that_is_not_reached_yet_holds_the_last_tile() -> None:
    """A size above the log's is taken for the log's."""
    files = {**since(LOG, 600), "scope": b"tsunagi-export/v1\nsince 9999999999999\n"}
    assert (accept(files).read, accept(files).scope) == (88, "since 9999999999999")
    even = Log(leaves=LEAVES[:512])
    files = {**since(even, 512), "scope": b"tsunagi-export/v1\nsince 513\n"}
    assert (accept(files).read, accept(files).first, accept(files).last) == (0, "", "")


def test_tiles_without_entries_are_checked_too() -> None:
    """Before `since`, each tile of hashes is there and leads to the root."""
    files = since(LOG, 512)
    changed = {**files, "tile/0/001": files["tile/0/001"][:-1] + b"\x00"}
    assert fault_of(changed) == (Step.TILE, 0, "")
    small = since(Log(leaves=LEAVES[:513]), 513)
    assert fault_of({**small, "tile/0/000": bytes(8192), "tile/1/000.p/2": bytes(64)})[0] is Step.TILE
    assert fault_of(without(files, "tile/0/000")) == (Step.TILE, 0, "")
    assert fault_of(without(files, "tile/0/001")) == (Step.TILE, 256, "")


def cased() -> Log:
    """A log with three entries of one case."""
    entry = full_entry(0)
    mine = {at: canonical(replace(entry, id=digest(at + 5000)[:16]), LATER) for at in (300, 301, 599)}
    return put(mine)


def test_a_bundle_of_one_case_holds_that_case() -> None:
    """Inclusion only: nothing is said of the others, and a table beside it, which nothing proves, is refused."""
    log = cased()
    files = of_case(log, CASE)
    assert accept(files) == Verified(
        cosigned=Cosigned(
            checkpoint=Checkpoint(origin=ORIGIN, size=600, root=root_of(log.all_hashes)),
            cosigners=(("npo", COSIGNED_AT),),
        ),
        scope=f"case {CASE}",
        read=3,
        first="2026-11-23T05:59:27.179Z",
        last="2026-11-23T05:59:27.179Z",
        redacted=(),
        pruned=0,
        table=False,
        since=None,
    )
    old = accept(files, log.note(299)).since
    assert old == Checkpoint(origin=ORIGIN, size=299, root=root_of(LOG.all_hashes[:299]))
    assert fault_of(files, Log(leaves=many_leaves(299)).note()) == (Step.SINCE, None, "fork")
    for beside in (b"rubbish", b"", FILES[TABLE]):
        assert fault_of({**files, TABLE: beside}) == (Step.TABLE, None, "")
    assert fault_of(without(files, "leaves")) == (Step.ENTRIES, None, "")
    assert fault_of({**files, "leaves": b"300 {}\n"}) == (Step.LEAF, 300, "form")
    assert fault_of({**files, "leaves": files["leaves"] + b"600 {}\n"}) == (Step.ENTRIES, 599, "")
    other = {**files, "scope": b"tsunagi-export/v1\ncase c_" + b"5" * 32 + b"\n"}
    assert fault_of(other) == (Step.SCOPE, 300, "")
    for name in ("tile/0/000", "tile/0/002.p/88", "tile/1/000.p/2"):
        assert fault_of(without(files, name))[0] is Step.TILE
        changed = bytearray(files[name])
        changed[5] ^= 1
        assert fault_of({**files, name: bytes(changed)})[0] in (Step.TILE, Step.ROOT)


@pytest.mark.parametrize("count", [65_535, 65_536, 131_072])
def test_tiles_of_tiles_of_roots_are_checked(count: int) -> None:
    """From 65,536 entries on there is a third level, and it must be made of the second."""
    entry = canonical(full_entry(0), LATER)
    hashes = [digest(number) for number in range(count)]
    hashes[300] = leaf_hash(entry)
    files = of_case(Log(leaves=[None] * 300 + [entry], hashes=hashes), "c_" + "4" * 32)
    found = accept(files)
    assert (found.read, found.cosigned.checkpoint.size) == (1, count)
    third = [name for name in files if name.startswith("tile/2/")]
    assert third == ([f"tile/2/000.p/{count // 65_536}"] if count >= 65_536 else [])
    for name in third:
        changed = bytearray(files[name])
        changed[-1] ^= 1
        assert fault_of({**files, name: bytes(changed)}) == (Step.TILE, 0, "")
        assert fault_of(without(files, name)) == (Step.TILE, 0, "")


def test_only_the_policys_keys_count() -> None:
    """Whatever is wrong with the note is told, before anything else is looked at."""
    unsigned = b"log.tsunagi.example/test\n"
    stranger = Log(leaves=LEAVES[:5], seed=b"\x09" * 32)
    renamed = Log(leaves=LEAVES[:5], origin="log.other.example")
    hidden = FILES["checkpoint"] + "— a\u200bb QUJDREVG\n".encode()
    for data, fault in (
        (b"", "text"),
        (hidden, "text"),
        (b"\xff", "text"),
        (unsigned, "text"),
        (b"x" * 70_000, "size"),
        (stranger.note().encode(), "other_key"),
        (renamed.note().encode(), "unsigned"),
        (sign_note("hello\n", ORIGIN, SEED).encode(), "body"),
        (
            sign_note(
                FILES["checkpoint"].decode().partition("\n\n")[0].replace("log.", "log\u200b.") + "\n",
                ORIGIN,
                SEED,
            ).encode(),
            "body",
        ),
        (Log(leaves=LEAVES[:5], witnesses=()).note().encode(), "quorum"),
        (FILES["checkpoint"].replace(b"\n600\n", b"\n601\n"), "signature"),
    ):
        assert fault_of({"checkpoint": data}) == (Step.NOTE, None, fault)
    assert fault_of(without(FILES, "checkpoint")) == (Step.NOTE, None, "text")
    two = f"log {VKEY}\nlog {write_vkey('b.example', public_of(b'8' * 32))}\nquorum none\n"
    crossed = sign_note(write_body(Checkpoint(origin="b.example", size=0, root=root_of([]))), ORIGIN, SEED)
    assert fault_of({"checkpoint": crossed.encode()}, policy=two) == (
        Step.NOTE,
        None,
        "origin",
    )


def cosigned_at(seconds: int) -> bytes:
    """The small log's checkpoint with the witness's line of any time, also one that `cosign` would not sign."""
    bare = Log(leaves=LEAVES, witnesses=()).note()
    signed = seconds.to_bytes(8, "big") + sign(WITNESS.seed, cosigned(body_of(bare), seconds))
    blob = base64.b64encode(WITNESS.verifier().key_id + signed).decode()
    return f"{bare}— {WITNESS.name} {blob}\n".encode()


def test_a_cosignature_of_no_time_or_given_twice_is_refused() -> None:
    """2^63 seconds are no time, one less is; and nobody cosigns a checkpoint twice."""
    for seconds in (0, COSIGNED_AT, 2**63 - 1):
        found = accept({**FILES, "checkpoint": cosigned_at(seconds)})
        assert found.cosigned.cosigners == (("npo", seconds),)
    for seconds in (2**63, 2**64 - 1):
        assert fault_of({**FILES, "checkpoint": cosigned_at(seconds)}) == (Step.NOTE, None, "signature")
    line = cosigned_at(COSIGNED_AT).splitlines(keepends=True)[-1]
    for other in (line, cosigned_at(5).splitlines(keepends=True)[-1]):
        twice = cosigned_at(COSIGNED_AT) + other
        assert fault_of({**FILES, "checkpoint": twice}) == (Step.NOTE, None, "signature")


def test_a_note_has_at_most_65536_bytes() -> None:
    """Bytes are counted, not letters: one more refuses the checkpoint, and the older one."""
    note = FILES["checkpoint"].decode()
    for letter in ("s", "\u3042"):  # one byte, and three
        line = f"— {letter}%s {base64.b64encode(bytes(48_800)).decode()}\n"
        missing = 65_536 - len((note + line % "").encode())
        assert 0 < missing < 255
        for more, held in ((0, True), (1, False), (2, False)):
            longer = (note + line % ("s" * (missing + more))).encode()
            assert len(longer) == 65_536 + more
            if held:
                assert accept({**FILES, "checkpoint": longer}, longer.decode()).read == 600
            else:
                assert fault_of({**FILES, "checkpoint": longer}) == (Step.NOTE, None, "size")
                assert fault_of(FILES, longer.decode()) == (Step.SINCE, None, "size")


def test_no_more_is_read_than_a_file_may_have() -> None:
    """The note is capped at 65,536 bytes, the scope at 128; a table is only looked for (formats.md §26)."""
    asked: dict[str, int] = {}
    bundle = in_memory(FILES)

    def read(name: str, limit: int) -> bytes | None:
        asked[name] = limit
        return bundle.read(name, limit)

    verify_bundle(replace(bundle, read=read), TRUST)
    assert asked == {"checkpoint": 65_536, "scope": 128, TABLE: 0, "tile/1/000.p/2": 8192}
    unknown = f"— stranger {base64.b64encode(bytes(48_000)).decode()}\n"
    longest = FILES["checkpoint"].decode() + unknown
    assert accept({**FILES, "checkpoint": longest.encode()}).read == 600


@pytest.mark.parametrize(
    "scope",
    [
        b"",
        b"whole",
        b"whole\n",
        b"tsunagi-export/v1\n",
        b"tsunagi-export/v1\nwhole",
        b"tsunagi-export/v1\nwhole\n\n",
        b"tsunagi-export/v1\nwhole\nwhole\n",
        b"tsunagi-export/v1\r\nwhole\r\n",
        b"tsunagi-export/v2\nwhole\n",
        b"tsunagi-export/v1\nsince\n",
        b"tsunagi-export/v1\nsince 01\n",
        b"tsunagi-export/v1\nsince -1\n",
        b"tsunagi-export/v1\nsince 10000000000000000\n",
        b"tsunagi-export/v1\ncase c_4\n",
        b"tsunagi-export/v1\ncase b_" + b"4" * 32 + b"\n",
        b"tsunagi-export/v1\ncase c_" + b"A" * 32 + b"\n",
        b"tsunagi-export/v1\nwhole\n" + b" " * 200,
    ],
)
def test_another_scope_is_refused(scope: bytes) -> None:
    """A bundle says in one of three ways what it holds."""
    assert fault_of({**FILES, "scope": scope}) == (Step.SCOPE, None, "")
    assert fault_of(without(FILES, "scope")) == (Step.SCOPE, None, "")


def test_a_size_that_no_log_has_is_refused_at_once() -> None:
    """A checkpoint may claim any size: nothing is made for entries that are not there."""
    for size, answer in (
        (2**40, (Step.TILE, 0, "")),
        (2**40 + 1, (Step.NOTE, None, "body")),
        (10**18, (Step.NOTE, None, "body")),
    ):
        note = sign_note(write_body(Checkpoint(origin=ORIGIN, size=size, root=bytes(32))), ORIGIN, SEED)
        for scope in (b"whole", b"since 0", b"since 300", b"case c_" + b"4" * 32):
            files = {"checkpoint": note.encode(), "scope": b"tsunagi-export/v1\n" + scope + b"\n"}
            with little_memory():
                assert fault_of(files, policy=UNWITNESSED) == answer


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 511, 512, 513, 599, 600])
def test_a_log_that_continues_an_older_checkpoint_is_accepted(size: int) -> None:
    """At every older size the past is the same, whatever the bundle holds."""
    expected = Checkpoint(origin=ORIGIN, size=size, root=root_of(LOG.all_hashes[:size]))
    old = Log(leaves=LEAVES[:size], witnesses=()).note()
    for files in (FILES, since(LOG, 300), since(LOG, 600), of_case(LOG, CASE)):
        assert accept(files, old).since == expected
    assert accept(FILES, LOG.note(size)).since == expected


@pytest.mark.parametrize("size", [1, 255, 256, 257, 511, 512, 513, 599, 600])
def test_another_past_is_a_fork(size: int) -> None:
    """One older entry changed, the first or the last before the older checkpoint's end: refused."""
    for at in {0, size - 1}:
        changed = [*LOG.all_hashes[:size]]
        changed[at] = digest(9999)
        old = Log(leaves=(), hashes=changed).note()
        for files in (FILES, since(LOG, 600)):
            assert fault_of(files, old) == (Step.SINCE, None, "fork")
    wrong = sign_note(write_body(Checkpoint(origin=ORIGIN, size=0, root=digest(0))), ORIGIN, SEED)
    assert fault_of(FILES, wrong) == (Step.SINCE, None, "fork")


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 512])
def test_a_log_continues_itself(size: int) -> None:
    """The older checkpoint may be the newest, also where no tile is partial, and with no entry at all."""
    log = Log(leaves=LEAVES[:size])
    for files in (whole(log), since(log, size), of_case(log, CASE)):
        found = accept(files, log.note())
        assert (found.since, found.cosigned.checkpoint.size) == (found.cosigned.checkpoint, size)
        assert type(found.read) is int
    for files in (whole(LOG), of_case(LOG, CASE)):
        assert accept(files, log.note()).since == Checkpoint(
            origin=ORIGIN, size=size, root=root_of(log.all_hashes)
        )


def test_a_log_that_shrank_is_refused() -> None:
    """The older checkpoint is larger: the index is where the log ends now."""
    small = whole(Log(leaves=LEAVES[:400]))
    assert fault_of(small, LOG.note(401)) == (Step.SINCE, 400, "shrank")
    assert fault_of(small, LOG.note()) == (Step.SINCE, 400, "shrank")
    assert accept(small, LOG.note(400)).read == 400


def test_an_older_checkpoint_is_of_the_same_log() -> None:
    """Its fault is told as the step's; who cosigned it is no matter now."""
    seed = b"\x08" * 32
    trust = f"log {write_vkey('b.example', public_of(seed))}\nlog {VKEY}\nquorum none\n"
    other = Log(leaves=LEAVES[:5], origin="b.example", seed=seed)
    assert fault_of(FILES, other.note(), trust) == (Step.SINCE, None, "unsigned")
    assert accept(whole(other), other.note(3), trust).since == Checkpoint(
        origin="b.example", size=3, root=root_of(LOG.all_hashes[:3])
    )
    for note, fault in (
        ("", "text"),
        ("x" * 70_000, "size"),
        (LOG.note(5).replace("\n5\n", "\n6\n"), "signature"),
        (Log(leaves=LEAVES[:5], seed=b"\x09" * 32).note(), "other_key"),
        (sign_note("hello\n", ORIGIN, SEED), "body"),
        (
            sign_note(write_body(Checkpoint(origin="b.example", size=0, root=root_of([]))), ORIGIN, SEED),
            "origin",
        ),
    ):
        assert fault_of(FILES, note) == (Step.SINCE, None, fault)
    rotated = write_vkey(ORIGIN, public_of(b"\x0a" * 32))
    both = f"log {VKEY}\nlog {rotated}\nquorum none\n"
    old = Log(leaves=LEAVES[:5], seed=b"\x0a" * 32).note()
    assert accept(FILES, old, both).since == Checkpoint(
        origin=ORIGIN, size=5, root=root_of(LOG.all_hashes[:5])
    )
    assert read_key(VKEY) in read_policy(both.encode()).logs


def test_the_note_comes_before_the_scope_and_the_scope_before_the_older_note() -> None:
    """The first step that fails is the one that is told."""
    broken = {**FILES, "checkpoint": b"x", "scope": b"x"}
    assert fault_of(broken, "x")[0] is Step.NOTE
    assert fault_of({**FILES, "scope": b"x"}, "x")[0] is Step.SCOPE
    assert fault_of(without(FILES, "tile/0/000"), "x")[0] is Step.SINCE
    assert fault_of({**FILES, TABLE: b"x", "tile/1/000.p/2": bytes(64)})[0] is Step.TILE


def test_an_entry_in_place_of_another_is_found_where_it_stands() -> None:
    """Edited with its tile but without the signature: the tile above, or the root, says no."""
    edited = put({300: says(Event.LOGIN_FAIL)}).leaves
    log = Log(leaves=edited[:301])
    files = {**whole(log), "checkpoint": Log(leaves=LEAVES[:301]).note().encode()}
    assert fault_of(files) == (Step.ROOT, None, "")
    first = put({0: LEAVES[0].replace(b"login.ok", b"login.fail")})
    files = {**whole(first), "checkpoint": FILES["checkpoint"]}
    assert fault_of(files) == (Step.ROOT, None, "")
    files["tile/1/000.p/2"] = FILES["tile/1/000.p/2"]
    assert fault_of(files) == (Step.TILE, 0, "")


@pytest.mark.parametrize("name", ["tile/1/000.p/2"])
def test_a_tile_of_roots_is_there_and_right(name: str) -> None:
    """Every tile of hashes is in a bundle, above the first level too."""
    assert fault_of(without(FILES, name)) == (Step.TILE, 0, "")
    for wrong in (FILES[name][:-32], FILES[name] + bytes(32), bytes(64), FILES[name][32:] + FILES[name][:32]):
        assert fault_of({**FILES, name: wrong}) == (Step.TILE, 0, "")


def test_one_id_twice_is_refused_at_the_second() -> None:
    """The log's own key cannot sign one id twice; entries without text have none to compare."""
    double = says(Event.LOGIN_OK, number=1)
    assert fault_of(whole(put({599: double}))) == (Step.UNIQUE, 599, "")
    twice = put({597: double, 598: says(Event.LOGIN_OK, number=2), 599: double})
    assert fault_of(whole(twice)) == (Step.UNIQUE, 597, "")
    gone = put(
        {
            0: None,
            5: None,
            597: double,
            598: says(Event.REDACT_ENTRY, 0),
            599: says(Event.REDACT_ENTRY, 5, 9998),
        }
    )
    assert fault_of(whole(gone)) == (Step.UNIQUE, 597, "")
    assert accept(since(put({599: double}), 300)).read == 344
    late = put({599: says(Event.LOGIN_OK, number=300)})
    assert fault_of(since(late, 300)) == (Step.UNIQUE, 599, "")
    assert fault_of(whole(put({0: None, 599: double}))) == (Step.UNIQUE, 599, "")


def test_a_text_that_is_gone_has_its_reason_in_the_log() -> None:
    """A later `redact.entry` names the index; before it, of itself, or refused, it explains nothing."""
    explained = put(
        {10: None, 300: None, 598: says(Event.REDACT_ENTRY, 300), 599: says(Event.REDACT_ENTRY, 10, 9998)}
    )
    found = accept(whole(explained))
    assert (found.redacted, found.pruned, found.read) == ((10, 300), 0, 598)
    assert fault_of(whole(put({10: None}))) == (Step.ABSENT, 10, "")
    assert fault_of(whole(put({10: None, 20: None, 599: says(Event.REDACT_ENTRY, 10)}))) == (
        Step.ABSENT,
        20,
        "",
    )
    assert fault_of(whole(put({0: None, 599: says(Event.REDACT_ENTRY, 0, denied=True)}))) == (
        Step.ABSENT,
        0,
        "",
    )
    assert fault_of(whole(put({0: None, 599: says(Event.REDACT_ENTRY)}))) == (Step.ABSENT, 0, "")
    assert fault_of(whole(put({0: None, 599: says(Event.FLAG_CHECK, 0)}))) == (Step.ABSENT, 0, "")
    early = put({598: says(Event.REDACT_ENTRY, 599), 599: None})
    assert fault_of(whole(early)) == (Step.ABSENT, 599, "")
    assert accept(since(put({300: None, 599: says(Event.REDACT_ENTRY, 300)}), 300)).redacted == (300,)


def test_texts_below_a_pruning_are_gone_without_a_word_each() -> None:
    """`retention.prune` names a multiple of 256 that it does not lie below itself."""
    below = dict.fromkeys(range(256))
    pruned = put({**below, 599: says(Event.RETENTION_PRUNE, 256)})
    found = accept(whole(pruned))
    assert (found.pruned, found.redacted, found.read) == (256, (), 344)
    assert found.first == "2026-11-23T05:50:27.435Z"
    assert "tile/entries/000" not in whole(pruned)
    also = put({300: None, 598: says(Event.REDACT_ENTRY, 300, 9998)}, pruned)
    assert (accept(whole(also)).pruned, accept(whole(also)).redacted) == (256, (300,))
    assert fault_of(whole(put({256: None}, pruned))) == (Step.ABSENT, 256, "")
    assert fault_of(whole(put({598: None}, pruned))) == (Step.ABSENT, 598, "")
    edge = put({255: None, 256: None, 598: says(Event.REDACT_ENTRY, 256, 9998)}, pruned)
    assert (accept(whole(edge)).pruned, accept(whole(edge)).redacted) == (256, (256,))
    for reference in (255, 257, 128, 512, 1024):
        wrong = put({**below, 300: says(Event.RETENTION_PRUNE, reference), **dict.fromkeys(range(301, 600))})
        wrong = replace(wrong, leaves=wrong.leaves[:301], hashes=wrong.hashes[:301])
        assert fault_of(whole(wrong)) == (Step.ABSENT, 0, "")
    denied = put({**below, 599: says(Event.RETENTION_PRUNE, 256, denied=True)})
    assert fault_of(whole(denied)) == (Step.ABSENT, 0, "")


def test_a_pruning_reaches_to_itself_and_the_furthest_counts() -> None:
    """An entry at 256 may prune all before it; of several, the largest number counts."""
    leaves = [*LEAVES[:256], says(Event.RETENTION_PRUNE, 256)]
    log = put(dict.fromkeys(range(256)), Log(leaves=leaves))
    assert (accept(whole(log)).pruned, accept(whole(log)).read) == (256, 1)
    two = {
        **dict.fromkeys(range(512)),
        598: says(Event.RETENTION_PRUNE, 512),
        599: says(Event.RETENTION_PRUNE, 256, 9998),
    }
    assert (accept(whole(put(two))).pruned, accept(whole(put(two))).read) == (512, 88)
    swapped = {**two, 598: says(Event.RETENTION_PRUNE, 256), 599: says(Event.RETENTION_PRUNE, 512, 9998)}
    assert accept(whole(put(swapped))).pruned == 512
    both = put({256: None, 598: says(Event.REDACT_ENTRY, 256), 599: says(Event.RETENTION_PRUNE, 256, 9998)})
    assert (accept(whole(both)).pruned, accept(whole(both)).redacted) == (0, (256,))
    last = put({255: None, 598: says(Event.REDACT_ENTRY, 255), 599: says(Event.RETENTION_PRUNE, 256, 9998)})
    assert (accept(whole(last)).pruned, accept(whole(last)).redacted) == (256, ())


def test_the_table_says_what_the_entries_say() -> None:
    """Byte for byte: a changed cell, a row more, a row less, another head, anything behind."""
    right = FILES[TABLE]
    rows = right.splitlines(keepends=True)
    for wrong in (
        b"",
        right[:-1],
        right + b"\n",
        right + b"x",
        right + rows[-1],
        b"".join(rows[:-1]),
        b"".join(rows[:5] + rows[6:]),
        b"".join([*rows[:5], rows[6], rows[5], *rows[7:]]),
        b"x" + right,
        right[3:],
        rows[0].replace(b"index", b"Index") + b"".join(rows[1:]),
        right.replace(b'"login.ok"', b'"login.no"', 1),
        right.replace(b"login.ok", b"case.read"),
        right.replace(b'"2",', b"2,", 1),
    ):
        assert fault_of({**FILES, TABLE: wrong}) == (Step.TABLE, None, "")
    assert fault_of({**since(LOG, 512), TABLE: right}) == (Step.TABLE, None, "")
    redacted = put({10: None, 599: says(Event.REDACT_ENTRY, 10)})
    assert accept(whole(redacted)).table
    assert fault_of({**whole(redacted), TABLE: right}) == (Step.TABLE, None, "")


def test_a_table_that_vanishes_is_refused() -> None:
    """It was there when the check began: what is not compared is not accepted."""
    bundle = in_memory(FILES)
    lost = replace(bundle, open=lambda name: None if name == TABLE else bundle.open(name))
    with pytest.raises(VerifyError) as caught:
        verify_bundle(lost, TRUST)
    assert caught.value.args == (Step.TABLE, None, "")


def test_streams_are_closed() -> None:
    """No file is left open, accepted or refused."""
    opened: list[io.BytesIO] = []

    def keep(data: bytes) -> io.BytesIO:
        opened.append(io.BytesIO(data))
        return opened[-1]

    bundle = in_memory(FILES)
    verify_bundle(replace(bundle, open=lambda name: keep(FILES[name])), TRUST)
    with pytest.raises(VerifyError):
        verify_bundle(replace(bundle, open=lambda _: keep(b"x")), TRUST)
    case = of_case(cased(), CASE)
    verify_bundle(replace(in_memory(case), open=lambda name: keep(case[name])), TRUST)
    assert [one.closed for one in opened] == [True, True, True]


class TestLarge:
    """A log of more than one part, and of three levels of tiles."""

    SIZE = 65_536 + 512 + 3
    LOG = Log(leaves=many_leaves(SIZE))
    FILES = without(whole(LOG), TABLE)

    def test_a_large_log_is_accepted(self) -> None:
        """Several parts, a complete tile on the second level, one hash on the third."""
        assert {"tile/2/000.p/1", "tile/1/000", "tile/1/001.p/2", "tile/0/258.p/3"} <= set(self.FILES)
        assert TILES_A_PART * 256 == 16_384
        found = accept(self.FILES, self.LOG.note(65_536 + 300))
        assert (found.read, found.first) == (self.SIZE, "2026-11-23T05:00:00.000Z")
        assert found.last == "2026-11-23T05:01:06.050Z"
        assert found.since is not None
        assert accept(self.FILES, self.LOG.note(40_000)).since is not None

    @pytest.mark.parametrize(
        ("name", "index"), [("tile/2/000.p/1", 0), ("tile/1/000", 0), ("tile/1/001.p/2", 65_536)]
    )
    def test_a_tile_of_roots_is_found_by_its_first_entry(self, name: str, index: int) -> None:
        """The index is the first entry below the tile."""
        changed = bytearray(self.FILES[name])
        changed[-1] ^= 1
        case = {**self.FILES, "scope": b"tsunagi-export/v1\ncase c_" + b"4" * 32 + b"\n", "leaves": b""}
        assert fault_of({**case, name: bytes(changed)}) == (Step.TILE, index, "")
        assert fault_of(without(case, name)) == (Step.TILE, index, "")
        assert accept(case).read == 0

    def test_parts_are_compared_with_each_other(self) -> None:
        """A time that goes back between two parts, an id in two parts, a text missing in one."""
        early = many_leaves(1)[0].replace(b'"id":"0', b'"id":"f')
        log = put({16_384: early}, Log(leaves=many_leaves(16_385)))
        assert fault_of(whole(log)) == (Step.TIME, 16_384, "")
        gone = put({16_384: None}, put({16_385: early}, Log(leaves=many_leaves(16_386))))
        assert fault_of(whole(gone)) == (Step.TIME, 16_385, "")
        same = many_leaves(16_385)[-1].replace(b'"id":"%032x"' % 16_384, b'"id":"%032x"' % 7)
        assert fault_of(whole(put({16_384: same}, Log(leaves=many_leaves(16_385))))) == (
            Step.UNIQUE,
            16_384,
            "",
        )
        late = put({16_383: None, 16_385: says(Event.REDACT_ENTRY, 16_383)}, Log(leaves=many_leaves(16_386)))
        assert accept(whole(late)).redacted == (16_383,)
        still = many_leaves(16_384)[-1].replace(b'"id":"0', b'"id":"f')
        assert accept(whole(put({16_384: still}, Log(leaves=many_leaves(16_385))))).read == 16_385

    def test_a_part_that_begins_too_early_is_told_before_what_else_it_breaks(self) -> None:
        """The first entry at fault is named, though its part is refused for another one."""
        early = many_leaves(1)[0].replace(b'"id":"0', b'"id":"f')
        log = put({16_384: early, 16_390: b"{}"}, Log(leaves=many_leaves(16_400)))
        files = without({**whole(Log(leaves=many_leaves(16_400))), **entry_bundles(log.leaves)}, TABLE)
        files |= {**hash_tiles(log.all_hashes), "checkpoint": log.note().encode()}
        assert fault_of(files) == (Step.TIME, 16_384, "")
        late = put({16_390: b"{}"}, Log(leaves=many_leaves(16_400)))
        files = {**files, **entry_bundles(late.leaves), **hash_tiles(late.all_hashes)}
        assert fault_of({**files, "checkpoint": late.note().encode()}) == (Step.LEAF, 16_390, "form")
        still = put({16_384: many_leaves(16_384)[-1], 16_390: b"{}"}, Log(leaves=many_leaves(16_400)))
        files = {**files, **entry_bundles(still.leaves), **hash_tiles(still.all_hashes)}
        assert fault_of({**files, "checkpoint": still.note().encode()}) == (Step.LEAF, 16_390, "form")

    def test_a_part_without_texts_lies_between_others(self) -> None:
        """What was pruned has no times: the order is that of the entries that are there."""
        count = 2 * 16_384 + 2
        leaves: list[bytes | None] = list(many_leaves(count))
        leaves[-1] = says(Event.RETENTION_PRUNE, 32_768)
        hashes = [leaf_hash(leaf or b"") for leaf in leaves]
        leaves[16_384:32_768] = [None] * 16_384
        found = accept(whole(Log(leaves=leaves, hashes=hashes)))
        assert (found.pruned, found.read) == (32_768, 16_386)
        assert found.last == "2026-11-23T05:59:27.179Z"
        leaves[-2] = many_leaves(1)[0].replace(b'"id":"0', b'"id":"f')
        hashes[-2] = leaf_hash(leaves[-2] or b"")
        assert fault_of(whole(Log(leaves=leaves, hashes=hashes))) == (Step.TIME, 32_768, "")

    def test_the_table_is_compared_part_by_part(self) -> None:
        """A row wrong in any part is found."""
        log = Log(leaves=many_leaves(16_400))
        files = whole(log)
        assert accept(files).table
        for at in (5, 16_399):
            row = b'"%d",' % at
            assert fault_of({**files, TABLE: files[TABLE].replace(row, row + b" ", 1)}) == (
                Step.TABLE,
                None,
                "",
            )

    def test_hashes_alone_lead_to_the_root(self) -> None:
        """The tiles of a bundle since its end, and none of its entries but the last."""
        files = since(self.LOG, self.SIZE)
        assert accept(without(files, TABLE)).read == 3
        assert hash_tiles(self.LOG.all_hashes).keys() <= files.keys()
