"""The owner's work on a case: begin, edit, answer the conditions, assign, close."""

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.machine.lives import Story, often, pick
from tests.machine.model import Case


class OwnerRules(Story):
    """What the city does with its cases."""

    @precondition(lambda self: len(self.machine.cases) < 5)
    @rule(who=st.sampled_from(("caseworker", "stranger", "supervisor")), both=often)
    def create(self, who: str, both: bool) -> None:
        fields = self.machine.values()
        body = {"fields": fields, "conditions": {"hardship": True, "willing": both}}
        made = self.machine.ask(who, "POST", "/api/cases", body, good=True).json
        case = Case(id=str(made["id"]), sections=self.machine.people[who].sections, fields=fields, both=both)
        self.machine.keep(case.id, fields)
        self.machine.cases.append(case)

    @rule(
        number=pick,
        by=pick,
        codes=st.sets(
            st.sampled_from(
                ("name", "name_kana", "dietary", "consultation", "birth_date", "handover_summary")
            ),
            min_size=1,
        ),
    )
    def edit(self, number: int, by: int, codes: set[str]) -> None:
        """Only what is named changes; the old value is nobody's any more."""
        case = self.case(number)
        login = self.owner(case, by)
        fresh = {code: value for code, value in self.machine.values().items() if code in codes}
        self.machine.keep(case.id, fresh)

        def moves() -> None:
            self.machine.forget(case, codes)
            case.fields.update(fresh)
            case.written()

        version = self.version(login, case)
        self.machine.ask(
            login,
            "PATCH",
            f"/api/cases/{case.id}",
            {"fields": fresh},
            if_match=version,
            moves=moves,
            good=case.open,
        )

    @rule(number=pick, by=pick, hardship=often, willing=often)
    def conditions(self, number: int, by: int, hardship: bool, willing: bool) -> None:
        """A "no" ends the consents and stops the requests at once."""
        case = self.case(number)
        login = self.owner(case, by)

        def moves() -> None:
            case.both = hardship and willing
            if not case.both:
                case.end_all(self.town.now)

        version = self.version(login, case)
        body = {"hardship": hardship, "willing": willing}
        self.machine.ask(
            login,
            "PUT",
            f"/api/cases/{case.id}/conditions",
            body,
            if_match=version,
            moves=moves,
            good=case.open,
        )

    @rule(number=pick, who=st.sampled_from(("colleague", "stranger", "caseworker")), remove=st.booleans())
    def assign(self, number: int, who: str, remove: bool) -> None:
        case = self.case(number)
        body = {"users": [self.town.ids[who]], "remove": remove}

        def moves() -> None:
            (case.assigned.discard if remove else case.assigned.add)(who)

        good = case.open and self.machine.people[who].active
        self.machine.ask("supervisor", "POST", f"/api/cases/{case.id}/assign", body, moves=moves, good=good)

    @precondition(lambda self: sum(case.open for case in self.machine.cases) > 1)
    @rule(number=pick, by=pick)
    def close(self, number: int, by: int) -> None:
        case = self.case(number)
        login = self.owner(case, by)

        def moves() -> None:
            case.open = False
            case.end_all(self.town.now)

        version = self.version(login, case)

        def step() -> None:
            body = {"reason": "other"}
            self.machine.ask(
                login,
                "POST",
                f"/api/cases/{case.id}/close",
                body,
                if_match=version,
                moves=moves,
                good=case.open,
            )

        step()
