"""The 24 classes of tampering, and the ways in which each is tried."""

import enum
from collections.abc import Mapping

from tests.audit.tamper import edits, hashes, notes, proofs, texts, trees
from tests.audit.tamper.attempts import Make, Variant, attackers, by, cosigned, one_bundle
from tests.audit.tamper.notes import BOTH_LOGS, Forge, at_checkpoint, at_saved


class Tampering(enum.Enum):
    """What may be done to a log that somebody else checks."""

    BYTE = "a byte is edited"
    TIME = "the time is edited"
    ACTOR = "the actor is edited"
    SWAP = "two entries are swapped"
    FIRST = "the first entry is deleted"
    MIDDLE = "a middle entry is deleted"
    TAIL = "the tail is truncated"
    TAIL_SIGNED = "the tail is truncated, and the log's own key signs the rest"
    DUPLICATE = "an entry is duplicated"
    INSERT = "an entry is inserted"
    RENUMBER = "entries are renumbered"
    OTHER_LOG = "an entry of another log is put in"
    HASH = "one hash of a tile is edited"
    LEAF = "one leaf is edited, and its tile is kept"
    SIZE = "the checkpoint's size is wrong"
    ROLLED_BACK = "the checkpoint is rolled back"
    FORK = "the log is forked against a saved checkpoint"
    UNKNOWN_KEY = "an unknown key signed"
    STRIPPED = "a signature is stripped"
    SECOND_LINE = "a second signature line is malformed"
    ORIGIN = "the origin is changed"
    JSON = "an entry is JSON of the same meaning, not in the canonical form"
    CONSISTENCY = "a consistency proof has extra or missing nodes"
    INCLUSION = "an inclusion proof is shown for another index"


def _all(*makes: Make, smallest: int = 1) -> tuple[Variant, ...]:
    return tuple(Variant(make=make, smallest=smallest) for make in makes)


def _both(*forges: Forge) -> tuple[Variant, ...]:
    """The forged notes, each as the bundle's checkpoint and as the older one that the auditor kept."""
    return _all(*(place(forge) for forge in forges for place in (at_checkpoint, at_saved)), smallest=0)


def _new(*forges: Forge) -> tuple[Variant, ...]:
    """The forged notes, each as the bundle's checkpoint: for what concerns witnesses."""
    return _all(*(at_checkpoint(forge) for forge in forges), smallest=0)


