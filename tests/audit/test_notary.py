"""The notary signs a tree only if it is the one that it signed before, grown by entries that it hashed itself."""

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.checkpoint import Checkpoint
from audit.errors import AuditError, NotaryError, NotaryFault
from audit.notary import MAX_STATE, Signed, check_grown, grow, read_state, signed, write_state
from audit.tree import EMPTY, Frontier, append, leaf_hash, root_of
from tests.audit.examples import digest, small_leaves

LEAVES = small_leaves(9)
HASHES = [leaf_hash(leaf) for leaf in LEAVES]
ONE = append(EMPTY, [digest(1)])
THREE = append(EMPTY, [digest(1), digest(2), digest(3)])


def line(frontier: Frontier) -> str:
    """A frontier as it stands in the notary's file."""
    return base64.b64encode(frontier.encode()).decode()


def point(size: int, root: bytes) -> Checkpoint:
    """A checkpoint that is claimed."""
    return Checkpoint(origin="log.example/a", size=size, root=root)


def test_the_file_is_frozen() -> None:
    """A line a log, sorted, with its state and its frontier: an old file is read for ever (formats.md §24)."""
    state = {
        "log.example/b": Signed(frontier=THREE, ended=True),
        "log.example/a": Signed(frontier=ONE),
        "log.example/a/2": Signed(frontier=EMPTY, ended=False),
    }
    text = (
        "tsunagi-notary/v1\n"
        f"log.example/a open {line(ONE)}\n"
        f"log.example/a/2 open {line(EMPTY)}\n"
        f"log.example/b ended {line(THREE)}\n"
    )
    assert write_state(state) == text
    assert read_state(text) == state
    assert write_state({}) == "tsunagi-notary/v1\n"
    assert read_state("tsunagi-notary/v1\n") == {}


@settings(max_examples=60)
@given(
    st.dictionaries(
        st.from_regex(r"[a-z./0-9]{1,20}", fullmatch=True), st.tuples(st.integers(0, 9), st.booleans())
    )
)
def test_every_state_reads_back(logs: dict[str, tuple[int, bool]]) -> None:
    """What was signed is known after a restart."""
    state = {
        origin: Signed(frontier=append(EMPTY, HASHES[:size]), ended=ended)
        for origin, (size, ended) in logs.items()
    }
    assert read_state(write_state(state)) == state


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "tsunagi-notary/v1",
        "tsunagi-notary/v2\n",
        "tsunagi-notary/v1\r\n",
        "tsunagi-notary/v1\n\n",
        f"a open {line(ONE)}\n",
        f"tsunagi-notary/v1\na open {line(ONE)}",
        f"tsunagi-notary/v1\na shut {line(ONE)}\n",
        f"tsunagi-notary/v1\na  open {line(ONE)}\n",
        f"tsunagi-notary/v1\na open {line(ONE)} \n",
        f"tsunagi-notary/v1\na open {line(ONE)}\na open {line(ONE)}\n",
        f"tsunagi-notary/v1\na open {line(ONE)}\na ended {line(ONE)}\n",
        f"tsunagi-notary/v1\nb open {line(ONE)}\na open {line(ONE)}\n",
        f"tsunagi-notary/v1\na+b open {line(ONE)}\n",
        f"tsunagi-notary/v1\na\u3000b open {line(ONE)}\n",
        f"tsunagi-notary/v1\n{'a' * 256} open {line(ONE)}\n",
        "tsunagi-notary/v1\na open AAAA\n",
        "tsunagi-notary/v1\na open A\n",
        f"tsunagi-notary/v1\na open {line(ONE)[:-4]}\n",
        f"tsunagi-notary/v1\na open {line(THREE)}A\n",
        f"tsunagi-notary/v1\na open {line(ONE)}\nrubbish\n",
        f"tsunagi-notary/v1\nrubbish\na open {line(ONE)}\n",
    ],
)
def test_a_damaged_file_is_refused(text: str) -> None:
    """The notary does not guess what it signed: any other text stops it."""
    with pytest.raises(NotaryError) as caught:
        read_state(text)
    assert (caught.value.fault, caught.value.signed) == (NotaryFault.STATE, 0)
    assert caught.value.args == (NotaryFault.STATE, 0)
    assert isinstance(caught.value, AuditError)


