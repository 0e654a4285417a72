"""The names that stand beside a consent: who helped, who represented. Only sealed bytes enter the event.

They are sealed under the key of the slot `evidence`, which no consent form offers: no recipient ever holds it, so
rotation leaves it as it is and old events stay readable for the owner.
"""

from dataclasses import dataclass

import msgspec

from cases.errors import ShapeError
from cases.fields import Slot
from cases.text import check_line
from consent.answer import Named
from consent.record import Event
from crypto.envelope import NO_THREAD
from service.flows.errors import InvalidError
from service.flows.keys import Ring
from service.flows.sealing import EVIDENCE_NAMES, seal_row
from service.house import House
from service.store.cases import CaseRow, SealedRow
from service.store.consents import Series

_LONGEST = 200


class Names(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The names as typed; None where nobody helped or represented."""

    helper: str | None = None
    representative: str | None = None

    @property
    def named(self) -> frozenset[Named]:
        """Whose names are there."""
        given = ((self.helper, Named.HELPER), (self.representative, Named.REPRESENTATIVE))
        return frozenset(who for name, who in given if name is not None and name.strip())


NOBODY = Names()


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where names belong: the series, and the number of the event that carries them."""

    series: bytes
    number: int


def check_names(names: Names) -> None:
    """Raises InvalidError for a name that is too long or holds control characters."""
    for path, name in (("helper", names.helper), ("representative", names.representative)):
        try:
            check_line(name or "-", _LONGEST, path)
        except ShapeError as error:
            raise InvalidError(f"names.{path}", error.fault.value) from None


def evidence_slot(house: House) -> Slot:
    """The slot of the field `evidence`."""
    return house.policy.registry.by_code["evidence"].slot


def seal_names(house: House, ring: Ring, case: CaseRow, place: Place, names: Names) -> bytes:
    """The sealed names for the event; no bytes where there are none."""
    if not names.named:
        return b""
    check_names(names)
    return seal_row(
        house,
        ring,
        case,
        evidence_slot(house),
        msgspec.json.encode(names),
        record=place.series,
        column=EVIDENCE_NAMES,
        version=place.number,
    ).blob


def names_row(house: House, series: Series, event: Event) -> SealedRow | None:
    """The sealed names of an event as a row that `reveal` opens; None where it has none.

    A confirmation repeats the bytes of the answer that it is about, which stand at that answer's number.
    """
    if not event.sealed_names:
        return None
    return SealedRow(
        record=series.id.bytes,
        slot=evidence_slot(house),
        column=EVIDENCE_NAMES,
        thread=NO_THREAD,
        version=event.about or event.number,
        blob=event.sealed_names,
    )


def read_names(value: bytes) -> Names:
    """The names of opened bytes."""
    return msgspec.json.decode(value, type=Names)
