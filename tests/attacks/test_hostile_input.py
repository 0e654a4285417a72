"""I16: no input makes a 500, keeps the service busy, or gets into the operators' log."""

import asyncio
import io
import time
from datetime import date

import httpx
import pytest

from service import logs
from tests.attacks.hands import raw
from tests.service.consenting import HOW
from tests.service.world import NPO, World

MEBIBYTE = 1 << 20
OLD = [{"number": number, "at": "1960-01-01T00:00:00+09:00"} for number in range(1, 6)]
FIRST_DAY = [{"number": number, "at": "1970-01-01T00:00:00Z"} for number in range(1, 6)]
BEFORE_THE_FIRST = [{"number": number, "at": "0001-01-01T00:00:00+14:00"} for number in range(1, 6)]


@pytest.mark.parametrize(
    "query",
    ["ffffffffffff-" + "0" * 32, "e677d21fdc00-" + "0" * 32, "0-" + "f" * 32, "0-", "²-" + "0" * 32],
)
def test_a_cursor_from_beyond_all_times_is_a_422_or_an_empty_page(world: World, query: str) -> None:
    """A page's cursor is checked like any input: one that stands for no time is refused."""
    world.new_case()
    answer = world("caseworker", "GET", f"/api/cases?cursor={query}")
    assert answer.status_code == (200 if query.startswith("0-f") else 422), answer.text


@pytest.mark.parametrize("name", ["since", "until"])
@pytest.mark.parametrize(
    "moment",
    [
        "0001-01-01T00:00:00%2B14:00",
        "9999-12-31T23:59:59-14:00",
        "1969-12-31T23:59:59Z",
        "2026-11-23T00:00:00",
    ],
)
def test_a_log_filter_from_beyond_all_times_is_a_422(world: World, name: str, moment: str) -> None:
    """Times that no entry can have, or without an offset, are refused before they are turned."""
    tree = world("auditor", "GET", "/api/log").json()["trees"][0]["name"]
    answer = world("auditor", "GET", f"/api/log/{tree}/entries?{name}={moment}")
    assert answer.status_code == 422, answer.text


@pytest.mark.parametrize("told", [OLD, FIRST_DAY, BEFORE_THE_FIRST])
@pytest.mark.parametrize("how", ["given", "changed narrower", "changed wider", "renewed", "refused"])
def test_a_telling_before_all_times_is_a_422_and_nothing_is_written(
    world: World, told: list[dict[str, object]], how: str
) -> None:
    """A statement that was told before there were times that we can write down was not told."""
    case = world.new_case()
    consent = None if how in ("given", "refused") else str(world.consent(case, refused=("name",))["id"])
    events = world.sql("SELECT count(*) FROM consent_event")
    refused = ("name", "phone") if how == "changed narrower" else ()
    body = world.answer(refused, told=told)
    if consent is not None:
        path = f"/api/consents/{consent}/{'renew' if how == 'renewed' else 'change'}"
        answer = world("caseworker", "POST", path, body, {"If-Match": '"1"'})
    else:
        no = {"told": told, "notice_version": 1, "language": "ja", "event_day": "2026-11-23", **HOW}
        part = {"answer": body} if how == "given" else {"refusal": no}
        sent = {"recipient": world.ids[NPO], "purpose": "food_support", **part}
        answer = world("caseworker", "POST", f"/api/cases/{case}/consents", sent)
    assert answer.status_code == 422, answer.text
    assert world.sql("SELECT count(*) FROM consent_event") == events


@pytest.mark.parametrize("how", ["change", "renew"])
@pytest.mark.parametrize("until", [date.max, date(9998, 12, 31)])
def test_a_consent_until_the_end_of_all_times_is_a_422(world: World, how: str, until: date) -> None:
    """At most 12 months; a last day after which there is no midnight is refused, not an overflow."""
    consent = world.consent(world.new_case())["id"]
    body = world.answer(until=until.isoformat())
    answer = world("caseworker", "POST", f"/api/consents/{consent}/{how}", body, {"If-Match": '"1"'})
    assert answer.status_code == 422, answer.text
    assert world.sql("SELECT count(*) FROM consent_event WHERE series = ?", raw(str(consent))) == [(1,)]


def test_a_body_of_nothing_but_brackets_costs_next_to_nothing(world: World) -> None:
    """Whoever is not signed in cannot keep the machine busy: sixteen such bodies take less than a second."""
    deep = b"[" * 60 + b"]" * 60
    bodies = (
        b"[" + (deep + b",") * (MEBIBYTE // 121 - 2) + b"0]",
        b"[" + b"{}," * (MEBIBYTE // 3 - 2) + b"{}]",
    )

    async def send() -> list[httpx.Response]:
        json = {"Content-Type": "application/json"}
        sent = [world.http.post("/api/nothing", content=body, headers=json) for body in bodies * 8]
        return await asyncio.gather(*sent)

    begun = time.process_time()
    answers = world.run(send())
    spent = time.process_time() - begun
    assert {answer.status_code for answer in answers} == {400}
    assert spent < 1


def test_the_operators_log_takes_no_method_that_does_not_exist(world: World) -> None:
    """A method is a word of the client's choosing: only those of HTTP are written, any other is `?`."""
    stream = io.StringIO()
    logs.configure(stream)
    headers = {"Authorization": f"Bearer {world.tokens['caseworker']}"}
    for method in ("YAMADATARO", "090-1234-5678"):
        answer = world.run(world.http.request(method, "/api/cases", headers=headers))
        assert answer.status_code == 405
    assert world("caseworker", "GET", "/api/cases").status_code == 200
    lines = stream.getvalue()
    assert "YAMADATARO" not in lines and "090-1234-5678" not in lines
    assert lines.count('"method":"?"') >= 2 and lines.count('"method":"GET"') >= 1