def test_every_cut_and_every_changed_byte_is_another_state_or_none() -> None:
    """A file that was cut or damaged never says what the whole one said."""
    state = {"a": Signed(frontier=THREE), "b": Signed(frontier=ONE, ended=True)}
    text = write_state(state)
    for at in range(len(text)):
        for changed in (text[:at], text[:at] + chr(ord(text[at]) ^ 1) + text[at + 1 :]):
            try:
                assert read_state(changed) != state
            except NotaryError as error:
                assert error.fault is NotaryFault.STATE


def test_the_file_is_capped() -> None:
    """A file of 1,048,576 characters is read, one more is not."""
    many = {f"{at:081d}": Signed(frontier=EMPTY) for at in range(10_485)}  # a hundred characters each
    longest = write_state(many | {"z" * 39: Signed(frontier=EMPTY)})
    assert (MAX_STATE, len(longest)) == (1_048_576, 1_048_576)
    assert len(read_state(longest)) == 10_486
    longer = write_state(many | {"z" * 40: Signed(frontier=EMPTY)})
    assert len(longer) == MAX_STATE + 1
    with pytest.raises(NotaryError) as caught:
        read_state(longer)
    assert caught.value.fault is NotaryFault.STATE


def test_what_was_never_signed_is_the_empty_tree() -> None:
    """A log that the notary does not know begins at nothing."""
    state = {"a": Signed(frontier=THREE)}
    assert signed(state, "a") == THREE
    assert signed(state, "b") == EMPTY
    assert signed({}, "") == EMPTY


@pytest.mark.parametrize("size", range(10))
def test_the_tree_grows_by_the_entries_texts(size: int) -> None:
    """The notary hashes each entry itself and comes to the tree's root; the claim is what it compares."""
    before = append(EMPTY, HASHES[:size])
    after = grow(before, iter(LEAVES[size:]))
    assert after == append(EMPTY, HASHES)
    check_grown(before, after, point(9, root_of(HASHES)))
    assert grow(before, []) == before
    check_grown(before, before, point(size, before.root))


def test_an_entry_without_text_is_not_signed() -> None:
    """What was never signed and has no text cannot be hashed; the error says what was signed last."""
    with pytest.raises(NotaryError) as caught:
        grow(THREE, [LEAVES[0], None, LEAVES[1]])
    assert (caught.value.fault, caught.value.signed) == (NotaryFault.ABSENT, 3)
    assert caught.value.args == (NotaryFault.ABSENT, 3)


def test_a_tree_that_shrank_is_not_signed() -> None:
    """Fewer entries than were signed: a backup was put back, or entries were taken away."""
    for size in (0, 1, 2):
        with pytest.raises(NotaryError) as caught:
            check_grown(THREE, THREE, point(size, THREE.root))
        assert (caught.value.fault, caught.value.signed) == (NotaryFault.SHRANK, 3)


def test_a_tree_that_changed_is_not_signed() -> None:
    """Another root, or another number of entries than the head claims."""
    after = grow(THREE, LEAVES[:2])
    for claim in (point(5, digest(9)), point(4, after.root), point(6, after.root), point(3, THREE.root)):
        with pytest.raises(NotaryError) as caught:
            check_grown(THREE, after, claim)
        assert (caught.value.fault, caught.value.signed) == (NotaryFault.CHANGED, 3)
    with pytest.raises(NotaryError) as caught:
        check_grown(THREE, THREE, point(3, digest(9)))
    assert caught.value.fault is NotaryFault.CHANGED
