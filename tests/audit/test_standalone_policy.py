"""The one-file verifier reads a policy as the package does, or names the same fault in the same line."""

import contextlib
import io
from pathlib import Path
from random import Random

import pytest

from audit import standalone
from audit.errors import PolicyError
from audit.policy import read_policy
from crypto.notes import COSIGNATURE, SignerKey, note_key_id, public_of, write_vkey
from tests.audit.bundles import POLICY, Log, save, whole
from tests.audit.examples import SEED, VKEY
from tests.audit.tamper.logs import honest, leaves
from tests.audit.tamper.run import Shelf
from tests.audit.tamper.verifiers import ask

SIGNERS = [
    SignerKey(name=f"w.example/{at}", algorithm=COSIGNATURE, seed=bytes([at]) * 32) for at in range(11, 15)
]
VKEYS = [write_vkey(one.name, public_of(one.seed), COSIGNATURE) for one in SIGNERS]
WITNESSES = "".join(f"witness w{at} {vkey}\n" for at, vkey in enumerate(VKEYS))
QUORUMS = [
    "quorum none\n",
    "quorum w3\n",
    "group g any w0 w1\nquorum g\n",
    "group g all w0 w1 w2\nquorum g\n",
    "group g 2 w0 w1 w2\ngroup h 2 g w3\nquorum h\n",
    "group a 1 w0 w1\ngroup b all w2 w3\ngroup c any a b\nquorum c\n",
]


@pytest.mark.parametrize("quorum", QUORUMS)
def test_quorums_are_counted_alike(quorum: str, tmp_path: Path) -> None:
    """Each set of witnesses is enough for both verifiers, or for neither."""
    accepted, shelf = set(), Shelf(tmp_path)
    for number in range(16):
        witnesses = [signer for at, signer in enumerate(SIGNERS) if number >> at & 1]
        files = whole(Log(leaves=leaves(1), witnesses=witnesses))
        answer = ask(shelf.hold(files), f"log {VKEY}\n{WITNESSES}{quorum}")
        accepted.add(answer["ok"])
    assert True in accepted and (False in accepted or quorum == "quorum none\n")


def test_groups_as_deep_as_a_policy_can_hold_are_counted(tmp_path: Path) -> None:
    """A group in a group, 500 times, is no more than a long line of names."""
    groups = "".join(f"group g{at + 1} any g{at}\n" for at in range(500)).replace(" g0\n", " w0\n")
    files = whole(Log(leaves=leaves(1), witnesses=SIGNERS[:1]))
    path, policy = save(files, tmp_path / "bundle"), tmp_path / "policy"
    for witness, code in (("w0", 0), ("w1", 1)):
        text = f"log {VKEY}\n{WITNESSES}{groups.replace(' w0', f' {witness}')}quorum g500\n"
        policy.write_text(text, "utf-8")
        with contextlib.redirect_stdout(io.StringIO()):
            assert standalone.main([str(path), "--policy", str(policy)]) == code


OTHER_VKEY = write_vkey("other.example", public_of(b"\x08" * 32))
GOOD = f"""# contact: the city, 03-0000-0000
log {VKEY} https://log.example/
log {OTHER_VKEY}

 {WITNESSES}group two 2 w0 w1 w2
\tgroup 立会 any two w3\t
# contact: somebody else
quorum 立会
"""
HIDDEN = "log.\u200bexample"
BAD = [
    "",
    "\n",
    "quorum none",
    "quorum\n",
    "quorum none none\n",
    "quorum none\nquorum none\n",
    "quorum nobody\n",
    "log\nquorum none\n",
    f"log {VKEY} a b\nquorum none\n",
    f"log {VKEY}x\nquorum none\n",
    f"log {VKEYS[0]}\nquorum none\n",
    f"log {VKEY}\nlog {VKEY}\nquorum none\n",
    f"witness a {VKEY}\nquorum a\n",
    f"witness none {VKEYS[0]}\nquorum none\n",
    f"witness a {VKEYS[0]}\nwitness a {VKEYS[1]}\nquorum none\n",
    f"witness a {VKEYS[0]}\nwitness b {VKEYS[0]}\nquorum none\n",
    f"quorum w0\n{WITNESSES}",
    f"{WITNESSES}group g 0 w0\nquorum g\n",
    f"{WITNESSES}group g 01 w0\nquorum g\n",
    f"{WITNESSES}group g 2 w0\nquorum g\n",
    f"{WITNESSES}group g １ w0\nquorum g\n",
    f"{WITNESSES}group g some w0\nquorum g\n",
    f"{WITNESSES}group g all\nquorum g\n",
    f"{WITNESSES}group w0 all\nquorum w0\n",
    f"{WITNESSES}group g any w0 w0\nquorum g\n",
    f"{WITNESSES}group g any none\nquorum g\n",
    f"{WITNESSES}group g any g\nquorum g\n",
    f"{WITNESSES}group g any w9\nquorum g\n",
    f"{WITNESSES}group w0 any w1\nquorum w0\n",
    f"{WITNESSES}group g any w0\ngroup h any w0\nquorum h\n",
    "log x+00000000+AAAA\nquorum none\n",
    "Log x\nquorum none\n",
    "quorum\u00a0none\n",
    "quorum none\r\n",
    "quorum none\u00a0\n",
    "\u3000quorum none\n",
    "quorum noneX\n",
    "Xquorum none\n",
    f"log {HIDDEN}+{note_key_id(HIDDEN, public_of(SEED)).hex()}+{VKEY.split('+', 2)[2]}\nquorum none\n",
    "quorum none # all\n",
    "quorum none\n\x7f\n",
    "#\n" * 512 + "quorum none\n",
    "#" * 65_524 + "\nquorum none\n",
]


