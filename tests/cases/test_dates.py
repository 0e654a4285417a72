"""Days as people write them: eras, their first years, weekdays."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cases.dates import english_day, japanese_day, short_japanese_day

ERA_DAYS = {
    "令和8年11月23日（月）": date(2026, 11, 23),
    "令和8年10月18日（日）": date(2026, 10, 18),
    "令和2年2月29日（土）": date(2020, 2, 29),
    "令和元年12月31日（火）": date(2019, 12, 31),
    "令和元年5月1日（水）": date(2019, 5, 1),
    "平成31年4月30日（火）": date(2019, 4, 30),
    "平成2年1月1日（月）": date(1990, 1, 1),
    "平成元年1月8日（日）": date(1989, 1, 8),
    "昭和64年1月7日（土）": date(1989, 1, 7),
    "昭和2年1月1日（土）": date(1927, 1, 1),
    "昭和元年12月25日（土）": date(1926, 12, 25),
    "1926年12月24日（金）": date(1926, 12, 24),
}


@pytest.mark.parametrize(("text", "day"), ERA_DAYS.items())
def test_a_day_is_written_by_its_era_with_its_weekday(text: str, day: date) -> None:
    """Eras change in the middle of a year, and a first year is 元年; before Showa the common calendar."""
    assert japanese_day(day) == text


def test_a_day_is_short_in_a_table() -> None:
    """The era's letter and figures; the first year is 1."""
    for text, day in (
        ("R8.11.23", date(2026, 11, 23)),
        ("R1.5.1", date(2019, 5, 1)),
        ("H31.4.30", date(2019, 4, 30)),
        ("H1.1.8", date(1989, 1, 8)),
        ("S64.1.7", date(1989, 1, 7)),
        ("S1.12.25", date(1926, 12, 25)),
        ("1926-12-24", date(1926, 12, 24)),
    ):
        assert short_japanese_day(day) == text


def test_the_english_day_is_in_words() -> None:
    """With the weekday, and without the machine's own language."""
    assert english_day(date(2026, 11, 23)) == "Monday 23 November 2026"
    assert english_day(date(2019, 5, 1)) == "Wednesday 1 May 2019"


@given(st.dates(date(1927, 1, 1), date(2200, 12, 31)))
def test_no_two_days_in_a_row_are_written_alike(day: date) -> None:
    """Each day has its own text, in the week's order."""
    following = day + timedelta(days=1)
    assert japanese_day(day) != japanese_day(following)
    assert english_day(day) != english_day(following)
    week = "月火水木金土日"
    assert week.index(japanese_day(following)[-2]) == (week.index(japanese_day(day)[-2]) + 1) % 7
