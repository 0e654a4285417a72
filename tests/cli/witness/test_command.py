"""``tsunagi witness`` as a technician types it: what must hold before it starts, and the process itself."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest

from audit.checkpoint import open_checkpoint, open_note, read_key
from audit.witness import write_request
from crypto.notes import COSIGNATURE, ED25519, SignerKey
from service.cli.main import main
from tests.audit.bundles import WITNESS, WITNESS_VKEY
from tests.audit.examples import VKEY
from tests.cli.witness.city import City, log_of
from tests.cli.witness.desk import LOG_KEY, Desk, request_of

ROOT = Path(__file__).resolve().parents[3]
Captured = pytest.CaptureFixture[str]


def one_line(capsys: Captured) -> str:
    """The one line of standard error."""
    said = capsys.readouterr().err
    assert said.startswith("tsunagi: ")
    assert said.count("\n") == 1
    return said


def every_byte(desk: Desk) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in desk.folder.rglob("*") if path.is_file()}


def test_init_makes_key_and_store_and_prints_the_verifier_key(desk: Desk, capsys: Captured) -> None:
    """The key is the owner's alone to read; standard output is the verifier key and nothing else."""
    assert desk.run(init=True) == 0
    assert capsys.readouterr().out == f"{WITNESS_VKEY}\n"
    assert desk.key.stat().st_mode & 0o777 == 0o400
    assert SignerKey.read_text(desk.key.read_text().rstrip("\n")) == WITNESS
    assert desk.store().kept(LOG_KEY.name) is None
    assert desk.out.is_dir()


def test_init_overwrites_nothing(desk: Desk, capsys: Captured) -> None:
    """With a key, or a store, or only a dangling link in their place: code 1, the file named, no byte changed."""
    desk.begin()
    before = every_byte(desk)
    capsys.readouterr()
    assert desk.run(init=True) == 1
    assert str(desk.key) in one_line(capsys)
    desk.key.rename(desk.folder / "away")
    assert desk.run(init=True) == 1
    assert str(desk.folder_of_store) in one_line(capsys)
    desk.key.symlink_to("nowhere")
    assert desk.run(init=True) == 1
    desk.key.unlink()
    (desk.folder / "away").rename(desk.key)
    assert every_byte(desk) == before


def test_an_init_that_fails_leaves_no_key(desk: Desk) -> None:
    """Where the store cannot be made there is no key without one."""
    desk.config.write_text(desk.config.read_text().replace('store = "store"', 'store = "witness.toml/store"'))
    assert desk.run(init=True) == 1
    assert not desk.key.exists()


def test_two_witnesses_have_two_keys(tmp_path: Path, capsys: Captured) -> None:
    """Typed twice, in two folders, `--init` prints two verifier keys of cosignatures."""
    printed = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        assert main(["witness", "--config", str(Desk(tmp_path / name).config), "--init"]) == 0
        printed.append(capsys.readouterr().out.rstrip("\n"))
    keys = [read_key(one) for one in printed]
    assert keys[0].public != keys[1].public
    assert {(one.name, one.algorithm) for one in keys} == {(WITNESS.name, COSIGNATURE)}


def replace(path: Path, text: str, mode: int = 0o400) -> None:
    path.chmod(0o600)
    path.write_text(text)
    path.chmod(mode)


@pytest.mark.parametrize("mode", [0o404, 0o444, 0o420, 0o402])
def test_a_key_or_token_that_others_can_read_or_change_is_refused(
    city: City, desk: Desk, capsys: Captured, mode: int
) -> None:
    """Secrets are their owner's alone; the city is not even asked."""
    desk.watch(city)
    for path in (desk.key, desk.folder / "token"):
        path.chmod(mode)
        assert desk.once() == 1
        assert "chmod 0400" in one_line(capsys)
        path.chmod(0o400)
    assert city.asked == []


OTHER_NAME = SignerKey(name="npo.example/w2", algorithm=COSIGNATURE, seed=b"\x02" * 32)
LOGS_KEY = SignerKey(name=WITNESS.name, algorithm=ED25519, seed=b"\x02" * 32)
OTHER_KEY = SignerKey(name=WITNESS.name, algorithm=COSIGNATURE, seed=b"\x07" * 32)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is no witness's key"),
        (WITNESS.write_unsafe_text()[:-1], "is no witness's key"),
        (WITNESS_VKEY, "is no witness's key"),
        ("\x00鍵", "is no witness's key"),
        (OTHER_NAME.write_unsafe_text(), "is not the key of npo.example/w1"),
        (LOGS_KEY.write_unsafe_text(), "is not the key of npo.example/w1"),
        (OTHER_KEY.write_unsafe_text(), "the store is of another key"),
    ],
)
def test_another_key_does_not_start(city: City, desk: Desk, capsys: Captured, text: str, said: str) -> None:
    """Damaged, public, of another name or kind, or not the one whose store this is."""
    desk.watch(city)
    capsys.readouterr()
    replace(desk.key, text)
    assert desk.once() == 1
    assert said in one_line(capsys)
    assert city.asked == []


