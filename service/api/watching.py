"""`/log/{tree}`: a log for those who watch it, laid out as C2SP tlog-tiles; and the cosignatures that come back."""

from pathlib import PurePath
from typing import Annotated

from litestar import Response, get, post
from litestar.params import FromPath, JSONBody, PathParameter

from policies.actions import Action
from service.api.answers_log import CosignedAnswer
from service.api.bodies_log import NoteBody
from service.api.documented import CREATES, READS, does
from service.api.documented import answers as documented
from service.flows import watching
from service.wiring import GivenCaller, GivenHouse, GivenWho

BYTES = "application/octet-stream"
RECEIPT = "Tsunagi-Receipt"
Number = Annotated[
    PurePath, PathParameter(description="The tile's number in groups of three digits (tlog-tiles).")
]


@get(
    "/log/{tree:str}/checkpoint",
    opt=does(Action.LOG_HASHES),
    responses=documented(*READS, 404),
    media_type="text/plain",
)
async def checkpoint(house: GivenHouse, who: GivenCaller, tree: FromPath[str]) -> str:
    """The newest signed checkpoint with its cosignatures: for the log's witnesses and auditors."""
    return await watching.read_note(house, who, tree)


@get(
    "/log/{tree:str}/tile/{level:str}/{number:path}",
    opt=does(Action.LOG_HASHES),
    responses=documented(*READS, 404),
    media_type=BYTES,
)
async def tile(
    house: GivenHouse, who: GivenCaller, tree: FromPath[str], level: FromPath[str], number: Number
) -> bytes:
    """A tile of hashes: for the log's witnesses and auditors."""
    return await watching.read_tile(house, who, tree, f"tile/{level}{number}")


@get(
    "/log/{tree:str}/tile/entries/{number:path}",
    opt=does(Action.LOG_EXPORT),
    responses=documented(*READS, 404),
    media_type=BYTES,
)
async def leaves(house: GivenHouse, who: GivenWho, tree: FromPath[str], number: Number) -> Response[bytes]:
    """A bundle of entries: for the log's appointed auditors alone. Reading it is an entry too, whose receipt stands in
    the header ``Tsunagi-Receipt``."""
    data, receipt = await watching.read_leaves(house, who, tree, f"tile/entries{number}")
    return Response(data, headers={RECEIPT: receipt.number})


@post("/api/log/{tree:str}/cosignatures", opt=does(Action.LOG_COSIGN), responses=documented(*CREATES))
async def cosign(
    house: GivenHouse, who: GivenCaller, tree: FromPath[str], data: JSONBody[NoteBody]
) -> CosignedAnswer:
    """Bring back a checkpoint with the cosignatures of witnesses."""
    return CosignedAnswer(kept=await watching.take_cosignatures(house, who, tree, data.note))


HANDLERS = (checkpoint, tile, leaves, cosign)
