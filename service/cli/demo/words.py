"""Values, locks and log entries in the words of the screens, short enough for a cell."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone

from policies.decide import NOT_SHARED
from policies.decision import Reason
from policies.explain import Language, explain
from policies.matrix import default_policy
from policies.who import Side

_TOKYO = timezone(timedelta(hours=9))
_CODES: Mapping[str, str] = {
    "female": "女性",
    "male": "男性",
    "other": "その他",
    "not_answered": "回答なし",
    "egg": "卵",
    "buckwheat": "そば",
    "no_cooking": "調理できない",
    "soft_food": "やわらかいもの",
    "supplements": "栄養補助",
    "office": "窓口",
    "person": "ご本人",
    "full": "全部",
    "part": "一部",
    "not": "渡せず",
    "came_early": "早く来た",
    "ran_out": "足りない",
    "neighbour": "近隣から",
    "counter": "窓口で",
    "visit": "訪問で",
    "phone": "電話で",
    "other_section": "他の課から",
}
_EVENTS: Mapping[str, str] = {
    "case.create": "ケースを作る",
    "case.read": "ケースを見る",
    "case.list": "受信箱を見る",
    "consent.give": "同意の記録",
    "consent.request": "同意を聞く",
    "consent.withdraw": "同意の取り消し",
    "request.send": "依頼を送る",
    "request.draft": "依頼を作る",
    "request.accept": "依頼を受ける",
    "request.stop": "依頼が止まる",
    "ledger.write": "引き継ぎ簿に書く",
    "ledger.read": "引き継ぎ簿を見る",
    "key.seal": "鍵を渡す",
    "key.revoke": "鍵を消す",
    "key.rotate": "鍵を替える",
    "field.release": "依頼を見る",
}
_REASONS: Mapping[str, Reason] = {reason.value: reason for reason in Reason} | {NOT_SHARED: Reason.NOT_ASKED}
_NOTHING = "(空)"
MANY = 14


def label(code: str) -> str:
    """A field's name: Japanese, then its code."""
    field = default_policy().registry.by_code.get(code)
    return code if field is None else f"{field.label_ja} {code}"


def labels(codes: Sequence[str]) -> str:
    """The Japanese names of fields, in the order of the registry."""
    registry = default_policy().registry
    return "、".join(field.label_ja for field in registry.fields if str(field.code) in codes)


def all_codes() -> list[str]:
    """Every field's code, in the order of the registry."""
    return [str(field.code) for field in default_policy().registry.fields]


def lock(reason: str) -> str:
    """Why a field is locked, as the recipient's screen says it."""
    known = _REASONS.get(reason)
    return reason if known is None else explain(known, Language.JA, Side.RECIPIENT).removeprefix("鍵：")


def value(found: object) -> str:
    """A field's value in a line."""
    match found:
        case None | "" | [] | ():
            return _NOTHING
        case str():
            return _CODES.get(found, found)
        case Mapping():
            return _struct(found)
        case list() | tuple():
            return " / ".join(value(_row(part)) for part in found)
        case _:
            return str(found)


def _row(part: object) -> object:
    """A row of a thread field without the id of what it belongs to."""
    return part["value"] if isinstance(part, Mapping) and part.keys() == {"of", "value"} else part


def _struct(found: Mapping[str, object]) -> str:
    if "adults" in found:
        people = f"大人{found['adults']}・子ども{found['children']}"
        return f"{people} × {found['days']}日 × {found['times']}回"
    said = [_part(key, part) for key, part in found.items()]
    return " ".join(part for part in said if part) or _NOTHING


def _part(key: str, part: object) -> str:
    match part:
        case True:
            return _CODES.get(key, key)
        case None | False | [] | () | "":
            return ""
        case list() | tuple():
            joined = "・".join(value(one) for one in part)
            return f"アレルギー:{joined}" if key == "allergens" else joined
        case int():
            return f"{key}:{part}"
        case _:
            return value(part)


def opened(codes: Sequence[str]) -> str:
    """The fields that an entry names; only their number where it is nearly all of them."""
    return f"{len(codes)}項目 {len(codes)} fields" if len(codes) > MANY else ", ".join(codes)


def event(code: str) -> str:
    """What happened, in the words of the screens, with the code for those who look it up."""
    return f"{_EVENTS.get(code, '')} {code}".strip()


def decision(dec: str, reason: str) -> str:
    """What was decided."""
    if dec == "deny":
        return f"拒む {reason}".strip()
    return "許す" if dec == "permit" else dec


def clock(moment: str) -> str:
    """The time of day in Japan, of a time in ISO 8601 with Z."""
    return datetime.fromisoformat(moment.replace("Z", "+00:00")).astimezone(_TOKYO).strftime("%H:%M:%S")


def tokyo(now: datetime) -> datetime:
    """A moment as clocks in Japan show it."""
    return now.astimezone(_TOKYO)
