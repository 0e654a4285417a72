"""A policy says which logs and witnesses count, and is refused as a whole where a line is not understood."""

import base64
from collections.abc import Sequence

import pytest

from audit.checkpoint import Checkpoint, body_of, cosign, read_key, sign_note, with_lines, write_body
from audit.errors import AuditError, NoteError, NoteFault, PolicyError, PolicyFault
from audit.policy import MAX_POLICY, Group, Policy, open_by_policy, read_policy
from audit.tree import root_of
from crypto.notes import COSIGNATURE, SignerKey, public_of, write_vkey
from tests.audit.bundles import POLICY, UNWITNESSED, WITNESS_VKEY
from tests.audit.examples import ORIGIN, SEED, VKEY, digest

SIGNERS = [
    SignerKey(name=f"w.example/{at}", algorithm=COSIGNATURE, seed=bytes([at]) * 32) for at in range(10, 16)
]
VKEYS = [write_vkey(one.name, public_of(one.seed), COSIGNATURE) for one in SIGNERS]
OTHER_VKEY = write_vkey("log.other.example", public_of(b"\x08" * 32))
POINT = Checkpoint(origin=ORIGIN, size=2, root=root_of([digest(1), digest(2)]))
NOTE = sign_note(write_body(POINT), ORIGIN, SEED)
WITNESSES = "".join(f"witness w{at} {vkey}\n" for at, vkey in enumerate(VKEYS))


def fault_of(text: str | bytes) -> tuple[PolicyFault, int | None]:
    """Why a policy is refused, and on which line."""
    with pytest.raises(PolicyError) as caught:
        read_policy(text if isinstance(text, bytes) else text.encode())
    assert caught.value.args == (caught.value.fault, caught.value.line)
    assert isinstance(caught.value, AuditError)
    return caught.value.fault, caught.value.line


def cosigned(numbers: Sequence[int], note: str = NOTE) -> str:
    """The note with the cosignatures of these witnesses, each at its number in seconds."""
    for number in numbers:
        note = with_lines(note, cosign(body_of(note), SIGNERS[number], number))
    return note


def refusal(note: str, policy: str) -> NoteFault:
    """Why a note is refused by a policy."""
    with pytest.raises(NoteError) as caught:
        open_by_policy(note, read_policy(policy.encode()))
    return caught.value.fault


def test_a_policy_says_all_that_stands_in_it() -> None:
    """Logs, witnesses, groups, the quorum, addresses and whom to call are read as written (C2SP tlog-policy)."""
    text = (
        "# contact:  the city, 03-0000-0000 \n"
        "# contact: somebody else\n"
        "\n"
        f" \tlog  {VKEY}\thttps://log.example/ \n"
        f"log {OTHER_VKEY}\n"
        f"witness w0 {VKEYS[0]} https://w.example/0\n"
        "   # a comment\n"
        f"witness w1 {VKEYS[1]}\n"
        f"witness w2 {VKEYS[2]}\n"
        "group two 2 w0 w1 w2\n"
        f"witness 立会人 {VKEYS[3]}\n"
        "group either any two 立会人\n"
        " \t \n"
        "quorum either\n"
    )
    assert read_policy(text.encode()) == Policy(
        logs=(read_key(VKEY), read_key(OTHER_VKEY)),
        witnesses={
            **{f"w{at}": read_key(VKEYS[at]) for at in range(3)},
            "立会人": read_key(VKEYS[3]),
        },
        groups={
            "two": Group(threshold=2, members=("w0", "w1", "w2")),
            "either": Group(threshold=1, members=("two", "立会人")),
        },
        quorum="either",
        urls={ORIGIN: "https://log.example/", "w.example/10": "https://w.example/0"},
        contact="the city, 03-0000-0000",
    )


def test_a_policy_may_name_no_witness_and_no_log() -> None:
    """Only the quorum is mandatory; `none` asks for no cosignature."""
    empty = read_policy(b"quorum none\n")
    assert empty == Policy(logs=(), witnesses={}, groups={}, quorum="none", urls={}, contact="")
    assert read_policy(b"quorum\tnone\n") == empty
    assert refusal(NOTE, "quorum none\n") is NoteFault.UNSIGNED


