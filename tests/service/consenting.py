"""Steps of consent over HTTP that several tests take."""

import httpx

from tests.service.world import NPO, World

HOW = {"given_by": ["self"], "method": "paper"}


def record(
    world: World, case: str, who: str = "caseworker", recipient: str = NPO, **parts: object
) -> httpx.Response:
    body = {"recipient": world.ids[recipient], "purpose": "food_support", "answer": world.answer(**parts)}  # type: ignore[arg-type]  # the parts are free
    return world(who, "POST", f"/api/cases/{case}/consents", body)


def refuse(world: World, case: str, recipient: str = NPO) -> httpx.Response:
    no = {
        "notice_version": 1,
        "language": "ja",
        "given_by": ["self"],
        "method": "paper",
        "event_day": "2026-11-23",
    }
    body = {"recipient": world.ids[recipient], "purpose": "food_support", "refusal": no}
    return world("caseworker", "POST", f"/api/cases/{case}/consents", body)


def spoken(world: World, case: str, who: str = "caseworker", witness: str = "colleague") -> httpx.Response:
    return record(world, case, who, method="oral_witnessed", witness=world.ids[witness])


def state(world: World, case: str, recipient: str = NPO) -> str:
    found = world("caseworker", "GET", f"/api/cases/{case}/consents").json()["consents"]
    return str(next(one["state"] for one in found if one["recipient"] == world.ids[recipient]))


def opened(world: World, case: str, who: str = "coordinator") -> set[str]:
    answer = world(who, "GET", f"/api/cases/{case}")
    assert answer.status_code == 200, answer.text
    return set(answer.json()["fields"])


def grants(world: World) -> object:
    return world.sql("SELECT count(*) FROM sealed_grant")[0][0]


def seen_by_nobody(world: World, case: str) -> bool:
    return world("coordinator", "GET", f"/api/cases/{case}").status_code == 404


def shared(world: World, refused: tuple[str, ...] = ()) -> tuple[str, str, str]:
    case = world.new_case()
    consent = str(world.consent(case, refused=refused)["id"])
    request = world.request(case)
    world.accept(request)
    return case, consent, request


def sign_all_in(world: World) -> None:
    for login in ("caseworker", "coordinator", "colleague"):
        world.tokens[login] = world.sign_in(login).json()["token"]


def change(world: World, consent: str, answer: dict[str, object], how: str = "change") -> httpx.Response:
    """Changes or renews a consent, with the version of now."""
    events = "SELECT count(*) FROM consent_event WHERE series = ?"
    version = world.sql(events, bytes.fromhex(consent[2:]))[0][0]
    done = world("caseworker", "POST", f"/api/consents/{consent}/{how}", answer, {"If-Match": f'"{version}"'})
    assert done.status_code == 200, done.text
    return done
