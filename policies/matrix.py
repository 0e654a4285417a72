"""``roles.toml``: who sees which field, who may do what. Loaded strictly, once, into tables of sets.

Rules
1. Every field, piece of metadata, action and role has its row or column; nothing else has one.
2. Outside the owner, a field is readable under a consent or not at all. The file cannot say anything else.
3. An unknown word or key refuses the whole file, and says which line.
4. The digest of both files is in each log entry, so that an auditor can replay a decision.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from types import MappingProxyType

from cases.fields import Purpose, Slot
from policies.actions import OF_ONE_CASE, PUBLIC, Action
from policies.errors import PolicyError, PolicyFault, PolicyFile
from policies.lines import Document, only_keys, table_of, words_of
from policies.registry import Registry, load_registry
from policies.views import Cells, View, build_view
from policies.who import Reach, Role
from policies.words import Cell, Column, Metadata, Right, Scope, WordError, read_cell, read_right

SCHEMA = "tsunagi.roles/1"
METADATA = (
    "number",
    "open_closed",
    "own_consents",
    "own_requests",
    "sections",
    "conditions",
    "closing_reason",
    "totals",
    "other_recipients",
)
"""What is kept in clear about a case, by the names that ``metadata`` gives back."""

WRITING = frozenset({Action.LEDGER_DELIVER, Action.LEDGER_OBSERVE, Action.LEDGER_REPLY})
"""The actions that write one field: ``[writes]`` says which."""

_TOP = frozenset({"schema", "roles", "fields", "metadata", "actions", "writes"})
_COLUMNS = "columns"
_DIGEST_DOMAIN = b"TSN1-POLICY\0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """Who may see and do what, with the tables that decisions read. Made by ``load_matrix`` alone.

    scopes    which cases are there for a role
    cells     the table of fields, as written
    views     the same as sets: by column and purpose (None: no answer yet, so any purpose), then by reach
    metadata  when a column sees what is kept in clear
    rights    the table of actions, public ones included
    writes    the field that an action writes
    """

    scopes: Mapping[Role, Scope]
    cells: Cells
    views: Mapping[tuple[Column, Purpose | None], tuple[View, View, View]]
    metadata: Mapping[str, Mapping[Column, Metadata]]
    rights: Mapping[tuple[Role, Action], Right]
    writes: Mapping[Action, Slot]


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The policy in force: fields, matrix, and the SHA-256 that names both files in the log."""

    registry: Registry
    matrix: Matrix
    digest: bytes


def load_policy(fields_bytes: bytes, roles_bytes: bytes) -> Policy:
    """The policy that two files state. Raises PolicyError for the first thing in them that is wrong."""
    registry = load_registry(fields_bytes)
    matrix = load_matrix(roles_bytes, registry)
    return Policy(registry=registry, matrix=matrix, digest=policy_digest(fields_bytes, roles_bytes))


def default_policy() -> Policy:
    """The policy that ships with the project: the two files beside this module."""
    folder = resources.files("policies")
    fields = folder.joinpath(PolicyFile.FIELDS.value).read_bytes()
    return load_policy(fields, folder.joinpath(PolicyFile.ROLES.value).read_bytes())


def policy_digest(fields_bytes: bytes, roles_bytes: bytes) -> bytes:
    """SHA-256 (32 bytes) over both files, each after its length (u64 big-endian): no two pairs look alike."""
    digest = hashlib.sha256(_DIGEST_DOMAIN)
    for content in (fields_bytes, roles_bytes):
        digest.update(len(content).to_bytes(8, "big"))
        digest.update(content)
    return digest.digest()


def load_matrix(content: bytes | str, registry: Registry) -> Matrix:
    """The matrix that ``roles.toml`` states for this registry of fields.

    Raises:
        PolicyError: the first thing that is wrong, with its line and the word found there.
    """
    raw = content.encode() if isinstance(content, str) else content
    document = Document(PolicyFile.ROLES, raw)
    only_keys(document, _TOP)
    if document.values.get("schema") != SCHEMA:
        raise document.refuse(PolicyFault.WRONG_SCHEMA, "", "schema")
    scopes = _scopes(document)
    cells = _cells(document, registry)
    rights = _rights(document)
    _refuse_blind_roles(document, scopes, rights)
    return Matrix(
        scopes=MappingProxyType(scopes),
        cells=cells,
        views=_views(cells, registry),
        metadata=_metadata(document),
        rights=MappingProxyType(rights),
        writes=_writes(document, registry),
    )


def _views(
    cells: Cells, registry: Registry
) -> Mapping[tuple[Column, Purpose | None], tuple[View, View, View]]:
    views: dict[tuple[Column, Purpose | None], tuple[View, View, View]] = {}
    for column in Column:
        views[column, None] = _three_views(cells, column, registry.offered_by_any)
        for purpose in Purpose:
            views[column, purpose] = _three_views(cells, column, registry.offered[purpose])
    return MappingProxyType(views)


def _three_views(cells: Cells, column: Column, offered: frozenset[Slot]) -> tuple[View, View, View]:
    none, sent, accepted = (build_view(cells, column, reach, offered) for reach in Reach)
    return none, sent, accepted


def _scopes(document: Document) -> dict[Role, Scope]:
    table = table_of(document, "roles")
    known = {role.value: role for role in Role}
    words = {scope.value: scope for scope in Scope}
    scopes: dict[Role, Scope] = {}
    for name, word in table.items():
        if name not in known:
            raise document.refuse(PolicyFault.UNKNOWN_ROLE, "roles", name)
        if not isinstance(word, str) or word not in words:
            raise document.refuse(PolicyFault.UNKNOWN_WORD, "roles", name)
        scopes[known[name]] = words[word]
    for role in Role:
        if role not in scopes:
            raise PolicyError(
                document.file, document.line("roles"), PolicyFault.ROLE_WITHOUT_COLUMN, role.value
            )
    return scopes


