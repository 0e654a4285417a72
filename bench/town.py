"""A small town for the measurements: a city, an NPO, one case with 20 sealed values of which a coordinator opens 12.

It is made over the app itself, so that what is measured is what a user's clicks leave behind.
"""

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import msgspec

from cases.ids import ORGANISATION, OrganisationId, write_id
from crypto.password import ArgonCost
from policies.who import Role
from service.app import serve_house
from service.cli.opening import load_house
from service.flows.administration import Answers, NewUser, add_organisation, add_sections, add_user, set_up
from service.house import House
from service.settings import Settings
from service.store import organisations
from service.store.engine import Transaction
from service.store.organisations import OrganisationKind

HOST = "bench.test"
CITY, SECTION, NPO = "みなと市", "福祉課", "NPOあおぞら"
WORKER, COORDINATOR = "worker", "coordinator"
COST = ArgonCost.weak_for_tests()

FIELDS: Mapping[str, object] = {
    "name": "山田 太郎",
    "name_kana": "やまだ たろう",
    "birth_date": "1948-02-03",
    "age_band": "70s",
    "gender": "male",
    "address": "みなと市中央町1丁目2番3号 みなと荘102",
    "phone": "090-0000-0000",
    "household": "一人暮らし。近くに親族はいない",
    "found_by": "visit",
    "consultation": "電気とガスが止まり、食べるものが三日分しかないとの相談",
    "handover_summary": "一人暮らし。玄関先でお渡しください。耳が遠いので大きな声で",
    "health": "高血圧で通院中",
    "public_support": "生活保護を申請中",
    "finances": "年金の支給まで二週間あり、手持ちは千円ほど",
    "dietary": {"allergens": ["egg"], "no_cooking": True, "note": "やわらかいもの"},
    "eligibility_reasons": {"hardship": "収入がなく電気も止まっている", "willing": "支援を受けたいとのこと"},
    "review_notes": "次の会議で確認する",
}
"""17 values; the request's quantity, pick-up and message make 20."""

SHARED = (
    *(
        "name",
        "name_kana",
        "age_band",
        "gender",
        "address",
        "phone",
        "household",
        "handover_summary",
        "dietary",
    ),
    *("quantity", "pickup", "message"),
    *("deliveries", "observations", "replies"),
)
"""What the person agrees to: 12 fields with a value, and the ledger's three, which have none yet."""
OPENED = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Town:
    """Where the town is and how to ask it: ``token`` is the coordinator's, ``answer`` what the job answers."""

    folder: Path
    path: str
    token: str
    answer: bytes

    @property
    def settings(self) -> Settings:
        """The settings of its house."""
        return settings_in(self.folder)


def settings_in(folder: Path) -> Settings:
    """The settings of a house in ``folder``."""
    return Settings(data=folder / "data", keys=folder / "keys", notary=folder / "notary", hosts=HOST)


def password(login: str) -> str:
    """The password of a practice account."""
    return f"correct horse of {login} battery"


def build(folder: Path) -> Town:
    """Makes the town in the empty ``folder``."""
    first = Answers(
        collaboration="食の支援", city=CITY, login="admin", name="管理 花子", password=password("admin")
    )
    set_up(settings_in(folder), first, practice=False, random=os.urandom, clock=_now, cost=COST)
    return asyncio.run(_settle(folder))


def _now() -> datetime:
    return datetime.now(UTC)


async def _settle(folder: Path) -> Town:
    house = await asyncio.to_thread(load_house, settings_in(folder), cost=COST)
    house.start()
    try:
        npo = await _people(house)
        transport = httpx.ASGITransport(serve_house(house))  # type: ignore[arg-type]  # Litestar's ASGI types are narrower
        async with httpx.AsyncClient(transport=transport, base_url=f"https://{HOST}") as http:
            return await _share(folder, http, npo)
    finally:
        await house.stop()


