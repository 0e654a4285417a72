"""The last steps: nothing personal stands in clear; a witness outside cosigns; the log is checked without the house."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from service.cli.demo.people import COLLABORATION, NPO
from service.cli.demo.report import Report
from service.cli.demo.searching import search_apart
from service.flows.export import VERIFIER, read_verifier
from service.settings import Settings

RELEASE_NOTES = Path(__file__).parents[3] / "CHANGELOG.md"
"""Where the program runs from its source; else they are on the release's page."""
EXPORT = "practice-log"
SECONDS = 120
OUTSIDE = "outside"
"""Beside the practice data: what lies on the machines of NPO and auditor in a real installation."""


def check_files(report: Report, settings: Settings, texts: Iterable[str]) -> None:
    """Searches the database, what stands beside it and the service's log for every text of the practice cases."""
    report.step(
        "データベースのファイルに、氏名・住所・記録はありません",
        "No name, address or note in clear in the files",
    )
    names = sorted(path.name for path in settings.data.iterdir() if path.is_file())
    report.say(f"    調べるファイル files searched: {', '.join(names)}")
    wanted = sorted(set(texts))
    report.same(
        f"{len(wanted)}の文章のどれも、そのままでは見つかりません (none of {len(wanted)} texts in clear)",
        [],
        search_apart([settings.data], wanted),
    )
    report.same(
        "この調べ方は、秘密でない団体名なら見つけます (the search does find what is no secret)",
        [NPO],
        search_apart([settings.data], [NPO]),
    )


def check_log(report: Report, settings: Settings, address: str, texts: Iterable[str]) -> None:
    """A witness cosigns over HTTP; the log is exported and verified by two programs; changed copies are refused."""
    report.step(
        "立会人が署名し、記録を書き出して、サーバーなしで確かめます",
        "A witness cosigns; the log is exported and verified offline",
    )
    outside = _new_folder(settings.data.parent / OUTSIDE)
    before = _export(report, settings, "before")
    if before is None:
        return
    witness = _cosign(report, settings, address, outside, before[1])
    exported = _export(report, settings, "after", "--cosigned")
    if exported is None:
        return
    bundle, key = exported
    policy = outside / "policy.txt"
    policy.write_text(f"log {key}\nwitness npo {witness}\nquorum npo\n", "utf-8")
    report.say(f"    監査担当の方針 the auditor's own policy: {policy}")
    _verify(report, settings, bundle, policy, outside)
    _tampered(report, settings, bundle, policy, outside)
    report.same(
        "書き出した記録にも、氏名・住所・記録はありません (none of the texts in the export either)",
        [],
        search_apart(_folders(bundle), texts),
    )
    report.say(f"    もう一度: tsunagi-verify {bundle} --policy {policy}")


def _folders(bundle: Path) -> list[Path]:
    return [bundle, *(path for path in bundle.rglob("*") if path.is_dir())]


def _new_folder(path: Path) -> Path:
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir()
    return path


def _export(report: Report, settings: Settings, when: str, *given: str) -> tuple[Path, str] | None:
    """The collaboration's log as a folder, and the log's verifier key; None where that failed."""
    bundle = settings.data.parent / f"{EXPORT}-{when}"
    shutil.rmtree(bundle, ignore_errors=True)
    code, said = _tsunagi(settings, "service.cli", "log", "export", str(bundle), *given)
    report.same(" ".join(("tsunagi log export", bundle.name, *given)), 0, code)
    if code:
        report.say(said)
        return None
    return bundle, said.rpartition("key ")[2].strip()


