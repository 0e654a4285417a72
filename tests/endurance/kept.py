"""What the service has acknowledged: from then on it must be there, whatever happens to the process."""

import threading
from base64 import b64encode
from dataclasses import dataclass, field

from tests.endurance.books import Books
from tests.endurance.growing import Growing
from tests.machine.client import Answer, Json


@dataclass(slots=True)
class Kept:
    """The answers that came whole, with what they promise."""

    receipts: dict[tuple[int, int], str] = field(default_factory=dict)
    """Tree and index → leaf hash."""
    cases: dict[str, Json] = field(default_factory=dict)
    """Case → its fields as they were written last."""
    doubted: dict[str, Json] = field(default_factory=dict)
    """Case → fields that were sent, and no answer came: they are there, or those of `cases` are."""
    rows: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Row of the ledger → its case, its text."""
    stages: dict[str, str] = field(default_factory=dict)
    """Request → the stage that was acknowledged last."""
    kinds: dict[str, list[int]] = field(default_factory=dict)
    """Series → the kinds of its acknowledged events."""
    notes: dict[tuple[str, int], str] = field(default_factory=dict)
    """Origin and size → root, of the checkpoints that were handed out."""
    answers: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self) -> None:
        """One more answer that promises something."""
        with self._lock:
            self.answers += 1

    def receipt(self, answer: Answer) -> None:
        """A reader's receipt, where the answer bears one."""
        found = answer.json.get("receipt")
        if isinstance(found, dict):
            self.receipts[found["tree"], found["index"]] = str(found["leaf_hash"])
            self.count()

    def note(self, note: str) -> None:
        """A signed checkpoint."""
        origin, size, root = note.split("\n")[:3]
        self.notes[origin, int(size)] = root
        self.count()

    def lost(self, books: Books) -> list[str]:
        """What was acknowledged and is not there."""
        found = [f"case {id}" for id in self.cases.keys() - books.cases]
        found += [f"row {id}" for id in self.rows.keys() - books.rows]
        found += [
            f"request {id}: {stage}, now {books.stages.get(id)}"
            for id, stage in self.stages.items()
            if books.stages.get(id) != stage
        ]
        found += [f"consent {id}" for id, kinds in self.kinds.items() if books.kinds.get(id) != kinds]
        return found + self.lost_in_log(books)

    def lost_in_log(self, books: Books) -> list[str]:
        """Receipts whose entry is not in the log, and checkpoints of another log."""
        found = []
        for (tree, index), leaf in self.receipts.items():
            leaves = books.trees[tree].leaves
            if index >= len(leaves) or leaves[index].hex() != leaf:
                found.append(f"receipt: tree {tree}, entry {index}")
        for (origin, size), root in self.notes.items():
            if not _is_root(books.trees[books.origins[origin]], size, root):
                found.append(f"checkpoint: {origin} at {size}")
        return found

    def unasked(self, books: Books) -> list[str]:
        """What is there twice or by itself: once every open ask was asked again, all is known by its answer."""
        found = [f"case {id}" for id in books.cases - self.cases.keys()]
        found += [f"row {id}" for id in books.rows - self.rows.keys()]
        return found + [f"request {id}" for id in books.stages.keys() - self.stages.keys()]


def _is_root(tree: Growing, size: int, root: str) -> bool:
    return size < len(tree.roots) and b64encode(tree.roots[size]).decode("ascii") == root
