"""Consents, keys and the log when things meet: many writers, a second purpose, a midnight, a newer registry."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

import policies
from audit.event import Event
from service.flows.entries import entry
from service.flows.sweep import sweep
from service.store.engine import Transaction
from service.store.log import Record
from service.store.writer import Committed, Done
from tests.service.consenting import HOW, change, refuse, shared, sign_all_in
from tests.service.world import NPO, OTHER_NPO, REQUEST, World

Asked = tuple[str, str, object, dict[str, str]]


def entries(world: World, event: str) -> int:
    return len([leaf for leaf in world.leaves() if leaf["ev"] == event])


def a_request(world: World, case: str) -> Asked:
    body = {"recipient": world.ids[NPO], "send": True, **REQUEST}
    return "POST", f"/api/cases/{case}/requests", body, {}


def a_correction(world: World, case: str) -> Asked:
    seen = world("caseworker", "GET", f"/api/cases/{case}").headers["ETag"]
    return "PATCH", f"/api/cases/{case}", {"fields": {"phone": "080-1"}}, {"If-Match": seen}


@pytest.mark.parametrize(
    ("write", "statuses"),
    [(a_request, [201, 201, 201, 201]), (a_correction, [200, 409, 409, 409])],
    ids=["requests", "corrections of one version"],
)
def test_writers_at_once_rotate_the_keys_once(world: World, write: object, statuses: list[int]) -> None:
    """Keys that are due are made anew by one of those who write at once; the others find it done and go on."""
    case, _, _ = shared(world)
    gone = world.consent(case, OTHER_NPO)["id"]
    assert world("caseworker", "POST", f"/api/consents/{gone}/withdraw", HOW).status_code == 200
    before = entries(world, "key.rotate")
    method, path, body, headers = write(world, case)  # type: ignore[operator]  # one of the two above

    async def all_at_once() -> list[int]:
        asked = [world.ask("caseworker", method, path, body, headers) for _ in range(4)]
        return sorted(answer.status_code for answer in await asyncio.gather(*asked))

    assert world.run(all_at_once()) == statuses
    assert entries(world, "key.rotate") == before + 2  # one when it began, one for what it sealed anew
    assert world("caseworker", "GET", f"/api/cases/{case}").status_code == 200


def test_a_recipient_that_writes_all_the_time_keeps_no_owner_from_writing(world: World) -> None:
    """Rows of a recipient that come meanwhile do not make a rotation begin again and again: the owner's write is in."""
    case, _, request = shared(world)
    gone = world.consent(case, OTHER_NPO)["id"]
    assert world("caseworker", "POST", f"/api/consents/{gone}/withdraw", HOW).status_code == 200
    before = entries(world, "key.rotate")
    method, path, body, headers = a_correction(world, case)
    row = {"kind": "observation", "request": request, "value": {"text": "a", "urgent": False}}
    wrote: list[int] = []

    async def write_on() -> None:
        while len(wrote) < 300:
            wrote.append(
                (await world.ask("coordinator", "POST", f"/api/cases/{case}/ledger", row)).status_code
            )

    async def meanwhile() -> int:
        busy = [asyncio.create_task(write_on()) for _ in range(3)]
        await asyncio.sleep(0.05)
        answer = await world.ask("caseworker", method, path, body, headers)
        for task in busy:
            task.cancel()
        await asyncio.gather(*busy, return_exceptions=True)
        return answer.status_code

    assert world.run(meanwhile()) == 200
    assert set(wrote) == {201}
    assert entries(world, "key.rotate") <= before + 5


def last_day(world: World) -> str:
    """A case whose consent holds to the end of today; its id and the consent's."""
    case = world.new_case()
    today = (world.clock() + timedelta(hours=9)).date().isoformat()
    consent = str(world.consent(case, until=today)["id"])
    world.accept(world.request(case))
    return f"{case} {consent}"


def told(world: World, case: str) -> tuple[object, ...]:
    """What the recipient hears of its consent: state, fields, and why each value is locked."""
    (consent,) = world("coordinator", "GET", f"/api/cases/{case}/consents").json()["consents"]
    seen = world("coordinator", "GET", f"/api/cases/{case}").json()
    return consent["state"], consent["allowed"], seen["fields"], seen["locked"]


def test_a_recipient_never_hears_of_a_spoken_renewal_that_outwaited_the_consent(world: World) -> None:
    """A renewal that never became live changes nothing of what is told after the last day: it reads expired."""
    (quiet, _), (case, consent) = (last_day(world).split() for _ in range(2))
    world.clock.advance(timedelta(hours=13))  # 23:00 of the last day
    sign_all_in(world)
    late = {"method": "oral_witnessed", "witness": world.ids["colleague"]}
    change(world, consent, world.answer(**late), "renew")  # type: ignore[arg-type]  # the parts are free
    world.clock.advance(timedelta(hours=2))
    sign_all_in(world)
    found = [told(world, case)]
    world.run(sweep(world.house))
    found.append(told(world, case))
    assert refuse(world, case).status_code == 201
    found.append(told(world, case))
    world.clock.advance(timedelta(hours=23))
    sign_all_in(world)
    found.append(told(world, case))
    expected = told(world, quiet)
    assert expected[0] == "expired"
    assert found == [expected] * 4


