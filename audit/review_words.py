"""What the reviews say to an auditor, in plain words: what it is, why it matters, and what exactly was looked for.

English and Japanese, in the words of the screens and the glossary. Figures come from what the review was asked with,
so that the words never say another number than the one that was used.
"""

from dataclasses import dataclass
from datetime import time, timedelta

from audit.findings import Context, Review
from audit.readers import PERCENT


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """The words of one review: its title, why it matters, and the rule by which a hit is found."""

    title: str
    why: str
    rule: str


_ENGLISH: dict[Review, Words] = {
    Review.TOP_READERS: Words(
        title="Who read most",
        why="Whoever opens many more cases than colleagues may have good reasons. Ask for them once.",
        rule="Ranked by how many cases were opened in the period, then by how often. Lists are not counted.",
    ),
    Review.NOT_ASSIGNED: Words(
        title="Cases that are not one's own",
        why="A case is for those who work on it. Trying another one can be a mistake, or curiosity.",
        rule="A read that was refused because the case was not assigned, or one for which no assignment is found.",
    ),
    Review.OWN_RECORD: Words(
        title="Own record",
        why="Nobody works on their own case. A colleague has to do it.",
        rule="The person of the case and whoever read it appear to be the same.",
    ),
    Review.SAME_SURNAME: Words(
        title="Same surname",
        why="The person may be family or a neighbour. Those who are close should not work on the case.",
        rule="The person of the case and whoever read it have the same surname. It may be chance.",
    ),
    Review.AFTER_HOURS: Words(
        title="After hours and on holidays",
        why="When nobody else is there, nobody sees what is on the screen. Compare with the duty list.",
        rule="A read outside {days} {opens}–{closes}, or on a holiday. One line for each person and day.",
    ),
    Review.BULK: Words(
        title="Many cases in an hour",
        why="Whoever goes through case after case may be collecting names.",
        rule=(
            "In an hour by the clock, {fewest} or more different cases, and more than in {percent} of 100 such hours "
            "of all people of the same role. Lists and opened cases are compared apart."
        ),
    ),
    Review.AFTER_WITHDRAWAL: Words(
        title="Tried after a withdrawal",
        why="The person said no, and the case was locked. Make sure that everybody has heard of it.",
        rule="The organisation that had received the case tried to use it after the withdrawal, and was refused.",
    ),
    Review.RECORDER_IS_WITNESS: Words(
        title="Recorder and witness are one person",
        why="A spoken consent holds because two people heard it. One person alone is no witness.",
        rule="Whoever recorded the consent also confirmed it, or tried to and was refused.",
    ),
    Review.EXPORTS: Words(
        title="Files and prints",
        why="What is on paper or in a file can be passed on, and no key locks it. Ask where it is now.",
        rule="A table, a workbook, a print, a copy of the log or a sheet of who looked was made.",
    ),
    Review.DORMANT: Words(
        title="People who no longer sign in",
        why="Nobody notices when somebody else uses a forgotten account. Have it stopped if it is not needed.",
        rule="May sign in, but has not done so for more than {dormant} days.",
    ),
    Review.NEVER_SUPPORTED: Words(
        title="Seen, but no support",
        why="The person let the case be passed on to get support. If none came, ask why it was looked at.",
        rule=(
            "The receiving organisation opened the case more than {supported} days ago, and within {supported} days "
            "neither accepted a request nor wrote into the ledger."
        ),
    ),
}