def _cosign(report: Report, settings: Settings, address: str, outside: Path, key: str) -> str:
    """One round of the NPO's witness, a program with a key and a store of its own; gives its verifier key."""
    config = outside / "witness.toml"
    config.write_text(
        'name = "npo.example/w1"\nkey = "witness.key"\nstore = "store"\n\n'
        f'[[log]]\nvkey = "{key}"\nurl = "{address}"\ntoken_file = "token"\n',
        "utf-8",
    )
    run = ("service.cli", "witness", "--config", str(config))
    vkey = _tsunagi(settings, *run, "--init")[1].split()[-1]
    added = _tsunagi(settings, "service.cli", "log", "witness", vkey, "--tree", COLLABORATION)[1]
    descriptor = os.open(outside / "token", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(added.split()[-1] + "\n")
    code, said = _tsunagi(settings, *run, "--once")
    report.same("NPOの立会人が、続きであることを確かめて署名します (the NPO's witness cosigns)", 0, code)
    report.say(f"    {said.strip()}")
    return vkey


def _verify(report: Report, settings: Settings, bundle: Path, policy: Path, outside: Path) -> None:
    """Both verifiers accept the bundle, and the log since the checkpoint that was exported before."""
    since = bundle.with_name(f"{EXPORT}-before") / "checkpoint"
    given = (str(bundle), "--policy", str(policy), "--since", str(since))
    code, said = _tsunagi(settings, "audit.verify", *given)
    report.same("tsunagi-verify は受け入れます (accepts)", 0, code)
    report.say(*(f"    {line}" for line in said.strip().splitlines()))
    alone = outside / VERIFIER
    alone.write_bytes(read_verifier())
    digest = hashlib.sha256(alone.read_bytes()).hexdigest()
    report.say(f"    監査担当は verify.py を公開された版から取ります (from the release): SHA-256 {digest}")
    if RELEASE_NOTES.is_file():
        report.same(
            "その SHA-256 は、リリースノートにあるものです (the one in the release notes)",
            True,
            digest in RELEASE_NOTES.read_text("utf-8"),
        )
    code, said = _run(settings, str(alone), *given)
    report.same("公開された verify.py も受け入れます (the released verify.py accepts)", 0, code)
    report.say(f"    {said.strip().splitlines()[0] if said.strip() else ''}")
    report.same(
        "書き出しに入っている verify.py は、同じものです (the bundle's own is the same file, and accepts)",
        (digest, 0),
        (
            hashlib.sha256((bundle / VERIFIER).read_bytes()).hexdigest(),
            _run(settings, str(bundle / VERIFIER), *given)[0],
        ),
    )


def _tampered(report: Report, settings: Settings, bundle: Path, policy: Path, outside: Path) -> None:
    """One bit changed, the signature gone, the last entry cut off: each copy is refused by both."""
    copy = bundle.with_name(f"{EXPORT}-changed")
    entries = next(path for path in sorted((bundle / "tile" / "entries").rglob("*")) if path.is_file())
    name = entries.relative_to(bundle)
    data = entries.read_bytes()
    middle = len(data) // 2
    note = (bundle / "checkpoint").read_bytes()
    changes = (
        (
            "記録の1ビットを変えると拒みます (one bit of an entry changed)",
            name,
            data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :],
        ),
        (
            "立会人の署名を消すと拒みます (the cosignature removed)",
            Path("checkpoint"),
            b"".join(note.splitlines(keepends=True)[:-1]),
        ),
        ("終わりを切ると拒みます (the end cut off)", name, data[: -len(data) // 4]),
    )
    for what, changed, forged in changes:
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(bundle, copy)
        (copy / changed).write_bytes(forged)
        code, said = _tsunagi(settings, "audit.verify", str(copy), "--policy", str(policy))
        alone = _run(settings, str(outside / VERIFIER), str(copy), "--policy", str(policy))[0]
        report.same(what, (1, 1), (code, alone))
        report.say(f"    {said.strip().splitlines()[0] if said.strip() else ''}")
    shutil.rmtree(copy)


def _tsunagi(settings: Settings, module: str, *arguments: str) -> tuple[int, str]:
    """A command of ours as a process: its exit code, and what it said."""
    return _run(settings, "-m", module, *arguments)


def _run(settings: Settings, *arguments: str) -> tuple[int, str]:
    environment = {name: text for name, text in os.environ.items() if not name.startswith("TSUNAGI_")}
    environment |= {
        "TSUNAGI_DATA": str(settings.data),
        "TSUNAGI_KEYS": str(settings.keys),
        "TSUNAGI_NOTARY": str(settings.notary),
        "TSUNAGI_ORIGIN": settings.origin,
        "PYTHONIOENCODING": "utf-8",
    }
    done = subprocess.run(  # noqa: S603  # our own modules, no shell
        [sys.executable, *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=SECONDS,
        check=False,
    )
    return done.returncode, done.stdout or done.stderr
