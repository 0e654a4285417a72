"""Five invented cases, written after the pilot's handover ledger. Names, addresses and telephones are nobody's.

The days are reckoned from the day of the run, so that ages stay right.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

UTILITIES, MOTHER, SPENDS, HOSPITAL, FOUND = "utilities", "mother", "spends", "hospital", "found"


@dataclass(frozen=True, slots=True, kw_only=True)
class PracticeCase:
    """A case as the city takes it in; ``by`` is the login of the caseworker."""

    key: str
    by: str
    who: str
    fields: Mapping[str, object]


def practice_cases(today: date) -> tuple[PracticeCase, ...]:
    """The five cases; both conditions hold in each."""
    return (_utilities(today), _mother(today), _spends(today), _hospital(today), _found(today))


def _born(today: date, age: int, day: int) -> str:
    """A birthday in December, so that the age is right all year but for its last days."""
    return date(today.year - age - 1, 12, day).isoformat()


def _plan(today: date, goal: str, per_month: int, weeks: int) -> dict[str, object]:
    """From the day after: the day of the run stands in the log's own times, and would be found in clear."""
    return {
        "goal": goal,
        "per_month": per_month,
        "from": (today + timedelta(days=1)).isoformat(),
        "until": (today + timedelta(weeks=weeks)).isoformat(),
        "next_review": (today + timedelta(weeks=4)).isoformat(),
    }


def _utilities(today: date) -> PracticeCase:
    return PracticeCase(
        key=UTILITIES,
        by="welfare",
        who="78歳 男性・電気とガスの停止",
        fields={
            "name": "三枝 正一",
            "name_kana": "さえぐさ しょういち",
            "birth_date": _born(today, 78, 3),
            "age_band": "70s",
            "gender": "male",
            "address": "みどり浦市汐見町三丁目7番地",
            "phone": "090-0000-7801",
            "household": "お一人で暮らしています",
            "found_by": "neighbour",
            "consultation": "民生委員から、電気とガスが止まったままのようだと連絡があり訪問した。"
            "冷蔵庫は空で、この数日は水とパンだけで過ごしていたとのこと。奥さまを亡くされてから"
            "近所づきあいが途絶え、人と話すのは二週間ぶりと話された。次の年金まで手元のお金がない。",
            "handover_summary": "ガスと電気が止まっているため、そのまま食べられるものをお願いします。"
            "耳が少し遠いので、玄関先でゆっくり声をかけてください。お話しされるのを楽しみにしています。",
            "health": "足腰が弱り、階段がつらい。持病の薬は飲めている。",
            "public_support": "生活保護の相談を始めたところ。",
            "finances": "年金は月およそ6万円。公共料金の滞納が3か月分ある。",
            "support_plan": _plan(today, "電気とガスの再開、人とのつながりを取り戻す", 2, 12),
            "dietary": {
                "allergens": [],
                "no_cooking": True,
                "soft_food": True,
                "note": "入れ歯が合わず、固いものは食べにくい",
            },
            "eligibility_reasons": {
                "hardship": "市の支援だけでは次の年金日までの食べ物がない",
                "willing": "再開の手続きを一緒に進めたいと話された",
            },
        },
    )


def _mother(today: date) -> PracticeCase:
    return PracticeCase(
        key=MOTHER,
        by="children",
        who="42歳 女性・子ども2人・休職中",
        fields={
            "name": "遠野 みゆき",
            "name_kana": "とおの みゆき",
            "birth_date": _born(today, 42, 9),
            "age_band": "40s",
            "gender": "female",
            "address": "みどり浦市楠本二丁目15番3号 コーポ楠203",
            "phone": "090-0000-4202",
            "household": "小学4年と年長のお子さんとの3人暮らし",
            "found_by": "counter",
            "consultation": "体調をくずして休職中。傷病手当の決定を待つあいだ収入がなく、"
            "食費を切りつめている。お子さんには食べさせ、ご自身は一日一食の日もあるとのこと。"
            "前の勤め先での人間関係がつらかったと涙ぐまれた。",
            "handover_summary": "休職中で、手当の決定を待っているご家庭です。お米を中心にお願いします。"
            "窓口での受け渡しを希望されています。ほかの方の目につきにくい時間だと安心されます。",
            "health": "医師から三か月の休養をすすめられている。眠りが浅い。",
            "public_support": "児童手当を受給中。傷病手当金を申請し、決定を待っている。",
            "finances": "貯金は残りわずか。家賃は先月分まで支払い済み。",
            "support_plan": _plan(today, "手当の決定まで、ご家族の食事を支える", 2, 8),
            "dietary": {
                "allergens": ["egg"],
                "no_cooking": False,
                "note": "下のお子さんに卵アレルギー。加工品の表示も見ています",
            },
            "eligibility_reasons": {
                "hardship": "収入がない間の食費が足りない",
                "willing": "復職に向けた相談を続けたいと話された",
            },
        },
    )


