"""Values of fields: in, stored, and out again."""

import unicodedata
from collections.abc import Mapping

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cases.errors import Fault, FieldError
from cases.fields import (
    LONGEST_TEXT,
    Category,
    Field,
    FieldCode,
    FieldType,
    Slot,
    fold,
    read_value,
    show_value,
    show_without_free_text,
)


def field(kind: FieldType, codes: tuple[str, ...] = ()) -> Field:
    return Field(
        slot=Slot(1),
        code=FieldCode("it"),
        label_ja="それ",
        label_en="It",
        type=kind,
        category=Category.SUPPORT,
        sensitive=False,
        codes=codes,
        thread=False,
        offers={},
    )


TEXT, KANA, DAY = field(FieldType.TEXT), field(FieldType.KANA), field(FieldType.DATE)
GENDER = field(FieldType.CODE, ("female", "male", "other", "not_answered"))
QUANTITY = {"adults": 2, "children": 1, "days": 7, "times": 2}
PICKUP = {"date": "2026-10-18", "time": "10:30", "place": "office", "who": "person"}
HOME = {"date": "2026-10-18", "who": "delivery"}
PLAN = {"goal": "暮らしの立て直し", "per_month": 2, "from": "2026-10-18", "until": "2027-03-31"}
DIETARY = {"allergens": ["egg", "other"], "no_cooking": True, "note": "キウイの仲間"}
DELIVERY = {
    "date": "2026-10-18",
    "result": "part",
    "why": "absent",
    "items": ["米 5kg"],
    "note": "顔色が悪い",
}
OBSERVATION = {"text": "早く来た", "urgent": True, "chips": ["came_early", "ran_out"]}
EVIDENCE = {"kind": "scan", "media": "application/pdf", "data": "JVBERg=="}
SHAPED: tuple[tuple[FieldType, Mapping[str, object]], ...] = (
    (FieldType.QUANTITY, QUANTITY),
    (FieldType.PICKUP, PICKUP),
    (FieldType.PICKUP, HOME),
    (FieldType.PLAN, PLAN),
    (FieldType.DIETARY, DIETARY),
    (FieldType.DIETARY, {}),
    (FieldType.DELIVERIES, DELIVERY),
    (FieldType.OBSERVATIONS, OBSERVATION),
    (FieldType.REPLIES, {"text": "説明しました"}),
    (FieldType.REASONS, {"hardship": "電気が止まった", "willing": "窓口に来る"}),
    (FieldType.FILE, EVIDENCE),
)


def fault_of(kind: Field, raw: object) -> tuple[Fault, str]:
    with pytest.raises(FieldError) as caught:
        read_value(kind, raw)
    assert caught.value.code == "it"
    return caught.value.fault, caught.value.path


@pytest.mark.parametrize(
    "name", ["𠮷田", "髙橋", "神\ufa19", "辺\U000e0100", "かﾞ", "が", "ｶﾞ", "Å", "一行\n二行", " 空白 "]
)
def test_text_is_kept_byte_for_byte(name: str) -> None:
    """A name is stored and shown as it was typed, never normalised."""
    stored = read_value(TEXT, name)
    assert stored == name.encode()
    assert show_value(TEXT, stored) == name


@pytest.mark.parametrize("kind", FieldType)
def test_nothing_is_the_empty_value(kind: FieldType) -> None:
    """Null and the empty text are stored as no bytes, and shown as null."""
    for raw in (None, ""):
        assert read_value(field(kind), raw) == b""
    assert show_value(field(kind), b"") is None
    assert show_without_free_text(field(kind), b"") is None


@pytest.mark.parametrize(("kind", "raw"), SHAPED)
def test_a_struct_is_stored_as_canonical_json(kind: FieldType, raw: Mapping[str, object]) -> None:
    """The same value has the same bytes, and what is shown is what can be stored again."""
    stored = read_value(field(kind), raw)
    shown = show_value(field(kind), stored)
    assert read_value(field(kind), shown) == stored
    assert read_value(field(kind), dict(reversed(raw.items()))) == stored
    keys = list(msgspec.json.decode(stored))
    assert keys == sorted(keys)
    assert isinstance(shown, dict)
    listed = {key: list(value) if isinstance(value, tuple) else value for key, value in shown.items()}
    assert dict(listed, **raw) == listed


