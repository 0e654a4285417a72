"""The sheet's sentences, word for word: plain Japanese and English, no code and no id."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.codes import Decision, Event, Purpose, Reason, Role, Via
from audit.event import Entry, Leaf
from policies.matrix import default_policy
from service.flows.sheet_lines import Agreement, Kind, Known, Line, Person, lines_of, looks_in
from service.flows.sheet_words import (
    NAMES_COMPARED,
    NOBODY_LOOKED,
    SECTIONS_ARE_OF_NOW,
    TEXTS_ARE_GONE,
    items_of,
    notes_for,
    sentence,
    who_of,
)

FIELDS = default_policy().registry.fields
AT = datetime(2026, 11, 23, 5, 5, 9, 120_000, tzinfo=UTC)  # 14:05 in Tokyo
CITY, NPO = "o_" + "1" * 32, "o_" + "2" * 32
WORKER, HELPER, SERIES = "u_" + "3" * 32, "u_" + "4" * 32, "k_" + "5" * 32
KNOWN = Known(
    organisations={CITY: "みなと市", NPO: "NPOあおぞら"},
    people={WORKER: Person(sections=("福祉課",)), HELPER: Person()},
    consents={
        SERIES: Agreement(
            number="C-2026-50318",
            recipient="NPOあおぞら",
            purpose="food_support",
            allowed=(("name",), ("dietary", "name")),
        )
    },
)
LOOK = Entry(
    event=Event.CASE_READ,
    id=bytes(16),
    actor=HELPER,
    role=Role.NPO_COORDINATOR,
    organisation=NPO,
    subject="c_" + "6" * 32,
    decision=Decision.PERMIT,
    purpose=Purpose.FOOD_SUPPORT,
    fields=("dietary", "name"),
    consent=(SERIES, 1, bytes(32)),
    via=Via.UI,
)
OWN = replace(
    LOOK,
    actor=WORKER,
    role=Role.CASEWORKER,
    organisation=CITY,
    purpose=Purpose.OWN_WORK,
    consent=None,
)


def lines(*entries: Entry, after: timedelta = timedelta()) -> tuple[Line, ...]:
    found = [Leaf(entry=entry, time=AT + number * after) for number, entry in enumerate(entries)]
    return lines_of(found, KNOWN)


def said(entry: Entry, language: str = "ja") -> str:
    words = sentence(lines(entry)[0], FIELDS)
    return words.ja if language == "ja" else words.en


def test_a_recipients_look_stands_on_a_consent_with_its_number() -> None:
    """When, who, which items, for what, on which consent."""
    assert said(LOOK) == (
        "令和8年11月23日（月）14時05分、NPOあおぞらの担当者が、氏名、アレルギー・食の配慮を見ました。"
        "目的：食料支援。根拠：同意 C-2026-50318。"
    )
    assert said(LOOK, "en") == (
        "On Monday 23 November 2026 at 14:05, a coordinator of NPOあおぞら saw: "
        "Name, Allergies and dietary needs. Purpose: food support. Ground: consent C-2026-50318."
    )


def test_an_owners_look_is_its_own_work() -> None:
    """The department, and that no consent is behind it."""
    assert said(OWN) == (
        "令和8年11月23日（月）14時05分、みなと市 福祉課の職員が、氏名、アレルギー・食の配慮を見ました。"
        "目的：相談・支援の仕事。根拠：みなと市の仕事（同意によらない）。"
    )
    assert said(OWN, "en").endswith(
        "Purpose: the work of advice and support. Ground: the own work of みなと市, not a consent."
    )


def test_the_day_is_that_of_tokyo() -> None:
    """15:00 UTC is the next day; the first year of an era is 元年."""
    late = lines_of([Leaf(entry=LOOK, time=datetime(2019, 4, 30, 15, 0, tzinfo=UTC))], KNOWN)
    assert sentence(late[0], FIELDS).ja.startswith("令和元年5月1日（水）0時00分、")


def test_keys_that_were_given_name_the_recipient_and_the_fields_of_that_event() -> None:
    """What a recipient could open from then on: the fields of the event that justifies it, not those of a later one."""
    seal = replace(
        OWN, event=Event.KEY_SEAL, fields=(), purpose=None, object=SERIES, consent=(SERIES, 2, bytes(32))
    )
    assert said(seal) == (
        "令和8年11月23日（月）14時05分、みなと市 福祉課の職員が、NPOあおぞらに、氏名、アレルギー・食の配慮を"
        "見るための鍵を渡しました。目的：食料支援。根拠：同意 C-2026-50318。"
    )
    first = lines(replace(seal, consent=(SERIES, 1, bytes(32))))[0]
    assert (first.kind, first.items, first.recipient) == (Kind.GRANT, ("name",), "NPOあおぞら")


def test_a_rotation_says_that_nobody_saw_it() -> None:
    """The values were opened, and shown to nobody; it is no look."""
    found = lines(replace(OWN, event=Event.KEY_ROTATE))
    assert found[0].kind is Kind.ROTATION and looks_in(found) == 0
    assert sentence(found[0], FIELDS).ja == (
        "令和8年11月23日（月）14時05分、鍵を新しくするため、みなと市 福祉課の職員の操作で、"
        "コンピュータが氏名、アレルギー・食の配慮を開いて閉じ直しました。人には見せていません。"
    )


@pytest.mark.parametrize(
    ("event", "via", "ja", "en"),
    [
        (Event.CASE_READ, Via.API, "を見ました。", " saw: "),
        (Event.EXPORT_PRINT, Via.UI, "を紙に印刷しました。", " printed: "),
        (Event.EXPORT_XLSX, Via.UI, "をファイルに書き出しました。", " wrote to a file: "),
        (Event.FIELD_RELEASE, Via.PRINT, "を紙に印刷しました。", " printed: "),
        (Event.FIELD_RELEASE, Via.MAIL, "をメールで送りました。", " sent by mail: "),
        (Event.FIELD_RELEASE, Via.CSV, "をファイルに書き出しました。", " wrote to a file: "),
    ],
)
def test_a_print_or_a_file_is_not_just_a_look(event: Event, via: Via, ja: str, en: str) -> None:
    """What left the house is said so."""
    entry = replace(LOOK, event=event, via=via)
    assert ja in said(entry) and en in said(entry, "en")


@pytest.mark.parametrize("role", Role)
def test_every_role_has_its_word(role: Role) -> None:
    """No code stands in a sentence, whatever role it was."""
    words = who_of(lines(replace(OWN, role=role))[0])
    assert words.ja.startswith("みなと市 福祉課の") and role.value not in words.ja
    assert " of みなと市, 福祉課" in words.en and "_" not in words.en


def test_a_name_stands_behind_the_department() -> None:
    """Where the house shows names."""
    line = replace(lines(OWN)[0], person=Person(sections=("福祉課", "子育て課"), name="鈴木 花子"))
    assert who_of(line).ja == "みなと市 福祉課・子育て課の職員（鈴木 花子）"
    assert who_of(line).en == "a member of staff of みなと市, 福祉課, 子育て課 (鈴木 花子)"


def test_the_clocks_own_work_is_the_systems() -> None:
    """An entry without an account that opened something is told too, with no organisation behind it."""
    entry = replace(OWN, actor=None, role=None, organisation=None, via=Via.JOB)
    assert "システム（自動の処理）が、氏名、アレルギー・食の配慮を見ました。" in said(entry)


def test_items_stand_in_the_order_of_the_registry_and_none_is_lost() -> None:
    """As on the form; a field that is no field any more is named by its code."""
    line = replace(lines(LOOK)[0], items=("dietary", "gone_field", "address", "name"))
    assert [item.code for item in items_of(line, FIELDS)] == ["name", "address", "dietary", "gone_field"]


def test_looks_alike_within_a_minute_are_one_line_with_a_count() -> None:
    """Consecutive, by the same account, of the same items: counted, and the count is said."""
    found = lines(LOOK, LOOK, LOOK, after=timedelta(seconds=10))
    assert [line.count for line in found] == [3] and looks_in(found) == 3
    assert found[0].at == AT
    assert "NPOあおぞらの担当者が、続けて3回、氏名" in sentence(found[0], FIELDS).ja
    assert " saw, 3 times in a row: " in sentence(found[0], FIELDS).en


@pytest.mark.parametrize(
    "other",
    [
        replace(LOOK, actor=WORKER),
        replace(LOOK, fields=("name",)),
        replace(LOOK, consent=None),
        replace(LOOK, purpose=Purpose.CASE_REVIEW),
        replace(LOOK, via=Via.PRINT),
        replace(LOOK, role=Role.NPO_VOLUNTEER),
        OWN,
    ],
)
def test_looks_that_differ_are_lines_of_their_own(other: Entry) -> None:
    """Another account, item, ground, purpose, channel or role is another line; and so is what comes between."""
    assert [line.count for line in lines(LOOK, other, LOOK)] == [1, 1, 1]


def test_the_next_minute_is_another_line() -> None:
    """The clock's minute, not sixty seconds."""
    assert len(lines(LOOK, LOOK, after=timedelta(seconds=50))) == 1
    assert len(lines(LOOK, LOOK, after=timedelta(seconds=51))) == 2
    assert len(lines(LOOK, LOOK, after=timedelta(hours=1))) == 2


