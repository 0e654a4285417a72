"""Asks the log's server: its checkpoint, its tiles of hashes, and whether it takes a cosigned note.

Rules kept here:
- A request is done within 20 seconds from its first byte to its last, or it failed.
- A body is capped while it comes in; a compressed one is refused, so a small one cannot become a large one.
- Redirects are not followed: the token goes to the server that the configuration names.
"""

import asyncio
from collections.abc import Sequence

import httpx

from audit.checkpoint import MAX_NOTE
from audit.layout import CHECKPOINT, tile_path
from audit.tiles import Tile
from audit.tree import HASH_SIZE
from service.cli.witness.errors import LogError, LogFault

SECONDS = 20
_OK = 200
_CREATED = 201


class Server:
    """The server of one log, under ``/log/<tree>``. Use it in ``async with``."""

    __slots__ = ("_client", "_seconds", "_tree")

    def __init__(self, url: str, tree: str, token: str, seconds: float = SECONDS) -> None:
        headers = {
            "authorization": f"Bearer {token}",
            "accept-encoding": "identity",
            "user-agent": "tsunagi-witness",
        }
        self._client = httpx.AsyncClient(
            base_url=url,
            headers=headers,
            timeout=seconds,
            follow_redirects=False,
            trust_env=url.startswith("https:"),  # a proxy, and certificates of one's own
        )
        self._tree = tree
        self._seconds = seconds

    async def __aenter__(self) -> "Server":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def note(self) -> str:
        """The newest signed checkpoint; nothing in it is believed yet. Raises LogError."""
        data = await self._get(CHECKPOINT, MAX_NOTE)
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:
            raise LogError(LogFault.TEXT, CHECKPOINT) from None

    async def tiles(self, wanted: Sequence[Tile]) -> dict[Tile, bytes]:
        """Tiles of hashes, each of its full width; whether the hashes are right, the proof shows. Raises LogError."""
        return {tile: await self._tile(tile) for tile in wanted}

    async def _tile(self, tile: Tile) -> bytes:
        path, length = tile_path(tile), tile.width * HASH_SIZE
        data = await self._get(path, length)
        if len(data) < length:
            raise LogError(LogFault.SHORT, path)
        return data

    async def send(self, note: str) -> None:
        """Hands the cosigned note to the log. Raises LogError unless it was taken."""
        path = "cosignatures"
        status = 0
        try:
            async with asyncio.timeout(self._seconds):
                url = f"/api/log/{self._tree}/{path}"
                async with self._client.stream("POST", url, json={"note": note}) as answer:
                    status = answer.status_code
        except (httpx.HTTPError, TimeoutError, OSError):
            raise LogError(LogFault.SILENT, path) from None
        if status != _CREATED:
            raise LogError(LogFault.STATUS, path, status)

    async def _get(self, path: str, most: int) -> bytes:
        try:
            async with (
                asyncio.timeout(self._seconds),
                self._client.stream("GET", f"/log/{self._tree}/{path}") as answer,
            ):
                return await _body(answer, path, most)
        except (httpx.HTTPError, TimeoutError, OSError):
            raise LogError(LogFault.SILENT, path) from None


async def _body(answer: httpx.Response, path: str, most: int) -> bytes:
    """The bytes of an answer, as they came over the line."""
    if answer.status_code != _OK:
        raise LogError(LogFault.STATUS, path, answer.status_code)
    if answer.headers.get("content-encoding", "identity") != "identity":
        raise LogError(LogFault.ENCODED, path)
    data = bytearray()
    async for part in answer.aiter_raw():
        data += part
        if len(data) > most:
            raise LogError(LogFault.LONG, path)
    return bytes(data)
