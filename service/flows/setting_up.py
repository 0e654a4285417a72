"""The first start: keys, folders, database and first administrator, made together or not at all.

Rules kept here:
- Nothing that is there is overwritten; what was made is taken away again where a later step fails.
- Key files are 0400 in a folder of 0700; no key is ever in the database's folder.
"""

import asyncio
import os
import shutil
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from audit.event import Event
from cases.ids import COLLABORATION, ORGANISATION, CollaborationId, OrganisationId, UserId, write_id
from crypto.context import Random
from crypto.keys import RootKey, RootKeys
from crypto.notes import ED25519, SignerKey
from crypto.password import ArgonCost
from policies.who import Role
from service.flows.console import AdministrationError, Problem, check_name, new_uuid, record
from service.flows.people import AddedUser, NewUser, SecondFactor, check_new, lock, write_user
from service.flows.starting import start_tree
from service.house import Clock, House, open_house
from service.notary import Notary
from service.settings import Settings
from service.store import organisations
from service.store.engine import Transaction
from service.store.log import Record
from service.store.migrate import migrate
from service.store.organisations import InstanceRow, OrganisationKind, OrganisationRow
from service.store.writer import Done

PLACES = (("office", "窓口"),)
"""The places of pick-up that a new collaboration has: code and name."""

_ZERO = UUID(int=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What the first start asks: the names of collaboration and first city, and who administers."""

    collaboration: str
    city: str
    login: str
    name: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SetUp:
    """What the first start made; ``second_factor`` is the administrator's, to be shown once."""

    collaboration: CollaborationId
    city: OrganisationId
    administrator: UserId
    second_factor: SecondFactor


def set_up(
    settings: Settings,
    answers: Answers,
    *,
    practice: bool,
    random: Random,
    clock: Clock,
    cost: ArgonCost,
    tell: Callable[[str], None] = lambda _: None,
) -> SetUp:
    """Makes keys, database and first administrator; runs an event loop of its own, so not inside one.

    ``tell`` hears the code of each step. Raises AdministrationError (FILE_EXISTS with the path, BAD_NAME, …),
    PasswordError, OSError; nothing that it made is left then.
    """
    for text in (answers.collaboration, answers.city):
        check_name(text)
    check_new(_administrator(answers, OrganisationId(_ZERO)))
    refuse_to_overwrite(settings)
    with ExitStack() as undo:
        tell("keys")
        root = RootKey(number=1, key=random(32))
        log_key = SignerKey(name=settings.origin, algorithm=ED25519, seed=random(32))
        _make_folder(settings.keys, undo)
        _make_folder(settings.data, undo)
        _make_folder(settings.notary, undo)
        write_key(settings.root_key, root.write_unsafe_text(), undo)
        write_key(settings.log_key, log_key.write_unsafe_text() + "\n", undo)
        notary = _begin_notary(settings, log_key, undo)
        tell("database")
        for path in _database_files(settings.database):
            undo.callback(path.unlink, missing_ok=True)
        migrate(settings.database)
        tell("administrator")
        roots = RootKeys(current=root)
        house = open_house(settings, roots, notary, clock=clock, random=random, cost=cost)
        made = asyncio.run(_fill(house, answers, practice))
        undo.pop_all()
        return made


def _begin_notary(settings: Settings, key: SignerKey, undo: ExitStack) -> Notary:
    """The notary's folder with its public key and a state that says that nothing is signed yet."""
    undo.callback(shutil.rmtree, settings.notary / "notes", ignore_errors=True)
    for name in ("state", "log.pub", "lock"):
        undo.callback((settings.notary / name).unlink, missing_ok=True)
    notary = Notary.signing(settings.notary, key.seed)
    with settings.log_public.open("x", encoding="ascii") as file:
        file.write(notary.vkey(key.name) + "\n")
    notary.begin()
    return notary


def _administrator(answers: Answers, organisation: OrganisationId) -> NewUser:
    return NewUser(
        login=answers.login,
        name=answers.name,
        organisation=organisation,
        role=Role.ADMIN,
        password=answers.password,
    )


def _database_files(database: Path) -> tuple[Path, ...]:
    """The database's file and those that stand beside it."""
    names = (f"{database.name}-wal", f"{database.name}-shm", f"{database.name}-journal")
    return (database, database.with_suffix(".lock"), *(database.with_name(name) for name in names))


def refuse_to_overwrite(settings: Settings) -> None:
    """Raises AdministrationError(FILE_EXISTS) where a key or a database lies there already, or a link to one."""
    state = settings.notary / "state"
    for path in (
        settings.root_key,
        settings.log_key,
        settings.log_public,
        state,
        *_database_files(settings.database),
    ):
        if path.is_symlink() or path.exists():
            raise AdministrationError(Problem.FILE_EXISTS, str(path))


def _make_folder(folder: Path, undo: ExitStack) -> None:
    """The folder, and those above it that are missing, open to nobody but their owner."""
    if folder.is_dir():
        if folder.stat().st_mode & 0o077:
            folder.chmod(0o700)
        return
    if not folder.parent.is_dir():
        _make_folder(folder.parent, undo)
    folder.mkdir(mode=0o700)
    undo.callback(folder.rmdir)


def write_key(path: Path, text: str, undo: ExitStack) -> None:
    """Writes a new key file, 0400, durable. Raises FileExistsError, also for a link that leads nowhere."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o400)
    undo.callback(path.unlink)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


async def _fill(house: House, answers: Answers, practice: bool) -> SetUp:
    house.start()
    try:
        collaboration = CollaborationId(new_uuid(house))
        city = OrganisationId(new_uuid(house))
        administrator = UserId(new_uuid(house))
        locked = await lock(house, administrator, answers.password)

        async def job(tx: Transaction) -> Done[AddedUser]:
            places = await _write_places(tx, house, answers, collaboration, city, practice)
            new = _administrator(answers, city)
            added = await write_user(tx, house, administrator, new, locked, None)
            return Done(outcome=added.outcome, records=places + added.records)

        added = (await house.commit(job)).outcome
        if added.second_factor is None:
            raise RuntimeError("an administrator has a second factor")
        return SetUp(
            collaboration=collaboration,
            city=city,
            administrator=administrator,
            second_factor=added.second_factor,
        )
    finally:
        await house.stop()


async def _write_places(
    tx: Transaction,
    house: House,
    answers: Answers,
    collaboration: CollaborationId,
    city: OrganisationId,
    practice: bool,
) -> tuple[Record, ...]:
    """What this database is, the collaboration with its tree, the city with its own."""
    now = house.clock()
    row = OrganisationRow(id=city, name=answers.city, kind=OrganisationKind.MUNICIPALITY)
    await organisations.add_organisation(tx, row, now)
    await organisations.add_instance(
        tx,
        InstanceRow(
            operator=city,
            practice=practice,
            root_key=house.root.number,
            root_proof=house.root.proof(),
            created=now,
        ),
    )
    await organisations.add_collaboration(tx, collaboration, answers.collaboration, now)
    await organisations.join(tx, collaboration, city)
    for code, name in PLACES:
        await organisations.add_place(tx, collaboration, code, name)
    shared = write_id(COLLABORATION, collaboration)
    _, first = await start_tree(tx, house, shared, city, practice)
    own, second = await start_tree(tx, house, write_id(ORGANISATION, city), city, practice)
    return first, second, record(house, own, Event.ORGANISATION_ADD, city, object=shared)
