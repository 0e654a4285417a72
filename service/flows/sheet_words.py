"""The sheet "who looked at my data" in plain sentences, Japanese and English: pure.

The words are those that people in the city and the organisations use; no code and no id stands in a sentence.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from audit.codes import Role, Via
from cases.dates import english_day, japanese_day
from cases.fields import Field
from consent.record import TOKYO
from service.flows.sheet_lines import Kind, Line


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """The same thing in both languages."""

    ja: str
    en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A field as it is named on the sheet."""

    code: str
    words: Words


_STAFF = Words(ja="職員", en="a member of staff")
_ROLES: Mapping[str, Words] = {
    Role.CASEWORKER: _STAFF,
    Role.SUPERVISOR: Words(ja="責任者", en="a supervisor"),
    Role.NPO_COORDINATOR: Words(ja="担当者", en="a coordinator"),
    Role.NPO_VOLUNTEER: Words(ja="ボランティア", en="a volunteer"),
    Role.AUDITOR: Words(ja="監査担当", en="an auditor"),
    Role.INTERMEDIARY: Words(ja="中間支援の担当者", en="an intermediary"),
    Role.ADMIN: Words(ja="管理者", en="an administrator"),
}
_BY_ITSELF = Words(ja="システム（自動の処理）", en="the system by itself")
_SOMETHING = Words(ja="あなたの情報の一部", en="some of your data")
_PURPOSES: Mapping[str, Words] = {
    "audit": Words(ja="記録の確認", en="checking the records"),
    "case_review": Words(ja="個別ケース検討", en="the case meeting"),
    "disclosure": Words(ja="ご本人への開示", en="telling the person"),
    "food_support": Words(ja="食料支援", en="food support"),
    "own_work": Words(ja="相談・支援の仕事", en="the work of advice and support"),
    "referral": Words(ja="支援先の紹介", en="referral to other support"),
}
_NO_PURPOSE = Words(ja="記録なし", en="not recorded")
_CHANNELS: Mapping[Via, Words] = {
    Via.CSV: Words(ja="ファイルに書き出しました", en="wrote to a file"),
    Via.PRINT: Words(ja="紙に印刷しました", en="printed"),
    Via.MAIL: Words(ja="メールで送りました", en="sent by mail"),
}
_SAW = Words(ja="見ました", en="saw")

NAMES_COMPARED = Words(
    ja="名前で探すとき、コンピュータが氏名を照合することがあります。画面に出た場合だけ、この紙に載せています。",
    en="When somebody searches by name, the computer compares names. Only what was then shown stands on this sheet.",
)
SECTIONS_ARE_OF_NOW = Words(
    ja="課の名前は、いまの所属です。", en="The departments are those to which people belong now."
)
NOBODY_LOOKED = Words(
    ja="この期間に、あなたの情報を見た記録はありません。",
    en="There is no record that anybody looked at your data in this period.",
)
TEXTS_ARE_GONE = Words(
    ja=(
        "保存期間が過ぎたため、文が残っていない記録があります。"
        "その中にあなたの情報を見た記録があったかどうかは、もう分かりません。"
    ),
    en=(
        "There are records whose text is no longer kept. "
        "Whether one of them was of a look at your data can no longer be known."
    ),
)


def notes_for(looks: int, gone: int) -> tuple[Words, ...]:
    """What has to be said beside the lines."""
    said = [NOBODY_LOOKED] if looks == 0 else []
    if gone:
        said.append(TEXTS_ARE_GONE)
    return (*said, NAMES_COMPARED, SECTIONS_ARE_OF_NOW)


def items_of(line: Line, fields: Sequence[Field]) -> tuple[Item, ...]:
    """The line's fields in the order of the registry; one that is no field any more by its code, at the end."""
    known = [field for field in fields if str(field.code) in line.items]
    lost = sorted(set(line.items) - {str(field.code) for field in known})
    named = [Item(code=str(one.code), words=Words(ja=one.label_ja, en=one.label_en)) for one in known]
    return (*named, *(Item(code=code, words=Words(ja=code, en=code)) for code in lost))


def who_of(line: Line) -> Words:
    """Who it was: the department or the organisation, and what they are there; the name where it is shown."""
    if line.organisation is None:
        return _BY_ITSELF
    role = _ROLES.get(line.role or "", _STAFF)
    ja, en = line.organisation, line.organisation
    if line.person.sections:
        ja, en = f"{ja} {'・'.join(line.person.sections)}", f"{en}, {', '.join(line.person.sections)}"
    name = line.person.name
    behind = Words(ja="", en="") if name is None else Words(ja=f"（{name}）", en=f" ({name})")
    return Words(ja=f"{ja}の{role.ja}{behind.ja}", en=f"{role.en} of {en}{behind.en}")


def sentence(line: Line, fields: Sequence[Field]) -> Words:
    """The line as one plain sentence or two."""
    when, who = _when(line), who_of(line)
    items = items_of(line, fields)
    what = Words(ja="、".join(one.words.ja for one in items), en=", ".join(one.words.en for one in items))
    if not items:
        what = _SOMETHING
    match line.kind:
        case Kind.LOOK:
            said = _looked(line, who, what)
        case Kind.GRANT:
            to = line.recipient or ""
            said = Words(
                ja=f"{who.ja}が、{to}に、{what.ja}を見るための鍵を渡しました。",
                en=f"{who.en} gave {to} the keys to see: {what.en}.",
            )
        case Kind.ROTATION:
            return Words(
                ja=f"{when.ja}、鍵を新しくするため、{who.ja}の操作で、コンピュータが{what.ja}を開いて閉じ直しました。"
                "人には見せていません。",
                en=f"{when.en}, to make new keys at the hands of {who.en}, the computer opened and closed again: "
                f"{what.en}. It was shown to nobody.",
            )
    why = _why(line)
    return Words(ja=f"{when.ja}、{said.ja}{why.ja}", en=f"{when.en}, {said.en} {why.en}")


def _looked(line: Line, who: Words, what: Words) -> Words:
    done = _SAW if line.channel is None else _CHANNELS.get(line.channel, _SAW)
    often = Words(ja="", en="")
    if line.count > 1:
        often = Words(ja=f"、続けて{line.count}回", en=f", {line.count} times in a row")
    return Words(
        ja=f"{who.ja}が{often.ja}、{what.ja}を{done.ja}。", en=f"{who.en} {done.en}{often.en}: {what.en}."
    )


def _when(line: Line) -> Words:
    """The day and the time of Tokyo's clock."""
    local = line.at.astimezone(TOKYO)
    return Words(
        ja=f"{japanese_day(local.date())}{local.hour}時{local.minute:02}分",
        en=f"On {english_day(local.date())} at {local.hour}:{local.minute:02}",
    )


def _why(line: Line) -> Words:
    """The purpose and the ground: a consent by its receipt number, or the organisation's own work."""
    purpose = _PURPOSES.get(line.purpose or "", _NO_PURPOSE)
    own = line.organisation or _BY_ITSELF.ja
    ground = Words(ja=f"{own}の仕事（同意によらない）", en=f"the own work of {own}, not a consent")
    if line.consent is not None:
        ground = Words(ja=f"同意 {line.consent}", en=f"consent {line.consent}")
    return Words(
        ja=f"目的：{purpose.ja}。根拠：{ground.ja}。", en=f"Purpose: {purpose.en}. Ground: {ground.en}."
    )