_JAPANESE: dict[Review, Words] = {
    Review.TOP_READERS: Words(
        title="たくさん見た人",
        why="ほかの人よりずっと多くのケースを開いている人です。仕事の理由があることも多いので、一度たずねてください。",
        rule="期間中に開いたケースの数が多い順です。同じ数なら、見た回数が多い順です。一覧は数えません。",
    ),
    Review.NOT_ASSIGNED: Words(
        title="担当でないケース",
        why="ケースは、担当する人のためのものです。まちがいかもしれませんが、興味で見ようとしたのかもしれません。",
        rule="担当でないために断られたもの、または担当になった記録がないのに見たものです。",
    ),
    Review.OWN_RECORD: Words(
        title="自分の記録",
        why="自分のケースを自分で扱うことはできません。ほかの職員が担当してください。",
        rule="ケースのご本人と、見た職員が、同じ人と思われるものです。",
    ),
    Review.SAME_SURNAME: Words(
        title="同じ名字",
        why="家族や親せきかもしれません。身近な人は、そのケースを担当しないほうがよいでしょう。",
        rule="ケースのご本人と、見た職員の名字が同じものです。偶然のこともあります。",
    ),
    Review.AFTER_HOURS: Words(
        title="時間外・休日",
        why="まわりに人がいない時間は、だれも画面を見ていません。勤務表とくらべてください。",
        rule="{days}の{opens}から{closes}までのほか、または祝日に見たものです。1人1日を1行にまとめています。",
    ),
    Review.BULK: Words(
        title="短い時間にたくさん",
        why="つぎつぎにケースを見ている人は、名前を集めているのかもしれません。",
        rule=(
            "時計の1時間に別々のケースを{fewest}件以上見て、それが同じ役割の人の100時間のうち{percent}時間より"
            "多いものです。一覧と、開いたケースは、別々にくらべます。"
        ),
    ),
    Review.AFTER_WITHDRAWAL: Words(
        title="取り消しの後",
        why="ご本人がやめると言い、鍵がかかりました。そのことがみんなに伝わっているか、確かめてください。",
        rule="受け取った団体が、取り消しの後に使おうとして、断られたものです。",
    ),
    Review.RECORDER_IS_WITNESS: Words(
        title="記録した人が立会人",
        why="口頭の同意は、2人が聞いたから有効です。1人だけでは、立会人がいないのと同じです。",
        rule="同意を記録した人が、立会人としても確認したもの、または確認しようとして断られたものです。",
    ),
    Review.EXPORTS: Words(
        title="書き出しと印刷",
        why="紙やファイルは人に渡すことができ、鍵もかかりません。いまどこにあるか、たずねてください。",
        rule="表、印刷物、記録の写し、または「だれが見たか」の紙が作られたものです。",
    ),
    Review.DORMANT: Words(
        title="ログインしなくなった人",
        why="忘れられた利用者をだれかが使っても、気づく人がいません。いらなければ、止めてもらってください。",
        rule="使える状態のまま、{dormant}日をこえてログインしていない人です。",
    ),
    Review.NEVER_SUPPORTED: Words(
        title="見たのに支援がない",
        why="ご本人は、支援を受けるために渡してよいと言いました。支援がないなら、なぜ見たのか、たずねてください。",
        rule=(
            "受け取った団体が開いてから{supported}日をこえ、その{supported}日のうちに、依頼を受けた記録も、"
            "引き継ぎ簿に書いた記録もないものです。"
        ),
    ),
}

_DAYS = (
    ("Mon", "月"),
    ("Tue", "火"),
    ("Wed", "水"),
    ("Thu", "木"),
    ("Fri", "金"),
    ("Sat", "土"),
    ("Sun", "日"),
)
_BETWEEN = (", ", "・")


def words_of(review: Review, context: Context, japanese: bool) -> Words:
    """The words of ``review``, with the figures that it was asked with."""
    words = (_JAPANESE if japanese else _ENGLISH)[review]
    hours = context.hours
    rule = words.rule.format(
        days=_BETWEEN[japanese].join(_DAYS[day][japanese] for day in sorted(hours.days)),
        opens=_clock(hours.opens),
        closes=_clock(hours.closes),
        fewest=context.fewest_bulk,
        percent=PERCENT,
        dormant=_whole_days(context.dormant_after),
        supported=_whole_days(context.supported_within),
    )
    return Words(title=words.title, why=words.why, rule=rule)


def _clock(moment: time) -> str:
    """The hour and the minute, as on the wall: ``8:30``."""
    return f"{moment.hour}:{moment.minute:02}"


def _whole_days(span: timedelta) -> int:
    return span // timedelta(days=1)
