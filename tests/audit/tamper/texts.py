"""Tampering with single texts while their hashes stay: replaced, taken out, or under another number."""

from collections.abc import Callable
from dataclasses import replace
from random import Random

from audit.codes import Decision
from audit.event import Entry, Event, canonical, read_leaf
from audit.layout import bundle_path, bundles_of
from audit.tiles import WIDTH, Tile
from tests.audit.bundles import Log, entry_bundles, of_case, whole
from tests.audit.tamper.attempts import Attempt, Make, refused, start_of
from tests.audit.tamper.edits import pick
from tests.audit.tamper.logs import (
    ACTORS,
    CASES,
    OTHER_LOG,
    Honest,
    draw_gaps,
    entry_id,
    leaves,
    prune_leaf,
    redact_leaf,
    take_out,
    time_at,
    without,
)


def leaf_under_tile(random: Random, log: Honest) -> Attempt:
    """One leaf is another one that keeps every rule; tiles, root and signatures are honest, the table fits it."""
    at = pick(random, log)
    found = read_leaf(log.texts[at])
    other = replace(found.entry, actor=ACTORS[(ACTORS.index(found.entry.actor or "") + 1) % len(ACTORS)])
    texts = [*log.texts]
    texts[at] = random.choice([canonical(other, found.time), leaves(log.size, OTHER_LOG)[at]])
    forged = Log(leaves=texts, hashes=log.log.all_hashes)
    return Attempt(files=whole(forged), expected=refused("tile", at))


def leaf_where_redacted(random: Random, log: Honest) -> Attempt:
    """An invented text stands where one was taken out; the log has two entries or more."""
    gaps = take_out(log.size, draw_gaps(random, log.size, prune=False))
    at = random.choice(gaps.redacted)
    texts = [*gaps.log.leaves]
    invented = Entry(event=Event.LOGIN_OK, id=entry_id(at), actor=ACTORS[(at + 1) % len(ACTORS)])
    texts[at] = canonical(invented, time_at(at))
    return Attempt(files=gaps.files | entry_bundles(texts), expected=refused("tile", at))