def test_a_name_is_read_letter_by_letter() -> None:
    """Only spaces and tabs part words; a name keeps every other letter, at the end of a line too."""
    text = f"witness X {VKEYS[0]}\nwitness \u3000 {VKEYS[1]}\ngroup X\u00a0 any X \u3000\nquorum X\u00a0\n"
    policy = read_policy(text.encode())
    assert (list(policy.witnesses), policy.quorum) == (["X", "\u3000"], "X\u00a0")
    assert policy.groups["X\u00a0"].members == ("X", "\u3000")
    assert read_policy(f"witness X {VKEYS[0]}\nquorum X\n".encode()).quorum == "X"


@pytest.mark.parametrize(("number", "threshold"), [("1", 1), ("2", 2), ("3", 3), ("any", 1), ("all", 3)])
def test_a_group_has_the_threshold_that_is_written(number: str, threshold: int) -> None:
    """`any` is one, `all` is each of them, a number is itself."""
    policy = read_policy(f"{WITNESSES}group g {number} w0 w1 w2\nquorum g\n".encode())
    assert policy.groups == {"g": Group(threshold=threshold, members=("w0", "w1", "w2"))}


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("log", PolicyFault.LINE),
        (f"log {OTHER_VKEY} https://a.example https://b.example", PolicyFault.LINE),
        (f"log {OTHER_VKEY} # comment", PolicyFault.LINE),
        ("logs x", PolicyFault.LINE),
        (f"Log {OTHER_VKEY}", PolicyFault.LINE),
        ("witness", PolicyFault.LINE),
        ("witness x", PolicyFault.LINE),
        (f"witness x {WITNESS_VKEY} https://a.example more", PolicyFault.LINE),
        ("group", PolicyFault.LINE),
        ("group g", PolicyFault.LINE),
        ("group g any", PolicyFault.LINE),
        ("group g 0 w0", PolicyFault.LINE),
        ("group g 01 w0", PolicyFault.LINE),
        ("group g -1 w0", PolicyFault.LINE),
        ("group g +1 w0", PolicyFault.LINE),
        ("group g ² w0 w1", PolicyFault.LINE),
        ("group g 1000 w0", PolicyFault.LINE),
        ("group g none w0", PolicyFault.LINE),
        ("group g 2 w0", PolicyFault.LINE),
        ("group g 4 w0 w1 w2", PolicyFault.LINE),
        ("quorum", PolicyFault.LINE),
        ("quorum w0 w1", PolicyFault.LINE),
        ("threshold 3", PolicyFault.LINE),
        ("w0", PolicyFault.LINE),
        ("quorum x", PolicyFault.QUORUM),
        ("quorum None", PolicyFault.QUORUM),
        ("quorum none\u3000", PolicyFault.QUORUM),
        ("\u3000quorum none", PolicyFault.LINE),
        ("quorum\u00a0none", PolicyFault.LINE),
        ("group g all x", PolicyFault.NAME),
        ("group g all g", PolicyFault.NAME),
        ("group g all w0 w0", PolicyFault.NAME),
        ("group g any none", PolicyFault.NAME),
        ("group g any w0 w0", PolicyFault.NAME),
        ("group w0 any w1", PolicyFault.NAME),
        ("group none any w1", PolicyFault.NAME),
        (f"witness none {WITNESS_VKEY}", PolicyFault.NAME),
        (f"witness w0 {WITNESS_VKEY}", PolicyFault.NAME),
        (f"witness g0 {WITNESS_VKEY}", PolicyFault.NAME),
        ("group g0 any w1", PolicyFault.NAME),
        ("group g any w5", PolicyFault.NAME),
        ("log x", PolicyFault.KEY),
        (f"log {WITNESS_VKEY}", PolicyFault.KEY),
        (f"log {VKEY}", PolicyFault.KEY),
        (f"log {write_vkey('again.example', public_of(SEED))}", PolicyFault.KEY),
        (f"log {VKEY[:-1]}", PolicyFault.KEY),
        ("witness x y", PolicyFault.KEY),
        (f"witness x {OTHER_VKEY}", PolicyFault.KEY),
        (f"witness x {VKEYS[5]}", PolicyFault.KEY),
        (f"witness x {write_vkey('again.example', public_of(SEED), COSIGNATURE)}", PolicyFault.KEY),
        (f"log {write_vkey('again.example', public_of(SIGNERS[0].seed))}", PolicyFault.KEY),
    ],
)
def test_a_line_that_is_wrong_refuses_the_file(line: str, fault: PolicyFault) -> None:
    """An unknown line, a name too early or twice, a key of another kind or twice: refused, with the line."""
    head = f"log {VKEY}\n{WITNESSES}group g0 any w5\n"
    read_policy(f"{head}quorum g0\n".encode())
    assert fault_of(f"{head}{line}\nquorum none\n") == (fault, 9)


