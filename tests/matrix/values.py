"""The values of a case, each with its canary."""

from dataclasses import replace

from tests.matrix.canaries import Canaries, Canary

_BANDS = ("60s", "70s", "80s")
_GENDERS = ("female", "male", "other")


def mark(canaries: Canaries, kind: str, field: str) -> str:
    """A marked text of a single field."""
    return canaries.mark(Canary(kind=kind, field=field, free=True))


def case_fields(canaries: Canaries, kind: str) -> dict[str, object]:
    """A value for every single field of a case."""

    def text(field: str) -> str:
        return mark(canaries, kind, field)

    texts: tuple[str, ...] = ("address", "phone", "household", "consultation", "handover_summary", "health")
    texts += ("public_support", "finances", "outcome_note", "review_notes")
    dietary = Canary(kind=kind, field="dietary")
    return {
        "name": f"髙橋 {text('name')}",
        "name_kana": canaries.kana(Canary(kind=kind, field="name_kana", free=True)),
        "birth_date": canaries.day(Canary(kind=kind, field="birth_date")),
        "age_band": _BANDS[canaries.made % 3],
        "gender": _GENDERS[canaries.made % 3],
        "found_by": "counter",
        **{field: f"記録 {text(field)}" for field in texts},
        "support_plan": {
            "goal": text("support_plan"),
            "per_month": 2,
            "from": "2026-11-01",
            "until": "2027-03-31",
            "next_review": None,
        },
        "dietary": {"allergens": canaries.allergens(dietary), "soft_food": True, "note": text("dietary")},
        "eligibility_reasons": {
            "hardship": text("eligibility_reasons"),
            "willing": text("eligibility_reasons"),
        },
        "evidence": {"kind": "scan", "media": "image/png", "data": text("evidence")},
    }


def request_fields(canaries: Canaries, canary: Canary, request: str) -> dict[str, object]:
    """What a request asks for."""
    mine = replace(canary, request=request)
    return {
        "quantity": canaries.quantity(replace(mine, field="quantity")),
        "pickup": canaries.pickup(replace(mine, field="pickup")),
        "message": f"連絡 {canaries.mark(replace(mine, field='message', free=True))}",
    }


def delivery_value(canaries: Canaries, canary: Canary, *, note: bool) -> dict[str, object]:
    """A hand-over; with a note only where the recipient may tell the owner."""
    items = [f"米 {canaries.mark(replace(canary, field='deliveries'))}"]
    told = canaries.mark(replace(canary, field="deliveries", free=True)) if note else None
    return {
        "date": "2026-11-24" if canary.kind != "EX" else "2026-11-23",
        "result": "full",
        "items": items,
        "note": told,
    }


def observation_value(canaries: Canaries, canary: Canary) -> dict[str, object]:
    """What the recipient noticed."""
    told = canaries.mark(replace(canary, field="observations", free=True))
    return {"text": f"様子 {told}", "urgent": False, "chips": ["alone"]}


def reply_value(canaries: Canaries, canary: Canary) -> dict[str, object]:
    """The owner's answer."""
    return {"text": f"返答 {canaries.mark(replace(canary, field='replies', free=True))}"}
