"""The texts that lie in a bundle for whoever opens it: a policy to begin with, and what the bundle is."""

from collections.abc import Sequence
from importlib.metadata import version

_README = """\
つなぎ：アクセス記録の書き出し
================================

記録 {origin} の {size} 件です。{held}
この書き出しの受付番号 {receipt}

確かめ方
1. 確かめるプログラム verify.py は、この書き出しからではなく、公開された版 {release} から取ってください。
   裁かれる側が渡す裁判官では、何も確かめられません。版の SHA-256 は、リリースノートと毎月の紙にあります。
2. policy.txt は下書きです。鍵は、協定書の別紙にあるものと一文字ずつ比べ、自分のファイルに書いてください。
3. python3 verify.py このフォルダ --policy 自分の方針.txt
   前に受け取ったチェックポイントがあれば、--since そのファイル を付けてください。
「記録は書き換えられていません」以外の答えが出たら、このフォルダをそのまま保管し、監査担当に連絡してください。

中身
checkpoint      署名された、件数と根のハッシュ（立会人の署名も）
tile/           ハッシュ（C2SP tlog-tiles の形）
tile/entries/   記録そのもの
leaves          一つのケースの書き出しでは、その記録だけ（含まれることの証明で、全部の証明ではありません）
entries.csv     同じ記録の表。表計算ソフトで開けます

Tsunagi: an export of the access log
====================================

{size} entries of the log {origin}. {holds}
The receipt of this export is {receipt}

How to check it
1. Take the program verify.py from the published release {release}, not from this export: a judge handed over by
   the judged proves nothing. Its SHA-256 stands in the release notes and on the monthly sheet of paper.
2. policy.txt is a draft. Compare its keys, letter by letter, with the annex of the agreement, and write your own file.
3. python3 verify.py THIS-FOLDER --policy YOUR-POLICY.txt
   If you kept an older checkpoint, add --since THAT-FILE.
If the answer is anything but "OK", keep this folder as it is and call the auditors.

What is in it
checkpoint      the signed size and root, with the witnesses' cosignatures
tile/           the hashes (C2SP tlog-tiles)
tile/entries/   the entries themselves
leaves          in an export of one case: its entries only (proves that they are in the log, not that they are all)
entries.csv     the same entries as a table for spreadsheets
"""


def release() -> str:
    """The version of what is installed."""
    return version("tsunagi-consent")


_HELD = {
    "whole": ("全部の記録が入っています。", "All of them are here."),
    "since": (
        "{about}番より前の記録は、ハッシュだけが入っています。",
        "Of the entries before {about} only the hashes are here.",
    ),
    "case": (
        "入っているのは、ケース {about} の記録だけです。",
        "Only the entries of the case {about} are here.",
    ),
}
"""What a bundle of each scope holds, Japanese and English."""


def write_readme(origin: str, size: int, scope: str, receipt: str) -> bytes:
    """The bundle's README, Japanese and English."""
    kind, _, about = scope.partition(" ")
    held, holds = (said.format(about=about) for said in _HELD[kind])
    text = _README.format(
        origin=origin, size=size, held=held, holds=holds, release=release(), receipt=receipt
    )
    return text.encode("utf-8")


def write_policy(log: str, witnesses: Sequence[str]) -> bytes:
    """A policy to begin with: this log, its witnesses, and all of them asked for (C2SP tlog-policy)."""
    lines = [
        "# 下書きです。鍵を協定書の別紙と比べてから使ってください。",
        "# A draft. Compare the keys with the annex of the agreement before you use it.",
        "# contact: ",
        f"log {log}",
        *(f"witness w{number} {vkey}" for number, vkey in enumerate(witnesses, 1)),
    ]
    names = [f"w{number}" for number in range(1, len(witnesses) + 1)]
    lines += [f"group witnesses all {' '.join(names)}", "quorum witnesses"] if names else ["quorum none"]
    return "".join(f"{line}\n" for line in lines).encode("utf-8")
