"""The pages say what is: undocumented is red, and so is a page that names what is not there."""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from audit import codes as log_codes
from consent import codes as consent_codes
from crypto.context import ROW_DOMAINS
from policies.actions import PUBLIC, Action
from service.api import HANDLERS
from service.cli.arguments import Command, make_parser
from service.edge import Refusal
from service.problems import HTTP_KINDS, INTERNAL, KINDS
from service.settings import Settings
from service.store.macs import Marked
from tests.house.rules import REGISTRIES

ROOT = Path(__file__).resolve().parents[2]
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
WANTED = (
    "README.md",
    "SECURITY.md",
    "CHANGELOG.md",
    "docs/house.md",
    "docs/keys.md",
    "docs/formats.md",
    "docs/glossary.md",
    "docs/problems.md",
    "docs/soundness.md",
    "docs/threat-model.md",
    "docs/add-an-endpoint.md",
)
PACKAGES = ("audit", "cases", "consent", "crypto", "policies", "service")
LINK = re.compile(r"\]\(([^)\s]+)\)")
CITED = re.compile(r"(tests/[\w/]+\.py)::(test_\w+)")
NAMED = re.compile(r"`((?:audit|cases|consent|crypto|policies|service|tests|docs)/[\w./-]*)`")
MADE = re.compile(r"\bmake ([a-z.][\w./]*)")
SAID = re.compile(r"\btsunagi ((?:[a-z]+ )?[a-z]+)")


QUOTED = re.compile(r"\((formats|keys)\.md, \"?`*([\w' ]+)")
"""A section that a docstring of the product cites."""


def page(path: str) -> str:
    """The text of a page."""
    return (ROOT / path).read_text("utf-8")


def name(path: Path) -> str:
    """A page's path from the root, for a test's name."""
    return path.relative_to(ROOT).as_posix()


def code_blocks(text: str) -> str:
    """What stands in a page's code blocks, where commands are."""
    return "\n".join(re.findall(r"^```\w*\n(.*?)^```", text, re.DOTALL | re.MULTILINE))


@pytest.mark.parametrize("path", WANTED)
def test_every_page_is_there(path: str) -> None:
    """A page that others lean on exists and says something."""
    assert len(page(path).splitlines()) > 10


def test_the_verifier_of_the_release_has_its_digest_in_the_changelog() -> None:
    """Whoever gets `verify.py` from the judged can compare it with what was released."""
    digest = hashlib.sha256((ROOT / "audit" / "standalone.py").read_bytes()).hexdigest()
    assert f"SHA-256 of `verify.py`, the verifier as one file, in this release:\n`{digest}`" in page(
        "CHANGELOG.md"
    )


def test_every_kind_of_problem_is_documented() -> None:
    """Each type of problem, of the flows and of the edge, has its line with its status in problems.md."""
    text = page("docs/problems.md")
    flows, edge = text.split("## From the edge")
    kinds = {(kind.word, kind.status) for kind in (*KINDS.values(), *HTTP_KINDS.values(), INTERNAL)}
    assert [kind for kind in sorted(kinds) if f"| `{kind[0]}` | {kind[1]} |" not in flows] == []
    refused = [(one.code, one.status) for one in Refusal]
    assert [one for one in refused if f"| `{one[0]}` | {one[1]} |" not in edge] == []


def test_no_kind_of_problem_is_invented() -> None:
    """A type that stands in problems.md is one that the service answers."""
    told = set(re.findall(r"^\| `(\w+)` \| \d{3} \|", page("docs/problems.md"), re.MULTILINE))
    known = {kind.word for kind in (*KINDS.values(), *HTTP_KINDS.values(), INTERNAL)}
    assert told - known - {one.code for one in Refusal} == set()


def lines_of_events() -> dict[str, str]:
    """What formats.md says of each event: ``now`` or ``later``."""
    table = page("docs/formats.md").partition("### Events\n")[2].partition("\n## ")[0]
    return dict(re.findall(r"^\| `([a-z.]+)` \| [^|]+ \| (now|later) \|$", table, re.MULTILINE))


