"""What the verifier says is what it found: each step and fault in plain words, in Japanese and English."""

import json

import pytest

from audit.bundle import Verified
from audit.checkpoint import Checkpoint
from audit.errors import EntryFault, NoteFault, PolicyError, PolicyFault
from audit.policy import Cosigned
from audit.scan import Step, VerifyError
from audit.words import write_json, write_policy_fault, write_refusal, write_verified
from tests.audit.examples import digest

CALL = (
    "Keep this folder as it is, use the log no further, and call "
    "the auditors and the city's information security officer."
)
CALL_JA = "このフォルダをそのまま保管し、記録の使用を止めて、監査担当と市の情報セキュリティ担当 に連絡してください。"

STEPS = {
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
    Step.SINCE: ("the log does not continue the older checkpoint", "前のチェックポイントから続いていません"),
}

FAULTS = {
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


def verified(
    *,
    size: int = 5,
    times: tuple[str, str] = ("2026-11-23T05:50:27.179Z", "2026-11-23T05:50:27.183Z"),
    cosigners: tuple[tuple[str, int], ...] = (),
    scope: str = "whole",
    redacted: tuple[int, ...] = (),
    pruned: int = 0,
    since: int | None = None,
) -> Verified:
    """A bundle that holds."""
    point = Checkpoint(origin="log.example/b", size=size, root=digest(1))
    return Verified(
        cosigned=Cosigned(checkpoint=point, cosigners=cosigners),
        scope=scope,
        read=3,
        first=times[0],
        last=times[1],
        redacted=redacted,
        pruned=pruned,
        table=True,
        since=None if since is None else Checkpoint(origin="log.example/b", size=since, root=digest(2)),
    )


def test_each_step_has_words() -> None:
    """Nobody is refused without being told where, why, and whom to call."""
    assert set(STEPS) == set(Step)
    for step, (english, japanese) in STEPS.items():
        assert (
            write_refusal(VerifyError(step), japanese=False) == f"REFUSED: {english} ({step.value})\n{CALL}"
        )
        assert write_refusal(VerifyError(step, 81), japanese=False) == (
            f"REFUSED: entry 81: {english} ({step.value})\n{CALL}"
        )
        assert write_refusal(VerifyError(step), japanese=True) == (
            f"記録を確認できません。{japanese} ({step.value})\n{CALL_JA}"
        )
        assert write_refusal(VerifyError(step, 0), japanese=True) == (
            f"記録を確認できません。記録0：{japanese} ({step.value})\n{CALL_JA}"
        )


def test_each_fault_of_a_note_has_words() -> None:
    """A missing cosignature and a false signature are not the same to an auditor."""
    assert set(NoteFault) <= set(FAULTS) | {"key"}
    for fault, (english, japanese) in FAULTS.items():
        assert write_refusal(VerifyError(Step.NOTE, fault=fault), japanese=False) == (
            f"REFUSED: the checkpoint is not to be believed: {english} (note: {fault})\n{CALL}"
        )
        assert write_refusal(VerifyError(Step.SINCE, 7, fault), japanese=True) == (
            f"記録を確認できません。記録7：前のチェックポイントから続いていません: {japanese} (since: {fault})\n"
            f"{CALL_JA}"
        )


def test_a_fault_without_words_is_told_by_its_code() -> None:
    """The rule that a leaf breaks is named by its code."""
    for fault in set(EntryFault) - set(FAULTS):
        assert write_refusal(VerifyError(Step.LEAF, 2, fault), japanese=False) == (
            f"REFUSED: entry 2: this entry does not keep the rules of the log (leaf: {fault.value})\n{CALL}"
        )


def test_a_refusal_names_whom_the_policy_names() -> None:
    """The policy's contact is in the sentence, in place of the roles."""
    error = VerifyError(Step.ROOT)
    assert write_refusal(error, japanese=False, contact="Ms Sato, 03-0000-0000").endswith(
        "\nKeep this folder as it is, use the log no further, and call Ms Sato, 03-0000-0000."
    )
    assert write_refusal(error, japanese=True, contact="佐藤").endswith(
        "\nこのフォルダをそのまま保管し、記録の使用を止めて、佐藤 に連絡してください。"
    )


def test_what_holds_is_said_with_its_root() -> None:
    """Origin, number of entries, from when to when, and the root as the sheet of paper has it."""
    root = digest(1).hex()
    assert write_verified(verified(), japanese=False) == (
        "OK: the records are unaltered. log.example/b: 5 entries "
        f"2026-11-23T05:50:27.179Z – 2026-11-23T05:50:27.183Z\n  root {root}"
    )
    assert write_verified(verified(), japanese=True) == (
        "記録は書き換えられていません。log.example/b：5件 "
        f"2026-11-23T05:50:27.179Z – 2026-11-23T05:50:27.183Z\n  根のハッシュ {root}"
    )
    empty = verified(size=0, times=("", ""))
    english, japanese = write_verified(empty, japanese=False), write_verified(empty, japanese=True)
    assert english == f"OK: the records are unaltered. log.example/b: 0 entries\n  root {root}"
    assert japanese == f"記録は書き換えられていません。log.example/b：0件\n  根のハッシュ {root}"


@pytest.mark.parametrize(
    ("found", "english", "japanese"),
    [
        (
            verified(cosigners=(("npo", 1_795_410_000), ("audit", 0))),
            ["cosigned by npo at 2026-11-23T05:00:00Z", "cosigned by audit at 1970-01-01T00:00:00Z"],
            ["立会人 npo：2026-11-23T05:00:00Z に確認", "立会人 audit：1970-01-01T00:00:00Z に確認"],
        ),
        (
            verified(cosigners=(("npo", 2**63 - 1),)),
            ["cosigned by npo at 9223372036854775807"],
            ["立会人 npo：9223372036854775807 に確認"],
        ),
        (
            verified(cosigners=(("npo", 10**12),)),
            ["cosigned by npo at 1000000000000"],
            ["立会人 npo：1000000000000 に確認"],
        ),
        (
            verified(scope="case c_44"),
            ["holds 3 entries of c_44: proves that they are in the log, not that they are all"],
            ["c_44 の3件だけを含みます。含まれることの証明であり、これで全部という証明ではありません。"],
        ),
        (
            verified(scope="since 300"),
            ["entries before 300 were checked by their hashes only"],
            ["300番より前の記録は、ハッシュだけを確かめました。"],
        ),
        (
            verified(pruned=256),
            ["the texts of the entries before 256 were pruned, as an entry of the log says"],
            ["256番より前の記録の文は、保存期間が過ぎて消されています。"],
        ),
        (
            verified(redacted=(3, 17)),
            ["redacted entries: 3, 17"],
            ["文が消された記録（理由は記録にあります）：3, 17"],
        ),
        (
            verified(since=0),
            ["continues your older checkpoint of 0 entries"],
            ["前のチェックポイント（0件）から続いています。"],
        ),
        (
            verified(cosigners=(("npo", 1),), scope="since 512", pruned=256, redacted=(600,), since=4),
            [
                "cosigned by npo at 1970-01-01T00:00:01Z",
                "entries before 512 were checked by their hashes only",
                "the texts of the entries before 256 were pruned, as an entry of the log says",
                "redacted entries: 600",
                "continues your older checkpoint of 4 entries",
            ],
            [
                "立会人 npo：1970-01-01T00:00:01Z に確認",
                "512番より前の記録は、ハッシュだけを確かめました。",
                "256番より前の記録の文は、保存期間が過ぎて消されています。",
                "文が消された記録（理由は記録にあります）：600",
                "前のチェックポイント（4件）から続いています。",
            ],
        ),
    ],
)
def test_what_was_not_proved_is_said_too(found: Verified, english: list[str], japanese: list[str]) -> None:
    """Who cosigned and when, what was only hashed, what is gone, what it continues: a line each."""
    assert write_verified(found, japanese=False).split("\n")[2:] == [f"  {line}" for line in english]
    assert write_verified(found, japanese=True).split("\n")[2:] == [f"  {line}" for line in japanese]


def test_a_policy_that_cannot_be_read_is_told_by_its_line() -> None:
    """The auditor's own file: which line, and which fault."""
    assert write_policy_fault(PolicyError(PolicyFault.KEY, 3), japanese=False) == (
        "the policy file cannot be read: line 3: (key)"
    )
    assert write_policy_fault(PolicyError(PolicyFault.QUORUM), japanese=False) == (
        "the policy file cannot be read: (quorum)"
    )
    assert write_policy_fault(PolicyError(PolicyFault.KEY, 3), japanese=True) == (
        "方針のファイルを読めません。3行目：(key)"
    )
    assert write_policy_fault(PolicyError(PolicyFault.SIZE), japanese=True) == (
        "方針のファイルを読めません。(size)"
    )


def test_a_refusal_is_one_line_of_json() -> None:
    """Step, index and fault as codes, null where there is none."""
    assert write_json(VerifyError(Step.LEAF, 2, "form")) == (
        '{"call": null, "fault": "form", "index": 2, "ok": false, "step": "leaf"}'
    )
    assert write_json(VerifyError(Step.ROOT), "03-1234") == (
        '{"call": "03-1234", "fault": null, "index": null, "ok": false, "step": "root"}'
    )
    assert json.loads(write_json(VerifyError(Step.TILE, 0)))["index"] == 0


def test_what_holds_is_one_line_of_json() -> None:
    """All that was proved, by name, sorted, null where there is none."""
    found = verified(
        cosigners=(("立会人", 7), ("npo", 8)), scope="since 1", redacted=(3, 4), pruned=256, since=9
    )
    assert write_json(found) == (
        '{"cosigners": {"npo": 8, "立会人": 7}, "first": "2026-11-23T05:50:27.179Z", '
        '"last": "2026-11-23T05:50:27.183Z", "ok": true, "origin": "log.example/b", "pruned": 256, "read": 3, '
        f'"redacted": [3, 4], "root": "{digest(1).hex()}", "scope": "since 1", "since": 9, "size": 5, '
        '"table": true}'
    )
    empty = json.loads(write_json(verified(size=0, times=("", ""))))
    assert (empty["first"], empty["last"], empty["since"], empty["cosigners"]) == (None, None, None, {})
    assert json.loads(write_json(verified(since=0)))["since"] == 0