def test_there_is_exactly_one_quorum() -> None:
    """Without a quorum line, or with two, a file is no policy; a name is defined before the quorum."""
    assert fault_of(f"log {VKEY}\n") == (PolicyFault.QUORUM, None)
    assert fault_of(b"") == (PolicyFault.QUORUM, None)
    assert fault_of(b"\n") == (PolicyFault.QUORUM, None)
    assert fault_of("quorum none\nquorum none\n") == (PolicyFault.QUORUM, 2)
    assert fault_of(f"quorum w\nwitness w {WITNESS_VKEY}\n") == (PolicyFault.QUORUM, 1)
    behind = read_policy(f"quorum none\nlog {VKEY}\nwitness w {WITNESS_VKEY}\n".encode())
    assert (behind.logs, list(behind.witnesses)) == ((read_key(VKEY),), ["w"])


@pytest.mark.parametrize(
    "data",
    [
        b"quorum none",
        b"quorum none\r\n",
        b"quorum\x00none\n",
        b"#\x08\nquorum none\n",
        b"#\x0b\nquorum none\n",
        b"#\x1f\nquorum none\n",
        b"#\x7f\nquorum none\n",
        b"#\xff\nquorum none\n",
        b"\xef\xbb\xbf\xff",
        b"\n" * 512 + b"quorum none\n",
    ],
)
def test_another_text_is_no_policy(data: bytes) -> None:
    """Lines of UTF-8 that end in a newline, without control characters but the tab, 512 of them at most."""
    assert fault_of(data) == (PolicyFault.TEXT, None)


def test_the_size_is_capped_first() -> None:
    """65,536 bytes are read, one more is refused whatever it says; 512 lines are read."""
    end = b"quorum none\n"
    full = b"#" + b"\xff" * (MAX_POLICY - len(end)) + end
    assert (MAX_POLICY, len(full)) == (65_536, 65_537)
    assert fault_of(full) == (PolicyFault.SIZE, None)
    longest = b"#" + b"x" * (MAX_POLICY - len(end) - 2) + b"\n" + end
    assert (len(longest), read_policy(longest).quorum) == (MAX_POLICY, "none")
    assert read_policy(b"\n" * 511 + end).quorum == "none"


@pytest.mark.parametrize(
    ("comment", "contact"),
    [
        ("# contact: a", "a"),
        ("#contact:a", "a"),
        ("\t #\x20contact:\t a b \t", "a b"),
        ("#  contact: a", ""),
        ("## contact: a", ""),
        ("# Contact: a", ""),
        ("# contact a", ""),
        ("# contact:", ""),
        ("# contact: " + "a" * 200, "a" * 200),
        ("# contact: " + "a" * 201, ""),
        ("# contact:", ""),
    ],
)
def test_the_contact_is_what_a_comment_says(comment: str, contact: str) -> None:
    """Our own comment names whom to call; every other comment says nothing."""
    assert read_policy(f"{comment}\nquorum none\n".encode()).contact == contact
    if contact:
        assert read_policy(f"# hello\n{comment}\n# contact: x\nquorum none\n".encode()).contact == contact


def test_a_note_of_the_policys_log_and_witness_is_accepted() -> None:
    """What the policy names has signed; who cosigned, and when, is told by the policy's names."""
    text = f"log {OTHER_VKEY}\nlog {VKEY}\n{WITNESSES}group g 2 w1 w3\nquorum g\n"
    found = open_by_policy(cosigned([3, 1, 5, 0]), read_policy(text.encode()))
    assert found.checkpoint == POINT
    assert found.cosigners == (("w0", 0), ("w1", 1), ("w3", 3), ("w5", 5))
    assert open_by_policy(NOTE, read_policy(UNWITNESSED.encode())).cosigners == ()