def leaf_of_case(random: Random, log: Honest) -> Attempt:
    """One leaf of a bundle with one case's entries is another one; the tiles are honest."""
    at = random.randrange(0, log.size, 2)
    case = CASES[at // 2 % len(CASES)]
    found = read_leaf(log.texts[at])
    other = canonical(replace(found.entry, fields=("dietary",)), found.time)
    files = of_case(log.log, case)
    files["leaves"] = files["leaves"].replace(log.texts[at], other)
    return Attempt(files=files, expected=refused("tile", at))


def blank(log: Honest, at: int) -> Attempt:
    """The text at ``at`` is taken out, and no entry of the log excuses it."""
    forged = without(log.log, [at])
    return Attempt(files=whole(forged), expected=refused("absent", at))


def blank_first(random: Random, log: Honest) -> Attempt:
    """The first text is taken out, and nothing says so."""
    return blank(log, 0)


def blank_any(random: Random, log: Honest) -> Attempt:
    """A text is taken out, and nothing says so."""
    return blank(log, pick(random, log))


def blank_bundle(random: Random, log: Honest) -> Attempt:
    """A whole entry bundle is not there, as if its texts had been pruned."""
    tile = random.choice([*bundles_of(log.size)])
    files = {name: data for name, data in log.files.items() if name != bundle_path(tile)}
    return Attempt(files=files, expected=refused("absent", tile.number * WIDTH))


def blank_last_bundle(random: Random, log: Honest) -> Attempt:
    """The last entry bundles are not there, one or more."""
    first = random.choice([*bundles_of(log.size)]).number
    gone = {bundle_path(tile) for tile in bundles_of(log.size, first)}
    files = {name: data for name, data in log.files.items() if name not in gone}
    return Attempt(files=files, expected=refused("absent", first * WIDTH))


def blank_with_excuse(excuse: Callable[[Random, int, int], bytes], *, later: bool) -> Make:
    """A text is taken out, and an entry that does not excuse it stands behind it (``later``) or before it."""

    def make(random: Random, log: Honest) -> Attempt:
        at, excused = sorted(random.sample(range(log.size), 2), reverse=not later)
        texts = [*log.texts]
        texts[excused] = excuse(random, excused, at)
        return blank(replace(log, log=Log(leaves=tuple(texts))), at)

    return make


def refused_redaction(random: Random, index: int, gone: int) -> bytes:
    """That the text be taken out was asked for, and refused."""
    return redact_leaf(index, gone, Decision.DENY)


def redaction_before(random: Random, index: int, gone: int) -> bytes:
    """An entry names one that was not written yet."""
    return redact_leaf(index, gone)


def redaction_of_another(random: Random, index: int, gone: int) -> bytes:
    """An entry takes out another text: its number was changed."""
    return redact_leaf(index, random.choice([gone + 1, gone + WIDTH, gone * 10 + 1]))


def pruning_of_too_few(random: Random, index: int, gone: int) -> bytes:
    """A pruning ends before the text, or is none of whole entry bundles."""
    return prune_leaf(index, random.choice([start_of(gone), gone + 1 if (gone + 1) % WIDTH else gone]))


def blank_by_early_pruning(random: Random, log: Honest) -> Attempt:
    """A pruning names entries that were not written yet; the log has two entries or more."""
    at, excused = random.sample(range(min(log.size, WIDTH)), 2)
    texts = [*log.texts]
    texts[excused] = prune_leaf(excused, WIDTH)
    return blank(replace(log, log=Log(leaves=tuple(texts))), at)


def line_renumbered(random: Random, log: Honest) -> Attempt:
    """A line of a case's entries bears another index, which is still in order."""
    at = random.randrange(0, log.size, 2)
    stop = min(at + 10, log.size)  # the same case comes again ten entries later
    other = random.choice([one for one in range(max(at - 9, 0), stop) if one != at] or [log.size])
    files = of_case(log.log, CASES[at // 2 % len(CASES)])
    old, new = f"{at} ".encode() + log.texts[at], f"{other} ".encode() + log.texts[at]
    files["leaves"] = files["leaves"].replace(old, new)
    return Attempt(
        files=files, expected=refused("tile", other) if other < log.size else refused("entries", 0)
    )


def line_out_of_order(random: Random, log: Honest) -> Attempt:
    """Two lines of a case's entries bear the same index, or go back; the log has 11 entries or more."""
    at = random.randrange(10, log.size)
    at -= at % 2
    files = of_case(log.log, CASES[at // 2 % len(CASES)])
    old = f"{at} ".encode() + log.texts[at]
    new = f"{random.choice([at - 10, at % 10])} ".encode() + log.texts[at]
    files["leaves"] = files["leaves"].replace(old, new)
    return Attempt(files=files, expected=refused("entries", at - 10))


def row_renumbered(random: Random, log: Honest) -> Attempt:
    """A row of the table bears another index."""
    at = pick(random, log)
    old, new = f'\r\n"{at}",'.encode(), f'\r\n"{random.choice([at + 1, at + WIDTH, -1])}",'.encode()
    files = {**log.files, "entries.csv": log.files["entries.csv"].replace(old, new)}
    return Attempt(files=files, expected=refused("table"))


def bundles_renumbered(random: Random, log: Honest) -> Attempt:
    """Two whole entry bundles bear each other's number; the log has 512 entries or more."""
    first, second = sorted(random.sample(range(log.size // WIDTH), 2))
    names = [bundle_path(Tile(0, number)) for number in (first, second)]
    swapped = {names[0]: log.files[names[1]], names[1]: log.files[names[0]]}
    return Attempt(files={**log.files, **swapped}, expected=refused("tile", first * WIDTH))


def redaction_renumbered(random: Random, log: Honest) -> Attempt:
    """The entry that takes a text out names another; everybody signed, and still the text is missed."""
    gaps = take_out(log.size, draw_gaps(random, log.size, most=1, prune=False))
    texts = [*with_redaction_moved(random, log.size, gaps)]
    forged = without(Log(leaves=tuple(texts)), gaps.redacted)
    return Attempt(files=whole(forged), expected=refused("absent", gaps.redacted[0]))


def with_redaction_moved(random: Random, size: int, gaps: Honest) -> list[bytes]:
    """The leaves of a log with one redaction, which names another entry than the one that is gone."""
    texts = leaves(size)
    (ref,) = gaps.redacted
    at = next(
        index for index, leaf in enumerate(gaps.log.leaves) if leaf is not None and b"redact.entry" in leaf
    )
    texts[at] = redact_leaf(at, random.choice([one for one in (ref + 1, ref + 2, at, size) if one != ref]))
    return texts
