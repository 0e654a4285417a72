"""Steps 10 and 11: the log leaves the house and is checked without it; and nothing personal stands in clear."""

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from service.cli.demo.evidence import find_in_clear
from service.cli.demo.people import NPO
from service.cli.demo.report import Report
from service.settings import Settings

EXPORT = "practice-log.txt"
SECONDS = 120
SIGNATURE = "— ".encode()


def check_log(report: Report, settings: Settings) -> None:
    """Exports the collaboration's log and verifies it offline; a changed byte and a missing signature are refused."""
    report.step("記録を書き出し、サーバーなしで確かめます", "The log is exported and verified offline")
    file = settings.data / EXPORT
    file.unlink(missing_ok=True)
    code, said = _tsunagi(settings, "service.cli", "log", "export", str(file))
    report.same("tsunagi log export", 0, code)
    if code:
        report.say(said)
        return
    key = said.rpartition("key ")[2].strip()
    whole = file.read_bytes()
    middle = len(whole) // 2
    changed = whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]
    unsigned = b"".join(line for line in whole.splitlines(keepends=True) if not line.startswith(SIGNATURE))
    _verify(report, settings, file, key, "書き出したままの記録は受け入れます (accepted as exported)", 0)
    _tampered(
        report,
        settings,
        changed,
        key,
        f"{len(whole)}バイトのうち1ビットを変えると拒みます (one bit changed: refused)",
    )
    _tampered(report, settings, unsigned, key, "署名を消すと拒みます (signature removed: refused)")
    report.say(f"    もう一度: tsunagi-verify {file} --key {key}")


def _tampered(report: Report, settings: Settings, data: bytes, key: str, what: str) -> None:
    copy = settings.data / f"{EXPORT}.changed"
    copy.write_bytes(data)
    try:
        _verify(report, settings, copy, key, what, 1)
    finally:
        copy.unlink()


def _verify(report: Report, settings: Settings, file: Path, key: str, what: str, expected: int) -> None:
    """``tsunagi-verify`` in a process of its own, with the file and the public key and nothing else."""
    code, said = _tsunagi(settings, "audit.verify", str(file), "--key", key)
    report.same(what, expected, code)
    report.say(f"    {said.strip()}")


def _tsunagi(settings: Settings, module: str, *arguments: str) -> tuple[int, str]:
    """A command of ours as a process: its exit code, and what it said."""
    environment = {name: text for name, text in os.environ.items() if not name.startswith("TSUNAGI_")}
    environment |= {"TSUNAGI_DATA": str(settings.data), "TSUNAGI_KEYS": str(settings.keys)}
    environment |= {"TSUNAGI_NOTARY": str(settings.notary), "TSUNAGI_ORIGIN": settings.origin}
    done = subprocess.run(  # noqa: S603  # our own modules, no shell
        [sys.executable, "-m", module, *arguments],
        env=environment | {"PYTHONIOENCODING": "utf-8"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=SECONDS,
        check=False,
    )
    return done.returncode, done.stdout or done.stderr


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
        find_in_clear(settings.data, wanted),
    )
    report.same(
        "この調べ方は、秘密でない団体名なら見つけます (the search does find what is no secret)",
        [NPO],
        find_in_clear(settings.data, [NPO]),
    )
