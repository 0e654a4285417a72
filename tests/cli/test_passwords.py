"""Which passwords are refused: short ones, and those that an attacker tries first."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.flows.passwords import LONGEST, PasswordError, PasswordFault, check_password


def fault(password: str, login: str = "hanako") -> PasswordFault:
    with pytest.raises(PasswordError) as caught:
        check_password(password, login)
    return caught.value.code


@pytest.mark.parametrize("password", ["", "x7#kQ2m9 Lp4wZ", "正しい馬の電池の止め金"])
def test_fewer_than_15_characters_are_too_short(password: str) -> None:
    """Fifteen is the least, in any script."""
    assert fault(password) is PasswordFault.TOO_SHORT


def test_length_is_counted_composed() -> None:
    """A letter and its accent are one character (NFC), however the keyboard sent them."""
    assert fault("e\u0301" * 14) is PasswordFault.TOO_SHORT


@pytest.mark.parametrize(
    "password",
    [
        "x7#kQ2m9 Lp4wZ!",
        "quiet fish eats moon",
        "とても静かな朝に海辺で散歩する",
        "🐟🌊🏔️ 静かな海と山のあいだで",
        "583920174650192",
        "    spaces are kept    ",
    ],
)
def test_any_characters_will_do(password: str) -> None:
    """There is no rule of composition: words, kana, digits and pictures are all fine."""
    check_password(password, "hanako")


@pytest.mark.parametrize(
    "password",
    [
        "aaaaaaaaaaaaaaa",
        "abcabcabcabcabc",
        "123456789012345",
        "987654321098765",
        "abcdefghijklmno",
        "qwertyuiopasdfgh",
        "correct horse battery staple",
        "Correct Horse Battery Staple 2026!",
        "ｃｏｒｒｅｃｔｈｏｒｓｅｂａｔｔｅｒｙｓｔａｐｌｅ",
        "PASSWORDpassword123",
        "ありがとうございます2026!",
        "よろしくおねがいします12345",
        "いろはにほへとちりぬるをわかよ",
        "tsunagi tsunagi 123",
        "thequickbrownfoxjumps",
    ],
)
def test_common_passwords_are_refused(password: str) -> None:
    """Repetitions, walks along the keyboard and known phrases, with or without digits behind them."""
    assert fault(password) is PasswordFault.COMMON


@pytest.mark.parametrize("password", ["hanako hanako hanako 1", "hanako@hanako.hanako"])
def test_a_password_is_more_than_the_login(password: str) -> None:
    """What is public already protects nothing."""
    assert fault(password) in (PasswordFault.LIKE_LOGIN, PasswordFault.COMMON)


@pytest.mark.parametrize("password", ["a long password\twith a tab", "a long password\ud800 half"])
def test_control_characters_are_refused(password: str) -> None:
    """What no keyboard can type again is no password."""
    assert fault(password) is PasswordFault.CONTROL_CHARACTER


def test_a_huge_password_is_refused() -> None:
    """Length costs work, so there is an end to it."""
    assert fault("ab cd" * LONGEST) is PasswordFault.TOO_LONG


@settings(max_examples=100)
@given(st.text(max_size=60), st.text(max_size=20))
def test_a_check_passes_or_says_why(password: str, login: str) -> None:
    """Whatever is typed, the answer is yes or a code; a short one is never a yes."""
    try:
        check_password(password, login)
    except PasswordError as error:
        assert error.code in PasswordFault
    else:
        assert len(unicodedata.normalize("NFC", password)) >= 15