async def _people(house: House) -> str:
    """A caseworker in a section and a coordinator; the NPO's id as text."""
    await add_sections(house, CITY, (SECTION,))
    npo = await add_organisation(house, name=NPO, kind=OrganisationKind.NPO)
    city = await house.look(_city)
    await _add(house, WORKER, city, Role.CASEWORKER, (SECTION,))
    await _add(house, COORDINATOR, npo, Role.NPO_COORDINATOR, ())
    return write_id(ORGANISATION, npo)


async def _add(
    house: House, login: str, organisation: OrganisationId, role: Role, sections: tuple[str, ...]
) -> None:
    new = NewUser(
        login=login,
        name=login,
        organisation=organisation,
        role=role,
        password=password(login),
        sections=sections,
    )
    await add_user(house, new, None)


async def _city(tx: Transaction) -> OrganisationId:
    found = await organisations.organisation_named(tx, CITY)
    return organisations.must(found).id


async def _share(folder: Path, http: httpx.AsyncClient, npo: str) -> Town:
    """Case, consent, request, acceptance, and the first look."""
    worker, coordinator = [await _sign_in(http, login) for login in (WORKER, COORDINATOR)]
    case = await _post(
        http,
        worker,
        "/api/cases",
        {"fields": FIELDS, "conditions": {"hardship": True, "willing": True}},
    )
    path = f"/api/cases/{case}"
    agreed = {"recipient": npo, "purpose": "food_support", "answer": _answer()}
    await _post(http, worker, f"{path}/consents", agreed)
    request = await _post(http, worker, f"{path}/requests", {"recipient": npo, "send": True, **_request()})
    await _post(http, coordinator, f"/api/requests/{request}/accept", None)
    seen = await http.get(path, headers={"Authorization": f"Bearer {coordinator}"})
    _check(seen.content)
    return Town(folder=folder, path=path, token=coordinator, answer=seen.content)


def _check(answer: bytes) -> None:
    """Raises RuntimeError unless the answer has the 12 values that the measurement says."""
    found = msgspec.json.decode(answer)["fields"]
    if sum(1 for value in found.values() if value) != OPENED:
        raise RuntimeError("the coordinator opens 12 fields")


async def _sign_in(http: httpx.AsyncClient, login: str) -> str:
    made = await http.post("/api/session", json={"login": login, "password": password(login), "code": None})
    made.raise_for_status()
    return str(made.json()["token"])


async def _post(http: httpx.AsyncClient, token: str, path: str, body: object) -> str:
    """The id that the answer names."""
    sent = None if body is None else msgspec.json.encode(body)
    headers = {"Authorization": f"Bearer {token}"} | (
        {} if sent is None else {"Content-Type": "application/json"}
    )
    made = await http.post(path, content=sent, headers=headers)
    if made.is_error:
        raise RuntimeError(f"{path}: {made.status_code} {made.text}")
    return str(made.json()["id"])


def _answer() -> dict[str, object]:
    """The person agrees to `SHARED`, refuses the rest of what is offered, both ways, on paper, for half a year."""
    told = _now().replace(microsecond=0) - timedelta(minutes=1)
    today = (told + timedelta(hours=9)).date()
    return {
        "told": [{"number": number, "at": told.isoformat()} for number in range(1, 6)],
        "notice_version": 1,
        "language": "ja",
        "allowed": sorted(SHARED),
        "refused": ["birth_date", "health", "public_support", "support_plan"],
        "acknowledged": ["dietary"],
        "directions": ["owner_to_recipient", "recipient_to_owner"],
        "age": "15_up",
        "given_by": ["self"],
        "method": "paper",
        "identity": "known",
        "copy_given": "given",
        "event_day": today.isoformat(),
        "until": (today + timedelta(days=180)).isoformat(),
    }


def _request() -> dict[str, object]:
    day = (_now() + timedelta(days=7)).date()
    return {
        "quantity": {"adults": 1, "children": 0, "days": 7, "times": 2},
        "pickup": {"date": day.isoformat(), "time": "10:00", "place": "office", "who": "person"},
        "message": "はじめての方です",
    }
