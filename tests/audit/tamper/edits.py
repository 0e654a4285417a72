"""What may be done to entries: each edit takes an honest log and says where and how the log's own rules answer."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from random import Random

from audit.codes import Event
from audit.event import Entry, canonical, read_leaf
from tests.audit.tamper.attempts import Changed, Refusal, goes_back
from tests.audit.tamper.logs import ACTORS, OTHER_LOG, Honest, entry_id, leaves

_FRESH = 2  # the number of a log of which nothing else is used: ids that stand nowhere


def replaced(honest: Honest, at: int, leaf: bytes, rule: Refusal | None = None) -> Changed:
    """The log with another leaf at one index."""
    texts = [*honest.texts]
    texts[at] = leaf
    return Changed(honest=honest, leaves=texts, at=at, rule=rule)


def reordered(honest: Honest, texts: Sequence[bytes], at: int) -> Changed:
    """The log with these leaves, of which the one at ``at`` is the first that stands elsewhere."""
    return Changed(honest=honest, leaves=texts, at=at, rule=goes_back(texts))


def pick(random: Random, honest: Honest) -> int:
    """An index, often one at the edge of a tile or of the log."""
    edges = [at for at in (0, 1, 254, 255, 256, 257, honest.size - 1) if at < honest.size]
    return random.choice(edges) if random.random() < 0.3 else random.randrange(honest.size)


def edit_digit(random: Random, honest: Honest) -> Changed:
    """One hex digit of an id is another one: the leaf keeps every rule."""
    at = pick(random, honest)
    leaf = bytearray(honest.texts[at])
    digit = leaf.index(b'"id":"') + 6 + random.randrange(32)
    leaf[digit] = random.choice([value for value in b"0123456789abcdef" if value != leaf[digit]])
    return replaced(honest, at, bytes(leaf))


def edit_time(random: Random, honest: Honest) -> Changed:
    """An entry is said to have happened at another time."""
    at = pick(random, honest)
    found = read_leaf(honest.texts[at])
    step = random.choice([-86_400_000, -31, -1, 1, 7, 29, 31, 86_400_000])
    leaf = canonical(found.entry, found.time + timedelta(milliseconds=step))
    changed = replaced(honest, at, leaf)
    return replace(changed, rule=goes_back(changed.leaves))


def edit_time_unseen(random: Random, honest: Honest) -> Changed:
    """An entry gets another time that still stands in order: the last of several equal ones a little later."""
    at = min(pick(random, honest) // 3 * 3 + 2, honest.size - 1)
    found = read_leaf(honest.texts[at])
    return replaced(
        honest, at, canonical(found.entry, found.time + timedelta(milliseconds=random.randint(1, 9)))
    )


def edit_day(random: Random, honest: Honest) -> Changed:
    """An entry gets a day that no calendar has, or a form of time that is not the log's."""
    at = pick(random, honest)
    new, fault = random.choice(
        [
            (b'"t":"2026-02-30T', "time"),
            (b'"t":"2027-02-29T', "time"),
            (b'"t":"2026-13-01T', "time"),
            (b'"t":"2026-11-00T', "time"),
            (b'"t":"1926-11-23T', "form"),
            (b'"t":"2026-11-23 ', "form"),
            (b'"t":"2026-11-23t', "form"),
        ]
    )
    leaf = honest.texts[at]
    start = leaf.index(b'"t":"')
    return replaced(honest, at, leaf[:start] + new + leaf[start + len(new) :], Refusal("leaf", at, fault))


def edit_actor(random: Random, honest: Honest) -> Changed:
    """An entry names another account."""
    at = pick(random, honest)
    found = read_leaf(honest.texts[at])
    other = random.choice([actor for actor in ACTORS if actor != found.entry.actor])
    return replaced(honest, at, canonical(replace(found.entry, actor=other), found.time))


