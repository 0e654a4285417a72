"""A real server process for the machine and the race: uvicorn on a free loopback port, with a clock that is steered.

This file alone in its folder knows the product. `build FOLDER` makes a town; `serve FOLDER` serves it until its
standard input ends. The first line of output is JSON with the port; then each line of input is a command and
each line of output its answer: what the administrator and the operator do at their console.
"""

import asyncio
import json
import mmap
import os
import socket
import struct
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import uvicorn
import uvloop

from policies.who import Role
from service.app import serve_house
from service.cli.opening import load_house
from service.cli.serve import listen
from service.flows.changes import set_role, stop_user
from service.flows.export import Wanted, export_log, tree_to_export
from service.flows.membership import present_member
from service.flows.people import NewUser, add_user, find_organisation
from service.flows.sweep import sweep
from service.house import House
from service.logs import configure
from service.settings import Settings
from tests.service.world import NPO, OTHER_NPO, PASSWORD, PEOPLE, START, WEAK, build

SPARE = {"deputy": (NPO, "coordinator"), "other_deputy": (OTHER_NPO, "other")}
"""One more coordinator in each NPO, who stays: login → organisation, the colleague who is present."""

Arguments = Mapping[str, str]


class FileClock:
    """Milliseconds since 1970 from eight bytes of a file beside the database; the test writes them."""

    def __init__(self, path: Path) -> None:
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), 8, access=mmap.ACCESS_READ)

    def __call__(self) -> datetime:
        (milliseconds,) = struct.unpack(">Q", self._map[:8])
        return datetime.fromtimestamp(milliseconds / 1000, UTC)


def make_town(folder: Path) -> None:
    """A town in ``folder``: the house, the clock's file, and `town.json` with what a user of it knows."""
    template = build(folder)
    clock = folder / "clock"
    clock.write_bytes(struct.pack(">Q", int(START.timestamp() * 1000)))
    house = load_house(
        Settings(data=folder / "data", keys=folder / "keys", notary=folder / "notary"),
        clock=FileClock(clock),
        cost=WEAK,
    )
    asyncio.run(_add_spare(house))
    town = {
        "passwords": {login: PASSWORD.format(login=login) for login in ("admin", *PEOPLE, *SPARE)},
        "secrets": {login: secret.hex() for login, secret in template.secrets.items()},
        "ids": template.ids,
        "organisations": {login: place for login, (place, *_) in {**PEOPLE, **SPARE}.items()},
        "roles": {login: role.value for login, (_, role, _) in PEOPLE.items()}
        | dict.fromkeys(SPARE, Role.NPO_COORDINATOR.value),
        "sections": {login: list(sections) for login, (_, _, sections) in PEOPLE.items()},
    }
    (folder / "town.json").write_text(json.dumps(town, ensure_ascii=False), "utf-8")


async def _add_spare(house: House) -> None:
    house.start()
    try:
        for login, (organisation, colleague) in SPARE.items():
            home = await find_organisation(house, organisation)
            present = await present_member(house, colleague, PASSWORD.format(login=colleague))
            new = NewUser(
                login=login,
                name=f"職員 {login}",
                organisation=home.id,
                role=Role.NPO_COORDINATOR,
                password=PASSWORD.format(login=login),
            )
            await add_user(house, new, present)
    finally:
        await house.stop()


async def _stop(house: House, said: Arguments) -> None:
    present = await present_member(house, said["present"], said["password"])
    await stop_user(house, said["login"], present)


async def _role(house: House, said: Arguments) -> None:
    present = await present_member(house, said["present"], said["password"])
    await set_role(house, said["login"], Role(said["role"]), present=present)


async def _sweep(house: House, _said: Arguments) -> None:
    await sweep(house)


async def _export(house: House, said: Arguments) -> None:
    folder = Path(said["folder"])

    @contextmanager
    def new(name: str) -> Iterator[BinaryIO]:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            yield file

    wanted = Wanted(tree=await tree_to_export(house, None))
    await export_log(house, wanted, new, lambda _done, _size: None)


COMMANDS: Mapping[str, Callable[[House, Arguments], Awaitable[None]]] = {
    "stop": _stop,
    "role": _role,
    "sweep": _sweep,
    "export": _export,
}


def serve_town(folder: Path) -> None:
    """Serves the town until standard input ends or SIGTERM comes."""
    listening = listen("127.0.0.1", 0)
    port = int(listening.getsockname()[1])
    settings = Settings(data=folder / "data", keys=folder / "keys", notary=folder / "notary", port=port)
    clock = FileClock(folder / "clock")
    house = load_house(settings, clock=clock, cost=WEAK)
    with (folder / "server.log").open("a", encoding="utf-8") as log:
        configure(log, clock=clock)
        config = uvicorn.Config(
            serve_house(house),
            lifespan="on",
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=2,
            timeout_keep_alive=600,
        )
        server = uvicorn.Server(config)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(server, house, listening))


async def _serve(server: uvicorn.Server, house: House, listening: socket.socket) -> None:
    port = int(listening.getsockname()[1])
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    while not server.started and not serving.done():  # noqa: ASYNC110  # uvicorn has no event for it
        await asyncio.sleep(0.005)
    print(json.dumps({"port": port, "pid": os.getpid()}), flush=True)
    obeying = asyncio.create_task(_obey(server, house))
    await serving
    obeying.cancel()


async def _obey(server: uvicorn.Server, house: House) -> None:
    """Does each command in its turn; a command that fails says so by the name of its error."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(os.dup(0), "rb")
    )
    while line := await reader.readline():
        said = json.loads(line)
        try:
            await COMMANDS[said["do"]](house, said)
        except Exception as error:
            print(json.dumps({"failed": type(error).__name__, "why": str(error)}), flush=True)
        else:
            print(json.dumps({"done": said["do"]}), flush=True)
    server.should_exit = True


if __name__ == "__main__":
    {"build": make_town, "serve": serve_town}[sys.argv[1]](Path(sys.argv[2]))
