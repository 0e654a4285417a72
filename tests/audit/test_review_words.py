"""The words of the reviews: complete, plain, in two languages, with the figures that were used."""

import re
from datetime import time, timedelta

import pytest

from audit.review_words import Words, words_of
from tests.audit.reviewing import Context, Review, WorkingHours, asked

NOT_SAID = (
    ("レコード", "ステータス", "トークン", "復号", "アクセスログ", "フラグ", "アカウント", "クライアント"),
    ("token", "client", "decrypt", "leaf", "query", "flag", "percentile", "entry", "user "),
)
"""Words that the screens do not use, in Japanese and in English."""

BOTH = pytest.mark.parametrize("japanese", [True, False])


def every_text(japanese: bool, context: Context | None = None) -> list[str]:
    """All texts of a language."""
    said = [words_of(review, context or asked(), japanese) for review in Review]
    return [text for one in said for text in (one.title, one.why, one.rule)]


@BOTH
def test_every_review_has_words_of_its_own(japanese: bool) -> None:
    """Eleven titles, reasons and rules, no two the same, none empty."""
    texts = every_text(japanese)
    assert len(set(texts)) == 3 * len(Review) == 33
    assert all(text == text.strip() and text for text in texts)


def test_japanese_sentences_are_whole() -> None:
    """Titles have no full stop; reasons and rules are sentences in Japanese letters and end with one."""
    for review in Review:
        said = words_of(review, asked(), True)
        assert re.fullmatch(r"[ぁ-んァ-ヶ一-龠々ー・]+", said.title)
        for text in (said.why, said.rule):
            assert re.fullmatch(r"([ぁ-んァ-ヶ一-龠々ー・、「」0-9:]+。)+", text), text


def test_english_sentences_are_whole() -> None:
    """Titles have no full stop; reasons and rules begin with a capital, end with one, and are plain letters."""
    for review in Review:
        said = words_of(review, asked(), False)
        assert re.fullmatch(r"[A-Z][a-z']+(,? [a-z']+)*", said.title), said.title
        for text in (said.why, said.rule):
            assert re.fullmatch(r"([A-Z0-9][A-Za-z0-9,:–' -]*\. ?)+(?<=\.)", text), text


@BOTH
def test_words_are_those_of_the_screens(japanese: bool) -> None:
    """No word that the screens avoid stands in a text."""
    for text in every_text(japanese):
        assert not any(word in text.lower() for word in NOT_SAID[not japanese]), text


def test_a_line_fits_the_page() -> None:
    """A title stays short, a reason and a rule are read in one breath or two."""
    for japanese, title, sentence in ((True, 12, 90), (False, 40, 190)):
        for review in Review:
            said = words_of(review, asked(), japanese)
            assert len(said.title) <= title
            assert max(len(said.why), len(said.rule)) <= sentence


def test_the_figures_are_those_of_the_question() -> None:
    """Hours, days, the number of cases and the percentile stand in the rules as they were used."""
    hours = WorkingHours(opens=time(9), closes=time(18, 5), days=frozenset({6, 0, 2}))
    other = asked(
        hours=hours,
        fewest_bulk=25,
        dormant_after=timedelta(days=120, hours=23),
        supported_within=timedelta(days=61),
    )
    rules = {review: words_of(review, other, False).rule for review in Review}
    assert "outside Mon, Wed, Sun 9:00–18:05, or" in rules[Review.AFTER_HOURS]
    assert "25 or more different cases, and more than in 95 of 100" in rules[Review.BULK]
    assert "more than 120 days" in rules[Review.DORMANT]
    assert "more than 61 days ago, and within 61 days" in rules[Review.NEVER_SUPPORTED]
    rules = {review: words_of(review, other, True).rule for review in Review}
    assert rules[Review.AFTER_HOURS].startswith("月・水・日の9:00から18:05までのほか")
    assert "25件以上" in rules[Review.BULK]
    assert "100時間のうち95時間より多い" in rules[Review.BULK]
    assert "120日をこえて" in rules[Review.DORMANT]
    assert "61日をこえ、その61日のうちに" in rules[Review.NEVER_SUPPORTED]


def test_the_usual_hours_are_said() -> None:
    """By default the week is that of the city."""
    assert "Mon, Tue, Wed, Thu, Fri 8:30–17:15" in words_of(Review.AFTER_HOURS, asked(), False).rule
    assert "月・火・水・木・金の8:30から17:15まで" in words_of(Review.AFTER_HOURS, asked(), True).rule
    weekend = asked(hours=WorkingHours(days=frozenset({5, 6})))
    assert "Sat, Sun 8:30" in words_of(Review.AFTER_HOURS, weekend, False).rule
    assert words_of(Review.AFTER_HOURS, weekend, True).rule.startswith("土・日の8:30")


def test_titles_say_what_the_review_is() -> None:
    """A title belongs to its review, in both languages."""
    assert {
        review.value: (words_of(review, asked(), True).title, words_of(review, asked(), False).title)
        for review in Review
    } == {
        "top_readers": ("たくさん見た人", "Who read most"),
        "not_assigned": ("担当でないケース", "Cases that are not one's own"),
        "own_record": ("自分の記録", "Own record"),
        "same_surname": ("同じ名字", "Same surname"),
        "after_hours": ("時間外・休日", "After hours and on holidays"),
        "bulk": ("短い時間にたくさん", "Many cases in an hour"),
        "after_withdrawal": ("取り消しの後", "Tried after a withdrawal"),
        "recorder_is_witness": ("記録した人が立会人", "Recorder and witness are one person"),
        "exports": ("書き出しと印刷", "Files and prints"),
        "dormant": ("ログインしなくなった人", "People who no longer sign in"),
        "never_supported": ("見たのに支援がない", "Seen, but no support"),
    }


def test_words_are_a_value() -> None:
    """The same question has the same words."""
    said = words_of(Review.OWN_RECORD, asked(), False)
    assert said == words_of(Review.OWN_RECORD, asked(), False)
    assert isinstance(said, Words)
