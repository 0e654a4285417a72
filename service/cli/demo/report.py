"""What the story prints, and whether it held: each comparison is a line that says OK or NG.

A comparison that does not hold prints what the story says and what was answered; the story goes on.
"""

from collections.abc import Callable, Sequence

from service.cli.demo.table import draw, page_width

INDENT = "    "


class Report:
    """The story on its way to the reader."""

    __slots__ = ("_steps", "_write", "failed", "held")

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write = write
        self._steps = 0
        self.held = 0
        self.failed = 0

    def step(self, japanese: str, english: str) -> None:
        """Begins the next step."""
        self._steps += 1
        self._write("")
        self._write("=" * page_width())
        self._write(f"{self._steps:2}  {japanese} / {english}")
        self._write("=" * page_width())

    def say(self, *lines: str) -> None:
        """Lines as they are."""
        for line in lines:
            self._write(line)

    def table(
        self,
        headings: Sequence[str],
        rows: Sequence[Sequence[str]],
        shares: Sequence[int],
        *,
        whole: bool = False,
    ) -> None:
        """A table with an empty line before it."""
        self.say("", *draw(headings, rows, shares, whole=whole))

    def same(self, what: str, story: object, answered: object) -> None:
        """Compares what was answered with what the story says."""
        if story == answered:
            self.held += 1
            self._write(f"OK  {what}")
            return
        self.failed += 1
        self._write(f"NG  {what}")
        self._write(f"{INDENT}story    : {story!r}")
        self._write(f"{INDENT}answered : {answered!r}")

    def broken(self, what: str) -> None:
        """The story cannot go on."""
        self.failed += 1
        self._write(f"NG  {what}")

    @property
    def exit_code(self) -> int:
        """0 if every step held, else 1. A story in which nothing was compared did not hold."""
        return 0 if self.held and not self.failed else 1
