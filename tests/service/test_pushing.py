"""Checkpoints are brought to the witnesses, and a witness is believed as far as its line holds and no further."""

import asyncio
import gzip
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import httpx
import pytest

from audit.checkpoint import cosign
from audit.errors import WitnessError, WitnessFault
from audit.witness import consider, read_request
from crypto.notes import COSIGNATURE, SignerKey, VerifierKey, public_of, write_vkey
from service.flows.console import AdministrationError, Problem
from service.flows.notary import publish_dirty
from service.flows.witnesses import add_witness, remove_witness
from service.pushing import new_client, push_all
from tests.service.checking import collaboration
from tests.service.forging import forge, grow
from tests.service.test_notary import check_stopped
from tests.service.world import CITY, World

TIME = 1_795_410_000
STATUS = {
    WitnessFault.TEXT: 400,
    WitnessFault.SIZE: 400,
    WitnessFault.SIGNATURE: 403,
    WitnessFault.ORIGIN: 404,
    WitnessFault.BEHIND: 409,
    WitnessFault.FORK: 409,
    WitnessFault.PROOF: 422,
}
Answer = Callable[[httpx.Request], httpx.Response | Awaitable[httpx.Response]]


def key_of(number: int) -> SignerKey:
    return SignerKey(name=f"npo.example/w{number}", algorithm=COSIGNATURE, seed=bytes([number]) * 32)


@dataclass
class Witness:
    """A witness that keeps to the specification: it cosigns what continues the note that it kept."""

    signer: SignerKey
    logs: tuple[VerifierKey, ...]
    kept: str | None = None
    asked: list[tuple[int, int, int]] = field(default_factory=list)
    """Of each request: the old size, the number of hashes, the answer's status."""

    def __call__(self, request: httpx.Request) -> httpx.Response:
        asked = read_request(request.content.decode("utf-8"))
        try:
            made = consider(asked, self.kept, self.logs, self.signer, TIME)
        except WitnessError as error:
            answer = httpx.Response(STATUS[error.fault], text=f"{error.size or 0}\n")
        else:
            self.kept, answer = made.note, httpx.Response(200, text=made.line)
        self.asked.append((asked.old, len(asked.hashes), answer.status_code))
        return answer


@dataclass
class Network(httpx.AsyncBaseTransport):
    """Witnesses by host, and every request that went to one: its method and address."""

    hosts: dict[str, Answer] = field(default_factory=dict)
    seen: list[tuple[str, str]] = field(default_factory=list)

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=self, follow_redirects=new_client().follow_redirects)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.seen.append((request.method, str(request.url)))
        await request.aread()
        answer = self.hosts[request.url.host](request)
        answer = answer if isinstance(answer, httpx.Response) else await answer
        if not answer.is_stream_consumed:
            return answer
        return httpx.Response(
            answer.status_code, headers=answer.headers, stream=httpx.ByteStream(answer.content)
        )


def log_keys(world: World) -> tuple[VerifierKey, ...]:
    """The keys of every log, as a witness has them from the agreement."""
    return tuple(world.house.notary.key(str(row[0])) for row in world.sql("SELECT origin FROM tree"))


def let_in(world: World, network: Network, number: int, answer: Answer | None = None) -> Witness:
    """A new witness of the collaboration's log that takes pushes."""
    made = Witness(signer=key_of(number), logs=log_keys(world))
    name = f"w{number}.example"
    network.hosts[name] = answer or made
    vkey = write_vkey(made.signer.name, public_of(made.signer.seed), COSIGNATURE)
    world.run(add_witness(world.house, collaboration(world).name, vkey, f"https://{name}/log/"))
    return made


def push(world: World, network: Network, patience: float = 5) -> int:
    """Signs what grew and pushes it, as each minute does."""
    world.run(publish_dirty(world.house))
    return world.run(push_all(world.house, network.client, patience))


def cosigned(world: World) -> list[tuple[object, ...]]:
    """Whose word is kept, over which size."""
    return world.sql("SELECT name, size FROM cosignature ORDER BY id")


def size(world: World) -> int:
    found = world.sql("SELECT size FROM head WHERE tree = ?", collaboration(world).number)[0][0]
    assert isinstance(found, int)
    return found


def goes_on(world: World) -> bool:
    return world("caseworker", "GET", "/api/cases").status_code == 200


def test_a_log_is_pushed_as_it_grows_with_a_proof_that_it_only_grew(world: World) -> None:
    """The first time from nothing, then from the size cosigned last, over whole tiles too; not twice the same."""
    network = Network()
    witness = let_in(world, network, 2)
    sizes = []
    for more in (0, 1, 7, 300, 250):
        grow(world, collaboration(world), more)
        assert push(world, network) == 1
        sizes.append(size(world))
        assert push(world, network) == 0
    assert [(old, status) for old, _, status in witness.asked] == [(old, 200) for old in [0, *sizes[:-1]]]
    assert [hashes > 0 for _, hashes, _ in witness.asked] == [False, True, True, True, True]
    assert cosigned(world) == [("npo.example/w2", one) for one in sizes]
    assert set(network.seen) == {("POST", "https://w2.example/log/add-checkpoint")}
    state = world("auditor", "GET", "/api/log").json()["trees"]
    mine = next(one for one in state if one["name"] == collaboration(world).name)
    assert [one["size"] for one in mine["cosigned"]] == sizes[-1:]


