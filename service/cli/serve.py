"""``tsunagi serve``: the service, on one address, until it is told to stop."""

import argparse
import gc
import socket
import sys

import uvicorn

from service.app import serve_house
from service.cli.opening import load_house
from service.cli.saying import refuse, tell
from service.house import House
from service.logs import catch_strays, configure
from service.settings import Settings


def serve(settings: Settings, _arguments: argparse.Namespace) -> int:
    """Serves until a signal; refuses practice data, and an address that cannot be listened on."""
    house = load_house(settings, practice=False)
    server = make_server(house)
    try:
        listening = listen(settings.host, settings.port)
    except OSError as error:
        return refuse(f"{settings.host}:{settings.port}: {error.strerror}")
    tell(f"Tsunagi listens on http://{settings.host}:{settings.port}")
    configure(sys.stdout, clock=house.clock)
    catch_strays()
    server.run(sockets=[listening])
    return 0 if server.started else 1


def listen(host: str, port: int) -> socket.socket:
    """A socket bound to the address. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # asyncio sets TCP_NODELAY by it
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
    except OSError:
        bound.close()
        raise
    return bound


def make_server(house: House) -> uvicorn.Server:
    """The ASGI stack in uvicorn: the request log outside, then the edge, then the app."""
    gc.set_threshold(
        20_000, 50, 100
    )  # requests leave few cycles behind: looking for them less often costs nothing
    proxies = house.settings.proxies
    config = uvicorn.Config(
        serve_house(house),
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=proxies or None,
        timeout_graceful_shutdown=10,
    )
    return uvicorn.Server(config)
