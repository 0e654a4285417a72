"""Notes that nobody honest made: unknown keys, stripped and malformed signature lines, other origins."""

import base64
from collections.abc import Callable
from random import Random

from audit.checkpoint import body_of, cosign, sign_note, with_lines
from crypto.notes import COSIGNATURE, SignerKey, note_key_id, public_of, write_vkey
from tests.audit.bundles import COSIGNED_AT, POLICY, UNWITNESSED, WITNESS
from tests.audit.examples import ORIGIN, SEED, VKEY, digest
from tests.audit.tamper.attempts import Attempt, Make, refused
from tests.audit.tamper.logs import Honest, note_of

OTHER_SEED = b"\x09" * 32
OTHER_ORIGIN = "log.tsunagi.example/other"
OTHER_VKEY = write_vkey(OTHER_ORIGIN, public_of(OTHER_SEED))
BOTH_LOGS = f"{POLICY}log {OTHER_VKEY}\n"

Forge = Callable[[Random, str], tuple[str, str]]
"""Makes a note of an honest one, and says for which fault it is refused."""


def at_checkpoint(forge: Forge, policy: str = POLICY) -> Make:
    """The forged note stands as the bundle's checkpoint."""

    def make(random: Random, log: Honest) -> Attempt:
        note, fault = forge(random, log.note)
        files = {**log.files, "checkpoint": note.encode()}
        return Attempt(files=files, expected=refused("note", None, fault), policy=policy)

    return make


def at_saved(forge: Forge, policy: str = POLICY) -> Make:
    """The forged note is put where the auditor keeps an older checkpoint."""

    def make(random: Random, log: Honest) -> Attempt:
        note, fault = forge(random, note_of(random.randint(0, log.size)))
        return Attempt(files=log.files, expected=refused("since", None, fault), policy=policy, since=note)

    return make


def lines_of(note: str) -> tuple[str, str]:
    """The signature lines of an honest note: the log's and the witness's."""
    log, witness = note.partition("\n\n")[2].splitlines(keepends=True)
    return log, witness


def with_signatures(note: str, *lines: str) -> str:
    """The note's text over these lines."""
    return f"{body_of(note)}\n{''.join(lines)}"


def signed_as(body: str, name: str, seed: bytes) -> str:
    """A note that this key signed under this name, and that the witness cosigned."""
    return with_lines(sign_note(body, name, seed), cosign(body, WITNESS, COSIGNED_AT))


def some_seed(random: Random) -> bytes:
    """A key that nobody knows."""
    return digest(random.randrange(10**6))


def blob_line(name: str, blob: bytes) -> str:
    """A signature line with these bytes."""
    return f"— {name} {base64.b64encode(blob).decode()}\n"


# An unknown key


def other_key(random: Random, note: str) -> tuple[str, str]:
    """Signed under the log's name with another key."""
    return signed_as(body_of(note), ORIGIN, some_seed(random)), "other_key"


def other_signer(random: Random, note: str) -> tuple[str, str]:
    """Signed with another key under its own name."""
    return signed_as(body_of(note), f"log.example/{random.randrange(99)}", some_seed(random)), "unsigned"


def witness_as_log(random: Random, note: str) -> tuple[str, str]:
    """Signed by the witness under the log's name."""
    return signed_as(body_of(note), ORIGIN, WITNESS.seed), "other_key"


def other_witness(random: Random, note: str) -> tuple[str, str]:
    """Cosigned by a key that the policy does not name, under the witness's name or another."""
    name = random.choice([WITNESS.name, "npo.example/w2"])
    stranger = SignerKey(name=name, algorithm=COSIGNATURE, seed=some_seed(random))
    line = cosign(body_of(note), stranger, COSIGNED_AT)
    return with_signatures(note, lines_of(note)[0], line), "quorum"


def other_policy(random: Random, log: Honest) -> Attempt:
    """The auditor's policy has another key under the log's name: the honest log is not the auditor's."""
    vkey = write_vkey(ORIGIN, public_of(some_seed(random)))
    policy = random.choice([POLICY, UNWITNESSED]).replace(VKEY, vkey)
    return Attempt(files=log.files, expected=refused("note", None, "other_key"), policy=policy)


# A signature stripped


def no_log_line(random: Random, note: str) -> tuple[str, str]:
    """Only the witness's line is left."""
    return with_signatures(note, lines_of(note)[1]), "unsigned"


def no_witness_line(random: Random, note: str) -> tuple[str, str]:
    """Only the log's line is left."""
    return with_signatures(note, lines_of(note)[0]), "quorum"


def no_lines(random: Random, note: str) -> tuple[str, str]:
    """No line is left, or no note at all."""
    text = body_of(note)
    return random.choice([f"{text}\n", text, text[:-1], "", "\n", "\n\n"]), "text"


def cut_signature(random: Random, note: str) -> tuple[str, str]:
    """A line still names its key, and its signature is cut off or away."""
    at = random.randrange(2)
    lines = [*lines_of(note)]
    name, blob = lines[at].split(" ")[1:]
    whole = base64.b64decode(blob)
    kept = random.randrange(4, len(whole))
    lines[at] = blob_line(name, whole[:kept])
    return with_signatures(note, *lines), "text" if kept == 4 else "signature"


