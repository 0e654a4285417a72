"""Says a reason in words, in Japanese and in English: for people, and for ``tsunagi policy``.

The words are those of the screens. What a recipient hears passes ``said_to`` first, so that no wording can
tell more than the code does.
"""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum

from cases.dates import short_japanese_day
from policies.decide import NOT_SHARED, said_to
from policies.decision import Allowed, Denied, Reason
from policies.matrix import Policy
from policies.who import Side


class Language(StrEnum):
    """The languages of the screens."""

    JA = "ja"
    EN = "en"


_PLAIN: Mapping[Language, Mapping[str, str]] = {
    Language.JA: {
        NOT_SHARED: "鍵：渡されていない項目です",
        Reason.ROLE: "鍵：この役割では見られません",
        Reason.NOT_ASSIGNED: "鍵：担当しているケースではありません",
        Reason.NOT_OFFERED: "鍵：同意書にない項目なので渡しません",
        Reason.REFUSED: "鍵：ご本人が渡さないことを選びました",
        Reason.NOT_ASKED: "鍵：まだご本人に聞いていません",
        Reason.AWAITING_WITNESS: "鍵：立会人の確認待ちです",
        Reason.WITHDRAWN: "鍵：同意が取り消されました",
        Reason.EXPIRED: "鍵：同意の期限が切れました",
        Reason.NOT_ACCEPTED_YET: "鍵：受けた後に見られます",
        Reason.NOT_A_PARTY: "鍵：この団体のケースではありません",
        Reason.CLOSED: "鍵：支援は終わりました",
    },
    Language.EN: {
        NOT_SHARED: "Locked: not shared",
        Reason.ROLE: "Locked: not for your role",
        Reason.NOT_ASSIGNED: "Locked: not a case of yours",
        Reason.NOT_OFFERED: "Locked: the consent form does not offer it",
        Reason.REFUSED: "Locked: the person chose not to share",
        Reason.NOT_ASKED: "Locked: the person has not been asked yet",
        Reason.AWAITING_WITNESS: "Locked: waiting for the witness",
        Reason.WITHDRAWN: "Locked: the consent was withdrawn",
        Reason.EXPIRED: "Locked: consent ended",
        Reason.NOT_ACCEPTED_YET: "Locked: after you accept",
        Reason.NOT_A_PARTY: "Locked: not a case of this organisation",
        Reason.CLOSED: "Locked: the support has ended",
    },
}
_EXPIRED_ON: Mapping[Language, str] = {
    Language.JA: "鍵：同意の期限が切れました（{date}）",
    Language.EN: "Locked: consent ended {date}",
}


def explain(reason: Reason, language: Language, side: Side, until: date | None = None) -> str:
    """The sentence for a reason, as this side may hear it; ``until``: the last day of an expired consent."""
    if reason is Reason.EXPIRED and until is not None:
        return _EXPIRED_ON[language].format(date=_day(until, language))
    return _PLAIN[language][said_to(side, reason)]


def explain_decision(
    decision: Allowed | Denied, policy: Policy, language: Language, side: Side, until: date | None = None
) -> tuple[str, ...]:
    """A decision in lines for people: each field with what may be done, or with why it is locked."""
    match decision:
        case Denied(reason=reason):
            return (explain(reason, language, side, until),)
        case Allowed():
            return tuple(_field_lines(decision, policy, language, side, until))


_DOES: Mapping[Language, tuple[str, str, str, str]] = {
    Language.JA: ("見る", "書く", "、", "（自由記述を除く）"),
    Language.EN: ("read", "write", ", ", " (without free text)"),
}


def _field_lines(
    allowed: Allowed, policy: Policy, language: Language, side: Side, until: date | None
) -> list[str]:
    read, write, comma, bare = _DOES[language]
    lines = []
    for field in policy.registry.fields:
        label = field.label_ja if language is Language.JA else field.label_en
        may = ((read, field.slot in allowed.read), (write, field.slot in allowed.write))
        does = comma.join(word for word, true in may if true)
        if does:
            lines.append(f"{label}: {does}{bare if field.slot in allowed.masked else ''}")
        elif field.slot in allowed.locked:
            lines.append(f"{label}: {explain(allowed.locked[field.slot], language, side, until)}")
    return lines


def _day(day: date, language: Language) -> str:
    """The day as the screens write it in a lock: R9.3.31, or 2027-03-31 in English."""
    return short_japanese_day(day) if language is Language.JA else day.isoformat()
