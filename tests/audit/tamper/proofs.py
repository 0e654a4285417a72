"""Proofs that were tampered with: hashes too many, too few or elsewhere, and other indices."""

from collections.abc import Callable
from random import Random

from audit.checkpoint import open_checkpoint, read_key
from audit.errors import ProofFault, WitnessFault
from audit.proof import ProofText, read_proof, verify_consistency, verify_inclusion, write_proof
from audit.tree import consistency_proof, hashes_from, inclusion_path, inclusion_proof, leaf_hash, root_of
from audit.witness import AddCheckpoint, consider, read_request, write_request
from tests.audit.bundles import COSIGNED_AT, WITNESS
from tests.audit.examples import VKEY, digest
from tests.audit.tamper.attempts import ProofAttempt
from tests.audit.tamper.logs import Honest, note_of

Hashes = tuple[bytes, ...]


def grown(random: Random, log: Honest) -> tuple[int, Hashes]:
    """An older size, and the proof that the log continues it."""
    old = random.randint(1, log.size)
    return old, consistency_proof(old, log.size, hashes_from(log.log.all_hashes))


def extra(random: Random, proof: Hashes) -> Hashes:
    """The proof with one or more hashes too many, new ones or copies, anywhere."""
    made = [*proof]
    for _ in range(random.choice([1, 1, 2, 64])):
        made.insert(random.randint(0, len(made)), random.choice([*proof, digest(random.randrange(99))]))
    return tuple(made)


def missing(random: Random, proof: Hashes) -> Hashes:
    """The proof without one of its hashes, or without any; it has one or more."""
    at = random.randrange(len(proof))
    return random.choice([proof[:at] + proof[at + 1 :], proof[:at], ()])


def consistency_of(log: Honest, old: int, proof: Hashes, *faults: ProofFault) -> ProofAttempt:
    """The proof, shown to somebody who holds the two true roots."""
    roots = root_of(log.log.all_hashes[:old]), root_of(log.log.all_hashes)
    return ProofAttempt(
        check=lambda: verify_consistency(old, log.size, proof, *roots), expected=frozenset(faults)
    )


def consistency_with_extra(random: Random, log: Honest) -> ProofAttempt:
    """Hashes too many, for a log that grew or did not."""
    old, proof = grown(random, log)
    return consistency_of(log, old, extra(random, proof), ProofFault.LENGTH)


def consistency_with_missing(random: Random, log: Honest) -> ProofAttempt:
    """Hashes too few; the log has two entries or more."""
    old = random.randrange(1, log.size)
    proof = consistency_proof(old, log.size, hashes_from(log.log.all_hashes))
    return consistency_of(log, old, missing(random, proof), ProofFault.LENGTH)


def consistency_with_other(random: Random, log: Honest) -> ProofAttempt:
    """As many hashes, of which one is another, or of another length; the log has two entries or more."""
    old = random.randrange(1, log.size)
    proof = [*consistency_proof(old, log.size, hashes_from(log.log.all_hashes))]
    at = random.randrange(len(proof))
    new, fault = random.choice(
        [
            (digest(random.randrange(99)), ProofFault.ROOT),
            (proof[at][:-1], ProofFault.HASH),
            (proof[at] + b"\0", ProofFault.HASH),
            (b"", ProofFault.HASH),
            (proof[at] * 2, ProofFault.HASH),
        ]
    )
    return consistency_of(log, old, (*proof[:at], new, *proof[at + 1 :]), fault)


def consistency_out_of_order(random: Random, log: Honest) -> ProofAttempt:
    """The right hashes in another order; the log has three entries or more."""
    hash_of = hashes_from(log.log.all_hashes)
    proofs = {old: consistency_proof(old, log.size, hash_of) for old in (1, random.randrange(1, log.size))}
    old, proof = random.choice([one for one in proofs.items() if len(one[1]) > 1])
    return consistency_of(log, old, proof[1:] + proof[:1], ProofFault.ROOT)


def from_nothing(random: Random, log: Honest) -> ProofAttempt:
    """A proof from the empty tree, which proves nothing."""
    _, proof = grown(random, log)
    return consistency_of(log, 0, random.choice([proof, (), extra(random, proof)]), ProofFault.SIZE)


def to_a_witness(tamper: Callable[[Random, Hashes], Hashes]) -> Callable[[Random, Honest], ProofAttempt]:
    """The same proof in a request to a witness, which cosigned the older size; the log has two entries or more."""

    def make(random: Random, log: Honest) -> ProofAttempt:
        old = random.randrange(1, log.size)
        proof = tamper(random, consistency_proof(old, log.size, hashes_from(log.log.all_hashes)))[:63]
        request = AddCheckpoint(old=old, hashes=proof, note=note_of(log.size))
        kept, keys = note_of(old), (read_key(VKEY),)

        def check() -> None:
            consider(read_request(write_request(request)), kept, keys, WITNESS, COSIGNED_AT)

        return ProofAttempt(check=check, expected=frozenset({WitnessFault.PROOF}))

    return make


def included(log: Honest, index: int) -> Hashes:
    """The proof that an entry stands where it does."""
    return inclusion_proof(index, log.size, hashes_from(log.log.all_hashes))


def inclusion_of(log: Honest, index: int, claimed: int, proof: Hashes) -> ProofAttempt:
    """The proof of an entry, shown as one of the same entry under another index."""
    leaf, root = leaf_hash(log.texts[index]), root_of(log.log.all_hashes)
    if not 0 <= claimed < log.size:
        fault = ProofFault.SIZE
    else:
        same = len(inclusion_path(claimed, log.size)) == len(proof)
        fault = ProofFault.ROOT if same else ProofFault.LENGTH
    return ProofAttempt(
        check=lambda: verify_inclusion(leaf, claimed, log.size, proof, root), expected=frozenset({fault})
    )


def other_index(random: Random, log: Honest, index: int) -> int:
    """An index that is not this one: a neighbour, one bit away, anywhere, or outside."""
    near = [index ^ 1, index ^ 1 << random.randrange(12), index + 1, index - 1, log.size, -1]
    return random.choice([one for one in (*near, random.randrange(log.size)) if one != index])


def inclusion_elsewhere(random: Random, log: Honest) -> ProofAttempt:
    """A true proof under another index."""
    index = random.randrange(log.size)
    return inclusion_of(log, index, other_index(random, log, index), included(log, index))


def inclusion_of_another(random: Random, log: Honest) -> ProofAttempt:
    """The true proof of another entry with this entry's hash; the log has two entries or more."""
    index, other = random.sample(range(log.size), 2)
    return inclusion_of(log, index, other, included(log, other))


def inclusion_in_text(random: Random, log: Honest) -> ProofAttempt:
    """A kept proof file whose index was changed; whoever reads it takes size and root from the signed note."""
    index = random.randrange(log.size)
    claimed = other_index(random, log, index)
    text = write_proof(ProofText(index=index, hashes=included(log, index), note=log.note))
    forged = text.replace(f"\nindex {index}\n", f"\nindex {claimed}\n")
    expected = inclusion_of(log, index, claimed, included(log, index)).expected

    def check() -> None:
        proof = read_proof(forged)
        point = open_checkpoint(proof.note, read_key(VKEY))
        verify_inclusion(leaf_hash(log.texts[index]), proof.index, point.size, proof.hashes, point.root)

    return ProofAttempt(check=check, expected=expected if claimed >= 0 else frozenset({ProofFault.TEXT}))
