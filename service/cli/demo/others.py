"""Step 7: the other four cases, each at another place of the same way."""

from collections.abc import Mapping

from service.cli.demo import words
from service.cli.demo.cases import (
    DELIVERY_NOTE,
    FOUND,
    HOSPITAL,
    ITEMS,
    MOTHER,
    OBSERVATION,
    SPENDS,
    UTILITIES,
)
from service.cli.demo.consenting import ALLOWED, REFUSED, agreement, consent_body, request_body
from service.cli.demo.http import Kept
from service.cli.demo.play import Play, refusal


def others(play: Play) -> None:
    """The other four cases, each at another place of the same way."""
    report = play.report
    report.step("ほかの4つのケース", "The other four cases")
    states = {UTILITIES: _served(play), SPENDS: _sent(play), HOSPITAL: _spoken(play), FOUND: _asked(play)}
    expected = {
        UTILITIES: ("live", 200),
        SPENDS: ("live", 200),
        HOSPITAL: ("awaiting_witness", 404),
        FOUND: ("requested", 404),
    }
    rows = []
    for case in play.cases:
        if case.key == MOTHER:
            continue
        path = f"/api/cases/{play.ids[case.key]}"
        status = play.status("npo", path)
        report.same(
            f"{case.who} ({states[case.key]}, NPO: {status})", expected[case.key], (states[case.key], status)
        )
        seen = play.show_case("npo", case.key).fields if status == 200 else {}
        rows.append((case.who, states[case.key], str(status), words.labels(list(seen)) or "-"))
    report.table(
        ("当事者 person", "同意 consent", "NPO", "NPOに開いた項目 fields open to the NPO"),
        rows,
        (38, 18, 6, -1),
    )
    report.say("")


def _agree(play: Play, key: str, answer: Mapping[str, object] | None) -> str:
    path = f"/api/cases/{play.ids[key]}/consents"
    return play.callers["welfare"].post(path, consent_body(play, answer), Kept).state


def _served(play: Play) -> str:
    """The man of 78: the address is agreed too, for the delivery; the request is accepted and served."""
    allowed = (*ALLOWED, "address", "phone", "health")
    state = _agree(play, UTILITIES, agreement(play, allowed=allowed, refused=_rest(allowed)))
    body = request_body(play, send=True, adults=1, children=0)
    made = play.callers["welfare"].post(f"/api/cases/{play.ids[UTILITIES]}/requests", body, Kept)
    play.callers["npo"].post(f"/api/requests/{made.id}/accept", None, Kept)
    delivery = {
        "date": str(words.tokyo(play.now).date()),
        "result": "full",
        "items": list(ITEMS),
        "note": DELIVERY_NOTE,
    }
    row = {"kind": "delivery", "request": made.id, "value": delivery}
    play.callers["npo"].post(f"/api/cases/{play.ids[UTILITIES]}/ledger", row, Kept)
    return state


def _sent(play: Play) -> str:
    """The man of 82: he does not want the NPO to tell the city; the request waits in the inbox."""
    allowed = tuple(code for code in ALLOWED if code != "observations")
    state = _agree(play, SPENDS, agreement(play, allowed=allowed, refused=_rest(allowed)))
    path = f"/api/cases/{play.ids[SPENDS]}"
    made = play.callers["welfare"].post(
        f"{path}/requests", request_body(play, send=True, adults=1, children=0), Kept
    )
    observation = {"kind": "observation", "request": made.id, "value": {"text": OBSERVATION}}
    answer = play.callers["npo"].ask("POST", f"{path}/ledger", observation)
    play.report.same(
        "気づきを伝えることに同意がなければ書けません (no way back agreed: refused)",
        (403, "not_shared"),
        refusal(answer),
    )
    return state


def _spoken(play: Play) -> str:
    """The woman of 88: she agreed by word of mouth; until the witness confirms, no key goes out."""
    witness = play.callers["supervisor"].user
    return _agree(
        play, HOSPITAL, agreement(play, method="oral_witnessed", copy_given="later", witness=witness)
    )


def _asked(play: Play) -> str:
    """The man of 68: he is being asked, when he has rested."""
    return _agree(play, FOUND, None)


def _rest(allowed: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(code for code in (*ALLOWED, *REFUSED) if code not in allowed)
