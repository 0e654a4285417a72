"""G1 and G2: the job over HTTP against Litestar's hello, and against the same row in plaintext."""

from bench.apps import write_plain
from bench.figures import Figure, Size, micro, rate
from bench.load import Target
from bench.serving import Served, interleaved, served
from bench.town import HOST, Town


def measure(town: Town, size: Size) -> list[Figure]:
    """Both figures, in one run of three servers that share a core; only one is asked at a time."""
    job = Target(port=0, path=town.path, host=HOST, token=town.token)
    hello = Target(port=0, path="/hello", host=HOST)
    plain = Target(port=0, path=write_plain(town.folder, town.answer), host=HOST)
    with (
        served("house", town.folder, job) as ours,
        served("hello", town.folder, hello) as smallest,
        served("plain", town.folder, plain) as bare,
    ):
        return [
            *_figures("G1", "the job / Litestar hello", "≥ 0.40", ours, smallest, size),
            *_figures("G2", "the job / the same row in plaintext", "≥ 0.65", ours, bare, size),
        ]


def measure_growth(short: Town, long: Town, size: Size) -> list[Figure]:
    """G11: the job in a house with a long log against the job in the same house with a short one."""
    near = Target(port=0, path=short.path, host=HOST, token=short.token)
    far = Target(port=0, path=long.path, host=HOST, token=long.token)
    with served("house", long.folder, far) as ours, served("house", short.folder, near) as other:
        what = f"the job at {size.few:,} log entries / at {size.entries:,}"
        return _figures("G11", what, "≥ 1 / 1.2", ours, other, size)


def _figures(name: str, what: str, goal: str, ours: Served, other: Served, size: Size) -> list[Figure]:
    """By answers a second, which the goal means; and by the server's CPU, which a busy machine disturbs less."""
    rounds = interleaved(ours, other, size.rounds, size.seconds)
    by_rate = Figure(
        name=name,
        what=f"{what}, answers a second",
        goal=goal,
        ratios=[mine.rate / theirs.rate for mine, theirs in rounds],
        ours=rate(mine.rate for mine, _ in rounds),
        theirs=rate(theirs.rate for _, theirs in rounds),
    )
    by_cpu = Figure(
        name="",
        what="   the same by CPU a request",
        goal="",
        ratios=[theirs.cpu / mine.cpu for mine, theirs in rounds],
        ours=micro(mine.cpu for mine, _ in rounds),
        theirs=micro(theirs.cpu for _, theirs in rounds),
    )
    return [by_rate, by_cpu]