@pytest.mark.parametrize(
    "entry",
    [
        replace(LOOK, decision=Decision.DENY, reason=Reason.WITHDRAWN),
        replace(LOOK, fields=(), purpose=None),
        replace(LOOK, event=Event.CONSENT_EXPIRE, fields=(), actor=None, organisation=None, role=None),
        replace(OWN, event=Event.LOG_SEARCH, fields=()),
        replace(OWN, event=Event.KEY_REVOKE, fields=()),
    ],
)
def test_what_opened_nothing_is_no_line(entry: Entry) -> None:
    """Refusals, the clock's entries without fields, looks at the log, keys taken back."""
    assert lines(entry) == ()


ENTRIES = st.sampled_from([LOOK, OWN, replace(LOOK, via=Via.PRINT), replace(OWN, event=Event.KEY_ROTATE)])


@given(st.lists(st.tuples(ENTRIES, st.integers(0, 300)), max_size=60))
def test_no_look_is_lost(made: list[tuple[Entry, int]]) -> None:
    """However they are grouped, the lines tell of as many looks as there are entries, in their order."""
    times = sorted(second for _, second in made)
    found = [
        Leaf(entry=entry, time=AT + timedelta(seconds=second))
        for (entry, _), second in zip(made, times, strict=True)
    ]
    told = lines_of(found, KNOWN)
    assert sum(line.count for line in told) == len(made)
    assert looks_in(told) == sum(entry.event is not Event.KEY_ROTATE for entry, _ in made)
    assert [line.at for line in told] == sorted(line.at for line in told)


def test_what_stands_beside_the_lines() -> None:
    """That nobody looked, that texts are gone, what a search does, and that departments are those of now."""
    assert notes_for(3, 0) == (NAMES_COMPARED, SECTIONS_ARE_OF_NOW)
    assert notes_for(0, 0) == (NOBODY_LOOKED, NAMES_COMPARED, SECTIONS_ARE_OF_NOW)
    assert notes_for(0, 1)[:2] == (NOBODY_LOOKED, TEXTS_ARE_GONE)
    assert notes_for(3, 2)[0] is TEXTS_ARE_GONE
    assert TEXTS_ARE_GONE.ja.startswith("保存期間が過ぎたため、文が残っていない記録があります。")
