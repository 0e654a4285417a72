"""People, time and the machine itself; and looking, at any moment, by anybody."""

from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.machine.lives import Story, npos, pick
from tests.machine.model import NPOS, end_of


class PeopleRules(Story):
    """Who comes and goes, and what is seen."""

    @rule(
        who=st.sampled_from(("coordinator", "caseworker", "supervisor", "deputy", "volunteer")),
        password=st.booleans(),
    )
    def leave(self, who: str, password: bool) -> None:
        """I13: a session ends with the sign-out, and all others of the user with a new password."""
        if not self.machine.people[who].active:
            return
        if not password:
            self.machine.ask(who, "DELETE", "/api/session", good=True)
            self.bury(who)
            return
        self.town.token(who)
        other = self.town.sign_in(who)
        self.town.token(who)  # the second sign-in may have moved the clock
        self.passwords += 1
        new = f"a fine passphrase number {self.passwords} of mine"
        body = {"old": self.town.passwords[who], "new": new}
        self.machine.ask(who, "POST", "/api/session/password", body, good=True)
        self.town.passwords[who] = new
        self.town.dead.append(other.token)

    @rule(who=st.sampled_from(("colleague", "volunteer", "other_volunteer")))
    def stop(self, who: str) -> None:
        """I13: whoever is stopped is out at once, and stays out."""
        person = self.machine.people[who]
        if not person.active:
            return
        self.town.token(who)
        self.console("stop", who)
        person.active = False
        self.bury(who)
        assert self.town.try_to_sign_in(who).status == 401

    @rule(who=st.sampled_from(("coordinator", "other")))
    def role(self, who: str) -> None:
        """I13: a change of role, either way, ends every session; what is seen follows the new role."""
        person = self.machine.people[who]
        self.town.token(who)
        new = "npo_volunteer" if person.role == "npo_coordinator" else "npo_coordinator"
        self.console("role", who, role=new)
        person.role = new
        self.bury(who)

    def bury(self, who: str) -> None:
        """The session is dead at once, not only in the end."""
        self.town.bury(who)
        if self.town.dead:
            assert self.town.send("GET", "/api/session", token=self.town.dead[-1]).status == 401

    def console(self, do: str, who: str, **said: str) -> None:
        present = {"city": "supervisor", NPOS[0]: "deputy", NPOS[1]: "other_deputy"}
        colleague = present.get(self.machine.people[who].organisation, "supervisor")
        password = self.town.passwords[colleague]
        self.town.order(do, login=who, present=colleague, password=password, **said)

    @rule(
        hours=st.sampled_from((0, 1, 25)),
        number=pick,
        npo=npos,
        boundary=st.sampled_from((None, None, -1, 0)),
    )
    def wait(self, hours: int, number: int, npo: str, boundary: int | None) -> None:
        """A consent holds to the last millisecond of its day in Tokyo and not one longer, whatever is written down."""
        case = self.case(number)
        by = timedelta(hours=hours, seconds=31)
        consent = case.consent(npo, self.town.now)
        if boundary is not None and consent is not None and consent.live is not None:
            by = end_of(consent.live.until) - self.town.now + timedelta(milliseconds=boundary)
        if by > timedelta():
            self.town.advance(by)
        for organisation in NPOS:
            self.machine.look(self.coordinator(organisation), case)
        live = {
            one.id: [npo for npo in NPOS if (found := one.consent(npo, self.town.now)) and found.live]
            for one in self.machine.cases
        }
        self.town.order("sweep")
        for one in self.machine.cases:
            for organisation, found in one.consents.items():
                if organisation not in live[one.id] and found.keyed is not False:
                    found.end()
                    one.stop_requests(organisation)

    @precondition(lambda self: self.restarts == 0)
    @rule()
    def restart(self) -> None:
        """Nothing that is seen changes with a restart."""
        self.restarts += 1
        self.town.stop()
        self.town.start()
        self.handles = self.town.files()

    @rule(number=pick, who=pick)
    def look(self, number: int, who: int) -> None:
        case = self.case(number)
        logins = [login for login, person in self.machine.people.items() if person.active]
        login = logins[who % len(logins)]
        self.machine.look(login, case)
        self.machine.look_around(login, case)

    @rule(number=pick, who=pick, code=st.sampled_from(("name", "name_kana", "consultation")))
    def search(self, number: int, who: int, code: str) -> None:
        logins = [login for login, person in self.machine.people.items() if person.active]
        words = str(self.case(number).fields[code])
        self.machine.search(logins[who % len(logins)], words[:-2])
