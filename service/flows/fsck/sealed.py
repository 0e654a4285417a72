"""The sealed values compared with the records of the entries that wrote them: of each place the newest.

An older value that was put back has an older version than the newest record of its place. Nothing is opened.
"""

import struct
from hashlib import sha256

from cases.ids import CASE
from service.flows.fsck.findings import Code, Find, Finding, id_of
from service.flows.fsck.tables import each
from service.flows.fsck.told import NO_ID, PLACE, UNKNOWN, WRITTEN, Told
from service.store.fsck import Table
from service.store.reader import Look
from service.store.values import Row, Value

_PIECE = 64
"""A scan or a long text has megabytes."""


async def compare_sealed(look: Look, told: Told, find: Find) -> None:
    """Finds values that are not the newest that the log commits to, that it does not know, and that are gone."""

    def see(row: Row) -> None:
        code = _judge(told, row)
        if code is not None:
            find(_finding(code, row[0], row[2], row[3]))

    if not await each(look, Table.SEALED, see, find, limit=_PIECE):
        return
    for place, written in told.sealed.items():
        if written != UNKNOWN:
            _, slot, column = PLACE.unpack(place)
            find(_finding(Code.DELETED, WRITTEN.unpack(written)[0], slot, column))


def _judge(told: Told, row: Row) -> Code | None:
    case, record, slot, column, thread, version, blob = row
    try:
        place = PLACE.pack(record, slot, column)
    except struct.error:
        return Code.CHANGED
    written = told.sealed.pop(place, None)
    if written is None:
        return None if told.records_gone else Code.PLANTED
    if written == UNKNOWN or not isinstance(version, int) or not isinstance(blob, bytes):
        return None if written == UNKNOWN else Code.CHANGED
    known_case, known_thread, known_version, known_hash = WRITTEN.unpack(written)
    if version < known_version:
        return Code.OLD
    if version > known_version and told.records_gone:
        return None
    same = (known_thread, known_version, known_hash) == (thread, version, sha256(blob).digest())
    return None if same and known_case in (case, NO_ID) else Code.CHANGED


def _finding(code: Code, case: Value, slot: Value, column: Value) -> Finding:
    named = id_of(CASE, None if case == NO_ID else case)
    place = (slot, column) if isinstance(slot, int) and isinstance(column, int) else None
    return Finding(code=code, table=Table.SEALED, ids=(named,), slot=place)
