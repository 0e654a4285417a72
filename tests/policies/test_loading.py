"""The two files are read strictly: what is wrong is refused, with its line."""

import hashlib

import pytest

from cases.fields import Purpose
from policies.actions import PUBLIC, Action
from policies.errors import PolicyError, PolicyFault, PolicyFile
from policies.matrix import default_policy, load_matrix, load_policy, policy_digest
from policies.registry import load_registry
from policies.who import Role
from tests.policies.files import FIELDS, ROLES, changed, line_of
from tests.policies.world import ALL_SLOTS, POLICY, codes, slot, slots

NAME_ROW = 'name                = ["rw",    "c",               "-"]'
HEAD = 'columns             = ["owner", "recipient",       "helper"]'
LIST_ROW = '"log:list"             = ["-",                   "-",                   "-",'


def refused_fields(text: str) -> PolicyError:
    """The error with which a registry is refused."""
    with pytest.raises(PolicyError) as caught:
        load_registry(text)
    assert caught.value.file is PolicyFile.FIELDS
    return caught.value


def refused_roles(text: str) -> PolicyError:
    """The error with which a matrix is refused."""
    with pytest.raises(PolicyError) as caught:
        load_matrix(text, POLICY.registry)
    assert caught.value.file is PolicyFile.ROLES
    return caught.value


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ('code = "name"\n', 'code = "name"\ncolour = "red"\n', PolicyFault.UNKNOWN_KEY),
        ('code = "name"\n', 'code = "Name"\n', PolicyFault.CODE_MALFORMED),
        ('code = "name"\n', 'code = "columns"\n', PolicyFault.CODE_MALFORMED),
        ('code = "phone"\n', 'code = "address"\n', PolicyFault.CODE_TWICE),
        ("slot = 7\n", "slot = 6\n", PolicyFault.SLOT_TWICE),
        ("slot = 7\n", "slot = 8\n", PolicyFault.SLOT_MISSING),
        ("slot = 26\n", "slot = 27\n", PolicyFault.SLOT_MISSING),
        ("slot = 26\n", "slot = 0\n", PolicyFault.SLOT_OUT_OF_RANGE),
        ("slot = 26\n", "slot = 65536\n", PolicyFault.SLOT_OUT_OF_RANGE),
        ("slot = 7\n", 'slot = "7"\n', PolicyFault.WRONG_TYPE),
        ("slot = 7\n", "slot = true\n", PolicyFault.WRONG_TYPE),
        ('ja = "電話"\n', 'ja = " "\n', PolicyFault.LABEL_MISSING),
        ('ja = "電話"\n', "", PolicyFault.LABEL_MISSING),
        ('en = "Telephone"\n', "", PolicyFault.LABEL_MISSING),
        ('type = "kana"\n', 'type = "hiragana"\n', PolicyFault.UNKNOWN_TYPE),
        ('type = "kana"\n', 'type = "code"\n', PolicyFault.CODES_MISPLACED),
        ('codes = ["female", ', 'codes = ["female", "female", ', PolicyFault.CODE_TWICE),
        ('codes = ["female", ', 'codes = ["Female", ', PolicyFault.CODE_MALFORMED),
        ("schema = ", "schema_ = ", PolicyFault.UNKNOWN_KEY),
        ("tsunagi.fields/1", "tsunagi.fields/2", PolicyFault.WRONG_SCHEMA),
        ("retired = []", "retired = [2]", PolicyFault.SLOT_RETIRED),
        ("retired = []", "retired = [28]", PolicyFault.SLOT_MISSING),
        ("retired = []", "retired = [27, 27]", PolicyFault.SLOT_TWICE),
        ("retired = []", "", PolicyFault.MISSING_KEY),
    ],
)
def test_a_registry_with_a_mistake_is_refused(old: str, new: str, what: PolicyFault) -> None:
    """Each rule of fields.toml: the file that breaks it is refused for that."""
    assert refused_fields(changed(FIELDS, old, new)).what is what


def test_the_error_names_the_line_of_the_mistake() -> None:
    """A municipality that edits the files is told where to look."""
    error = refused_fields(changed(FIELDS, 'ja = "電話"', 'ja = ""'))
    assert error.line == line_of(FIELDS, 'ja = "電話"')
    error = refused_fields(changed(FIELDS, 'code = "name"\n', 'code = "name"\ncolour = "red"\n'))
    assert (error.line, error.where) == (line_of(FIELDS, 'code = "name"\n') + 1, "colour")
    error = refused_roles(changed(ROLES, NAME_ROW, NAME_ROW.replace('"c"', '"r"')))
    assert (error.line, error.where) == (line_of(ROLES, NAME_ROW), "name")
    error = refused_roles(ROLES + "\n[extra]\n")
    assert error.line == ROLES.count("\n") + 2
    error = refused_fields(FIELDS + "\nthis is no toml")
    assert (error.what, error.line) == (PolicyFault.NOT_TOML, FIELDS.count("\n") + 2)


