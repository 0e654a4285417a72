"""The golden access matrix: everybody × every operation × every kind of object, each answer checked and compared."""

from collections.abc import Callable, Iterator

import pytest

from service.app import create_app
from tests.matrix import golden
from tests.matrix.operations import OPERATIONS
from tests.matrix.people import PRINCIPALS, Principal
from tests.matrix.town import Town, build_town, titles
from tests.matrix.walk import Walk
from tests.service.world import Template, World

Record = Callable[[str, object], None]


@pytest.fixture(scope="module")
def town(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """The town with one object of each kind."""
    made = build_town(template, tmp_path_factory.mktemp("matrix"))
    yield made
    made.end()


@pytest.mark.slow
@pytest.mark.parametrize("principal", PRINCIPALS, ids=lambda one: one.name)
def test_each_answer_is_permitted_and_as_the_golden_file_says(
    town: Town, principal: Principal, record_property: Record
) -> None:
    """Nobody is shown, told or let do anything but what is written, and every look has its entry.

    First every answer is checked against the model of roles and fields (no value, no reason, no word too many;
    one form of 404; no 5xx, nothing undocumented; an entry that names what is shown), then against the file.
    """
    walk = Walk(principal, town).run()
    assert walk.wrong == []
    assert golden.differences(walk) == []
    record_property("matrix_cells", sum(map(len, walk.cells.values())))


def test_the_matrix_has_every_operation_of_the_api(world: World) -> None:
    """A route that the matrix does not walk fails here: what is not listed is not checked."""
    app = create_app(world.house)
    routes = {
        (method, route.path)
        for route in app.routes
        for method in getattr(route, "methods", ())
        if method not in ("OPTIONS", "HEAD") and not route.path.startswith("/schema")
    }
    assert routes == {(operation.method, operation.route) for operation in OPERATIONS}


def test_the_matrix_walks_every_kind_of_row_of_the_ledger() -> None:
    """Deliveries, observations, replies and corrections are rights of their own."""
    wanted = {
        "write a delivery",
        "write an observation",
        "write a reply",
        "correct the delivery",
        "correct the reply",
    }
    assert wanted <= {operation.name for operation in OPERATIONS}


def test_the_golden_file_is_whole() -> None:
    """At least 10,000 cells, 14 principals and 12 kinds of object stand in the file."""
    cells = golden.count_cells()
    assert set(cells) == {principal.name for principal in PRINCIPALS} and len(cells) >= 14
    assert sum(cells.values()) >= 10_000
    assert len(golden.read()["objects"]) - 1 >= 12


@pytest.mark.slow
def test_the_legend_names_the_objects_that_are_walked(town: Town) -> None:
    """The codes in the file are those of the town."""
    assert golden.read()["objects"] == golden.legend(titles(town))
