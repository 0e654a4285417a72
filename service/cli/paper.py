"""``tsunagi log paper FILE``: the monthly sheet, to be printed, signed by hand and kept outside the house."""

import argparse
import hashlib
import html
from datetime import datetime
from zoneinfo import ZoneInfo

import segno

from audit.checkpoint import Checkpoint
from service.cli.running import in_house
from service.cli.saying import refuse, say
from service.flows.export import read_verifier, tree_to_export
from service.flows.export_words import release
from service.flows.notary import publish
from service.flows.proven import note_with_cosignatures
from service.house import House
from service.settings import Settings
from service.store import trees

_TOKYO = ZoneInfo("Asia/Tokyo")

_STYLE = """
@page { size: A4; margin: 18mm }
body { font: 12pt/1.7 "Noto Sans JP", "Noto Sans CJK JP", "BIZ UDPGothic", "Hiragino Sans", "Yu Gothic UI", Meiryo,
  sans-serif; color: #000; background: #fff; max-width: 174mm; margin: 0 auto; padding: 8mm 4mm }
h1 { font-size: 18pt; line-height: 1.4; margin: 0 0 4mm }
dl { margin: 0 } dt { font-weight: bold; margin-top: 3mm } dd { margin: 0; overflow-wrap: anywhere }
code { font: 11pt/1.6 "BIZ UDGothic", "Noto Sans Mono CJK JP", monospace }
svg { width: 52mm; height: 52mm; display: block; margin: 4mm 0 }
ol { padding-left: 1.4em }
.signed { display: flex; flex-wrap: wrap; gap: 8mm; margin-top: 8mm }
.signed div { flex: 1 1 60mm; border-bottom: 1px solid #000; padding-top: 10mm }
"""

_PAGE = """<!doctype html>
<html lang="ja">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>アクセス記録の控え</title>
<style>{style}</style>
<h1>アクセス記録の控え<br>Sheet of the access log</h1>
<p>この紙を、市とNPOと監査担当がそれぞれ保管してください。あとで記録が書き換えられたり、短くされたりしても、この紙でわかります。</p>
<dl>
<dt>記録の名前 log</dt><dd><code>{origin}</code></dd>
<dt>件数 entries</dt><dd><code>{size}</code></dd>
<dt>根のハッシュ root</dt><dd><code>{root}</code></dd>
<dt>印刷した日時 printed</dt><dd>{when}</dd>
<dt>記録の公開鍵 verifier key</dt><dd><code>{vkey}</code></dd>
<dt>確かめるプログラム verify.py（版 {release}）の SHA-256</dt><dd><code>{verifier}</code></dd>
</dl>
<p>下のQRコードは、署名されたチェックポイントの全文です。</p>
{code}
<p>確かめ方：記録を書き出して <code>verify.py</code> で確かめ、この件数のときの根のハッシュが、この紙と同じことを見ます
（QRコードの文をファイルにして <code>--since</code> に渡します）。</p>
<div class="signed"><div>確認した人 checked by</div><div>日付 date</div></div>
</html>
"""


def paper(settings: Settings, arguments: argparse.Namespace) -> int:
    """Writes the sheet of a log's checkpoint of now to a new file."""
    if arguments.file.exists() or arguments.file.is_symlink():
        return refuse(f"{arguments.file}: is there already; nothing was overwritten")

    async def work(house: House) -> int:
        number = await tree_to_export(house, arguments.tree)
        tree = await house.look(lambda tx: trees.tree_of_number(tx, number))
        note, checkpoint = await publish(house, tree)
        whole = await house.look(lambda tx: note_with_cosignatures(tx, house, tree, note))
        text = write_sheet(checkpoint, whole, house.notary.vkey(tree.origin), house.clock())
        arguments.file.write_text(text, "utf-8")
        say(f"{arguments.file}: {checkpoint.size} entries of {checkpoint.origin}; print it")
        return 0

    return in_house(settings, work)


def write_sheet(checkpoint: Checkpoint, note: str, vkey: str, now: datetime) -> str:
    """The sheet as a page of HTML that needs nothing else; the QR code holds the whole note."""
    code = segno.make(note, error="m", micro=False).svg_inline(scale=1, border=2, omitsize=True)
    return _PAGE.format(
        style=_STYLE,
        origin=html.escape(checkpoint.origin),
        size=checkpoint.size,
        root=_grouped(checkpoint.root.hex()),
        when=now.astimezone(_TOKYO).strftime("%Y-%m-%d %H:%M JST"),
        vkey=html.escape(vkey),
        release=html.escape(release()),
        verifier=_grouped(hashlib.sha256(read_verifier()).hexdigest()),
        code=code,
    )


def _grouped(digits: str) -> str:
    """Hex digits in groups of four, to be read aloud and compared."""
    return " ".join(digits[at : at + 4] for at in range(0, len(digits), 4))
