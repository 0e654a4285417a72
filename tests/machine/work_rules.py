"""Requests and the ledger: what is asked, answered, handed over, noticed."""

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.machine.canaries import Canary
from tests.machine.lives import VOLUNTEERS, Story, npos, often, pick
from tests.machine.model import NPOS, ONGOING, Case, Request, Row


class WorkRules(Story):
    """What passes between the city and the NPOs."""

    @rule(number=pick, npo=npos, by=pick, send=often)
    def draft(self, number: int, npo: str, by: int, send: bool) -> None:
        """I7: nothing is sent but under a live consent and both conditions."""
        case = self.case(number)
        login = self.owner(case, by)
        message = self.machine.cage.text()
        body = {
            "recipient": self.town.ids[npo],
            "send": send,
            "quantity": {"adults": 1, "children": 0, "days": 7, "times": 2},
            "pickup": {"date": "2026-11-30", "time": "10:00", "place": "office", "who": "person"},
            "message": message,
        }
        consent = case.consent(npo, self.machine.town_now(login))
        live = consent is not None and consent.live is not None
        good = case.open and (not send or (live and case.both))
        answer = self.machine.ask(login, "POST", f"/api/cases/{case.id}/requests", body, good=good)
        if not answer.good:
            return
        case.written()
        case.threads.add(npo)
        made = Request(id=str(answer.json["id"]), recipient=npo, stage="sent" if send else "draft", sent=send)
        case.requests.append(made)
        self.machine.cage.keep(message, Canary(case=case.id, field="message", thread=npo, record=made.id))
        if send and consent is not None:
            consent.keyed = True

    @rule(number=pick, which=pick, by=pick, move=st.sampled_from(("send", "cancel", "complete")))
    def owner_moves(self, number: int, which: int, by: int, move: str) -> None:
        case = self.case(number)
        found = self.request(case, which)
        if found is None:
            return
        login = self.owner(case, by)
        consent = case.consent(found.recipient, self.machine.town_now(login))
        live = consent is not None and consent.live is not None
        stages = {"send": {"draft"}, "cancel": {"draft", "sent", "accepted"}, "complete": {"delivered"}}[move]
        good = case.open and found.stage in stages and (move != "send" or (live and case.both))

        def moves() -> None:
            found.stage = {"send": "sent", "cancel": "cancelled", "complete": "completed"}[move]
            if move == "send" and consent is not None:
                found.sent = True
                case.written()
                consent.keyed = True

        version = self.version_of(login, case, found)
        self.machine.ask(
            login, "POST", f"/api/requests/{found.id}/{move}", if_match=version, moves=moves, good=good
        )

    @rule(number=pick, which=pick, foreign=st.sampled_from((False, False, False, True)))
    def accept(self, number: int, which: int, foreign: bool) -> None:
        """Only the addressed organisation accepts, and only under a live consent."""
        case = self.case(number)
        found = self.request(case, which)
        if found is None:
            return
        npo = NPOS[1 - NPOS.index(found.recipient)] if foreign else found.recipient
        login = self.coordinator(npo)
        consent = case.consent(found.recipient, self.machine.town_now(login))
        live = consent is not None and consent.live is not None
        good = not foreign and live and case.open and found.stage == "sent"

        def moves() -> None:
            found.stage, found.accepted = "accepted", True

        self.machine.ask(login, "POST", f"/api/requests/{found.id}/accept", moves=moves, good=good)

    @rule(number=pick, which=pick)
    def decline(self, number: int, which: int) -> None:
        case = self.case(number)
        found = self.request(case, which)
        if found is None:
            return
        login = self.coordinator(found.recipient)
        consent = case.consent(found.recipient, self.machine.town_now(login))
        good = found.stage == "sent" and consent is not None and consent.party

        def moves() -> None:
            found.stage = "declined"
            rest = [one.stage in ("sent", *ONGOING) for one in case.asked(found.recipient)]
            if consent is not None and not any(rest):
                consent.keyed = False

        body = {"reason": "date"}
        self.machine.ask(login, "POST", f"/api/requests/{found.id}/decline", body, moves=moves, good=good)

    @rule(number=pick, which=pick, helper=st.booleans(), note=st.booleans())
    def deliver(self, number: int, which: int, helper: bool, note: bool) -> None:
        """A free note on a hand-over needs the direction back; a helper hands over what is accepted."""
        case = self.case(number)
        found = self.request(case, which)
        if found is None:
            return
        npo = found.recipient
        login = VOLUNTEERS[npo] if helper else self.coordinator(npo)
        if not self.machine.people[login].active or (
            self.machine.people[login].role == "npo_coordinator" and helper
        ):
            return
        now = self.machine.town_now(login)
        words = [self.machine.cage.text(), self.machine.cage.text()]
        value = {
            "date": "2026-11-23",
            "result": "full",
            "items": words[:1],
            "note": words[1] if note else None,
        }
        consent = case.consent(npo, now)
        live = consent.live if consent is not None else None
        good: bool | None = (
            case.open
            and live is not None
            and "deliveries" in live.allowed
            and found.stage in ONGOING
            and (live.back or not note)
        )
        if good and consent is not None and consent.keyed is None:
            good = None
        body = {"kind": "delivery", "value": value, "request": found.id}
        answer = self.machine.ask(login, "POST", f"/api/cases/{case.id}/ledger", body, good=good)
        if answer.good:
            assert live is not None and case.open
            found.stage = "delivered"
            self.keep_row(
                case,
                Row(id=str(answer.json["id"]), kind="delivery", recipient=npo, by=npo, request=found.id),
                words,
            )

    def keep_row(self, case: Case, row: Row, words: list[str]) -> None:
        """Notes a row and its canaries; the free text of a hand-over is masked without the direction back."""
        case.rows.append(row)
        field = {"delivery": "deliveries", "observation": "observations", "reply": "replies"}[row.kind]
        for word in words:
            found = Canary(
                case=case.id, field=field, thread=row.recipient, record=row.id, note=row.kind == "delivery"
            )
            self.machine.cage.keep(word, found)

    @rule(number=pick, npo=npos, helper=st.sampled_from((False, False, True)))
    def observe(self, number: int, npo: str, helper: bool) -> None:
        """What the NPO noticed goes to the city only where the person lets it (recipient_to_owner)."""
        case = self.case(number)
        login = VOLUNTEERS[npo] if helper else self.coordinator(npo)
        person = self.machine.people[login]
        if not person.active:
            return
        consent = case.consent(npo, self.machine.town_now(login))
        live = consent.live if consent is not None else None
        reached = any(one.accepted for one in case.asked(npo))
        good: bool | None = (
            person.role == "npo_coordinator"
            and case.open
            and live is not None
            and live.back
            and "observations" in live.allowed
            and reached
            and (consent is None or consent.keyed is not False)
        )
        if good and consent is not None and consent.keyed is None:
            good = None
        word = self.machine.cage.text()
        body = {"kind": "observation", "value": {"text": word, "urgent": True, "chips": ["ran_out"]}}
        answer = self.machine.ask(login, "POST", f"/api/cases/{case.id}/ledger", body, good=good)
        if answer.good:
            self.keep_row(
                case, Row(id=str(answer.json["id"]), kind="observation", recipient=npo, by=npo), [word]
            )

    @rule(number=pick, npo=npos, by=pick)
    def reply(self, number: int, npo: str, by: int) -> None:
        case = self.case(number)
        login = self.owner(case, by)
        consent = case.consent(npo, self.machine.town_now(login))
        live = None if consent is None else consent.live
        word = self.machine.cage.text()
        body = {"kind": "reply", "value": {"text": word}, "recipient": self.town.ids[npo]}
        good = case.open and npo in case.threads and live is not None
        answer = self.machine.ask(login, "POST", f"/api/cases/{case.id}/ledger", body, good=good)
        if answer.good:
            case.written()
            self.keep_row(
                case, Row(id=str(answer.json["id"]), kind="reply", recipient=npo, by="city"), [word]
            )
