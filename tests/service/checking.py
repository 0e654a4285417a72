"""A house in which everything happened once, to be checked with `tsunagi fsck`, and what that finds."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

from audit.checkpoint import cosign, write_body
from cases.ids import COLLABORATION, CollaborationId, write_id
from crypto.notes import COSIGNATURE, SignerKey, public_of, write_vkey
from policies.who import Role
from service.flows.administration import present_member, reset_user, set_role, stop_user
from service.flows.fsck import Checked, Finding, check_house
from service.flows.notary import publish, publish_dirty
from service.flows.retention import redact_entry
from service.flows.sweep import sweep
from service.flows.watching import keep_cosignatures
from service.flows.witnesses import add_witness
from service.store import organisations, trees
from service.store.engine import Transaction
from service.store.trees import TreeRow
from tests.service.consenting import HOW, change, refuse, spoken
from tests.service.disclosing import approved
from tests.service.world import NPO, OTHER_NPO, PASSWORD, Template, World

WITNESS = SignerKey(name="npo.example/w1", algorithm=COSIGNATURE, seed=sha256(b"a witness").digest())
FULL = {"date": "2026-11-23", "result": "full"}
NEW_PASSWORD = "an entirely new secret of {login}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """A world to copy, and what stands in it: cases, consents and requests by what became of them."""

    template: Template
    tree: str
    cases: dict[str, str]
    consents: dict[str, str]
    requests: dict[str, str]


def found(world: World) -> list[str]:
    """The lines of everything that fsck finds."""
    return [finding.line for finding in check(world)[0]]


def check(world: World) -> tuple[list[Finding], Checked]:
    findings: list[Finding] = []
    checked = world.run(check_house(world.house, findings.append))
    return findings, checked


@contextmanager
def opened(story: Story, folder: Path) -> Iterator[World]:
    """A copy of the story's world."""
    world = World(story.template, folder)
    world.clock.advance(timedelta(hours=1))
    yield world
    world.end()


def done(world: World, who: str, method: str, path: str, body: object = None, **headers: str) -> str:
    """The id that an answer of 2xx gives, if it gives one."""
    answer = world(who, method, path, body, headers)
    assert answer.status_code in (200, 201, 204), (path, answer.status_code, answer.text)
    return str(answer.json().get("id", "")) if answer.content else ""


def happen(template: Template, folder: Path) -> Story:
    """Everything once: shared, narrowed, renewed, withdrawn, declined, handed over, closed; people changed; signed."""
    world = World(template, folder)
    story = Story(template=template, tree=collaboration(world).name, cases={}, consents={}, requests={})
    _share(world, story)
    _end(world, story)
    _move_people(world, story)
    _sign(world)
    world.end()
    kept = Template(folder=folder, tokens=world.tokens, secrets=world.secrets, ids=world.ids)
    return Story(
        template=kept, tree=story.tree, cases=story.cases, consents=story.consents, requests=story.requests
    )


def collaboration(world: World) -> TreeRow:
    async def query(tx: Transaction) -> TreeRow | None:
        id: CollaborationId = (await organisations.collaborations(tx))[0][0]
        return await trees.newest_tree(tx, write_id(COLLABORATION, id))

    tree = world.run(world.house.look(query))
    assert tree is not None
    return tree


def _share(world: World, story: Story) -> None:
    case, consent, request = world.shared_case()
    story.cases["shared"], story.consents["shared"], story.requests["shared"] = case, consent, request
    ledger = f"/api/cases/{case}/ledger"
    row = done(world, "coordinator", "POST", ledger, {"kind": "delivery", "value": FULL, "request": request})
    part = {"date": "2026-11-23", "result": "part", "why": "absent"}
    done(world, "coordinator", "POST", ledger, {"kind": "correction", "value": part, "corrects": row})
    seen = {"kind": "observation", "value": {"text": "やせた", "urgent": True}}
    done(world, "coordinator", "POST", ledger, seen)
    reply = {"kind": "reply", "value": {"text": "訪問します"}, "recipient": world.ids[NPO]}
    done(world, "caseworker", "POST", ledger, reply)
    change(world, consent, world.answer(("phone",)))
    change(world, consent, world.answer(("phone", "name_kana")), "renew")
    done(
        world,
        "caseworker",
        "PATCH",
        f"/api/cases/{case}",
        {"fields": {"phone": "080-1"}},
        **{"If-Match": '"1"'},
    )
    draft = world.request(case, send=False)
    moved = world("caseworker", "POST", f"/api/requests/{draft}/send", None, {"If-Match": '"1"'})
    assert moved.status_code == 200, moved.text
    story.requests["draft"] = world.request(case, send=False)
    approved(world, case)