CLASSES: Mapping[Tampering, tuple[Variant, ...]] = {
    Tampering.BYTE: (
        *_all(hashes.any_byte, hashes.any_byte, hashes.any_byte, smallest=0),
        *attackers(edits.edit_digit),
    ),
    Tampering.TIME: (
        *attackers(edits.edit_time),
        *attackers(edits.edit_time_unseen),
        *attackers(edits.edit_time_back, 4, breaks_a_rule=True),
        *attackers(edits.edit_day, breaks_a_rule=True),
    ),
    Tampering.ACTOR: attackers(edits.edit_actor),
    Tampering.SWAP: (*attackers(edits.swap, 2), *attackers(edits.swap_equal, 2)),
    Tampering.FIRST: (
        by(one_bundle, edits.delete_first),
        *attackers(edits.delete_first),
        *_all(texts.blank_first),
    ),
    Tampering.MIDDLE: (
        by(one_bundle, edits.delete_middle, 3),
        *attackers(edits.delete_middle, 3),
        *_all(texts.blank_any, texts.blank_bundle),
        *_all(
            texts.blank_with_excuse(texts.refused_redaction, later=True),
            texts.blank_with_excuse(texts.redaction_before, later=False),
            texts.blank_with_excuse(texts.pruning_of_too_few, later=True),
            texts.blank_by_early_pruning,
            smallest=2,
        ),
    ),
    Tampering.TAIL: (
        *attackers(edits.truncate)[:2],
        *_all(texts.blank_last_bundle),
    ),
    Tampering.TAIL_SIGNED: (
        *attackers(edits.truncate)[2:],
        *attackers(edits.truncate_and_go_on)[2:],
        *_all(trees.regrown),
    ),
    Tampering.DUPLICATE: (
        by(one_bundle, edits.duplicate, 2),
        *attackers(edits.duplicate, 2, breaks_a_rule=True),
        *attackers(edits.duplicate_over, 2, breaks_a_rule=True),
        *attackers(edits.duplicate_id, 2, breaks_a_rule=True),
    ),
    Tampering.INSERT: (by(one_bundle, edits.insert), *attackers(edits.insert)),
    Tampering.RENUMBER: (
        *attackers(edits.move, 2),
        *_all(texts.line_renumbered, texts.row_renumbered),
        *_all(texts.line_out_of_order, smallest=11),
        *_all(texts.bundles_renumbered, smallest=512),
        *_all(
            texts.redaction_renumbered,
            texts.blank_with_excuse(texts.redaction_of_another, later=True),
            smallest=2,
        ),
    ),
    Tampering.OTHER_LOG: (
        *attackers(edits.take_from_other_log),
        *attackers(edits.take_all_from_other_log),
    ),
    Tampering.HASH: (
        *_all(hashes.one_hash, hashes.one_hash_and_above, hashes.hash_beside_case, hashes.other_length),
        *_all(hashes.hash_of_redacted, smallest=2),
        *_all(hashes.hash_below_since, smallest=256),
    ),
    Tampering.LEAF: (
        *_all(texts.leaf_under_tile, texts.leaf_of_case),
        *_all(texts.leaf_where_redacted, smallest=2),
    ),
    Tampering.SIZE: (
        *_all(trees.size_unsigned, trees.size_resigned, trees.size_cosigned, smallest=0),
        *_all(trees.size_cosigned_with_tiles, smallest=0),
    ),
    Tampering.ROLLED_BACK: _all(trees.rolled_back, trees.rolled_back_alone, trees.rolled_back_unseen),
    Tampering.FORK: (
        *_all(trees.fork_of_one_entry, trees.fork_of_the_same_size, trees.fork_below_since),
        *_all(trees.saved_fork, trees.regrown),
        *_all(trees.fork_of_nothing, smallest=0),
    ),
    Tampering.UNKNOWN_KEY: (
        *_both(notes.other_key, notes.other_signer, notes.witness_as_log),
        *_new(notes.other_witness),
        *_all(notes.other_policy, smallest=0),
    ),
    Tampering.STRIPPED: (
        *_both(notes.no_log_line, notes.no_lines, notes.cut_log_signature),
        *_new(notes.no_witness_line, notes.cut_signature),
    ),
    Tampering.SECOND_LINE: (
        *_both(notes.malformed_line, notes.second_line, notes.too_many_lines),
        *_new(notes.second_witness_line, notes.wrong_time),
    ),
    Tampering.ORIGIN: (
        *_both(notes.origin_unsigned, notes.origin_signed, notes.origin_and_name),
        *_all(
            at_checkpoint(notes.known_origin, BOTH_LOGS),
            at_saved(notes.of_known_log, BOTH_LOGS),
            smallest=0,
        ),
    ),
    Tampering.JSON: (
        *attackers(edits.rewrite, breaks_a_rule=True),
        *attackers(edits.rewrite_value, breaks_a_rule=True),
        by(cosigned, edits.rewrite_list),
    ),
    Tampering.CONSISTENCY: (
        *_all(proofs.consistency_with_extra, proofs.from_nothing),
        *_all(
            proofs.consistency_with_missing,
            proofs.consistency_with_other,
            proofs.to_a_witness(proofs.extra),
            proofs.to_a_witness(proofs.missing),
            smallest=2,
        ),
        *_all(proofs.consistency_out_of_order, smallest=3),
    ),
    Tampering.INCLUSION: (
        *_all(proofs.inclusion_elsewhere, proofs.inclusion_in_text),
        *_all(proofs.inclusion_of_another, smallest=2),
    ),
}