def test_a_missing_store_does_not_start(city: City, desk: Desk, capsys: Captured) -> None:
    """A witness that lost its store is retired; it does not begin again."""
    city.show(log_of(3))
    desk.watch(city).once()
    desk.folder_of_store.rename(desk.folder / "away")
    capsys.readouterr()
    assert desk.once() == 1
    assert "must be retired" in one_line(capsys)
    assert len(city.asked) == 1


def test_a_damaged_note_does_not_start(city: City, desk: Desk, capsys: Captured) -> None:
    """Nor does one whose kept note does not hold."""
    city.show(log_of(3))
    desk.watch(city).once()
    desk.note.write_bytes(desk.note.read_bytes()[:-9])
    capsys.readouterr()
    assert desk.once() == 1
    assert "damaged" in one_line(capsys)


@pytest.mark.parametrize("once", [True, False])
def test_a_witness_without_work_does_not_start(desk: Desk, capsys: Captured, once: bool) -> None:
    """No log to ask and nowhere to be asked: said at once."""
    desk.begin()
    capsys.readouterr()
    assert desk.run(once=once) == 1
    assert "`url`" in one_line(capsys)
    desk.write(" ", serve="[serve]\nport = 8600\n")
    assert desk.run(once=once) == 1
    assert "[[log]]" in one_line(capsys)


@pytest.mark.parametrize("given", [[], ["--config", "x", "--once", "--init"], ["--config", "x", "--loud"]])
def test_wrong_usage_is_code_2(given: list[str]) -> None:
    """The configuration is always named; making and asking are two things."""
    with pytest.raises(SystemExit) as caught:
        main(["witness", *given])
    assert caught.value.code == 2


def tsunagi(*words: str) -> list[str]:
    return [sys.executable, "-m", "service.cli", "witness", *words]


def test_a_round_as_a_process(city: City, desk: Desk) -> None:
    """As the timer starts it: 0 and a line where all is well, 1 and a line where the log went back."""
    city.show(log_of(300))
    desk.watch(city)
    command = tsunagi("--config", str(desk.config), "--once")
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{LOG_KEY.name}: 300 entries cosigned, none before\n"
    (signature,) = open_note(city.taken[0], [WITNESS.verifier()]).signatures
    assert signature.time is not None and abs(signature.time - time.time()) < 60
    city.show(log_of(200))
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "REFUSED" in done.stderr


@contextmanager
def process(desk: Desk) -> Iterator[subprocess.Popen[str]]:
    """The witness as a service."""
    pipe = subprocess.PIPE
    command = tsunagi("--config", str(desk.config))
    with subprocess.Popen(command, cwd=ROOT, stdout=pipe, stderr=pipe, text=True) as child:
        try:
            yield child
        finally:
            child.kill()


def wait_for(port: int) -> None:
    for _ in range(400):
        with closing(socket.socket()) as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_service_asks_and_is_asked_until_it_is_told_to_stop(
    city: City, desk: Desk, number: signal.Signals
) -> None:
    """Both ways keep in one store; a signal ends it with code 0 and without a traceback."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    city.show(log_of(5))
    desk.write(desk.write_log(city), serve=f"[serve]\nport = {port}\n")
    desk.begin()
    with process(desk) as child:
        wait_for(port)
        for _ in range(400):
            if city.taken:
                break
            time.sleep(0.05)
        content = write_request(request_of(5, 9)).encode()
        answer = httpx.post(f"http://127.0.0.1:{port}/add-checkpoint", content=content, trust_env=False)
        child.send_signal(number)
        said, told = child.communicate(timeout=30)
    assert child.returncode == 0
    assert (answer.status_code, answer.text[:2]) == (200, "— ")
    assert desk.note.read_text("utf-8") == log_of(9).note() + answer.text
    assert open_checkpoint(city.taken[0], LOG_KEY).size == 5
    assert said == f"{LOG_KEY.name}: 5 entries cosigned, none before\n"
    assert told == f"{WITNESS.name} listens on http://127.0.0.1:{port}\n"


def test_the_service_goes_on_where_a_round_fails(city: City, desk: Desk) -> None:
    """A log that answers nothing is one line, and the service stays until it is told to stop."""
    with process(desk.watch(city)) as child:
        assert child.stderr is not None
        line = child.stderr.readline()
        assert child.poll() is None
        child.send_signal(signal.SIGTERM)
        _, rest = child.communicate(timeout=30)
    assert line == f"tsunagi: {LOG_KEY.name}: the log's server answered another status 404 (checkpoint)\n"
    assert (child.returncode, rest) == (0, "")


def test_an_address_that_is_taken_is_one_line(desk: Desk, capsys: Captured) -> None:
    """Another program on the port: code 1."""
    with closing(socket.socket()) as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        desk.write(f'[[log]]\nvkey = "{VKEY}"\n', serve=f"[serve]\nport = {other.getsockname()[1]}\n")
        desk.begin()
        capsys.readouterr()
        assert desk.run() == 1
    one_line(capsys)


def test_a_witness_loads_nothing_of_the_house() -> None:
    """It runs where no database is: neither the web framework nor the database's parts are loaded."""
    script = (
        "import sys, service.cli.witness.command; "
        "print(sorted({name.split('.')[0] for name in sys.modules} & {'piccolo', 'litestar', 'sqlite3', 'argon2'}), "
        "[name for name in sys.modules if name.startswith('service.') and not name.startswith('service.cli')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout == "[] []\n"