def test_every_code_of_the_log_is_documented() -> None:
    """Each event, reason, role, purpose, channel and flag of a leaf stands in formats.md; an event has a line."""
    text = page("docs/formats.md")
    events = [event.value for event in log_codes.Event if event.value not in lines_of_events()]
    lists = (log_codes.Reason, log_codes.Role, log_codes.Purpose, log_codes.Via, log_codes.Flag)
    others = [code.value for codes in lists for code in codes if f"`{code.value}`" not in text]
    assert (events, others) == ([], [])


def test_an_event_is_called_later_only_while_nothing_writes_it() -> None:
    """What formats.md says of an event, now or later, is what the service does."""
    source = "\n".join(path.read_text("utf-8") for path in (ROOT / "service").rglob("*.py"))
    written = set(re.findall(r"Event\.([A-Z_]+)\b", source))
    told = lines_of_events()
    for event in log_codes.Event:
        assert told[event.value] == ("now" if event.name in written else "later"), event


def test_a_row_mac_is_called_reserved_only_while_no_row_carries_it() -> None:
    """The domains that formats.md calls reserved are those that no table is marked with."""
    table = page("docs/formats.md").partition("## 14. Row MAC")[2].partition("\n## ")[0]
    line = next(line for line in table.splitlines() if "reserved" in line)
    reserved = {domain.encode() + b"\0" for domain in re.findall(r"`(TSN1-ROW-[A-Z]+)`", line)}
    assert reserved == ROW_DOMAINS - {marked.value for marked in Marked}


def test_every_code_of_a_consent_is_documented() -> None:
    """Each code of a consent event stands in formats.md with its number."""
    text = page("docs/formats.md")
    kinds = [one for one in vars(consent_codes).values() if isinstance(one, type)]
    lists = [
        kind for kind in kinds if issubclass(kind, consent_codes.Code) and kind is not consent_codes.Code
    ]
    assert len(lists) == 9
    for kind in lists:
        assert ", ".join(f"{code.value} {code.word}" for code in kind) in text


def test_every_route_stands_in_the_house_with_its_action() -> None:
    """The table of routes in house.md is the app's: each route, its action, and no other."""
    text = page("docs/house.md")
    routes = {
        (f"{method} {re.sub(r':[a-z]+', '', path)}", handler.opt["action"].value)
        for handler in HANDLERS
        for path in handler.paths
        for method in handler.http_methods
    }
    told = set(re.findall(r"^\| `([A-Z]+ /(?:api|log)[^`]*)` \| `([a-z:]+)` \|", text, re.MULTILINE))
    assert told == routes


def test_every_action_is_named() -> None:
    """Each action stands in house.md, and in roles.toml unless it is public."""
    text, roles = page("docs/house.md"), page("policies/roles.toml")
    assert [action.value for action in Action if f"`{action.value}`" not in text] == []
    assert {action for action in Action if f'"{action.value}"' not in roles} == PUBLIC


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_every_link_leads_somewhere(path: Path) -> None:
    """A relative link of a page resolves inside the project."""
    for target in LINK.findall(path.read_text("utf-8")):
        if "://" not in target:
            found = (path.parent / target.partition("#")[0]).resolve()
            assert found.exists() and found.is_relative_to(ROOT), f"{name(path)}: {target}"


def test_what_the_code_cites_of_the_formats_is_there() -> None:
    """A section of formats.md or keys.md that a docstring names stands on that page."""
    cited = {
        (page_name, section.strip().lower())
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
        for page_name, section in QUOTED.findall(path.read_text("utf-8"))
    }
    assert len(cited) >= 10
    pages = {one: page(f"docs/{one}.md").lower() for one in ("formats", "keys")}
    assert [one for one in sorted(cited) if one[1] not in pages[one[0]]] == []


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_a_place_within_a_page_is_there(path: Path) -> None:
    """A link to a heading of the same page leads to one."""
    text = path.read_text("utf-8")
    heads = {
        re.sub(r"[^\w -]", "", head).lower().replace(" ", "-")
        for head in re.findall(r"^#+ (.+)$", text, re.M)
    }
    assert {target[1:] for target in LINK.findall(text) if target.startswith("#")} <= heads


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_what_a_page_names_is_there(path: Path) -> None:
    """A file or a test that a page names exists; a folder is named with its slash."""
    text = path.read_text("utf-8")
    for file in NAMED.findall(text):
        assert (ROOT / file).exists(), f"{name(path)}: {file}"
    for file, test in CITED.findall(text):
        assert (ROOT / file).is_file(), f"{name(path)}: {file}"
        assert f"def {test}(" in page(file), f"{name(path)}: {file}::{test}"


