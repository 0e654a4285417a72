"""The two files of the policy that ships, as texts, and changes to them."""

from importlib import resources

FIELDS = resources.files("policies").joinpath("fields.toml").read_text(encoding="utf-8")
ROLES = resources.files("policies").joinpath("roles.toml").read_text(encoding="utf-8")


def changed(text: str, old: str, new: str) -> str:
    """The text with the only place of ``old`` replaced."""
    assert text.count(old) == 1, old
    return text.replace(old, new)


def line_of(text: str, part: str) -> int:
    """The line, from 1, in which a part stands first."""
    return text[: text.index(part)].count("\n") + 1