@pytest.mark.parametrize(("kind", "raw"), SHAPED)
def test_stored_bytes_that_are_not_canonical_are_refused(kind: FieldType, raw: Mapping[str, object]) -> None:
    """One value, one string of bytes: a second way of writing it is not opened."""
    stored = read_value(field(kind), raw)
    for wrong in (stored + b" ", b" " + stored, stored.replace(b'":', b'": ', 1), b"{", b"[]", b"\xff"):
        with pytest.raises(FieldError) as caught:
            show_value(field(kind), wrong)
        assert caught.value.fault is Fault.NOT_CANONICAL
    with pytest.raises(FieldError):
        show_value(TEXT, b"\xff")


@pytest.mark.parametrize(
    ("raw", "fault"),
    [
        ("a\rb", Fault.CONTROL_CHARACTER),
        ("a\tb", Fault.CONTROL_CHARACTER),
        ("a\0", Fault.CONTROL_CHARACTER),
        ("a\x7f", Fault.CONTROL_CHARACTER),
        ("a\x85", Fault.CONTROL_CHARACTER),
        ("a\u202eb", Fault.CONTROL_CHARACTER),
        ("a\ud800", Fault.ENCODING),
        ("x" * (LONGEST_TEXT + 1), Fault.TOO_LONG),
        ("字" * (LONGEST_TEXT // 3 + 1), Fault.TOO_LONG),
        (5, Fault.TYPE),
        ([], Fault.TYPE),
        ({}, Fault.TYPE),
        (False, Fault.TYPE),
    ],
)
def test_what_is_no_text_is_refused(raw: object, fault: Fault) -> None:
    """No control characters but the line feed, no turned writing, at most 16 KiB."""
    assert fault_of(TEXT, raw) == (fault, "")


def test_a_text_of_exactly_sixteen_kibibytes_is_kept() -> None:
    """The cap is what it says."""
    assert len(read_value(TEXT, "x" * LONGEST_TEXT)) == LONGEST_TEXT


@pytest.mark.parametrize(
    "kana", ["やまだ たろう", "ヤマダ　タロウ", "ﾔﾏﾀﾞ ﾀﾛｳ", "ジョン・スミス", "おーの", "ゔぁん"]
)
def test_kana_is_taken_in_every_form(kana: str) -> None:
    """ひらがな, カタカナ and ﾊﾝｶｸ alike, kept as typed."""
    assert read_value(KANA, kana) == kana.encode()


@pytest.mark.parametrize("kana", ["山田", "Yamada", "やまだ1", "やまだ\nたろう", "やまだ、"])
def test_what_is_no_kana_is_refused(kana: str) -> None:
    """A reading is kana."""
    assert fault_of(KANA, kana)[0] is Fault.NOT_KANA


@pytest.mark.parametrize(
    ("raw", "fault"),
    [
        ("20261018", Fault.FORM),
        ("2026-W43-1", Fault.FORM),
        ("２０２６-10-18", Fault.FORM),
        ("2026-10-18\n", Fault.FORM),
        ("2026-02-29", Fault.NO_SUCH_DAY),
        ("0000-01-01", Fault.NO_SUCH_DAY),
        (20261018, Fault.TYPE),
    ],
)
def test_a_day_is_an_iso_day_that_exists(raw: object, fault: Fault) -> None:
    """A stored day has one form."""
    assert fault_of(DAY, raw)[0] is fault
    assert read_value(DAY, "2028-02-29") == b"2028-02-29"


def test_a_code_is_one_of_the_registry() -> None:
    """No code is invented by who calls."""
    assert read_value(GENDER, "not_answered") == b"not_answered"
    for raw in ("Female", "unknown", "female "):
        assert fault_of(GENDER, raw)[0] is Fault.UNKNOWN_CODE


@pytest.mark.parametrize(
    ("kind", "base", "parts", "fault", "path"),
    [
        (FieldType.QUANTITY, QUANTITY, {"adults": 0, "children": 0}, Fault.RANGE, "adults"),
        (FieldType.QUANTITY, QUANTITY, {"adults": 51}, Fault.RANGE, "adults"),
        (FieldType.QUANTITY, QUANTITY, {"days": 0}, Fault.RANGE, "days"),
        (FieldType.QUANTITY, QUANTITY, {"times": "2"}, Fault.TYPE, "times"),
        (FieldType.QUANTITY, QUANTITY, {"times": 2.0}, Fault.TYPE, "times"),
        (FieldType.QUANTITY, QUANTITY, {"times": True}, Fault.TYPE, "times"),
        (FieldType.QUANTITY, QUANTITY, {"meals": 63}, Fault.UNKNOWN_KEY, ""),
        (FieldType.DIETARY, DIETARY, {"allergens": ["egg", "glass"]}, Fault.UNKNOWN_CODE, "allergens[1]"),
        (FieldType.DIETARY, DIETARY, {"allergens": ["egg", "egg"]}, Fault.TWICE, "allergens"),
        (FieldType.DIETARY, DIETARY, {"note": None}, Fault.NOTE_MISSING, "note"),
        (FieldType.DIETARY, DIETARY, {"note": "\x00"}, Fault.CONTROL_CHARACTER, "note"),
        (FieldType.PICKUP, PICKUP, {"time": "10:30\n"}, Fault.FORM, "time"),
        (FieldType.PICKUP, PICKUP, {"time": "24:00"}, Fault.FORM, "time"),
        (FieldType.PICKUP, PICKUP, {"time": "１０:30"}, Fault.FORM, "time"),
        (FieldType.PICKUP, PICKUP, {"place": "山田宅"}, Fault.FORM, "place"),
        (FieldType.PICKUP, PICKUP, {"place": None}, Fault.MISSING_KEY, "place"),
        (FieldType.PICKUP, HOME, {"place": "office"}, Fault.RANGE, "place"),
        (FieldType.PICKUP, PICKUP, {"date": "2026-02-29"}, Fault.FORM, "date"),
        (FieldType.PICKUP, PICKUP, {"date": "2026-10-18T10:30:00"}, Fault.FORM, "date"),
        (FieldType.PLAN, PLAN, {"until": "2026-10-17"}, Fault.ORDER, "until"),
        (FieldType.PLAN, PLAN, {"next_review": "2026-10-17"}, Fault.ORDER, "next_review"),
        (FieldType.PLAN, PLAN, {"goal": " "}, Fault.EMPTY, "goal"),
        (FieldType.PLAN, PLAN, {"per_month": 0}, Fault.RANGE, "per_month"),
        (FieldType.DELIVERIES, DELIVERY, {"why": None}, Fault.MISSING_KEY, "why"),
        (FieldType.DELIVERIES, DELIVERY, {"result": "full"}, Fault.RANGE, "why"),
        (FieldType.DELIVERIES, DELIVERY, {"items": ["米", " "]}, Fault.EMPTY, "items[1]"),
        (FieldType.DELIVERIES, DELIVERY, {"items": ["米\n豆"]}, Fault.CONTROL_CHARACTER, "items[0]"),
        (FieldType.DELIVERIES, DELIVERY, {"items": ["米"] * 51}, Fault.TOO_MANY, "items"),
        (FieldType.DELIVERIES, DELIVERY, {"note": "x" * 4097}, Fault.TOO_LONG, "note"),
        (FieldType.OBSERVATIONS, OBSERVATION, {"text": "", "chips": []}, Fault.EMPTY, "text"),
        (FieldType.OBSERVATIONS, OBSERVATION, {"chips": ["unwell", "unwell"]}, Fault.TWICE, "chips"),
        (FieldType.REPLIES, {"text": "x"}, {"text": "\n"}, Fault.EMPTY, "text"),
        (FieldType.FILE, EVIDENCE, {"data": ""}, Fault.EMPTY, "data"),
        (FieldType.FILE, EVIDENCE, {"data": "!"}, Fault.FORM, "data"),
        (FieldType.FILE, EVIDENCE, {"data": "A" * 4 * 180_000}, Fault.TOO_LONG, "data"),
        (FieldType.FILE, EVIDENCE, {"media": "text/html"}, Fault.UNKNOWN_CODE, "media"),
    ],
)
def test_a_struct_that_does_not_fit_says_where(
    kind: FieldType, base: Mapping[str, object], parts: Mapping[str, object], fault: Fault, path: str
) -> None:
    """What is wrong is said with the path of the part, and nothing of it is stored."""
    read_value(field(kind), base)
    assert fault_of(field(kind), {**base, **parts}) == (fault, path)


def test_a_missing_part_is_said() -> None:
    """A half-filled request is not stored."""
    half = {key: value for key, value in QUANTITY.items() if key != "times"}
    assert fault_of(field(FieldType.QUANTITY), half) == (Fault.MISSING_KEY, "")
    assert fault_of(field(FieldType.QUANTITY), "many")[0] is Fault.TYPE
    assert fault_of(field(FieldType.QUANTITY), [])[0] is Fault.TYPE


def test_an_error_never_repeats_what_was_typed() -> None:
    """Errors go to logs: they carry codes and known keys only."""
    canary = "ｶﾅﾘｱ-canary"
    for kind in FieldType:
        for raw in (
            canary + "\0",
            [canary],
            {canary: canary},
            {"text": {canary: 1}},
            {"allergens": [canary]},
        ):
            with pytest.raises(FieldError) as caught:
                read_value(field(kind), raw)
            assert "canary" not in repr(caught.value) + str(caught.value.__cause__) + str(caught.value.args)
            assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    ("kind", "raw", "shown"),
    [
        (FieldType.QUANTITY, QUANTITY, QUANTITY),
        (FieldType.PICKUP, PICKUP, PICKUP),
        (
            FieldType.DIETARY,
            DIETARY,
            {
                "allergens": ("egg", "other"),
                "no_cooking": True,
                "supplements": False,
                "soft_food": False,
                "note": None,
            },
        ),
        (
            FieldType.DELIVERIES,
            DELIVERY,
            {"date": "2026-10-18", "result": "part", "why": "absent", "items": (), "note": None},
        ),
        (
            FieldType.OBSERVATIONS,
            OBSERVATION,
            {"text": "", "urgent": True, "chips": ("came_early", "ran_out")},
        ),
        (FieldType.OBSERVATIONS, {"text": "早く来た"}, None),
        (FieldType.REPLIES, {"text": "説明しました"}, None),
        (FieldType.PLAN, PLAN, None),
        (FieldType.REASONS, {"hardship": "電気"}, None),
        (FieldType.FILE, EVIDENCE, None),
        (FieldType.TEXT, "山田", None),
        (FieldType.KANA, "やまだ", None),
        (FieldType.DATE, "2026-10-18", "2026-10-18"),
    ],
)
def test_a_preview_holds_no_free_text(kind: FieldType, raw: object, shown: object) -> None:
    """Codes, numbers and days pass; nothing that somebody typed freely does."""
    found = show_without_free_text(field(kind), read_value(field(kind), raw))
    assert found == shown
    assert not any(unicodedata.category(char) == "Lo" for char in repr(found))


@settings(max_examples=150)
@given(st.text(max_size=60))
def test_any_text_is_kept_or_refused_never_changed(text: str) -> None:
    """There is no third way for a text."""
    try:
        stored = read_value(TEXT, text)
    except FieldError as error:
        assert error.fault in (Fault.CONTROL_CHARACTER, Fault.ENCODING)
        return
    assert stored == text.encode()
    assert (show_value(TEXT, stored) or "") == text


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("タカハシ", "たかはし"),
        ("ﾀｶﾊｼ ｼﾞﾛｳ", "たかはし　じろう"),
        ("ジョン・スミス", "じょんすみす"),
        ("オーノ", "おの"),
        ("髙橋", "高橋"),
        ("山﨑", "山崎"),
        ("渡邉", "渡辺"),
        ("渡邊", "渡邉"),
        ("𠮷田", "吉田"),
        ("\ufa19田", "神田"),
        ("葛\U000e0100城", "葛城"),
        ("辺\ufe00", "辺"),
        ("ＡＢＣ", "abc"),
        ("か\u3099", "が"),
        ("か゛", "が"),
        ("ｱｰｻｰ", "あさ"),
        ("O-No", "ono"),
    ],
)
def test_two_ways_of_writing_a_name_are_found_as_one(one: str, other: str) -> None:
    """Whoever searches finds the name however it was typed."""
    assert fold(one) == fold(other)


def test_different_names_stay_different() -> None:
    """Folding does not make one person of two."""
    folded = {fold(name) for name in ("さとう", "さいとう", "佐藤", "斎藤", "はま", "ばま", "ぱま")}
    assert len(folded) == 7


@settings(max_examples=150)
@given(st.text(max_size=30))
def test_folding_twice_is_folding_once(text: str) -> None:
    """An index built from folded names stays findable by them."""
    once = fold(text)
    assert fold(once) == once
