"""What a log tells of the data: for each kind of row, what must be there because an entry says so, and nothing else.

Written from docs/formats.md §19 to §23, without the product.
"""

from dataclasses import dataclass, field

from tests.machine.client import Json

STAGES = {
    "request.draft": "draft",
    "request.send": "sent",
    "request.accept": "accepted",
    "request.decline": "declined",
    "request.cancel": "cancelled",
    "request.complete": "completed",
    "request.stop": "stopped",
}
"""The stage that a request has after the entry; a hand-over is not among what the clients do."""
SEALING = {
    *("case.create", "case.update", "case.close", "request.draft", "request.send", "ledger.write"),
    "key.rotate",
}
"""Events whose digest, where they have one, is that of sealed rows."""


@dataclass(slots=True)
class Telling:
    """What the entries of every tree say so far, refusals left out."""

    consents: dict[str, str] = field(default_factory=dict)
    """The id of an entry of a consent's event → which event it names, with its hash (``cns``)."""
    grants: dict[str, str] = field(default_factory=dict)
    """Series → digest of the grant that is there now."""
    cases: set[str] = field(default_factory=set)
    rows: set[str] = field(default_factory=set)
    stages: dict[str, str] = field(default_factory=dict)
    digests: dict[int, str] = field(default_factory=dict)
    """Key of an entry (tree × 2⁴⁰ + index) → digest of the sealed rows that it wrote."""

    def hear(self, key: int, leaf: Json) -> None:
        """Takes the next entry of a tree."""
        event, about = str(leaf["ev"]), str(leaf.get("obj"))
        if leaf.get("dec") == "deny":
            return
        if event == "case.create":
            self.cases.add(str(leaf["sub"]))
        elif event == "ledger.write":
            self.rows.add(about)
        elif event.startswith("consent.") and about.startswith("k_"):
            self.consents[str(leaf["id"])] = str(leaf["cns"])
        elif event == "key.seal":
            self.grants[about] = str(leaf["dig"])
        elif event == "key.revoke":
            self.grants.pop(about, None)
        elif event in STAGES:
            self.stages[about] = STAGES[event]
        if event in SEALING and "dig" in leaf:
            self.digests[key] = str(leaf["dig"])
