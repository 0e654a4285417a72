"""The witness's file is read strictly: what is not understood, or not safe, refuses it with one sentence."""

from pathlib import Path

import pytest

from crypto.notes import public_of, write_vkey
from service.cli.witness.config import Pull, Serving, read_config
from service.cli.witness.errors import StartError
from tests.audit.bundles import WITNESS, WITNESS_VKEY
from tests.audit.examples import ORIGIN, SEED, VKEY

WHOLE = f"""
name = "{WITNESS.name}"
key = "keys/witness.key"
store = "/var/lib/tsunagi-witness"
out = "out"

[[log]]
vkey = "{VKEY}"
url = "https://tsunagi.city.example/"
token_file = "token"
every = 5
one_way = true

[[log]]
vkey = "{write_vkey("log.tsunagi.example/test/2", public_of(SEED))}"
url = "http://127.0.0.1:8000"
token_file = "/etc/token"

[[log]]
vkey = "{write_vkey("log.other.example", public_of(SEED))}"

[serve]
port = 8600
"""


def read(folder: Path, text: str | bytes) -> str:
    """Empty where the file is taken, else why not."""
    path = folder / "witness.toml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    try:
        read_config(path)
    except StartError as error:
        assert error.path == path
        assert "\n" not in error.why
        return error.why
    return ""


def test_what_a_whole_file_says(tmp_path: Path) -> None:
    """Every key has its meaning; a path without a slash in front lies beside the file."""
    path = tmp_path / "witness.toml"
    path.write_text(WHOLE)
    found = read_config(path)
    assert (found.name, found.key) == (WITNESS.name, tmp_path / "keys" / "witness.key")
    assert (found.store, found.out) == (Path("/var/lib/tsunagi-witness"), tmp_path / "out")
    assert found.serve == Serving(host="127.0.0.1", port=8600)
    assert [log.key.name for log in found.logs] == [ORIGIN, f"{ORIGIN}/2", "log.other.example"]
    assert [log.pull for log in found.logs] == [
        Pull(
            url="https://tsunagi.city.example",
            tree="test",
            token=tmp_path / "token",
            every=5,
            out=tmp_path / "out",
        ),
        Pull(url="http://127.0.0.1:8000", tree="test.2", token=Path("/etc/token"), every=60, out=None),
        None,
    ]


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('out = "out"', 'output = "out"', "`output`"),
        ("every = 5", "evry = 5", "`evry` - at `$.log[0]`"),
        ("port = 8600", "prt = 8600", "`prt` - at `$.serve`"),
        ("port = 8600", "port = 0", "`$.serve.port`"),
        ("port = 8600", 'port = "8600"', "`$.serve.port`"),
        ("every = 5", "every = 0", "`$.log[0].every`"),
        ("every = 5", "every = 2.5", "`$.log[0].every`"),
        ("one_way = true", 'one_way = "yes"', "`$.log[0].one_way`"),
        ("[serve]", "[server]", "`server`"),
        ("[serve]", "[[serve]]", "`$.serve`"),
        ('key = "keys/witness.key"', "", "`key`"),
        ('store = "/var/lib/tsunagi-witness"', "", "`store`"),
        (f'name = "{WITNESS.name}"', 'name = "two words"', "`name`"),
        (f'name = "{WITNESS.name}"', 'name = "a+b"', "`name`"),
        ("every = 5", "every = ", "line 11"),
        ("every = 5", "every = 5\nevery = 6", "line 12"),
        ("every = 5", "\x00", "line 11"),
        (VKEY, VKEY[:-1], "number 1: `vkey`"),
        (VKEY, WITNESS_VKEY, "number 1: `vkey` is the key of a witness"),
        (VKEY, write_vkey("log.other.example", public_of(SEED)), "number 1: the origin"),
        (VKEY, write_vkey("log.other.example/../x", public_of(SEED)), "number 1: the origin"),
        (VKEY, write_vkey("log.other.example/a?b", public_of(SEED)), "number 1: the origin"),
        (VKEY, write_vkey("log.tsunagi.example/test/2", public_of(SEED)), "same origin"),
        ('token_file = "token"', "", "number 1: `url` needs a `token_file`"),
        ('url = "https://tsunagi.city.example/"', "", "number 1: `token_file` and `one_way`"),
        ('out = "out"', "", "number 1: `one_way` needs the folder `out`"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(tmp_path: Path, old: str, new: str, named: str) -> None:
    """An unknown or missing key, another type, a key that is none: refused, with the key or the line."""
    assert read(tmp_path, WHOLE) == ""
    assert old in WHOLE
    assert named in read(tmp_path, WHOLE.replace(old, new))


@pytest.mark.parametrize(
    "url",
    [
        "http://tsunagi.city.example",
        "http://127.0.0.1.city.example",
        "http://localhost@city.example",
        "https://user:word@city.example",
        "https://city.example/path",
        "https://city.example?a=b",
        "https://city.example#a",
        "https://city.example:0",
        "https://city.example:99999",
        "https://",
        "https:///log",
        "ftp://city.example",
        "file:///etc/passwd",
        "city.example",
        "https://city.example\\n.other.example",
        "https://市.example",
        "",
    ],
)
def test_a_token_goes_over_tls_to_a_plain_host(tmp_path: Path, url: str) -> None:
    """Anything but https:// and a host is refused; plain HTTP is for this machine alone."""
    assert "`url`" in read(tmp_path, WHOLE.replace("https://tsunagi.city.example/", url))


@pytest.mark.parametrize("url", ["http://localhost:80", "http://[::1]:8000", "https://city.example:8443"])
def test_a_host_may_have_a_port(tmp_path: Path, url: str) -> None:
    """Loopback by any of its names, and a port, are fine."""
    assert read(tmp_path, WHOLE.replace("https://tsunagi.city.example/", url)) == ""


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    """Bytes that are not UTF-8 are named by their line; a file too long, or none, is refused."""
    assert "UTF-8 in line 2" in read(tmp_path, b"# \n\xff\n")
    assert "too long" in read(tmp_path, "#" * 70_000)
    with pytest.raises(StartError) as caught:
        read_config(tmp_path / "missing.toml")
    assert "cannot be read" in caught.value.why