def swap(random: Random, honest: Honest) -> Changed:
    """Two entries change places; the log has two or more."""
    first, second = sorted(random.sample(range(honest.size), 2))
    texts = [*honest.texts]
    texts[first], texts[second] = texts[second], texts[first]
    return reordered(honest, texts, first)


def swap_equal(random: Random, honest: Honest) -> Changed:
    """Two entries of the same time change places, so that the times are in order; the log has two or more."""
    first = random.randrange(0, honest.size - 1, 3)
    texts = [*honest.texts]
    texts[first : first + 2] = texts[first + 1], texts[first]
    return reordered(honest, texts, first)


def move(random: Random, honest: Honest) -> Changed:
    """An entry is moved to another place, and all between are renumbered; the log has two or more."""
    start, stop = random.sample(range(honest.size), 2)
    texts = [*honest.texts]
    texts.insert(stop, texts.pop(start))
    return reordered(honest, texts, min(start, stop))


def delete(honest: Honest, at: int) -> Changed:
    """The log without one entry."""
    texts = [*honest.texts]
    del texts[at]
    return Changed(honest=honest, leaves=texts, at=at)


def delete_first(random: Random, honest: Honest) -> Changed:
    """The first entry is gone."""
    return delete(honest, 0)


def delete_middle(random: Random, honest: Honest) -> Changed:
    """An entry is gone that is neither the first nor the last; the log has three or more."""
    return delete(honest, random.randrange(1, honest.size - 1))


def truncate(random: Random, honest: Honest) -> Changed:
    """The last entries are gone, one or many."""
    kept = random.choice([honest.size - 1, random.randrange(honest.size)])
    return Changed(honest=honest, leaves=honest.texts[:kept], at=kept)


def truncate_and_go_on(random: Random, honest: Honest) -> Changed:
    """The last entries are gone, and others were written in their place."""
    kept = random.choice([honest.size - 1, random.randrange(honest.size)])
    texts = [*honest.texts[:kept], *leaves(honest.size, OTHER_LOG)[kept:]]
    return Changed(honest=honest, leaves=texts, at=kept)


def duplicate(random: Random, honest: Honest) -> Changed:
    """An entry stands twice, one behind the other, and all behind are renumbered; the log has two or more."""
    at = random.randrange(honest.size - 1)
    texts = [*honest.texts]
    texts.insert(at, texts[at])
    return Changed(honest=honest, leaves=texts, at=at + 1, rule=Refusal("unique", at + 1))


def duplicate_over(random: Random, honest: Honest) -> Changed:
    """An entry stands in the place of the next one too; the log has two or more."""
    at = random.randrange(honest.size - 1)
    changed = replaced(honest, at + 1, honest.texts[at])
    return replace(changed, rule=Refusal("unique", at + 1))


def duplicate_id(random: Random, honest: Honest) -> Changed:
    """A late entry has the id of an early one, and nothing else of it; the log has two or more."""
    first, second = sorted(random.sample(range(honest.size), 2))
    found = read_leaf(honest.texts[second])
    leaf = canonical(replace(found.entry, id=entry_id(first)), found.time)
    return replaced(honest, second, leaf, Refusal("unique", second))


def insert(random: Random, honest: Honest) -> Changed:
    """An entry that never was, at the time of the one that it stands before."""
    at = pick(random, honest)
    invented = Entry(event=Event.LOGIN_OK, id=entry_id(at, _FRESH), actor=random.choice(ACTORS))
    texts = [*honest.texts]
    texts.insert(at, canonical(invented, read_leaf(texts[at]).time))
    return Changed(honest=honest, leaves=texts, at=at)


def take_from_other_log(random: Random, honest: Honest) -> Changed:
    """An entry of another log, which happened at the same moment, stands in the place of this log's."""
    at = pick(random, honest)
    return replaced(honest, at, leaves(honest.size, OTHER_LOG)[at])


def take_all_from_other_log(random: Random, honest: Honest) -> Changed:
    """Every entry is one of another log of the same size."""
    return Changed(honest=honest, leaves=leaves(honest.size, OTHER_LOG), at=0)


