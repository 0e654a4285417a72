"""What the verifier says, in plain words: Japanese and English, the index, the step and whom to call."""

import json
from datetime import UTC, datetime

from audit.bundle import Verified
from audit.errors import PolicyError
from audit.scan import Step, VerifyError

_SAID: dict[Step, tuple[str, str]] = {
    Step.NOTE: ("the checkpoint is not to be believed", "チェックポイントを信じることができません"),
    Step.SCOPE: ("what the bundle should hold is not what it holds", "書き出しの範囲と中身が違います"),
    Step.TILE: ("this entry and the hashes of the log disagree", "この記録とハッシュが合いません"),
    Step.ENTRIES: ("entries are missing, cut off or too many", "記録が欠けているか、余分です"),
    Step.LEAF: ("this entry does not keep the rules of the log", "この記録は決まりに合いません"),
    Step.TIME: ("this entry is earlier than the one before", "この記録は前の記録より古い時刻です"),
    Step.ROOT: (
        "entries were changed, moved, added or taken away",
        "記録が書き換え、入れ替え、追加、または削除されています",
    ),
    Step.UNIQUE: ("two entries have the same id", "同じ番号の記録が2つあります"),
    Step.ABSENT: (
        "the text of this entry is missing, and no entry says why",
        "この記録の文がなく、理由の記録もありません",
    ),
    Step.TABLE: ("the table entries.csv does not say what the entries say", "entries.csv が記録と違います"),
    Step.SINCE: (
        "the log does not continue the older checkpoint",
        "前のチェックポイントから続いていません",
    ),
}

_FAULTS: dict[str, tuple[str, str]] = {
    "size": ("it is too long", "長すぎます"),
    "text": ("it is damaged", "壊れています"),
    "signature": ("a signature is false", "署名が違います"),
    "unsigned": ("no log that your policy knows signed it", "方針にある記録の署名がありません"),
    "other_key": ("it is signed with another key than your policy names", "方針にない鍵の署名です"),
    "body": ("it is no checkpoint", "チェックポイントではありません"),
    "origin": ("it is of another log", "別の記録のものです"),
    "quorum": ("not enough witnesses have cosigned it", "立会人の署名が足りません"),
    "shrank": ("the log has become shorter", "記録が短くなっています"),
    "fork": ("its past was changed", "過去が書き換えられています"),
}

_CALL = (
    "Keep this folder as it is, use the log no further, and call {}.",
    "このフォルダをそのまま保管し、記録の使用を止めて、{} に連絡してください。",
)
_SOMEONE = ("the auditors and the city's information security officer", "監査担当と市の情報セキュリティ担当")


def write_refusal(error: VerifyError, japanese: bool, contact: str = "") -> str:
    """What is wrong: the step, the index where there is one, the fault, and whom to call."""
    why = _FAULTS.get(error.fault, ("", ""))[japanese]
    said = _SAID[error.step][japanese] + (f": {why}" if why else "")
    code = f"({error.step}: {error.fault})" if error.fault else f"({error.step})"
    call = _CALL[japanese].format(contact or _SOMEONE[japanese])
    if japanese:
        where = "" if error.index is None else f"記録{error.index}："
        return f"記録を確認できません。{where}{said} {code}\n{call}"
    where = "" if error.index is None else f"entry {error.index}: "
    return f"REFUSED: {where}{said} {code}\n{call}"


def write_verified(found: Verified, japanese: bool) -> str:
    """What was proved, and what not, in a few lines."""
    point = found.cosigned.checkpoint
    span = f" {found.first} – {found.last}" if found.first else ""
    if japanese:
        lines = [f"記録は書き換えられていません。{point.origin}：{point.size}件{span}"]
    else:
        lines = [f"OK: the records are unaltered. {point.origin}: {point.size} entries{span}"]
    return "\n".join(lines + [f"  {line}" for line in _details(found, japanese)])


def _details(found: Verified, japanese: bool) -> list[str]:
    root = found.cosigned.checkpoint.root.hex()
    lines = [f"根のハッシュ {root}" if japanese else f"root {root}"]
    lines += [
        f"立会人 {name}：{_clock(time)} に確認" if japanese else f"cosigned by {name} at {_clock(time)}"
        for name, time in found.cosigned.cosigners
    ]
    kind, _, about = found.scope.partition(" ")
    if kind == "case":
        lines.append(
            f"{about} の{found.read}件だけを含みます。含まれることの証明であり、これで全部という証明ではありません。"
            if japanese
            else f"holds {found.read} entries of {about}: proves that they are in the log, not that they are all"
        )
    if kind == "since":
        lines.append(
            f"{about}番より前の記録は、ハッシュだけを確かめました。"
            if japanese
            else f"entries before {about} were checked by their hashes only"
        )
    if found.pruned:
        lines.append(
            f"{found.pruned}番より前の記録の文は、保存期間が過ぎて消されています。"
            if japanese
            else f"the texts of the entries before {found.pruned} were pruned, as an entry of the log says"
        )
    if found.redacted:
        named = ", ".join(map(str, found.redacted))
        lines.append(
            f"文が消された記録（理由は記録にあります）：{named}" if japanese else f"redacted entries: {named}"
        )
    if found.since is not None:
        lines.append(
            f"前のチェックポイント（{found.since.size}件）から続いています。"
            if japanese
            else f"continues your older checkpoint of {found.since.size} entries"
        )
    return lines


def _clock(seconds: int) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
    except (OverflowError, OSError, ValueError):
        return str(seconds)


def write_policy_fault(error: PolicyError, japanese: bool) -> str:
    """Why the policy file cannot be used."""
    where = "" if error.line is None else f"{error.line}行目：" if japanese else f"line {error.line}: "
    if japanese:
        return f"方針のファイルを読めません。{where}({error.fault})"
    return f"the policy file cannot be read: {where}({error.fault})"


def write_json(outcome: Verified | VerifyError, contact: str = "") -> str:
    """The outcome as one line of JSON with sorted keys; a refusal says whom to call, null where the policy does not."""
    said: dict[str, object]
    if isinstance(outcome, VerifyError):
        said = {
            "ok": False,
            "step": outcome.step,
            "index": outcome.index,
            "fault": outcome.fault or None,
            "call": contact or None,
        }
    else:
        point = outcome.cosigned.checkpoint
        said = {
            "ok": True,
            "origin": point.origin,
            "size": point.size,
            "root": point.root.hex(),
            "scope": outcome.scope,
            "read": outcome.read,
            "first": outcome.first or None,
            "last": outcome.last or None,
            "cosigners": dict(outcome.cosigned.cosigners),
            "redacted": list(outcome.redacted),
            "pruned": outcome.pruned,
            "table": outcome.table,
            "since": None if outcome.since is None else outcome.since.size,
        }
    return json.dumps(said, sort_keys=True, ensure_ascii=False)
