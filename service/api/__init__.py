"""The JSON API: a call and a conversion each. Every route names its action and documents its answers."""

from service.api import (
    cases,
    consents,
    directory,
    disclosures,
    ledger,
    log,
    requests,
    reviews,
    sessions,
    watching,
)

HANDLERS = (
    *sessions.HANDLERS,
    *directory.HANDLERS,
    *cases.HANDLERS,
    *consents.HANDLERS,
    *requests.HANDLERS,
    *ledger.HANDLERS,
    *log.HANDLERS,
    *disclosures.HANDLERS,
    *reviews.HANDLERS,
    *watching.HANDLERS,
)
