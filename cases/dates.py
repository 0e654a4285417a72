"""Days as people write them: in Japanese by the era and with the weekday, in English in words.

The first day of an era is that of the Cabinet Order on its name; its first year is 元年. What lies before Showa is
written by the common calendar. Nothing here asks the machine for its language.
"""

from datetime import date

_ERAS = (
    (date(2019, 5, 1), "令和", "R"),
    (date(1989, 1, 8), "平成", "H"),
    (date(1926, 12, 25), "昭和", "S"),
)
_WEEKDAYS_JA = "月火水木金土日"
_WEEKDAYS_EN = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS_EN = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


def japanese_day(day: date) -> str:
    """The day by its era, with the weekday: ``令和8年10月18日（日）``."""
    return f"{_year(day)}年{day.month}月{day.day}日（{_WEEKDAYS_JA[day.weekday()]}）"


def short_japanese_day(day: date) -> str:
    """The day by its era in figures, as in a table: ``R8.10.18``."""
    era = _era(day)
    return day.isoformat() if era is None else f"{era[1]}{era[2]}.{day.month}.{day.day}"


def _year(day: date) -> str:
    era = _era(day)
    return str(day.year) if era is None else f"{era[0]}{'元' if era[2] == 1 else era[2]}"


def _era(day: date) -> tuple[str, str, int] | None:
    """The name of the day's era, its letter, and the year in it."""
    return next(
        ((name, letter, day.year - first.year + 1) for first, name, letter in _ERAS if day >= first), None
    )


def english_day(day: date) -> str:
    """The day in English, with the weekday: ``Sunday 18 October 2026``."""
    return f"{_WEEKDAYS_EN[day.weekday()]} {day.day} {_MONTHS_EN[day.month - 1]} {day.year}"
