"""Replays an exported log: was every release to another organisation justified by a live consent before it?

``python -m tests.machine.replay FOLDER`` reads the exported entries and nothing else. In log order, and for each
consent series, it keeps what the entries say: an agreement was recorded, its keys were sealed, it ended. The
rules:

1. (I4) Fields released to an organisation that does not own the case: the entry names the event of the consent
   that the keys were last sealed under, and at this point of the log the consent is live and the keys are out.
2. (I7) Nothing is sent, accepted or handed over in a case outside a live consent, and nothing in a closed one.
3. Keys are sealed only after an agreement of the same series that has not ended, and a consent that ends while
   keys are out is followed by the entry that they are gone, before anything else in that series.

What the log does not say it cannot check: the fields that a consent covers and its last day stand in the consent
events, which the log names by their hash only.
"""

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path

Leaf = dict[str, object]

AGREES = frozenset({"consent.give", "consent.confirm", "consent.change", "consent.renew"})
ENDS = frozenset({"consent.withdraw", "consent.refuse", "consent.expire", "consent.end"})
SHARED_WORK = frozenset({"request.send", "request.accept"})


@dataclass(slots=True)
class Series:
    """One consent series as the log told it so far.

    ``agreed``: an agreement is recorded and no end since; ``live``: its keys were sealed, so it needed no witness
    or has had one; ``sealed``: the keys are out now (a declined request takes them back, the consent stays).
    """

    case: str
    agreed: bool = False
    live: bool = False
    sealed: bool = False
    must_revoke: bool = False
    justifies: str = ""


@dataclass(slots=True)
class Replay:
    """The state of the replay: owners and closed cases, the series, what was counted and what was wrong."""

    owners: dict[str, str] = field(default_factory=dict)
    closed: set[str] = field(default_factory=set)
    series: dict[str, Series] = field(default_factory=dict)
    releases: int = 0
    withdrawals: int = 0
    wrong: list[str] = field(default_factory=list)

    def read(self, index: int, leaf: Leaf) -> None:
        """Takes the next entry."""
        event, case, named = str(leaf["ev"]), str(leaf.get("sub", "")), str(leaf.get("cns", ""))
        if leaf.get("dec") == "deny":
            return
        if event == "case.create":
            self.owners[case] = str(leaf["org"])
        if event == "case.close":
            self.closed.add(case)
        if event.startswith(("consent.", "key.")) and str(leaf.get("obj", "")).startswith("k_"):
            self._consent(index, event, case, str(leaf["obj"]), named)
        self._shared(index, event, leaf, case, named)

    def _consent(self, index: int, event: str, case: str, id: str, named: str) -> None:
        found = self.series.setdefault(id, Series(case=case))
        if found.case != case or not named.startswith(f"{id}:"):
            self._say(index, "a series belongs to one case, and its entry names it")
        if found.must_revoke and event != "key.revoke":
            self._say(index, "a consent ended and its keys did not go")
        found.must_revoke = False
        if event in AGREES:
            found.agreed = True
        elif event == "key.seal":
            if not found.agreed:
                self._say(index, "keys were sealed without a consent")
            found.sealed = found.live = True
            found.justifies = named
        elif event == "key.revoke":
            found.sealed = False
        elif event in ENDS:
            self.withdrawals += event == "consent.withdraw"
            found.must_revoke, found.agreed, found.live = found.sealed, False, False

    def _shared(self, index: int, event: str, leaf: Leaf, case: str, named: str) -> None:
        """What reaches, or is done with, another organisation than the owner."""
        owner = self.owners.get(case)
        foreign = owner is not None and "org" in leaf and leaf["org"] != owner
        released = bool(leaf.get("fld")) and case != ""
        if released and owner is None:
            self._say(index, "a release from a case that nobody began")
        work = event in SHARED_WORK or (foreign and event == "ledger.write")
        if not work and not (foreign and released):
            return
        self.releases += foreign and released
        id = named.partition(":")[0]
        found = self.series.get(id)
        if found is None or found.case != case:
            self._say(index, f"{event}: no consent of this case is named")
        elif not (found.live and (found.sealed or not released)):
            self._say(index, f"{event}: the consent is not live here")
        elif foreign and released and found.justifies != named:
            self._say(index, f"{event}: the keys were sealed under another event of the consent")
        if case in self.closed:
            self._say(index, f"{event}: the case is closed")

    def end(self, index: int) -> None:
        """Nothing more comes."""
        for id, found in self.series.items():
            if found.must_revoke:
                self._say(index, f"{id}: a consent ended and its keys did not go")

    def _say(self, index: int, what: str) -> None:
        self.wrong.append(f"entry {index}: {what}")


def read_bundle(folder: Path) -> str:
    """The leaves of an exported bundle, a line each: every entry stands behind its length (C2SP tlog-tiles)."""
    lines = []
    for path in sorted((folder / "tile" / "entries").rglob("*")):
        data, at = path.read_bytes() if path.is_file() else b"", 0
        while at < len(data):
            end = at + 2 + int.from_bytes(data[at : at + 2], "big")
            lines.append(data[at + 2 : end].decode("ascii"))
            at = end
    return "".join(f"{line}\n" for line in lines)


def read_leaves(text: str) -> list[Leaf]:
    """The leaves of an exported log."""
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def replay(text: str) -> Replay:
    """The replay of an exported log."""
    state = Replay()
    leaves = read_leaves(text)
    for index, leaf in enumerate(leaves):
        state.read(index, leaf)
    state.end(len(leaves))
    return state


def main(folder: str) -> int:
    """Prints what is wrong; 0 where nothing is, else 1."""
    state = replay(read_bundle(Path(folder)))
    for line in state.wrong:
        print(line)
    print(f"{state.releases} releases, {state.withdrawals} withdrawals, {len(state.wrong)} unjustified")
    return 1 if state.wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