def test_a_witness_that_has_less_is_asked_again_from_there(world: World) -> None:
    """409 with a smaller size, one from a backup or none at all: once more, with the proof from that size on."""
    network = Network()
    witness = let_in(world, network, 2)
    push(world, network)
    older, first = witness.kept, size(world)
    grow(world, collaboration(world), 20)
    push(world, network)
    second = size(world)
    for kept, had in ((older, first), (None, 0)):
        grow(world, collaboration(world), 20)
        witness.kept = kept
        witness.asked.clear()
        assert push(world, network) == 1
        assert [(old, status) for old, _, status in witness.asked] == [(second, 409), (had, 200)]
        second = size(world)


def test_a_witness_that_has_as_much_signs_it_again(world: World) -> None:
    """Its answer was lost on the way: it has the newest checkpoint already, and its line is kept now."""
    network = Network()
    witness = let_in(world, network, 2)
    world.run(publish_dirty(world.house))
    assert (
        push(world, Network({"w2.example": lambda request: [witness(request), httpx.Response(200)][1]})) == 0
    )
    assert (witness.kept is not None, cosigned(world)) == (True, [])
    assert push(world, network) == 1
    assert [status for _, _, status in witness.asked] == [200, 409, 200]


def test_a_witness_that_has_more_than_the_log_stops_the_house(world: World) -> None:
    """What it saw is lost here: nothing is written or released until a person has looked."""
    case, _, _ = world.shared_case()
    network = Network()
    world.run(publish_dirty(world.house))
    let_in(world, network, 2, lambda request: httpx.Response(409, text=f"{_asked_size(request) + 1}\n"))
    assert push(world, network) == 0
    check_stopped(world, case)


def test_a_witness_that_has_more_than_the_checkpoint_stops_nothing(world: World) -> None:
    """Another push was faster: the log has so many entries, and the next minute goes on from there."""
    network = Network()
    witness = let_in(world, network, 2)
    world.run(publish_dirty(world.house))
    first = size(world)
    grow(world, collaboration(world), 5)
    network.hosts["w2.example"] = lambda _: httpx.Response(409, text=f"{first + 5}\n")
    assert world.run(push_all(world.house, network.client)) == 0
    assert goes_on(world)
    network.hosts["w2.example"] = witness
    assert push(world, network) == 1


async def slow(_: httpx.Request) -> httpx.Response:
    await asyncio.sleep(3600)
    return httpx.Response(200)


def drip(_: httpx.Request) -> httpx.Response:
    """A letter now and then: no single wait is long, and there is no end."""

    class Endless(httpx.AsyncByteStream):
        async def __aiter__(self):  # type: ignore[no-untyped-def]  # the base class says what
            while True:
                yield b"x"
                await asyncio.sleep(0.01)

    return httpx.Response(200, stream=Endless())


def fail(error: Exception) -> Answer:
    def answer(_: httpx.Request) -> httpx.Response:
        raise error

    return answer


def false_line(request: httpx.Request) -> httpx.Response:
    """A line under the witness's name by another key."""
    asked = read_request(request.content.decode("utf-8"))
    other = SignerKey(name="npo.example/w2", algorithm=COSIGNATURE, seed=b"\x09" * 32)
    return httpx.Response(200, text=cosign(asked.note.rpartition("\n\n")[0] + "\n", other, TIME))


def packed(request: httpx.Request) -> httpx.Response:
    """A megabyte that was packed into a kilobyte, though nobody asked for packing."""
    assert request.headers["accept-encoding"] == "identity"
    return httpx.Response(
        200, headers={"Content-Encoding": "gzip"}, stream=httpx.ByteStream(gzip.compress(b"\n" * (1 << 20)))
    )


BAD: dict[str, Answer] = {
    "nothing": lambda _: httpx.Response(200),
    "nonsense": lambda _: httpx.Response(200, text="thank you\n"),
    "bytes": lambda _: httpx.Response(200, content=bytes(range(256))),
    "a megabyte": lambda _: httpx.Response(200, content=b"\xe2\x80\x94 " + b"x" * (1 << 20)),
    "a packed megabyte": packed,
    "another key's line": false_line,
    "another body": lambda _: httpx.Response(200, text="\nlog.example\n1\nAAAA\n\n— a b\n"),
    "a redirect": lambda _: httpx.Response(
        307, headers={"Location": "https://w3.example/log/add-checkpoint"}
    ),
    "a bad request": lambda _: httpx.Response(400, text="what"),
    "not found": lambda _: httpx.Response(404),
    "refused": lambda _: httpx.Response(422),
    "an error": lambda _: httpx.Response(500, text="x" * 100),
    "a size that is none": lambda _: httpx.Response(409, text="-1\n"),
    "a size without an end": lambda _: httpx.Response(409, text="1" * 400),
    "a size in other digits": lambda _: httpx.Response(409, content="１\n".encode()),
    "a size as long as a novel": lambda _: httpx.Response(409, text="1" * (1 << 20) + "\n"),
    "a fork": lambda request: httpx.Response(409, text=f"{_asked_size(request)}\n"),
    "no connection": fail(httpx.ConnectError("no route")),
    "a timeout": fail(httpx.ReadTimeout("too long")),
    "a broken answer": fail(httpx.RemoteProtocolError("what")),
    "no answer for ever": slow,
    "a letter at a time": drip,
}