def _end(world: World, story: Story) -> None:
    """Withdrawn and written after, declined, refused, spoken and not confirmed, a condition gone, closed."""
    for word in ("withdrawn", "declined", "assigned", "closed"):
        story.cases[word] = case = world.new_case()
        story.consents[word] = str(world.consent(case)["id"])
        story.requests[word] = world.request(case)
    world.consent(story.cases["withdrawn"], OTHER_NPO)
    world.accept(story.requests["withdrawn"])
    done(world, "coordinator", "POST", f"/api/consents/{story.consents['withdrawn']}/withdraw", HOW)
    done(
        world,
        "caseworker",
        "PATCH",
        f"/api/cases/{story.cases['withdrawn']}",
        {"fields": {"household": "三人"}},
        **{"If-Match": '"1"'},
    )
    done(
        world,
        "coordinator",
        "POST",
        f"/api/requests/{story.requests['declined']}/decline",
        {"reason": "date"},
    )
    assert refuse(world, world.new_case()).status_code == 201
    assert spoken(world, world.new_case()).status_code == 201
    gone = world.new_case()
    world.consent(gone)
    no = {"hardship": True, "willing": False}
    done(world, "caseworker", "PUT", f"/api/cases/{gone}/conditions", no, **{"If-Match": '"1"'})
    closing = {"reason": "connected", "note": "おわり"}
    done(
        world,
        "supervisor",
        "POST",
        f"/api/cases/{story.cases['closed']}/close",
        closing,
        **{"If-Match": '"1"'},
    )


def _move_people(world: World, story: Story) -> None:
    case = story.cases["assigned"]
    users = {"users": [world.ids["stranger"], world.ids["colleague"]]}
    done(world, "supervisor", "POST", f"/api/cases/{case}/assign", users)
    back = {"users": [world.ids["stranger"]], "remove": True}
    done(world, "supervisor", "POST", f"/api/cases/{case}/assign", back)
    new = NEW_PASSWORD.format(login="caseworker")
    body = {"old": PASSWORD.format(login="caseworker"), "new": new}
    done(world, "caseworker", "POST", "/api/session/password", body)
    house = world.house
    city = world.run(present_member(house, "supervisor", PASSWORD.format(login="supervisor")))
    npo = world.run(present_member(house, "coordinator", PASSWORD.format(login="coordinator")))
    world.run(set_role(house, "volunteer", Role.NPO_COORDINATOR, present=npo))
    world.run(reset_user(house, "colleague", NEW_PASSWORD.format(login="colleague"), city))
    world.run(stop_user(house, "other_volunteer"))
    world.clock.advance(timedelta(days=2))
    world.run(sweep(house))


def _sign(world: World) -> None:
    """Enough entries for a tile of hashes, signed, and cosigned by a witness."""
    for login in ("caseworker", "supervisor", "coordinator", "auditor"):
        password = NEW_PASSWORD.format(login=login) if login == "caseworker" else None
        answer = world.sign_in(login, password=password)
        assert answer.status_code == 201, (login, answer.text)
        world.tokens[login] = answer.json()["token"]
    tree = collaboration(world)
    for _ in range(4):
        assert world("caseworker", "GET", "/api/cases").status_code == 200
    while len(world.sql("SELECT 1 FROM entry WHERE tree = ?", tree.number)) < 270:
        assert world("caseworker", "GET", "/api/cases").status_code == 200
    world.run(publish_dirty(world.house))
    world.run(
        add_witness(
            world.house, tree.name, write_vkey(WITNESS.name, public_of(WITNESS.seed), COSIGNATURE), None
        )
    )
    note, checkpoint = world.run(publish(world.house, tree))
    line = cosign(write_body(checkpoint), WITNESS, int(world.clock().timestamp()))
    assert world.run(keep_cosignatures(world.house, tree, note + line)) == 1
    assert world("caseworker", "GET", "/api/cases").status_code == 200
    world.run(publish_dirty(world.house))


def redact(world: World) -> int:
    """The newest list of cases loses its text by two people; its index."""
    tree = collaboration(world)
    auditor = world.run(present_member(world.house, "auditor", PASSWORD.format(login="auditor")))
    leader = world.run(present_member(world.house, "supervisor", PASSWORD.format(login="supervisor")))
    index = world.sql("SELECT max(idx) FROM entry WHERE tree = ? AND ev = 'case.list'", tree.number)[0][0]
    assert isinstance(index, int)
    world.run(redact_entry(world.house, tree.number, index, "看過できない", auditor, leader))
    world.run(publish_dirty(world.house))
    return index
