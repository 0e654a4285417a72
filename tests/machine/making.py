"""What the machine writes: values full of canaries, and the person's answers."""

from datetime import timedelta

from tests.machine.canaries import Cage, Canary, find
from tests.machine.client import Json, Town
from tests.machine.model import OFFERED, SENSITIVE, TOKYO, Agreement, Case


class Maker:
    """Makes bodies, and notes whose each canary is."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.cage = Cage()

    def values(self) -> dict[str, object]:
        """A value for every field that takes text, each with a canary of its own."""
        cage = self.cage
        return {
            "name": cage.text(),
            "name_kana": cage.kana(),
            "birth_date": cage.day(),
            "age_band": "70s",
            "gender": "male",
            "address": cage.text(),
            "phone": cage.text(),
            "household": cage.text(),
            "found_by": "counter",
            "consultation": cage.text(),
            "handover_summary": cage.text(),
            "health": cage.text(),
            "public_support": cage.text(),
            "finances": cage.text(),
            "support_plan": {
                "goal": cage.text(),
                "per_month": 2,
                "from": "2026-11-01",
                "until": "2027-03-31",
                "next_review": None,
            },
            "dietary": {
                "allergens": ["egg"],
                "no_cooking": True,
                "supplements": False,
                "soft_food": False,
                "note": cage.text(),
            },
            "eligibility_reasons": {"hardship": cage.text(), "willing": cage.text()},
            "outcome_note": cage.text(),
            "review_notes": cage.text(),
        }

    def keep(self, case: str, fields: dict[str, object]) -> None:
        """Notes whose the canaries of single fields are."""
        for code, value in fields.items():
            self.cage.keep(value, Canary(case=case, field=code, note=code == "dietary"))

    def forget(self, case: Case, codes: set[str]) -> None:
        """The values of these fields are replaced: nobody may see the old ones any more."""
        for code in codes:
            for word in find(str(case.fields.get(code))):
                self.cage.known.pop(word, None)

    def answer(self, agreement: Agreement, **parts: object) -> Json:
        """The body of an agreement."""
        today = self.town.now.astimezone(TOKYO).date()
        told = self.town.now.replace(microsecond=0).isoformat()  # events are recorded in whole seconds
        base: Json = {
            "told": [{"number": number, "at": told} for number in range(1, 6)],
            "notice_version": 1,
            "language": "ja",
            "allowed": sorted(agreement.allowed),
            "refused": sorted(OFFERED - agreement.allowed),
            "acknowledged": sorted(agreement.allowed & SENSITIVE),
            "directions": ["owner_to_recipient", *(["recipient_to_owner"] if agreement.back else [])],
            "age": "15_up",
            "given_by": ["self"],
            "method": "paper",
            "identity": "known",
            "copy_given": "given",
            "event_day": today.isoformat(),
            "until": agreement.until.isoformat(),
        }
        return {**base, **parts}

    def agreement(self, refused: frozenset[str], back: bool, days: int) -> Agreement:
        today = self.town.now.astimezone(TOKYO).date()
        allowed = OFFERED - refused - (frozenset() if back else frozenset({"observations"}))
        return Agreement(
            allowed=allowed or frozenset({"name"}), back=back, until=today + timedelta(days=days)
        )
