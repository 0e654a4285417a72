"""What everybody who is signed in may look up: partners, sections, places, notices, and whether the house stands."""

from dataclasses import dataclass

from cases.fields import Purpose
from cases.ids import CollaborationId, SectionId
from consent.codes import Language
from consent.errors import NoticeError
from consent.notice import Notice, notice
from service.flows.errors import NotThereError
from service.house import House, Who
from service.store import keys, organisations
from service.store.engine import Transaction
from service.store.organisations import OrganisationRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Partner:
    """An organisation of one of the caller's collaborations; ``has_key``: a consent can be sealed to it."""

    organisation: OrganisationRow
    has_key: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CollaborationView:
    """One of the caller's collaborations: partners and places of pick-up (code, name)."""

    id: CollaborationId
    partners: tuple[Partner, ...]
    places: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """What the caller's organisation works with; ``sections`` are its own."""

    collaborations: tuple[CollaborationView, ...]
    sections: tuple[tuple[SectionId, str], ...]


async def read_directory(house: House, who: Who) -> Directory:
    """The caller's collaborations. Nothing personal stands here, and so no entry is written."""

    async def query(tx: Transaction) -> Directory:
        mine = await organisations.collaborations_of(tx, who.principal.organisation)
        found = [await _collaboration(tx, one) for one in mine]
        sections = await organisations.sections_of(tx, who.principal.organisation)
        return Directory(collaborations=tuple(found), sections=sections)

    return await house.look(query)


async def _collaboration(tx: Transaction, collaboration: CollaborationId) -> CollaborationView:
    partners = [
        Partner(organisation=one, has_key=await keys.group_key(tx, one.id) is not None)
        for one in await organisations.partners(tx, collaboration)
    ]
    return CollaborationView(
        id=collaboration, partners=tuple(partners), places=await organisations.places_of(tx, collaboration)
    )


def read_notice(purpose: str, language: str) -> Notice:
    """The newest notice of a purpose in a language. Raises NotThereError where there is none."""
    chosen = Language.of(language)
    if chosen is None or purpose not in {each.value for each in Purpose}:
        raise NotThereError
    try:
        return notice(Purpose(purpose), chosen)
    except NoticeError:
        raise NotThereError from None


async def check_health(house: House) -> None:
    """Whether the database answers. Raises UnavailableError."""
    await house.look(organisations.instance)