def _asked_size(request: httpx.Request) -> int:
    return int(read_request(request.content.decode("utf-8")).note.split("\n")[1])


def test_a_bad_witness_stops_nobody(world: World) -> None:
    """Whatever one of them answers, or does not: the next one is asked, nothing is kept of the bad one, all goes on."""
    network = Network()
    let_in(world, network, 2)
    good = let_in(world, network, 3)
    for number, (what, answer) in enumerate(BAD.items(), 1):
        grow(world, collaboration(world), 1)
        network.hosts["w2.example"] = answer
        network.seen.clear()
        assert push(world, network, patience=0.3) == 1, what
        assert {host for _, host in network.seen} == {
            "https://w2.example/log/add-checkpoint",
            "https://w3.example/log/add-checkpoint",
        }, what
        assert len([address for _, address in network.seen if "w3" in address]) == 1, what
        assert len(good.asked) == number, what
    assert {name for name, _ in cosigned(world)} == {"npo.example/w3"}
    assert goes_on(world)


def test_a_log_with_damaged_rows_stops_no_other(world: World) -> None:
    """A checkpoint that nobody signed, a witness that was written in by hand: the other logs are pushed."""
    world.run(publish_dirty(world.house))
    network = Network()
    other = Witness(signer=key_of(4), logs=log_keys(world))
    network.hosts["w4.example"] = other
    vkey = write_vkey(other.signer.name, public_of(other.signer.seed), COSIGNATURE)
    world.run(add_witness(world.house, CITY, vkey, "https://w4.example"))
    let_in(world, network, 2)
    shared = collaboration(world).number
    assert shared < world.sql("SELECT max(tree) FROM witness")[0][0]  # type: ignore[operator]  # a number
    forge(world, f"UPDATE witness SET url = 'https://evil.example' WHERE tree = {shared}")
    assert push(world, network) == 1
    assert [address for _, address in network.seen] == ["https://w4.example/add-checkpoint"]
    forge(world, f"UPDATE checkpoint SET note = 'x' WHERE tree = {shared}")
    grow(world, collaboration(world), 1)
    assert goes_on(world)
    assert push(world, network) >= 1


def test_a_removed_witness_gets_nothing(world: World) -> None:
    """Nor one that takes no pushes; and what a removed one signed is shown no more."""
    network = Network()
    let_in(world, network, 2)
    assert push(world, network) == 1
    world.run(remove_witness(world.house, collaboration(world).name, "npo.example/w2"))
    vkey = write_vkey("npo.example/w5", public_of(b"\x05" * 32), COSIGNATURE)
    world.run(add_witness(world.house, collaboration(world).name, vkey, None))
    network.seen.clear()
    assert push(world, network) == 0
    assert network.seen == []
    mine = next(
        one
        for one in world("auditor", "GET", "/api/log").json()["trees"]
        if one["name"] == collaboration(world).name
    )
    assert mine["cosigned"] == []


ADDRESSES = {
    "https://witness.example": True,
    "https://witness.example:8443/a/b": True,
    "http://127.0.0.1:8000": True,
    "http://localhost": True,
    "http://[::1]:8000/x": True,
    "http://witness.example": False,
    "http://127.0.0.1.evil.example": False,
    "http://localhost.evil.example": False,
    "http://127.0.0.1@evil.example": False,
    "https://a:b@witness.example": False,
    "https://": False,
    "https://witness.example:99999": False,
    "https://[": False,
    "https://witness.example/?a=b": False,
    "https://witness.example/#a": False,
    "ftp://witness.example": False,
    "file:///etc/passwd": False,
    "witness.example": False,
    "": False,
}


@pytest.mark.parametrize("url", ADDRESSES)
def test_what_is_pushed_goes_over_a_closed_line(world: World, url: str) -> None:
    """TLS, or a program on this machine: an address that only begins like one is refused."""
    vkey = write_vkey("npo.example/w2", public_of(b"\x02" * 32), COSIGNATURE)
    adding = add_witness(world.house, collaboration(world).name, vkey, url)
    if ADDRESSES[url]:
        assert world.run(adding).name == "npo.example/w2"
        return
    with pytest.raises(AdministrationError) as caught:
        world.run(adding)
    assert caught.value.problem is Problem.BAD_URL