def _rows(
    document: Document, table: str, columns: tuple[str, ...], absent: PolicyFault
) -> dict[str, list[str]]:
    """The rows of a table, each cell in the order of ``columns``, whatever the order in the file."""
    values = table_of(document, table)
    if _COLUMNS not in values:
        raise document.refuse(PolicyFault.MISSING_KEY, table, _COLUMNS)
    heads = words_of(document, values.pop(_COLUMNS), table, _COLUMNS)
    if not set(heads) <= set(columns) or len(set(heads)) != len(heads):
        raise document.refuse(PolicyFault.UNKNOWN_COLUMN, table, _COLUMNS)
    for column in columns:
        if column not in heads:
            raise PolicyError(document.file, document.line(table, _COLUMNS), absent, column)
    rows: dict[str, list[str]] = {}
    for key, value in values.items():
        words = words_of(document, value, table, key)
        if len(words) != len(heads):
            raise document.refuse(PolicyFault.WRONG_WIDTH, table, key)
        rows[key] = [words[heads.index(column)] for column in columns]
    return rows


def _complete(
    document: Document,
    table: str,
    rows: dict[str, list[str]],
    known: tuple[str, ...],
    faults: tuple[PolicyFault, PolicyFault],
) -> None:
    """Refuses a row that nothing stands for (first fault), and a thing without its row (second fault)."""
    for key in rows:
        if key not in known:
            raise document.refuse(faults[0], table, key)
    for key in known:
        if key not in rows:
            raise PolicyError(document.file, document.line(table), faults[1], key)


def _cells(document: Document, registry: Registry) -> Cells:
    columns = tuple(column.value for column in Column)
    rows = _rows(document, "fields", columns, PolicyFault.COLUMN_MISSING)
    codes = tuple(str(field.code) for field in registry.fields)
    _complete(document, "fields", rows, codes, (PolicyFault.UNKNOWN_FIELD, PolicyFault.FIELD_WITHOUT_ROW))
    return MappingProxyType(
        {field.slot: _cells_of_row(document, str(field.code), rows[field.code]) for field in registry.fields}
    )


def _cells_of_row(document: Document, code: str, row: list[str]) -> Mapping[Column, Cell]:
    try:
        return MappingProxyType(
            {column: read_cell(column, word) for column, word in zip(Column, row, strict=True)}
        )
    except WordError as error:
        raise document.refuse(error.what, "fields", code) from None


def _metadata(document: Document) -> Mapping[str, Mapping[Column, Metadata]]:
    columns = tuple(column.value for column in Column)
    rows = _rows(document, "metadata", columns, PolicyFault.COLUMN_MISSING)
    _complete(
        document, "metadata", rows, METADATA, (PolicyFault.UNKNOWN_METADATA, PolicyFault.METADATA_WITHOUT_ROW)
    )
    words = {word.value: word for word in Metadata}
    table: dict[str, Mapping[Column, Metadata]] = {}
    for name in METADATA:
        if not words.keys() >= set(rows[name]):
            raise document.refuse(PolicyFault.UNKNOWN_WORD, "metadata", name)
        table[name] = MappingProxyType({c: words[w] for c, w in zip(Column, rows[name], strict=True)})
    return MappingProxyType(table)


def _rights(document: Document) -> dict[tuple[Role, Action], Right]:
    rows = _rows(document, "actions", tuple(role.value for role in Role), PolicyFault.ROLE_WITHOUT_COLUMN)
    listed = tuple(action.value for action in Action if action not in PUBLIC)
    _complete(document, "actions", rows, listed, (PolicyFault.UNKNOWN_ACTION, PolicyFault.ACTION_WITHOUT_ROW))
    rights = {(role, action): Right() for role in Role for action in PUBLIC}
    for name in listed:
        for role, word in zip(Role, rows[name], strict=True):
            try:
                rights[role, Action(name)] = read_right(word)
            except WordError as error:
                raise document.refuse(error.what, "actions", name) from None
    return rights


def _refuse_blind_roles(
    document: Document, scopes: Mapping[Role, Scope], rights: Mapping[tuple[Role, Action], Right]
) -> None:
    """A role for which no case is there may do nothing in one, but look at who looked (``tree``)."""
    for (role, action), right in rights.items():
        inside = action in OF_ONE_CASE and not right.never and not right.tree
        if inside and scopes[role] is Scope.NONE:
            raise PolicyError(
                document.file,
                document.line("actions", action.value),
                PolicyFault.ROLE_WITHOUT_COLUMN,
                role.value,
            )


def _writes(document: Document, registry: Registry) -> Mapping[Action, Slot]:
    table = table_of(document, "writes")
    writes: dict[Action, Slot] = {}
    for name, code in table.items():
        if name not in {action.value for action in WRITING}:
            raise document.refuse(PolicyFault.UNKNOWN_ACTION, "writes", name)
        field = registry.by_code.get(code) if isinstance(code, str) else None
        if field is None:
            raise document.refuse(PolicyFault.UNKNOWN_FIELD, "writes", name)
        writes[Action(name)] = field.slot
    for action in sorted(WRITING):
        if action not in writes:
            raise PolicyError(
                document.file, document.line("writes"), PolicyFault.ACTION_WITHOUT_ROW, action.value
            )
    return MappingProxyType(writes)
