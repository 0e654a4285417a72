"""The witness and the real service, each as a process: what the one serves the other cosigns, and takes in again."""

import os
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from audit.checkpoint import open_checkpoint, open_note, read_key
from service.cli.main import main
from tests.audit.bundles import WITNESS, WITNESS_VKEY
from tests.cli.test_serve import environment, free_port, serving
from tests.cli.town import COLLABORATION, begin, settings_in
from tests.cli.witness.desk import Desk

ROOT = Path(__file__).resolve().parents[3]


def console(folder: Path, *words: str) -> str:
    """What a command of the operator prints."""
    command = [sys.executable, "-m", "service.cli", *words]
    given = {**os.environ, **environment(folder, 1)}
    done = subprocess.run(command, cwd=ROOT, env=given, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def new(folder: Path) -> Path:
    folder.mkdir()
    return folder


def word_behind(name: str, text: str) -> str:
    """What a command printed behind a name."""
    found = re.search(rf"^{name} (\S+)$", text, re.MULTILINE)
    assert found is not None
    return found[1]


def test_the_service_and_its_witness_understand_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Key and token go over the console; the round ends in a checkpoint that the service shows cosigned."""
    city, desk, port = tmp_path / "city", Desk(new(tmp_path / "desk")), free_port()
    begin(settings_in(city))
    monkeypatch.setenv("TSUNAGI_NOTARY", str(settings_in(city).notary))
    exported = console(city, "log", "export", str(tmp_path / "bundle"), "--tree", COLLABORATION)
    added = console(city, "log", "witness", WITNESS_VKEY, "--tree", COLLABORATION)
    vkey, token = word_behind("key", exported), word_behind("token", added)
    key, url = read_key(vkey), f"http://127.0.0.1:{port}"
    (desk.folder / "token").write_text(token)
    (desk.folder / "token").chmod(0o400)
    desk.write(f'[[log]]\nvkey = "{vkey}"\nurl = "{url}"\ntoken_file = "token"\n')
    desk.begin()
    with serving(city, port):
        assert main(["witness", "--config", str(desk.config), "--once"]) == 0
        assert main(["witness", "--config", str(desk.config), "--once"]) == 0
        tree = key.name.partition("/")[2]
        headers = {"authorization": f"Bearer {token}"}
        shown = httpx.get(f"{url}/log/{tree}/checkpoint", headers=headers, trust_env=False).text
    assert open_checkpoint(shown, key).size > 0
    assert {one.key for one in open_note(shown, [key, WITNESS.verifier()]).signatures} == {
        key,
        WITNESS.verifier(),
    }