def cut_log_signature(random: Random, note: str) -> tuple[str, str]:
    """As above, the log's own line."""
    line = lines_of(note)[0]
    whole = base64.b64decode(line.split(" ")[2])
    return with_signatures(note, blob_line(ORIGIN, whole[: random.randrange(5, len(whole))])), "signature"


# A second signature line that is malformed

_RUBBISH = (
    "\n",
    "x\n",
    "—\n",
    "— a\n",
    "— a \n",
    "- a QUJDREVG\n",
    "— a QUJDREVG \n",
    "—  a QUJDREVG\n",
    "— a b QUJDREVG\n",
    "— a+b QUJDREVG\n",
    "— a\u3000b QUJDREVG\n",
    "— a QUJDREVH=\n",
    "— a QUJDRR==\n",
    "— a QUJDREV\n",
    "— a QUJD-EVG\n",
    "— a ＱUJDREVG\n",
    "— a QUJDREVG\r\n",
    "— a QUJDREVG\x00\n",
    "\t— a QUJDREVG\n",
    "— a QUJDREVG",
)


def malformed_line(random: Random, note: str) -> tuple[str, str]:
    """One line more, which is no signature line."""
    rubbish = random.choice(_RUBBISH)
    if not rubbish.endswith("\n") or rubbish == "\n":
        return note + rubbish, "text"
    lines = [*lines_of(note)]
    lines.insert(random.randrange(3), rubbish)
    return with_signatures(note, *lines), "text"


def too_many_lines(random: Random, note: str) -> tuple[str, str]:
    """More lines than a note may have, each of them well-formed."""
    return note + blob_line("a.example", bytes(68)) * random.randint(99, 200), "text"


def second_line(random: Random, note: str) -> tuple[str, str]:
    """The log's key has two lines: the same twice, or one that is false."""
    line = lines_of(note)[0]
    key_id = note_key_id(ORIGIN, public_of(SEED))
    false = blob_line(ORIGIN, key_id + random.choice([bytes(64), random.randbytes(64), b"\x00", bytes(63)]))
    other = sign_note(body_of(note_of(7)), ORIGIN, SEED).rpartition("\n\n")[2]
    lines = [random.choice([line, false, other]), line]
    random.shuffle(lines)
    return with_signatures(note, *lines, lines_of(note)[1]), "signature"


def second_witness_line(random: Random, note: str) -> tuple[str, str]:
    """The witness has two lines: the same twice, one of another time, or one that is false."""
    log, line = lines_of(note)
    later = cosign(body_of(note), WITNESS, COSIGNED_AT + random.randint(1, 10**6))
    blob = base64.b64decode(line.split(" ")[2])
    false = blob_line(WITNESS.name, blob[:4] + random.randbytes(72))
    lines = [log, line, random.choice([line, later, false])]
    random.shuffle(lines)
    return with_signatures(note, *lines), "signature"


def wrong_time(random: Random, note: str) -> tuple[str, str]:
    """The witness's signature stands beside another time than it was made at."""
    log, line = lines_of(note)
    blob = base64.b64decode(line.split(" ")[2])
    time = (COSIGNED_AT + random.randint(1, 10**6)).to_bytes(8, "big")
    return with_signatures(note, log, blob_line(WITNESS.name, blob[:4] + time + blob[12:])), "signature"


# A changed origin

_LIKE_OURS = (
    OTHER_ORIGIN,
    f"{ORIGIN}/2",
    f"{ORIGIN}.",
    ORIGIN.upper(),
    ORIGIN.replace("e", "е"),  # a Cyrillic letter
    ORIGIN[:-1],
    "x",
)


def origin_unsigned(random: Random, note: str) -> tuple[str, str]:
    """Another origin over the old signatures."""
    return note.replace(ORIGIN, random.choice(_LIKE_OURS), 1), "signature"


def origin_signed(random: Random, note: str) -> tuple[str, str]:
    """Another origin, signed by the log's key under its own name, and cosigned."""
    body = body_of(note).replace(ORIGIN, random.choice(_LIKE_OURS), 1)
    return signed_as(body, ORIGIN, SEED), "origin"


def origin_and_name(random: Random, note: str) -> tuple[str, str]:
    """Another origin, signed by the log's key under that name, and cosigned."""
    name = random.choice(_LIKE_OURS)
    return signed_as(body_of(note).replace(ORIGIN, name, 1), name, SEED), "unsigned"


def known_origin(random: Random, note: str) -> tuple[str, str]:
    """Another log of the policy signed this log's text."""
    return signed_as(body_of(note), OTHER_ORIGIN, OTHER_SEED), "origin"


def of_known_log(random: Random, note: str) -> tuple[str, str]:
    """The checkpoint of another log of the policy, honest in itself."""
    body = body_of(note).replace(ORIGIN, OTHER_ORIGIN, 1)
    return signed_as(body, OTHER_ORIGIN, OTHER_SEED), "unsigned"
