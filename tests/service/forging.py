"""What somebody does who can write the database's file and the notary's folder: triggers and all."""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager

from audit.event import Event
from audit.tiles import WIDTH, completed_tiles, tile_data
from audit.tree import EMPTY, append, leaf_hash
from cases.ids import OrganisationId
from service.flows.console import record
from service.store import organisations
from service.store.engine import Transaction
from service.store.log import tile_id
from service.store.trees import TreeRow
from service.store.writer import Done
from tests.service.world import World


@contextmanager
def without_triggers(world: World) -> Iterator[sqlite3.Connection]:
    """A connection on which nothing is refused; the triggers stand again afterwards, as if nothing had been."""
    with closing(sqlite3.connect(world.settings.database)) as connection, connection:
        made = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in made:
            connection.execute(f"DROP TRIGGER {name}")
        yield connection
        for _, sql in made:
            connection.execute(sql)


def forge(world: World, *statements: str) -> None:
    """Writes past the triggers."""
    with without_triggers(world) as connection:
        for statement in statements:
            connection.execute(statement)


def grow(world: World, tree: TreeRow, count: int) -> None:
    """Entries of no importance at the end of a log."""

    async def job(tx: Transaction) -> Done[None]:
        operated = await organisations.instance(tx)
        assert operated is not None
        operator: OrganisationId = operated.operator
        records = [record(world.house, tree.number, Event.SYSTEM_START, operator) for _ in range(count)]
        return Done(outcome=None, records=tuple(records))

    world.run(world.house.commit(job))


def another(world: World, tree: TreeRow, index: int) -> str:
    """The text of an entry as a forger would write it: whole and canonical, and by somebody else."""
    leaf = str(world.sql("SELECT leaf FROM entry WHERE tree = ? AND idx = ?", tree.number, index)[0][0])
    id = str(json.loads(leaf)["id"])
    return leaf.replace(id, id[::-1])


def rewrite(world: World, tree: TreeRow, leaves: Mapping[int, str]) -> None:
    """Puts other texts in the place of entries and makes everything fit: hashes, tiles, head; later checkpoints go."""
    rows = world.sql("SELECT leaf FROM entry WHERE tree = ? ORDER BY idx", tree.number)
    texts = [leaves.get(at, str(row[0])) for at, row in enumerate(rows)]
    hashes = [leaf_hash(text.encode("ascii")) for text in texts]
    frontier = append(EMPTY, hashes)
    with without_triggers(world) as connection:
        for at, text in leaves.items():
            changed = (text, hashes[at], (tree.number << 40) | at)
            connection.execute("UPDATE entry SET leaf = ?, leaf_hash = ? WHERE id = ?", changed)
        for tile in completed_tiles(0, len(hashes)):
            assert tile.level == 0, "a log of more entries than a test writes"
            data = tile_data(hashes[tile.number * WIDTH : (tile.number + 1) * WIDTH])
            place = tile_id(tree.number, tile.level, tile.number)
            connection.execute("UPDATE tile SET data = ? WHERE id = ?", (data, place))
        connection.execute(
            "UPDATE head SET root = ?, frontier = ? WHERE tree = ?",
            (frontier.root, frontier.encode(), tree.number),
        )
        connection.execute(
            "DELETE FROM checkpoint WHERE id > ? AND id < ?",
            ((tree.number << 40) | min(leaves), (tree.number + 1) << 40),
        )
