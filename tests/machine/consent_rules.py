"""Consent: given, spoken and confirmed, changed, renewed, refused, withdrawn by either side."""

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.machine.lives import VOLUNTEERS, Story, npos, often, pick, some
from tests.machine.model import NPOS, Agreement, Case, Consent, Waiting, may_read


class ConsentRules(Story):
    """What is recorded of the person's answer."""

    @rule(
        number=pick,
        npo=npos,
        refused=some,
        back=often,
        days=st.integers(0, 360),
        spoken=st.booleans(),
        by=pick,
        short=st.sampled_from((False, False, False, True)),
    )
    def give(
        self,
        number: int,
        npo: str,
        refused: frozenset[str],
        back: bool,
        days: int,
        spoken: bool,
        by: int,
        short: bool,
    ) -> None:
        """I7: a consent needs both conditions and all five statements told; a spoken one waits for its witness."""
        case = self.case(number)
        login = self.owner(case, by)
        agreement = self.machine.agreement(refused, back, days)
        parts, witness = self.spoken(case, login, spoken)
        given = self.machine.answer(agreement, **parts)
        if short:
            given["told"] = given["told"][:4]  # type: ignore[index]
        old = case.consent(npo, self.machine.town_now(login))
        good = case.open and case.both and not short and (old is None or old.live is None)
        body = {"recipient": self.town.ids[npo], "purpose": "food_support", "answer": given}

        def step() -> None:
            answer = self.machine.ask(login, "POST", f"/api/cases/{case.id}/consents", body, good=good)
            if answer.good:
                self.recorded(case, npo, answer.json, agreement, login, witness)

        self.machine.around(case, npo, False, step)

    def events(self, login: str, case: Case, consent: Consent) -> str:
        """The version of a series as its owner saw it: how many events it has."""
        rows = self.machine.ask(login, "GET", f"/api/cases/{case.id}/consents", good=True).json["consents"]
        assert isinstance(rows, list)
        return f'"{next(len(row["events"]) for row in rows if row["id"] == consent.id)}"'

    def spoken(self, case: Case, login: str, wanted: bool) -> tuple[dict[str, object], str | None]:
        """The parts of a spoken answer and its witness, where there is somebody who can be one."""
        others = [one for one in self.machine.readers(case) if one != login]
        if not wanted or not others:
            return {}, None
        return {"method": "oral_witnessed", "witness": self.town.ids[others[0]]}, others[0]

    def recorded(
        self,
        case: Case,
        npo: str,
        made: dict[str, object],
        agreement: Agreement,
        by: str,
        witness: str | None,
    ) -> None:
        """The model's side of an agreement that was recorded."""
        found = case.consents.setdefault(npo, Consent(id=str(made["id"]), number=str(made["number"])))
        case.threads.add(npo)
        case.written()
        if witness is None:
            found.take(agreement)
        else:
            found.waiting = Waiting(agreement=agreement, since=self.town.now, recorder=by, witness=witness)

    @rule(number=pick, npo=npos, wrong=st.sampled_from((False, False, True)))
    def confirm(self, number: int, npo: str, wrong: bool) -> None:
        """Only the witness confirms, and only in time."""
        case = self.case(number)
        login = "supervisor"
        found = case.consent(npo, self.machine.town_now(login))
        waiting = None if found is None else found.waiting
        if waiting is not None:
            login = waiting.recorder if wrong else waiting.witness
        if found is None or not may_read(self.machine.people[login], case):
            return
        found.at(self.machine.town_now(login))
        good = found.waiting is not None and not wrong and case.open

        version = self.events(login, case, found)

        def moves() -> None:
            assert waiting is not None
            case.written()
            found.take(waiting.agreement)

        path = f"/api/consents/{found.id}/confirm"

        def step() -> None:
            self.machine.ask(login, "POST", path, if_match=version, moves=moves, good=good)

        self.machine.around(case, npo, False, step)

    @rule(
        number=pick,
        npo=npos,
        refused=some,
        back=often,
        days=st.integers(0, 360),
        spoken=st.booleans(),
        by=pick,
        narrower=st.booleans(),
        renew=st.booleans(),
    )
    def change(
        self,
        number: int,
        npo: str,
        refused: frozenset[str],
        back: bool,
        days: int,
        spoken: bool,
        by: int,
        narrower: bool,
        renew: bool,
    ) -> None:
        """The whole set again; narrower holds at once, also when spoken; wider needs a witness again."""
        case = self.case(number)
        login = self.owner(case, by)
        found = case.consent(npo, self.machine.town_now(login))
        if found is None:
            return
        agreement = self.machine.agreement(refused, back, days)
        if narrower and found.live is not None:
            allowed = (found.live.allowed - refused) or found.live.allowed
            agreement = Agreement(allowed=allowed, back=found.live.back, until=found.live.until)
        parts, witness = self.spoken(case, login, spoken)
        narrows = found.live is not None and agreement.within(found.live)
        if narrows and not renew:
            witness = None
        good = found.live is not None and case.open
        verb = "renew" if renew else "change"

        def step() -> None:
            given = self.machine.answer(agreement, **parts)
            version = self.events(login, case, found)
            path = f"/api/consents/{found.id}/{verb}"
            answer = self.machine.ask(login, "POST", path, given, if_match=version, good=good)
            if answer.good:
                self.recorded(case, npo, answer.json, agreement, login, witness)

        self.machine.around(case, npo, narrows, step)

    @rule(number=pick, npo=npos, by=pick, asks=st.booleans())
    def refuse_or_ask(self, number: int, npo: str, by: int, asks: bool) -> None:
        """A refusal ends what was live, at once; asking changes nothing."""
        case = self.case(number)
        login = self.owner(case, by)
        old = case.consent(npo, self.machine.town_now(login))
        body: dict[str, object] = {"recipient": self.town.ids[npo], "purpose": "food_support"}
        if not asks:
            day = self.machine.answer(self.machine.agreement(frozenset(), True, 1))["event_day"]
            body["refusal"] = {
                "notice_version": 1,
                "language": "ja",
                "given_by": ["self"],
                "method": "paper",
                "event_day": day,
            }
        good = case.open and not (asks and old is not None and old.live is not None)

        def step() -> None:
            answer = self.machine.ask(login, "POST", f"/api/cases/{case.id}/consents", body, good=good)
            if answer.good:
                made = answer.json
                found = case.consents.setdefault(npo, Consent(id=str(made["id"]), number=str(made["number"])))
                if not asks:
                    found.end()
                    case.stop_requests(npo)

        self.machine.around(case, npo, True, step)

    @rule(
        number=pick,
        npo=npos,
        who=st.sampled_from(("owner", "blind", "coordinator", "volunteer", "foreign", "auditor")),
        numbered=st.booleans(),
    )
    def withdraw(self, number: int, npo: str, who: str, numbered: bool) -> None:
        """Withdrawing works for every member of owner and recipient, at once, and for nobody else."""
        case = self.case(number)
        foreign = NPOS[1 - NPOS.index(npo)]
        login = {
            "owner": self.owner(case),
            "blind": "stranger",
            "coordinator": self.coordinator(npo),
            "volunteer": VOLUNTEERS[npo],
            "foreign": self.coordinator(foreign),
            "auditor": "auditor",
        }[who]
        if not self.machine.people[login].active:
            return
        found = case.consent(npo, self.machine.town_now(login))
        if found is None:
            return
        good = who in ("owner", "blind") or (who in ("coordinator", "volunteer") and found.party)
        path = found.number if numbered else found.id

        def moves() -> None:
            found.end()
            case.stop_requests(npo)

        def step() -> None:
            body = {"given_by": ["self"], "method": "paper"}
            self.machine.ask(login, "POST", f"/api/consents/{path}/withdraw", body, moves=moves, good=good)

        self.machine.around(case, npo, True, step)
