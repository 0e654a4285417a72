"""Which answers a route documents: every one that it can give, so that the schema hides nothing."""

from collections.abc import Mapping

from litestar.openapi.datastructures import ResponseSpec

from policies.actions import Action
from service.problems import MEDIA, Problem

_WORDS: Mapping[int, str] = {
    400: "The request itself is not acceptable: host, encoding, JSON",
    401: "Not signed in",
    403: "The role never has this action, the consent does not cover it, or the request comes from another site",
    404: "Not there, or not yours to know",
    409: "The state does not allow this, the version is stale, or the Idempotency-Key stands for another request",
    413: "The body is too large",
    415: "The content type is not application/json",
    422: "The input is not acceptable; the path of each part that is wrong",
    428: "If-Match is missing",
    429: "Too many sign-ins; Retry-After says how long to wait",
    500: "Internal error",
    503: "Not available now; nothing was done and nothing was released",
}
READS = (400, 401, 403, 500, 503)
OF_A_CASE = (*READS, 404, 409)
WITH_QUERY = (*READS, 422)
WRITES = (*READS, 413, 415, 422)
CREATES = (*WRITES, 404, 409)
CHANGES = (*CREATES, 428)


def answers(*statuses: int) -> dict[int, ResponseSpec]:
    """The problem answers of these statuses, for the schema."""
    return {
        status: ResponseSpec(
            data_container=Problem, description=_WORDS[status], media_type=MEDIA, generate_examples=False
        )
        for status in sorted(statuses)
    }


def does(action: Action) -> dict[str, Action]:
    """The route's `opt`: the one action that it names."""
    return {"action": action}