def _swap_keys(text: str, random: Random) -> str:
    pairs = list(json.loads(text).items())
    first, second = random.sample(range(len(pairs)), 2)
    pairs[first], pairs[second] = pairs[second], pairs[first]
    return json.dumps(dict(pairs), separators=(",", ":"))


def _escape(text: str, random: Random) -> str:
    at = random.choice([at for at, one in enumerate(text) if one.isalnum() and text[at - 1] != ":"])
    return f"{text[:at]}\\u{ord(text[at]):04x}{text[at + 1 :]}"


def _space(text: str, random: Random) -> str:
    at = random.choice([at for at, one in enumerate(text) if one in "{}," or text[at - 1 : at + 1] == '":'])
    return text[:at] + random.choice([" ", "\t", "\n", "\r\n"]) + text[at:]


_OTHER_FORMS: tuple[Callable[[str, Random], str], ...] = (
    _swap_keys,
    _escape,
    _space,
    lambda text, random: text.replace('"v":1', random.choice(['"v":1.0', '"v":1e0', '"v":10e-1', '"v": 1'])),
    lambda text, random: text.replace('{"act"', '{"v":1,"act"'),
    lambda text, random: text.replace(",", ', "v":1,', 1),
    lambda text, random: text + random.choice(["\n", " ", "\r\n"]),
    lambda text, random: json.dumps(json.loads(text)),
)


def rewrite(random: Random, honest: Honest) -> Changed:
    """An entry says the same to every reader of JSON, in other bytes."""
    at = pick(random, honest)
    text = honest.texts[at].decode("ascii")
    other = random.choice(_OTHER_FORMS)(text, random)
    assert other != text and json.loads(other) == json.loads(text)
    return replaced(honest, at, other.encode(), Refusal("leaf", at, "form"))


_OTHER_VALUES: tuple[tuple[str, str, str], ...] = (
    (r'"t":"(.*?)Z"', r'"t":"\1+00:00"', "form"),
    (r'"t":"(.*?)Z"', r'"t":"\g<1>000Z"', "form"),
    (r'"t":"(.*?)T(.*?)Z"', r'"t":"\1T\g<2>z"', "form"),
    (r'"act":"u_', '"act":"U_', "form"),
    (r'^{"act"', '{"a":null,"act"', "form"),
    (r'"v":1', '"v":"1"', "form"),
    (r'"v":1', '"v":1,"via":null', "form"),
    (r'"ev":', '"ev":["x"],"ev":', "form"),
    (r'^{("act":.*?),("(?:dec|ev)":.*?),', r"{\2,\1,", "form"),
)


def rewrite_value(random: Random, honest: Honest) -> Changed:
    """An entry says the same to a person, in another form of value."""
    at = pick(random, honest)
    text = honest.texts[at].decode("ascii")
    old, new, fault = random.choice(_OTHER_VALUES)
    other, count = re.subn(old, new, text, count=1)
    assert count == 1 and other != text
    return replaced(honest, at, other.encode(), Refusal("leaf", at, fault))


def rewrite_list(random: Random, honest: Honest) -> Changed:
    """An entry's list of fields says the same in another order, or a field twice."""
    at = random.randrange(0, honest.size, 2)
    new = random.choice(
        [b'["name","dietary"]', b'["dietary","dietary","name"]', b'["dietary","name","name"]']
    )
    leaf = honest.texts[at].replace(b'["dietary","name"]', new)
    return replaced(honest, at, leaf, Refusal("leaf", at, "fields"))


def edit_time_back(random: Random, honest: Honest) -> Changed:
    """An entry is said to be older than the one before; the log has four or more."""
    at = random.randrange(3, honest.size)
    found = read_leaf(honest.texts[at])
    return replaced(honest, at, canonical(found.entry, found.time - timedelta(days=1)), Refusal("time", at))
