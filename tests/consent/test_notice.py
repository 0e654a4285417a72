"""The wording that is told."""

import hashlib

import pytest

from cases.fields import Purpose
from consent.errors import NoticeError
from consent.notice import notice, notice_at
from consent.record import Language

FROZEN = {
    Language.JA: "9c114e33946bffbbc865c16a2da3c34725e08b9bc808ffa66f0873c22c61d724",
    Language.EN: "d62ac0294c014962db3f68c8b2d0ff76b5b94b4cfd78b23bd34674ce353cb502",
}


@pytest.mark.parametrize("language", Language)
def test_a_wording_that_was_told_never_changes(language: Language) -> None:
    """The digest in the consent events of years ago is still the digest of this text."""
    told = notice_at(Purpose.FOOD_SUPPORT, 1, language)
    assert told.digest.hex() == FROZEN[language]
    assert hashlib.sha256(told.text.encode()).digest() == told.digest


@pytest.mark.parametrize("language", Language)
def test_five_things_are_told_and_stand_in_the_text(language: Language) -> None:
    """Every statement that is ticked is part of the text whose digest is recorded."""
    told = notice(Purpose.FOOD_SUPPORT, language)
    assert [number for number, _ in told.items] == [1, 2, 3, 4, 5]
    for number, statement in told.items:
        assert f"{'①②③④⑤'[number - 1]}{statement}\n" in told.text
    assert all(line in told.text for line in (told.opening, told.closing, *told.shown))


def test_the_japanese_wording_is_the_one_of_the_manual() -> None:
    """The five sentences, word for word, with the names left open."""
    told = notice(Purpose.FOOD_SUPPORT, Language.JA)
    assert (
        dict(told.items)[4]
        == "〔条件1〕と〔条件2〕のどちらかに当てはまらなくなったら、この支援は終わります。"
    )
    assert "〔団体名〕" in dict(told.items)[1]


def test_the_newest_wording_is_given_and_old_ones_stay() -> None:
    """A form shows the newest; an event's own version is always found."""
    for language in Language:
        newest = notice(Purpose.FOOD_SUPPORT, language)
        assert notice_at(Purpose.FOOD_SUPPORT, newest.version, language) == newest


def test_what_has_no_wording_cannot_be_asked() -> None:
    """Without a notice there is no consent."""
    with pytest.raises(NoticeError):
        notice(Purpose.REFERRAL, Language.JA)
    with pytest.raises(NoticeError):
        notice_at(Purpose.FOOD_SUPPORT, 2, Language.JA)
