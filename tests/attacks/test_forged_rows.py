"""I15: rows that somebody wrote who has the database and no key are believed by nobody."""

import secrets
import signal
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import httpx
import pytest

from cases.fields import Purpose
from cases.ids import CaseId, OrganisationId, SeriesId, UserId
from consent.record import FIRST, TOKYO, Direction, Event, EventKind, Method, encode, event_hash
from crypto.session import seal_session, session_id, write_token
from tests.attacks.hands import raw, write
from tests.service.consenting import HOW
from tests.service.world import FIELDS, OTHER_NPO, REQUEST, World

NAME, ADDRESS = str(FIELDS["name"]), str(FIELDS["address"])


def forge_session(world: World, victim: str) -> str:
    """A session row for the victim with an invented seed: its format is public, and nothing in it is secret."""
    token, now = secrets.token_bytes(32), int(world.clock().timestamp())
    user, version = world.sql("SELECT id, version FROM user WHERE login = ?", victim)[0]
    assert isinstance(user, bytes) and isinstance(version, int)
    end = now + 36_000
    blob = seal_session(token, b"\x07" * 32, user, end, secrets.token_bytes)
    mac = world.sql("SELECT mac FROM session WHERE user = ?", user)[0][0]
    assert isinstance(mac, bytes)
    row = (session_id(token), user, "bearer", blob, now * 1000, now * 1000, end * 1000, version, mac)
    write(world, ("INSERT INTO session VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row))
    return write_token(token)


@pytest.mark.parametrize("victim", ["supervisor", "caseworker", "auditor", "admin"])
def test_a_session_row_of_ones_own_making_signs_nobody_in(world: World, victim: str) -> None:
    """A session is somebody's with the root key's mark on it only: no row of a stranger's making is one."""
    case = world.new_case()
    world.tokens["forged"] = forge_session(world, victim)
    tree = str(world.sql("SELECT name FROM tree WHERE number = 1")[0][0])
    entries = len(world.leaves())
    body = {"users": [world.ids["stranger"]]}
    for method, path, sent in (
        ("GET", "/api/session", None),
        ("GET", f"/api/cases/{case}/looks", None),
        ("GET", f"/api/log/{tree}/entries", None),
        ("POST", f"/api/cases/{case}/assign", body),
        ("POST", f"/api/cases/{case}/close", {"reason": "other"}),
    ):
        assert world("forged", method, path, sent, {"If-Match": '"1"'}).status_code == 401
    assert world.sql("SELECT count(*) FROM assignment") == [(0,)]
    assert len(world.leaves()) == entries
    assert world("stranger", "GET", f"/api/cases/{case}").status_code == 404


def a_forged_consent(world: World, case: str, number: str) -> Event:
    """A paper consent for an organisation that the person was never asked about, as the format wants it."""
    registry = world.house.policy.registry
    now = world.clock().astimezone(TOKYO)
    return Event(
        series=SeriesId(uuid.uuid4()),
        number=1,
        receipt=number,
        case=CaseId(uuid.UUID(bytes=raw(case))),
        kind=EventKind.GIVEN,
        event_day=now.date(),
        recorded_at=now,
        basis=None,
        purpose=Purpose.FOOD_SUPPORT,
        allowed=frozenset(registry.offered[Purpose.FOOD_SUPPORT] - registry.threads),
        directions=frozenset(Direction),
        recipient=OrganisationId(uuid.UUID(bytes=raw(world.ids[OTHER_NPO]))),
        valid_from=now.date(),
        until=now.date() + timedelta(days=300),
        method=Method.PAPER,
        recorder=UserId(uuid.UUID(bytes=raw(world.ids["caseworker"]))),
        previous=FIRST,
        entry_id=secrets.token_bytes(16),
    )


def owner_writes(world: World, case: str, version: int = 1) -> httpx.Response:
    body = {"fields": {"phone": "080-1"}}
    return world("caseworker", "PATCH", f"/api/cases/{case}", body, {"If-Match": f'"{version}"'})


def check_shut(world: World, who: str, case: str, *also: str) -> None:
    """Nothing of the case is in any answer to ``who``."""
    for path in ("", "/consents", "/requests", "/ledger"):
        answer = world(who, "GET", f"/api/cases/{case}{path}")
        assert answer.status_code in (404, 500), (path, answer.text)
        assert not any(value in answer.text for value in (NAME, ADDRESS, *also))
    inbox = world(who, "GET", "/api/inbox")
    assert not any(value in inbox.text for value in (NAME, ADDRESS, *also))


def test_a_consent_row_of_ones_own_making_seals_no_key(world: World) -> None:
    """A consent series carries a mark: a series and an event by hand make no grant, whoever writes afterwards."""
    case = world.new_case()
    other = raw(world.ids[OTHER_NPO])
    event = a_forged_consent(world, case, "C-2026-77777")
    stored, mac = encode(event), secrets.token_bytes(32)
    series = (
        event.series.bytes,
        raw(case),
        other,
        "food_support",
        event.receipt,
        None,
        1,
        event_hash(stored),
        mac,
    )
    write(
        world,
        ("INSERT INTO consent_series VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", series),
        ("INSERT INTO consent_event VALUES (NULL, ?, 1, ?)", (event.series.bytes, stored)),
        ("UPDATE bundle SET rotation_due = 1", ()),
    )
    check_shut(world, "other", case)
    owner_writes(world, case)
    body = {"recipient": world.ids[OTHER_NPO], "send": True, **REQUEST}
    assert world("caseworker", "POST", f"/api/cases/{case}/requests", body).status_code == 500
    check_shut(world, "other", case)
    assert world.sql("SELECT count(*) FROM sealed_grant") == [(0,)]
    assert not any(leaf["ev"] in ("consent.give", "key.seal") for leaf in world.leaves())


def test_a_consent_moved_to_another_case_opens_nothing_there(world: World) -> None:
    """A consent is about one case: its series in the place of another's makes no grant of that one's keys."""
    _, consent, _ = world.shared_case()
    secret = {"name": "別人 花子", "address": "秘密町9"}
    other = world.new_case(fields={**FIELDS, **secret})
    world.consent(other, OTHER_NPO)
    world.request(other, OTHER_NPO)
    write(world, ('UPDATE consent_series SET "case" = ? WHERE id = ?', (raw(other), raw(consent))))
    check_shut(world, "coordinator", other, *secret.values())
    owner_writes(world, other)
    check_shut(world, "coordinator", other, *secret.values())
    granted = {row[0] for row in world.sql("SELECT series FROM sealed_grant")}
    assert len(granted) == 2  # the first case's, and the other organisation's in the second
    headers = [row[0] for row in world.sql("SELECT header FROM sealed_grant")]
    assert not any(
        raw(other) in bytes(one) and raw(consent) in bytes(one) for one in headers if isinstance(one, bytes)
    )


def test_a_request_accepted_by_hand_shows_no_name(world: World) -> None:
    """What a recipient sees hangs on its acceptance: a stage that was written into the row is no acceptance."""
    case = world.new_case()
    world.consent(case)
    world.request(case)
    assert world("coordinator", "GET", f"/api/cases/{case}").json()["locked"]["name"] == "not_accepted_yet"
    write(world, ("UPDATE request SET stage = 'accepted', accepted = sent, version = version + 1", ()))
    check_shut(world, "coordinator", case)


@contextmanager
def ending_within(seconds: int) -> Iterator[None]:
    """Fails where the event loop stands still for longer."""
    late: list[int] = []

    def stop(*_: object) -> None:
        late.append(seconds)
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds, 1)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert late == []


def test_corrections_that_go_round_in_a_circle_stop_nobody(world: World) -> None:
    """No row by hand keeps the service busy for ever: a chain of corrections without a beginning is an error."""
    case, _, request = world.shared_case()
    value = {"date": "2026-11-23", "result": "full"}
    body: dict[str, object] = {"kind": "delivery", "request": request, "value": value}
    row = world("coordinator", "POST", f"/api/cases/{case}/ledger", body).json()["id"]
    body = {"kind": "correction", "corrects": row, "value": value}
    again = world("coordinator", "POST", f"/api/cases/{case}/ledger", body).json()["id"]
    write(world, ("UPDATE ledger_row SET corrects = ? WHERE id = ?", (raw(again), raw(row))))
    with ending_within(5):
        for who in ("coordinator", "caseworker", "volunteer"):
            assert world(who, "GET", f"/api/cases/{case}/ledger").status_code == 500
        assert world(None, "GET", "/api/health").status_code == 200


def test_a_rotation_that_was_struck_off_by_hand_is_not_forgotten(world: World) -> None:
    """Whether new keys are due stands under a mark: struck off, the owner's next write is refused, not sealed."""
    case, consent, _ = world.shared_case()
    world("caseworker", "POST", f"/api/consents/{consent}/withdraw", HOW)
    sealed = world.sql("SELECT * FROM sealed ORDER BY id")
    write(world, ("UPDATE bundle SET rotation_due = 0", ()))
    assert owner_writes(world, case).status_code == 500
    assert world.sql("SELECT * FROM sealed ORDER BY id") == sealed


@pytest.mark.parametrize("who", ["caseworker", "coordinator", "volunteer"])
@pytest.mark.parametrize(
    "damage",
    [
        "bundle SET rotation_due = 1",
        "request SET stage = 'declined'",
        "case_key SET blob = x'00'",
        "sealed_grant SET header = x'00'",
    ],
)
def test_no_damage_to_other_rows_stops_a_withdrawal(world: World, damage: str, who: str) -> None:
    """Withdrawing works whatever else somebody wrote into the case's rows: the grant is gone at once."""
    case, consent, _ = world.shared_case()
    write(world, (f"UPDATE {damage}", ()))
    assert world(who, "POST", f"/api/consents/{consent}/withdraw", HOW).status_code == 200
    assert world.sql("SELECT count(*) FROM sealed_grant") == [(0,)]
    seen = world("coordinator", "GET", f"/api/cases/{case}")
    assert NAME not in seen.text and not seen.json().get("fields")