def test_every_command_of_the_readme_is_one() -> None:
    """What README tells to type exists: targets of the Makefile, commands of the command line, settings."""
    text = page("README.md")
    targets = set(re.findall(r"^([\w./]+):", page("Makefile"), re.MULTILINE))
    assert set(MADE.findall(code_blocks(text))) - targets == set()
    assert {"demo", "test", "check", "bench", "seeded"} <= set(MADE.findall(code_blocks(text)))
    commands = {command.value for command in Command}
    said = set(SAID.findall(text))
    assert {words for words in said if words not in commands and words.split()[0] not in commands} == set()
    assert {command for command in commands - {"demo"} if f"tsunagi {command}" not in text} == set()
    known = {f"TSUNAGI_{setting.upper()}" for setting in Settings.__dataclass_fields__}
    assert set(re.findall(r"TSUNAGI_[A-Z_]+", text)) <= known


def lines_of_readme() -> Iterator[list[str]]:
    """The words of each ``tsunagi`` line in README's code blocks, options and all."""
    for line in code_blocks(page("README.md")).splitlines():
        found = re.match(r"\.venv/bin/tsunagi (.+?)(?: {2,}.*)?$", line)
        if found is not None:
            yield [part.strip('"') for part in re.findall(r'"[^"]*"|\S+', found[1])]


def test_the_readmes_commands_parse() -> None:
    """Each command of the installation is understood as it stands."""
    lines = list(lines_of_readme())
    assert len(lines) >= 8
    for words in lines:
        assert isinstance(make_parser().parse_args(words).command, Command)


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_must_stands_in_the_formats_only(path: Path) -> None:
    """The word for a demand on bytes is kept for the page of bytes."""
    if name(path) != "docs/formats.md":
        assert re.search(r"\bMUST\b", path.read_text("utf-8")) is None


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_no_page_names_a_registry(path: Path) -> None:
    """Where packages come from is the machine's own setting."""
    assert [host for host in REGISTRIES if host in path.read_text("utf-8")] == []


@pytest.mark.parametrize("path", DECISIONS, ids=name)
def test_every_decision_names_the_check_that_keeps_it(path: Path) -> None:
    """A decision page is dated, numbered, and ends in a list of checks, each with a test that exists."""
    text = path.read_text("utf-8")
    assert text.startswith(f"# {path.name[:4]} ")
    assert re.search(r"^\d{4}-\d\d-\d\d$", text, re.MULTILINE) is not None
    for part in ("## Decided", "## Because", "## Price", "## Kept by"):
        assert f"\n{part}\n\n" in text
    checks = text.partition("## Kept by\n\n")[2].splitlines()
    assert checks and all(CITED.search(check) is not None for check in checks)


def test_decisions_are_numbered_without_a_gap() -> None:
    """Each number stands once."""
    assert [path.name[:4] for path in DECISIONS] == [f"{n:04}" for n in range(1, len(DECISIONS) + 1)]
    assert len(DECISIONS) >= 15


def test_every_dependency_has_its_reason() -> None:
    """Each package that is asked for stands in decision 0001; so does no other."""
    text = page("docs/decisions/0001-dependencies.md")
    asked = {
        line.strip()
        for path in (ROOT / "requirements").glob("*.in")
        for line in path.read_text("utf-8").splitlines()
        if line.strip() and not line.startswith(("-", "#"))
    }
    rows = re.findall(r"^\| ((?:`[\w-]+`(?:, )?)+) \|", text, re.MULTILINE)
    told = {package for row in rows for package in re.findall(r"`([\w-]+)`", row)}
    assert told == asked
