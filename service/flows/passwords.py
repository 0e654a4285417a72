"""What may be a password: at least 15 characters of any kind, and none that an attacker tries first.

ASVS 5.0 V6.2 and NIST SP 800-63B-4 §3.1.1.2: no rules of composition, no forced change, a list of common ones.
Length is counted after NFC, in characters; the list is compared folded, so that neither capitals nor
full-width letters, nor spaces between the words, get a listed one through.
"""

import re
import unicodedata
from enum import StrEnum

from service.flows.errors import FlowError

SHORTEST = 15
LONGEST = 1024
_PIECE = 5
"""A password that is one piece of at most this many characters over and over counts as common."""
_WORD = 8
"""What is left without its digits at the end is looked at by itself from this length on."""


class PasswordFault(StrEnum):
    """Why a password is refused."""

    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    CONTROL_CHARACTER = "control_character"
    COMMON = "common"
    LIKE_LOGIN = "like_login"


class PasswordError(FlowError):
    """A password that may not be set; ``code`` says why and nothing of the password."""

    def __init__(self, code: PasswordFault) -> None:
        super().__init__(code)
        self.code = code


_RUNS = (
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890123456789012345678901234567890",
    "12345678901234567890123456789012345678901",
    "qwertyuiopasdfghjklzxcvbnm",
    "qwertzuiopasdfghjklyxcvbnm",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
    "1q2w3e4r5t6y7u8i9o0p",
    "あいうえおかきくけこさしすせそたちつてとなにぬねのはひふへほまみむめもやゆよらりるれろわをん",
    "いろはにほへとちりぬるをわかよたれそつねならむうゐのおくやまけふこえてあさきゆめみしゑひもせす",
)
_PHRASES = frozenset(
    {
        "correcthorsebatterystaple",
        "thequickbrownfoxjumpsoverthelazydog",
        "thisismypassword",
        "thisisapassword",
        "mypasswordissecret",
        "mypasswordispassword",
        "pleaseletmein123",
        "letmeinletmein123",
        "iloveyouforever",
        "iloveyousomuch123",
        "iforgotmypassword",
        "idontknowmypassword",
        "changemechangeme",
        "changethispassword",
        "administrator123",
        "administratorpassword",
        "adminadminadmin123",
        "welcometothejungle",
        "maytheforcebewithyou",
        "tobeornottobethatisthequestion",
        "loremipsumdolorsitamet",
        "nevergonnagiveyouup",
        "supercalifragilisticexpialidocious",
        "passwordpassword123",
        "password123456789",
        "password1234567890",
        "passw0rdpassw0rd",
        "p@ssw0rdp@ssw0rd",
        "tsunagitsunagi123",
        "tsunagipassword",
        "pasuwadopasuwado",
        "arigatougozaimasu",
        "yoroshikuonegaishimasu",
        "otsukaresamadeshita",
        "ohayougozaimasu",
        "konnichiwakonnichiwa",
        "ありがとうございます",
        "ありがとうございました",
        "よろしくおねがいします",
        "どうぞよろしくおねがいします",
        "おつかれさまでした",
        "わたしのぱすわーど",
        "ぱすわーどをわすれました",
        "すもももももももものうち",
        "なまむぎなまごめなまたまご",
        "ふるいけやかわずとびこむみずのおと",
        "古池や蛙飛びこむ水の音",
    }
)
_TAIL = re.compile(r"[0-9!?.@#_-]*\Z", re.ASCII)


def check_password(password: str, login: str) -> None:
    """Lets pass what may be the password of ``login``. Raises PasswordError."""
    typed = unicodedata.normalize("NFC", password)
    if len(typed) < SHORTEST:
        raise PasswordError(PasswordFault.TOO_SHORT)
    if len(typed) > LONGEST:
        raise PasswordError(PasswordFault.TOO_LONG)
    if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in typed):
        raise PasswordError(PasswordFault.CONTROL_CHARACTER)
    folded = _fold(typed)
    if _is_common(folded):
        raise PasswordError(PasswordFault.COMMON)
    bare = _fold(login)
    if len(bare) >= 3 and len(folded.replace(bare, "")) < SHORTEST - 8:
        raise PasswordError(PasswordFault.LIKE_LOGIN)


def _fold(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


def _is_common(folded: str) -> bool:
    """Also without the digits and marks that people put behind a word that was refused."""
    bare = _TAIL.sub("", folded)
    tried = (folded, bare) if len(bare) >= _WORD else (folded,)
    return any(_is_listed(text) or _repeats(text) or _runs(text) for text in tried)


def _is_listed(text: str) -> bool:
    """Whether it is a listed phrase, or the beginning of one."""
    return text in _PHRASES or (len(text) >= SHORTEST and any(one.startswith(text) for one in _PHRASES))


def _repeats(folded: str) -> bool:
    """Whether it is one short piece over and over, such as ``abcabcabcabcabc``; also `password` twice."""
    for size in range(1, _PIECE + 1):
        if (folded[:size] * len(folded))[: len(folded)] == folded:
            return True
    half, odd = divmod(len(folded), 2)
    return not odd and folded[:half] == folded[half:] and len(folded) <= 2 * SHORTEST


def _runs(folded: str) -> bool:
    """Whether it walks along the alphabet, the digits or the keyboard, forwards or backwards."""
    return any(folded in (run * 2) or folded in (run[::-1] * 2) for run in _RUNS)
