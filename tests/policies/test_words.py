"""What people read of a policy: reasons in words, the table, and the difference of two."""

from datetime import date

import pytest

from policies.actions import Action
from policies.decide import NOT_SHARED, Reason, decide, said_to
from policies.diff import difference, show
from policies.explain import Language, explain, explain_decision
from policies.matrix import Policy, load_policy
from policies.who import Facts, Reach, Role, Side
from tests.policies.files import FIELDS, ROLES, changed
from tests.policies.world import POLICY, live, principal, slots

OTHERS = [Side.RECIPIENT, Side.NONE]


def edited(old: str, new: str) -> Policy:
    """The policy that ships with one change in roles.toml."""
    return load_policy(FIELDS.encode(), changed(ROLES, old, new).encode())


def edited_fields(old: str, new: str) -> Policy:
    """The policy that ships with one change in fields.toml."""
    return load_policy(changed(FIELDS, old, new).encode(), ROLES.encode())


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("side", OTHERS)
def test_all_that_is_not_shared_sounds_the_same_outside_the_owner(language: Language, side: Side) -> None:
    """No wording tells a recipient more than the code: four reasons, one sentence."""
    hidden = [reason for reason in Reason if said_to(side, reason) == NOT_SHARED]
    assert len(hidden) == 4
    assert len({explain(reason, language, side) for reason in hidden}) == 1


@pytest.mark.parametrize("language", list(Language))
def test_the_owner_reads_a_sentence_of_its_own_for_each_reason(language: Language) -> None:
    """Refused, not asked, expired and the rest are different things to the owner."""
    assert len({explain(reason, language, Side.OWNER) for reason in Reason}) == len(Reason)


def test_the_words_of_the_screens_are_used_as_they_are() -> None:
    """The sentences that people know from the screens."""
    assert explain(Reason.REFUSED, Language.JA, Side.RECIPIENT) == "鍵：渡されていない項目です"
    assert explain(Reason.REFUSED, Language.EN, Side.RECIPIENT) == "Locked: not shared"
    assert explain(Reason.REFUSED, Language.EN, Side.OWNER) == "Locked: the person chose not to share"
    assert explain(Reason.ROLE, Language.JA, Side.RECIPIENT) == "鍵：この役割では見られません"
    assert explain(Reason.NOT_ACCEPTED_YET, Language.EN, Side.RECIPIENT) == "Locked: after you accept"
    until = date(2027, 3, 31)
    assert (
        explain(Reason.EXPIRED, Language.JA, Side.RECIPIENT, until) == "鍵：同意の期限が切れました（R9.3.31）"
    )
    assert explain(Reason.EXPIRED, Language.EN, Side.RECIPIENT, until) == "Locked: consent ended 2027-03-31"


@pytest.mark.parametrize(
    ("day", "era"),
    [
        (date(2019, 5, 1), "R1.5.1"),
        (date(2019, 4, 30), "H31.4.30"),
        (date(1989, 1, 8), "H1.1.8"),
        (date(1989, 1, 7), "S64.1.7"),
    ],
)
def test_eras_change_on_their_day(day: date, era: str) -> None:
    """The day before a new era still belongs to the old one."""
    assert era in explain(Reason.EXPIRED, Language.JA, Side.OWNER, day)


def test_a_decision_is_said_field_by_field() -> None:
    """What may be done with each field, or why it is locked, in the order of the slots."""
    facts = Facts(side=Side.RECIPIENT, party=True, reach=Reach.SENT)
    standing = live(slots("name quantity age_band"), refused=slots("address"))
    decision = decide(principal(Role.NPO_COORDINATOR), Action.CASE_READ, facts, standing, POLICY)
    lines = explain_decision(decision, POLICY, Language.EN, Side.RECIPIENT)
    assert len(lines) == len(POLICY.registry.fields)
    assert "Name: Locked: after you accept" in lines
    assert "Amount of food: read (without free text)" in lines
    assert "Age band: read" in lines
    assert "Address: Locked: not shared" in lines
    denied = decide(principal(Role.ADMIN), Action.CASE_READ, facts, standing, POLICY)
    assert explain_decision(denied, POLICY, Language.JA, Side.NONE) == ("鍵：この役割では見られません",)