def read_by_both(data: bytes) -> tuple[str, int | None]:
    """The fault and the line that both name, or nothing; where both read it, they read the same."""
    try:
        policy = read_policy(data)
    except PolicyError as error:
        with pytest.raises(standalone.RefusedError) as caught:
            standalone.Policy(data)
        assert caught.value.args == ("policy", error.line, error.fault), data
        return error.fault, error.line
    other = standalone.Policy(data)
    keys = {**dict.fromkeys(policy.logs, ""), **{key: name for name, key in policy.witnesses.items()}}
    assert other.keys == {
        (key.name, key.key_id): (key.algorithm, key.public, name) for key, name in keys.items()
    }
    groups = {name: (len(group.members), group.threshold) for name, group in policy.groups.items()}
    assert groups == {
        name: (len(members), count)
        for name, (count, members) in other.groups.items()
        if name != "none" and name not in policy.witnesses
    }
    assert (other.quorum, other.contact) == (policy.quorum, policy.contact)
    return "", None


def test_good_policies_are_read_alike() -> None:
    """Spaces, tabs, comments, addresses, several logs, and groups in groups."""
    for quorum in QUORUMS:
        assert read_by_both(f"log {VKEY}\n{WITNESSES}{quorum}".encode()) == ("", None)
    assert read_by_both(GOOD.encode()) == ("", None)
    assert standalone.Policy(GOOD.encode()).contact == "the city, 03-0000-0000"
    assert read_by_both(b"#\n" * 511 + b"quorum none\n") == ("", None)
    assert read_by_both(b"#" * 65_523 + b"\nquorum none\n") == ("", None)


@pytest.mark.parametrize("text", BAD)
def test_bad_policies_are_refused_alike(text: str) -> None:
    """The same fault, in the same line."""
    assert read_by_both(text.encode())[0]


def test_changed_policies_are_read_or_refused_alike() -> None:
    """Bytes, words and lines changed: both read the same, or name the same fault and the same line."""
    random, faults = Random(4), set()
    for _ in range(1500):
        data = bytearray(GOOD.encode())
        for _ in range(random.randint(1, 2)):
            lines, at = data.split(b"\n"), random.randrange(len(data))
            line, other = random.randrange(len(lines)), random.randrange(len(lines))
            lines[line], lines[other] = random.choice([(lines[other], lines[line]), (lines[other],) * 2])
            words, flipped = bytes(data).split(b" "), bytearray(data)
            words.insert(random.randrange(len(words)), words.pop(random.randrange(len(words))))
            flipped[at] = random.choice([*b" \n\t#x0\x00\xff", flipped[at] ^ 1 << random.randrange(8)])
            data = bytearray(
                random.choice([b"\n".join(lines), b" ".join(words), flipped, data[:at] + data[at + 1 :]])
            )
        faults.add(read_by_both(bytes(data))[0])
    assert faults == {"", "text", "line", "name", "key", "quorum"}


def test_a_note_longer_than_the_cap_is_refused() -> None:
    """Also where what stands before the cap is a whole note of its own."""
    note = honest(3).note.encode()
    room = standalone.MAX_NOTE + 1 - len(note) - len("— a \n".encode())
    blob = room // 4 * 4
    line = f"— {'a' * (1 + room - blob)} {'A' * blob}\n".encode()
    assert len(note + line) == standalone.MAX_NOTE + 1
    keys = standalone.Policy(POLICY.encode()).keys
    assert standalone.open_note(note, "note", keys)[1] == 3
    with pytest.raises(standalone.RefusedError) as caught:
        standalone.open_note(note + line, "note", keys)
    assert caught.value.args[0] == "note"
