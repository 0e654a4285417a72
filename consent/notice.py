"""The notice: what is told to the person before asking, word for word (manual step 3).

1. A wording that was told is never edited: another wording is another version, and both stay here.
2. The digest of the whole text is part of each consent event, and frozen in a test.
3. Each numbered statement is ticked when told; without all of them no consent can be recorded.

〔…〕 and […] stand for the names that the form fills in; they are part of the text and of its digest.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from cases.fields import Purpose
from consent.codes import Language
from consent.errors import NoticeError

_CIRCLED = "①②③④⑤⑥⑦⑧⑨"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One wording: ``opening``, the numbered statements to tell, ``closing``, and the lines ``shown``.

    ``text`` is all of it as one text, lines ending in LF; ``digest`` is its SHA-256, 32 bytes.
    """

    purpose: Purpose
    version: int
    language: Language
    opening: str
    items: tuple[tuple[int, str], ...]
    closing: str
    shown: tuple[str, ...]
    text: str
    digest: bytes


def notice(purpose: Purpose, language: Language) -> Notice:
    """The newest wording for a purpose in a language. Raises NoticeError where there is none."""
    found = [known for known in _NOTICES.values() if (known.purpose, known.language) == (purpose, language)]
    if not found:
        raise NoticeError(purpose.value, language.word)
    return max(found, key=lambda known: known.version)


def notice_at(purpose: Purpose, version: int, language: Language) -> Notice:
    """The wording that an event names. Raises NoticeError where there is none."""
    try:
        return _NOTICES[purpose, version, language]
    except KeyError:
        raise NoticeError(purpose.value, language.word, version) from None


def _worded(
    purpose: Purpose,
    version: int,
    language: Language,
    told: tuple[str, tuple[str, ...], str],
    shown: tuple[str, ...],
) -> Notice:
    opening, statements, closing = told
    items = tuple(enumerate(statements, 1))
    numbered = (f"{_CIRCLED[number - 1]}{statement}" for number, statement in items)
    text = "".join(f"{line}\n" for line in (opening, *numbered, closing, *shown))
    return Notice(
        purpose=purpose,
        version=version,
        language=language,
        opening=opening,
        items=items,
        closing=closing,
        shown=shown,
        text=text,
        digest=hashlib.sha256(text.encode()).digest(),
    )


_FOOD_1_JA = _worded(
    Purpose.FOOD_SUPPORT,
    1,
    Language.JA,
    (
        "これから、5つのことをお伝えします。わからないことは、いつでも聞いてください。",
        (
            "食べ物を用意するために、お名前、人数、アレルギーなどを〔団体名〕に伝えます。",
            "食べ物の種類は選べません。ただし、アレルギーがあるものは入れません。",
            "食べ物だけでなく、暮らしの困りごとを軽くするための相談や手続きも、いっしょに進めます。",
            "〔条件1〕と〔条件2〕のどちらかに当てはまらなくなったら、この支援は終わります。",
            "〔団体名〕の人が、心配なことに気づいたときは、市に伝えます。"
            "伝えるかどうかは、あなたが決められます。",
        ),
        "断っても、あとでやめても、ほかの支援が受けにくくなることはありません。",
    ),
    (
        "どの項目も、渡すか渡さないかを、一つずつ選べます。",
        "体や心のこと、公的支援のこと、アレルギーのことは、とくに大切に扱う項目です。"
        "渡してよいかを、一つずつ確かめます。",
        "使う目的は食料支援だけです。渡すのは同意書に書いた日までで、長くても12か月です。"
        "渡した項目は鍵をかけて保管し、市と〔団体名〕の担当の人だけが開きます。",
        "取り消しは、いつでも、市でも〔団体名〕でもできます。理由はいりません。話すだけでもかまいません。",
        "取り消すと、その時から〔団体名〕は開けなくなります。"
        "すでに見たことや、紙に書いたことを、なかったことにはできません。",
        "だれが、いつ、何を見たかは、すべて記録されます。だれが見たかを、市に聞くことができます。",
        "連絡先：〔市の窓口〕／〔団体名〕",
    ),
)

_FOOD_1_EN = _worded(
    Purpose.FOOD_SUPPORT,
    1,
    Language.EN,
    (
        "I will tell you five things. Please ask me at any time.",
        (
            "To prepare your food we pass your name, the number of people, allergies and similar details "
            "to [NPO].",
            "You cannot choose the food, but nothing you are allergic to will be included.",
            "Together with food we work on easing the difficulties in your daily life.",
            "This support ends when either of the two conditions no longer applies.",
            "If someone at [NPO] notices something worrying, they tell the city. "
            "You decide whether we pass things on.",
        ),
        "If you say no, or change your mind later, it will not make other help harder to get.",
    ),
    (
        "For each item you choose whether it is passed on or not.",
        "Health, public support and allergies are sensitive items. We make sure of each of them with you.",
        "The only purpose is food support. Items are passed on until the day written on the form, "
        "for 12 months at most. They are kept locked, and only staff of the city and [NPO] open them.",
        "You can withdraw at any time, at the city or at [NPO]. No reason is needed, "
        "and telling us is enough.",
        "From then on [NPO] can no longer open the items. "
        "What was already seen, or written on paper, cannot be undone.",
        "Who looked at what, and when, is always recorded. You may ask the city who looked.",
        "Contacts: [City office] / [NPO]",
    ),
)

_NOTICES: Mapping[tuple[Purpose, int, Language], Notice] = {
    (known.purpose, known.version, known.language): known for known in (_FOOD_1_JA, _FOOD_1_EN)
}