def test_the_table_shows_every_field_and_action_and_the_digest() -> None:
    """``policy show`` hides nothing of the policy."""
    table = show(POLICY)
    for field in POLICY.registry.fields:
        assert f"\n{field.slot:<4}  {field.code}  " in table
    for action in Action:
        assert (f"\n{action.value} " in table) == (
            (Role.ADMIN, action) in POLICY.matrix.rights
            and (action not in {Action.HEALTH_READ, Action.SCHEMA_READ, Action.SESSION_CREATE})
        )
    assert POLICY.digest.hex() in table


def test_equal_policies_differ_in_nothing() -> None:
    """No change, no sentence; a comment changes the digest and is said to change nothing else."""
    assert difference(POLICY, POLICY) == ()
    (only,) = difference(POLICY, edited("# Who sees what:", "# Who may see what:"))
    assert only == "Only comments or spacing change: nobody may see or do anything else."


ADDRESS = 'address             = ["rw",    "c",               "-"]'


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (
            ADDRESS,
            ADDRESS.replace('"c"', '"-"'),
            "Recipients could read address, under a live consent that covers it, after accepting a request; "
            "now they cannot.",
        ),
        (
            ADDRESS,
            ADDRESS.replace('"c"', '"c p*"'),
            "Recipients could read address, under a live consent that covers it, after accepting a request; "
            "now they can read it, under a live consent that covers it, after accepting a request, "
            "in a preview before accepting without free text.",
        ),
        (
            ADDRESS,
            ADDRESS.replace('"-"', '"c"'),
            "Helpers could not read address; now they can read it, under a live consent that covers it, "
            "after accepting a request.",
        ),
        (
            'caseworker = "assigned"',
            'caseworker = "whole"',
            "caseworker saw cases of their own sections or assigned to them; "
            "now every case of their organisation.",
        ),
        (
            'conditions       = ["r",     "-",',
            'conditions       = ["r",     "r",',
            "Recipients saw conditions never; now whenever the case is there for them.",
        ),
        (
            '"log:list"             = ["-",                   "-",',
            '"log:list"             = ["-",                   "x",',
            "supervisor, log:list: never; now allowed.",
        ),
        (
            '"ledger:reply"   = "replies"',
            '"ledger:reply"   = "message"',
            "ledger:reply wrote replies; now it writes message.",
        ),
    ],
)
def test_a_change_of_the_matrix_is_said_in_plain_words(old: str, new: str, sentence: str) -> None:
    """One change, one sentence, in words that the people who decide it can read."""
    assert difference(POLICY, edited(old, new)) == (sentence,)


FINDER = 'en = "Public support"\ntype = "text"\ncategory = "situation"\nsensitive = true\n'


@pytest.mark.parametrize(
    ("old", "new", "part"),
    [
        ('ja = "電話"', 'ja = "電話番号"', "phone was called"),
        ('codes = ["female", ', 'codes = ["woman", "female", ', "The values of gender were"),
        ('ja = "気づき"\nen', 'ja = "気付き"\nen', "observations was called"),
        (
            f'{FINDER}offer = {{ food_support = "optional_off" }}\n',
            FINDER,
            "For food_support, public_support was an extra, not ticked; now it is not offered.",
        ),
    ],
)
def test_a_change_of_a_field_is_said_in_plain_words(old: str, new: str, part: str) -> None:
    """Labels, values and offers: each change of a field shows."""
    assert any(part in sentence for sentence in difference(POLICY, edited_fields(old, new)))


def test_a_renamed_slot_is_a_warning() -> None:
    """Live consents speak of slots: another meaning under the same number would widen them silently."""
    renamed = load_policy(
        changed(FIELDS, 'code = "phone"', 'code = "income"').encode(),
        changed(ROLES, "\nphone  ", "\nincome ").encode(),
    )
    assert difference(POLICY, renamed) == (
        "WARNING: slot 7 was phone and becomes income: consents meant the old field.",
    )
