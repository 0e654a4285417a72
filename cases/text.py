"""Text as people type it: stored byte for byte, and folded for finding only.

1. A text is kept as typed, never normalised: 𠮷, 髙, 神 (U+FA19) and variation selectors survive.
2. No control characters but the line feed; none that turn the direction of writing.
3. At most 16 KiB of UTF-8.
4. Folding is for an index or a comparison. What is folded is never stored as a value nor shown.
"""

import re
import unicodedata

from cases.errors import Fault, ShapeError

LONGEST_TEXT = 16 * 1024
"""The longest text of one field, in bytes of UTF-8."""

_TURNING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_KANA = re.compile("[\u3041-\u3096\u3099-\u309e\u30a1-\u30fe\u31f0-\u31ff\uff65-\uff9f\u3000 ]+")
_DROPPED = re.compile("[ー゠・.,、。‐-―−-]")
_SELECTORS = re.compile("[\u180b-\u180d\ufe00-\ufe0f\U000e0100-\U000e01ef]")

# NFKC does not unify these. The plain form comes first, its variants after it. (Compatibility forms such as
# U+FA19 need no entry: NFKC turns them into the plain form.)
# fmt: off
_FAMILIES = (
    "高髙", "崎﨑碕嵜", "辺邉邊", "吉𠮷", "浜濱濵", "斎斉齋齊", "沢澤", "広廣",
    "国國", "島嶋嶌", "富冨", "桜櫻", "柳栁", "徳德", "瀬瀨", "穂穗",
    "恵惠", "真眞", "竜龍", "関關", "会會", "条條", "滝瀧", "蔵藏",
    "槙槇", "亀龜", "館舘", "曽曾", "静靜",
)
# fmt: on
_VARIANTS = {ord(variant): family[0] for family in _FAMILIES for variant in family[1:]}
# Katakana U+30A1–U+30F6 lie exactly 0x60 above hiragana; so do ヽ and ヾ.
_HIRAGANA = {code: code - 0x60 for code in (*range(0x30A1, 0x30F7), 0x30FD, 0x30FE)}


def check_text(text: str, longest: int = LONGEST_TEXT, path: str = "") -> None:
    """Lets pass what may be stored as text: at most ``longest`` bytes of UTF-8, no control characters but LF.

    Raises:
        ShapeError: ``too_long``, ``encoding`` (a lone surrogate) or ``control_character``, at ``path``.
    """
    if len(text) > longest:
        raise ShapeError(Fault.TOO_LONG, path)
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise ShapeError(Fault.ENCODING, path) from None
    if size > longest:
        raise ShapeError(Fault.TOO_LONG, path)
    if not all(map(_may_stand, text)):
        raise ShapeError(Fault.CONTROL_CHARACTER, path)


def check_line(text: str, longest: int, path: str) -> None:
    """Lets pass a text of one line that is not empty. Raises what ``check_text`` raises, and ``empty``."""
    if not text.strip():
        raise ShapeError(Fault.EMPTY, path)
    check_text(text, longest, path)
    if "\n" in text:
        raise ShapeError(Fault.CONTROL_CHARACTER, path)


def check_kana(text: str) -> None:
    """Lets pass ひらがな, カタカナ, ﾊﾝｶｸ, their marks, ー, ・ and spaces; else ShapeError ``not_kana``."""
    check_text(text)
    if _KANA.fullmatch(text) is None:
        raise ShapeError(Fault.NOT_KANA)


def fold(text: str) -> str:
    """The form of a name that is compared: two ways of writing the same name fold to the same string.

    NFKC, variation selectors away, the variant map (髙 to 高), katakana to hiragana, lower case, and no
    spaces, dots or lengthening marks. One way only, for searching: names are stored as typed.
    """
    bare = unicodedata.normalize("NFKC", _SELECTORS.sub("", text.translate(_VARIANTS)))
    kana = bare.translate(_VARIANTS).translate(_HIRAGANA).casefold()
    joined = _DROPPED.sub("", "".join(kana.split()))
    return unicodedata.normalize("NFKC", joined)  # か゛: the mark joins only now, without its space


def _may_stand(char: str) -> bool:
    return char == "\n" or (unicodedata.category(char) != "Cc" and char not in _TURNING)