def test_a_file_that_is_no_utf8_is_refused() -> None:
    """Bytes that are no text have a fault of their own."""
    with pytest.raises(PolicyError) as caught:
        load_registry(b"schema = 1\n\xff")
    assert (caught.value.what, caught.value.line) == (PolicyFault.NOT_UTF8, 2)


@pytest.mark.parametrize(
    ("new", "what"),
    [
        ('["rw", "r", "-"]', PolicyFault.READABLE_WITHOUT_CONSENT),
        ('["rw", "rw", "-"]', PolicyFault.READABLE_WITHOUT_CONSENT),
        ('["rw", "w", "-"]', PolicyFault.READABLE_WITHOUT_CONSENT),
        ('["rw", "r c", "-"]', PolicyFault.READABLE_WITHOUT_CONSENT),
        ('["rw", "c", "r"]', PolicyFault.READABLE_WITHOUT_CONSENT),
        ('["c", "c", "-"]', PolicyFault.CONSENT_FOR_OWNER),
        ('["w", "c", "-"]', PolicyFault.WRITABLE_BUT_NOT_READABLE),
        ('["rw", "p", "-"]', PolicyFault.UNKNOWN_WORD),
        ('["rw", "c c*", "-"]', PolicyFault.UNKNOWN_WORD),
        ('["rw", "c c", "-"]', PolicyFault.UNKNOWN_WORD),
        ('["rw", "c  p", "-"]', PolicyFault.UNKNOWN_WORD),
        ('["rw", "C", "-"]', PolicyFault.UNKNOWN_WORD),
        ('["rw", "", "-"]', PolicyFault.UNKNOWN_WORD),
        ('["rw", "- c", "-"]', PolicyFault.UNKNOWN_WORD),
        ('["rw", "c"]', PolicyFault.WRONG_WIDTH),
        ('["rw", "c", 1]', PolicyFault.WRONG_TYPE),
    ],
)
def test_a_cell_that_says_anything_else_is_refused(new: str, what: PolicyFault) -> None:
    """No cell can be written that lets a personal field out of the owner without a consent."""
    error = refused_roles(changed(ROLES, NAME_ROW, f"name = {new}"))
    assert (error.what, error.line) == (what, line_of(ROLES, NAME_ROW))


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        (NAME_ROW + "\n", "", PolicyFault.FIELD_WITHOUT_ROW),
        (NAME_ROW, NAME_ROW + '\nnickname = ["rw", "c", "-"]', PolicyFault.UNKNOWN_FIELD),
        (HEAD, HEAD.replace("helper", "friend"), PolicyFault.UNKNOWN_COLUMN),
        (HEAD, HEAD.replace(', "helper"', "").replace('       "helper"', ""), PolicyFault.COLUMN_MISSING),
        (HEAD + "\n", "", PolicyFault.MISSING_KEY),
        ('"intermediary", "admin"]', '"intermediary"]', PolicyFault.ROLE_WITHOUT_COLUMN),
        ('"intermediary", "admin"]', '"intermediary", "root"]', PolicyFault.UNKNOWN_COLUMN),
        ('admin = "none"\n', "", PolicyFault.ROLE_WITHOUT_COLUMN),
        ('admin = "none"\n', 'admin = "none"\nroot = "whole"\n', PolicyFault.UNKNOWN_ROLE),
        ('admin = "none"\n', 'admin = "all"\n', PolicyFault.UNKNOWN_WORD),
        ('supervisor = "whole"\n', 'supervisor = "none"\n', PolicyFault.ROLE_WITHOUT_COLUMN),
        ("[actions]\n", '[actions]\n"case:burn" = []\n', PolicyFault.WRONG_WIDTH),
        (LIST_ROW, LIST_ROW.replace("log:list", "log:burn"), PolicyFault.UNKNOWN_ACTION),
        (LIST_ROW, LIST_ROW.replace('"-"', '"y"', 1), PolicyFault.UNKNOWN_WORD),
        (LIST_ROW, LIST_ROW.replace('"-"', '"own recipient"', 1), PolicyFault.UNKNOWN_WORD),
        (LIST_ROW, LIST_ROW.replace('"-"', '"open"', 1), PolicyFault.UNKNOWN_WORD),
        ('totals           = ["r",     "-",', 'totals           = ["r",     "c",', PolicyFault.UNKNOWN_WORD),
        ("totals  ", "wages  ", PolicyFault.UNKNOWN_METADATA),
        ('"ledger:deliver" = "deliveries"', '"ledger:deliver" = "delivery"', PolicyFault.UNKNOWN_FIELD),
        ('"ledger:deliver" = "deliveries"\n', "", PolicyFault.ACTION_WITHOUT_ROW),
        ('"ledger:deliver" = "deliveries"', '"case:read" = "deliveries"', PolicyFault.UNKNOWN_ACTION),
        ('schema = "tsunagi.roles/1"', 'schema = "tsunagi.roles/2"', PolicyFault.WRONG_SCHEMA),
        ('schema = "tsunagi.roles/1"', 'schema = "tsunagi.roles/1"\nallow = true', PolicyFault.UNKNOWN_KEY),
    ],
)
def test_a_matrix_with_a_mistake_is_refused(old: str, new: str, what: PolicyFault) -> None:
    """Each rule of roles.toml: the file that breaks it is refused for that."""
    assert refused_roles(changed(ROLES, old, new)).what is what