def test_a_recipient_is_told_the_recorded_end_when_the_clock_goes_back(world: World) -> None:
    """A clock that is set back over an end that was written down makes no consent live, for nobody."""
    case = last_day(world).split()[0]
    world.clock.advance(timedelta(hours=15))  # an hour after midnight
    world.run(sweep(world.house))
    sign_all_in(world)
    after = told(world, case)
    world.clock.advance(timedelta(hours=-2))
    sign_all_in(world)
    (own,) = world("caseworker", "GET", f"/api/cases/{case}/consents").json()["consents"]
    assert after[0] == own["state"] == "expired"
    assert told(world, case) == after


def test_withdrawing_what_was_only_asked_stops_no_request_of_a_live_consent(world: World) -> None:
    """Refusing or withdrawing one purpose harms nothing else: the food goes on, and the recipient hears nothing."""
    case, _, request = shared(world)
    before = told(world, case)
    body = {"recipient": world.ids[NPO], "purpose": "referral"}
    asked = world("caseworker", "POST", f"/api/cases/{case}/consents", body)
    assert asked.status_code == 201, asked.text
    path = f"/api/consents/{asked.json()['id']}/withdraw"
    assert world("caseworker", "POST", path, HOW).status_code == 200
    (found,) = world("coordinator", "GET", f"/api/cases/{case}/requests").json()["requests"]
    assert (found["id"], found["stage"]) == (request, "accepted")
    assert told(world, case) == before


NEW_FIELD = """
[[field]]
slot = 27
code = "hobby"
ja = "趣味"
en = "Hobby"
type = "text"
category = "internal"
"""
LAST_LINE = 'evidence            = ["rw",    "-",               "-"]\n'


def with_one_more_field(world: World) -> None:
    """The house stops and starts with a registry that has one more single field, as after an upgrade."""
    world.close()
    folder = Path(next(iter(policies.__path__)))
    roles = (folder / "roles.toml").read_text("utf-8")
    assert LAST_LINE in roles
    fields_file, roles_file = world.folder / "fields.toml", world.folder / "roles.toml"
    fields_file.write_text((folder / "fields.toml").read_text("utf-8") + NEW_FIELD, "utf-8")
    roles = roles.replace(LAST_LINE, LAST_LINE + 'hobby = ["rw", "-", "-"]\n', 1)
    roles_file.write_text(roles, "utf-8")
    world.settings = replace(world.settings, fields=fields_file, roles=roles_file)
    world.open()


def read(world: World, case: str) -> httpx.Response:
    answer = world("caseworker", "GET", f"/api/cases/{case}")
    assert answer.status_code == 200, answer.text
    return answer


def test_an_older_case_stays_readable_when_the_registry_has_a_field_more(world: World) -> None:
    """A new field's key comes with an empty value: a consent, a request or a correction of an older case is no
    tampering with it."""
    agreed, asked, corrected = (world.new_case() for _ in range(3))
    world.consent(asked)
    with_one_more_field(world)
    world.consent(agreed)
    world.request(asked)
    etag = {"If-Match": read(world, corrected).headers["ETag"]}
    body = {"fields": {"phone": "080-1"}}
    assert world("caseworker", "PATCH", f"/api/cases/{corrected}", body, etag).status_code == 200
    for case in (agreed, asked, corrected):
        etag = {"If-Match": read(world, case).headers["ETag"]}
        filled = world("caseworker", "PATCH", f"/api/cases/{case}", {"fields": {"hobby": "将棋"}}, etag)
        assert filled.status_code == 200, filled.text
        assert read(world, case).json()["fields"]["hobby"] == "将棋"


def test_a_job_whose_caller_was_told_an_error_never_runs_again(world: World) -> None:
    """Another's bad entry makes a batch run again one by one: nobody was told anything before, and what the caller
    is told is what the second run did."""
    runs: list[int] = []
    tried: list[int] = []

    async def fails_once(tx: Transaction) -> Done[None]:
        runs.append(1)
        if len(runs) == 1:
            raise ValueError("refused")
        tx.rows("INSERT INTO throttle (id, failures, until) VALUES (?, 1, 0)", b"twice")
        return Done(outcome=None)

    async def bad(tx: Transaction) -> Done[None]:
        tried.append(1)
        made = replace(entry(world.house, None, Event.SYSTEM_START, count=1), object="氏名")
        return Done(outcome=None, records=(Record(tree=1, entry=made),))

    async def both() -> list[object]:
        jobs = (world.house.commit(bad), world.house.commit(fails_once))
        told: list[object] = list(await asyncio.gather(*jobs, return_exceptions=True))
        await asyncio.gather(
            world.house.commit(bad), return_exceptions=True
        )  # the batch before is through now
        return told

    found = world.run(both())
    assert isinstance(found[1], Committed)
    assert tried == [1, 1, 1], "the test wants a batch that ran twice"
    assert len(runs) == 2
    assert world.sql("SELECT count(*) FROM throttle WHERE id = ?", b"twice") == [(1,)]