def _spends(today: date) -> PracticeCase:
    return PracticeCase(
        key=SPENDS,
        by="welfare",
        who="82歳 男性・支給日にすぐ使ってしまう",
        fields={
            "name": "渡会 昭三",
            "name_kana": "わたらい しょうぞう",
            "birth_date": _born(today, 82, 14),
            "age_band": "80s",
            "gender": "male",
            "address": "みどり浦市浜通り五丁目2番地 市営住宅4棟101",
            "phone": "090-0000-8203",
            "household": "お一人で暮らしています",
            "found_by": "other_section",
            "consultation": "生活保護費を受け取ると数日のうちに使い切り、月の後半は食べるものがなくなる。"
            "仲間におごることが楽しみで、断れないと話される。責めるのではなく、"
            "一週間ずつ使う方法をご本人と一緒に考えることにした。",
            "handover_summary": "月の後半に食べ物が足りなくなります。一週間ごとに少しずつお願いします。"
            "にぎやかなことがお好きで、話しかけると喜ばれます。",
            "health": "血圧の薬を飲んでいる。塩分は控えめにと言われている。",
            "public_support": "生活保護を受給中。",
            "finances": "支給日から五日ほどで使い切ることが続いている。",
            "support_plan": _plan(today, "一週間ずつ暮らす練習、金銭管理の支援につなぐ", 2, 12),
            "dietary": {
                "allergens": ["buckwheat"],
                "soft_food": True,
                "note": "塩分は控えめに。そばは少しでも入らないように",
            },
            "eligibility_reasons": {
                "hardship": "保護費だけでは月の後半の食べ物がない",
                "willing": "お金の使い方を一緒に考えたいと話された",
            },
        },
    )


def _hospital(today: date) -> PracticeCase:
    return PracticeCase(
        key=HOSPITAL,
        by="welfare",
        who="88歳 女性・退院したばかり",
        fields={
            "name": "小鹿野 トメ",
            "name_kana": "おがの とめ",
            "birth_date": _born(today, 88, 21),
            "age_band": "80s",
            "gender": "female",
            "address": "みどり浦市上ノ原一丁目30番地",
            "phone": "090-0000-8804",
            "household": "お一人暮らし。弟さん二人は遠方にお住まい",
            "found_by": "phone",
            "consultation": "大腿骨の手術を終えて退院したばかりで、買い物に出られない。"
            "弟さん二人は遠くにお住まいで、電話では毎日のように話している。"
            "介護保険の認定が出るまでの食事を心配して、病院の相談員から連絡があった。",
            "handover_summary": "退院したばかりで外出が難しい方です。やわらかく、軽いものをお願いします。"
            "杖で玄関まで出られますので、少しお待ちください。",
            "health": "手術した足に体重をかけすぎないようにとの指示。",
            "public_support": "介護保険を申請中。",
            "finances": "年金で暮らしておられ、当面の支払いに心配はない。",
            "support_plan": _plan(today, "介護サービスが始まるまでの食事を支える", 1, 6),
            "dietary": {
                "allergens": [],
                "soft_food": True,
                "supplements": True,
                "note": "やわらかい汁ものがうれしい",
            },
            "eligibility_reasons": {
                "hardship": "認定が出るまで食事の手だてがない",
                "willing": "早く自分で料理したいと話された",
            },
        },
    )


def _found(today: date) -> PracticeCase:
    return PracticeCase(
        key=FOUND,
        by="welfare",
        who="68歳 男性・電気と水道の停止",
        fields={
            "name": "櫻庭 健吾",
            "name_kana": "さくらば けんご",
            "birth_date": _born(today, 68, 6),
            "age_band": "60s",
            "gender": "male",
            "address": "みどり浦市新開18番地2",
            "phone": "",
            "household": "お一人で暮らしています",
            "found_by": "visit",
            "consultation": "水道の検針員から郵便物がたまっていると連絡があり、訪問して見つかった。"
            "電気も水道も止まり、雨水でしのいでいた。受診をすすめ、病院へ同行した。"
            "だれの世話にもなりたくないと話されるが、温かいものを口にして表情がゆるんだ。",
            "handover_summary": "電気と水道が止まっています。水と、温めずに食べられるものが要ります。",
            "health": "脱水があり、点滴を受けた。入院はせず帰宅。",
            "public_support": "受けている支援はない。",
            "finances": "預金はほとんどない。日雇いの仕事が春からない。",
            "support_plan": _plan(today, "水道の再開を急ぎ、住まいと医療につなぐ", 4, 12),
            "dietary": {"allergens": [], "no_cooking": True, "note": "火も水も使えない。飲み水も要る"},
            "eligibility_reasons": {
                "hardship": "水も食べ物もない",
                "willing": "病院にはまた行くと約束された",
            },
        },
    )


MESSAGE = "はじめて利用される方です。入口の右手の席でお待ちいただきます。"
ITEMS = ("お米 5kg", "レトルトのおかず 9食", "野菜の水煮 3袋")
DELIVERY_NOTE = "お米の袋は二つに分けてお渡ししました。"
OBSERVATION = (
    "お米が足りなくなったと、予定より早く取りに来られました。これで二回目です。"
    "見守りの訪問をおすすめしましたが、近所の目が気になるとのことでお断りになりました。"
)
REPLY = (
    "ご連絡ありがとうございます。受け取りの決まりをもう一度ご説明しました。"
    "傷病手当金の支払いが始まりましたので、これからのことをご本人と相談します。"
)

WRITTEN = (MESSAGE, *ITEMS, DELIVERY_NOTE, OBSERVATION, REPLY)
"""What is written in the story beside the cases' own fields."""


def texts_of(value: object) -> Iterator[str]:
    """Every text inside a value that says something about a person: what is not a code."""
    match value:
        case str():
            if not value.isascii() or len(value) > 9:
                yield value
        case Mapping():
            for part in value.values():
                yield from texts_of(part)
        case list() | tuple():
            for part in value:
                yield from texts_of(part)