@pytest.mark.parametrize(
    ("rule", "quorum", "enough", "few"),
    [
        ("", "w1", [[1], [0, 1]], [[], [0]]),
        ("", "none", [[], [2]], []),
        ("group g any w0 w1\n", "g", [[0], [1], [0, 1]], [[], [2]]),
        ("group g all w0 w1\n", "g", [[0, 1]], [[], [0], [1], [0, 2]]),
        ("group g 2 w0 w1 w2\n", "g", [[0, 1], [1, 2], [0, 1, 2]], [[0], [2], [0, 3]]),
        (
            "group x 2 w0 w1 w2\ngroup y any w3 w4\ngroup z all x y\n",
            "z",
            [[0, 1, 3], [1, 2, 4], [0, 1, 2, 3, 4]],
            [[0, 3], [0, 1], [3, 4], [0, 1, 2], [0, 1, 5]],
        ),
    ],
)
def test_the_quorum_is_as_written(
    rule: str, quorum: str, enough: list[list[int]], few: list[list[int]]
) -> None:
    """A group has witnessed where so many of its members have, each witness in one way only."""
    policy = read_policy(f"log {VKEY}\n{WITNESSES}{rule}quorum {quorum}\n".encode())
    for numbers in enough:
        assert open_by_policy(cosigned(numbers), policy).checkpoint == POINT
    for numbers in few:
        with pytest.raises(NoteError) as caught:
            open_by_policy(cosigned(numbers), policy)
        assert caught.value.fault is NoteFault.QUORUM


def test_groups_of_groups_may_be_as_deep_as_the_file_is_long() -> None:
    """A policy that was read can be used, however its groups stand in each other."""
    chain = "".join(f"group g{at} any {f'g{at - 1}' if at else 'w0'}\n" for at in range(500))
    policy = read_policy(f"log {VKEY}\nwitness w0 {VKEYS[0]}\n{chain}quorum g499\n".encode())
    assert open_by_policy(cosigned([0]), policy).cosigners == (("w0", 0),)
    with pytest.raises(NoteError) as caught:
        open_by_policy(NOTE, policy)
    assert caught.value.fault is NoteFault.QUORUM


def test_a_note_of_another_log_is_refused() -> None:
    """Unknown logs, another key under a known name, another origin: each has its own answer."""
    seed = b"\x08" * 32
    stranger = sign_note(write_body(POINT), "log.other.example", seed)
    assert refusal(stranger, UNWITNESSED) is NoteFault.UNSIGNED
    assert refusal(stranger, f"log {VKEY}\nlog {OTHER_VKEY}\nquorum none\n") is NoteFault.ORIGIN
    assert refusal(sign_note(write_body(POINT), ORIGIN, seed), UNWITNESSED) is NoteFault.OTHER_KEY
    assert refusal(sign_note("hello\n", ORIGIN, SEED), UNWITNESSED) is NoteFault.BODY
    assert refusal("hello\n", UNWITNESSED) is NoteFault.TEXT
    assert refusal("x" * 65_537, UNWITNESSED) is NoteFault.SIZE
    both = with_lines(stranger, "— " + NOTE.partition("— ")[2])
    for text in (UNWITNESSED, f"log {OTHER_VKEY}\nlog {VKEY}\nquorum none\n"):
        assert open_by_policy(both, read_policy(text.encode())).checkpoint == POINT


def test_a_false_cosignature_refuses_the_note() -> None:
    """A known witness's line that does not hold is not passed over, though the quorum stands without it."""
    false = base64.b64encode(read_key(VKEYS[1]).key_id + bytes(72)).decode()
    note = with_lines(cosigned([0]), f"— {SIGNERS[1].name} {false}\n")
    policy = f"log {VKEY}\n{WITNESSES}quorum w0\n"
    assert refusal(note, policy) is NoteFault.SIGNATURE
    assert open_by_policy(note, read_policy(f"log {VKEY}\nwitness w0 {VKEYS[0]}\nquorum w0\n".encode()))


def test_a_witness_of_another_policy_does_not_count() -> None:
    """A cosignature by a key that is not in the file, even under a known name, is no cosignature."""
    impostor = SignerKey(name=SIGNERS[0].name, algorithm=COSIGNATURE, seed=b"\x07" * 32)
    note = with_lines(NOTE, cosign(body_of(NOTE), impostor, 1))
    assert refusal(note, f"log {VKEY}\nwitness w0 {VKEYS[0]}\nquorum w0\n") is NoteFault.QUORUM
    assert refusal(cosigned([0]), POLICY) is NoteFault.QUORUM