@pytest.mark.parametrize("action", [action for action in Action if action not in PUBLIC])
def test_every_action_has_its_row(action: Action) -> None:
    """An action without a row refuses the start; so no route can be without rights."""
    lines = [line for line in ROLES.splitlines() if not line.startswith(f'"{action.value}" ')]
    error = refused_roles("\n".join(lines))
    assert error.what is PolicyFault.ACTION_WITHOUT_ROW
    assert error.where == action.value


def test_a_new_field_without_a_row_is_refused() -> None:
    """A field that is added to the registry alone is seen by nobody: the start is refused."""
    entry = '\n[[field]]\nslot = 27\ncode = "hobby"\nja = "趣味"\nen = "Hobby"\ntype = "text"\n'
    registry = load_registry(FIELDS + entry + 'category = "situation"\n')
    with pytest.raises(PolicyError) as caught:
        load_matrix(ROLES, registry)
    assert (caught.value.what, caught.value.where) == (PolicyFault.FIELD_WITHOUT_ROW, "hobby")


def test_the_order_of_rows_and_columns_never_matters() -> None:
    """The same cells in another order are the same matrix."""
    turned = []
    for line in ROLES.splitlines():
        head, sign, cells = line.partition("= [")
        if sign:
            parts = [part.strip() for part in cells.rstrip("]").split(",")]
            line = f"{head}= [{', '.join(reversed(parts))}]"
        turned.append(line)
    assert load_matrix("\n".join(turned), POLICY.registry) == POLICY.matrix


def test_a_retired_slot_is_left_out_and_never_filled() -> None:
    """A field that is given up leaves its slot behind."""
    start = FIELDS.index("[[field]]\nslot = 7\n")
    end = FIELDS.index("[[field]]\nslot = 8\n")
    text = changed(FIELDS[:start] + FIELDS[end:], "retired = []", "retired = [7]")
    registry = load_registry(text)
    assert set(registry.by_slot) == ALL_SLOTS - slots("phone")
    assert registry.retired == slots("phone")


def test_the_registry_that_ships_is_the_one_people_agreed_to() -> None:
    """Slots, codes, threads and the consent form for food support, frozen."""
    known = (
        "name name_kana birth_date age_band gender address phone household found_by consultation "
        "handover_summary health public_support finances support_plan quantity dietary pickup message "
        "deliveries observations replies eligibility_reasons outcome_note review_notes evidence"
    )
    assert [(field.slot, field.code) for field in POLICY.registry.fields] == list(enumerate(known.split(), 1))
    assert POLICY.registry.threads == {16, 18, 19, 20, 21, 22}
    offer = POLICY.registry.offer(Purpose.FOOD_SUPPORT)
    never = "found_by consultation finances eligibility_reasons outcome_note review_notes evidence"
    assert offer.slots == ALL_SLOTS - slots(never)
    extras = "birth_date address phone household health public_support support_plan observations"
    assert codes(offer.optional) == set(extras.split())
    assert codes(offer.sensitive) == {"health", "public_support", "dietary"}
    assert offer.returning == {slot("observations")}
    assert POLICY.registry.offer(Purpose.REFERRAL).slots == frozenset()


def test_the_digest_names_both_files_and_their_border() -> None:
    """SHA-256 over the label and each file after its length: no byte moves unseen, nor from file to file."""
    fields, roles = FIELDS.encode(), ROLES.encode()
    expected = hashlib.sha256(
        b"TSN1-POLICY\0" + len(fields).to_bytes(8, "big") + fields + len(roles).to_bytes(8, "big") + roles
    )
    assert policy_digest(fields, roles) == expected.digest() == default_policy().digest
    assert policy_digest(b"ab", b"c") != policy_digest(b"a", b"bc")
    assert load_policy(fields + b"\n", roles).digest != POLICY.digest


def test_the_policy_that_ships_has_a_right_for_every_role_and_action() -> None:
    """The table of actions has no hole."""
    assert POLICY.matrix.rights.keys() == {(role, action) for role in Role for action in Action}
