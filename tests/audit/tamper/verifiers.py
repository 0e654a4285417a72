"""The verifiers that are tried: whoever is asked the same must give the same answer."""

import contextlib
import io
import json
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

from audit import standalone
from audit.policy import read_policy
from audit.scan import VerifyError
from audit.verify import verify_path
from audit.words import write_json

Answer = dict[str, object]
Verifier = Callable[[Path, str, str | None], Answer]
"""The path of a bundle, the text of a policy, the text of an older checkpoint: the JSON that is said of them."""


def by_package(path: Path, policy: str, since: str | None) -> Answer:
    """What ``tsunagi-verify --json`` says."""
    try:
        said = write_json(verify_path(path, read_policy(policy.encode()), since))
    except VerifyError as error:
        said = write_json(error)
    answer: Answer = json.loads(said)
    return answer


def by_one_file(path: Path, policy: str, since: str | None) -> Answer:
    """What ``verify.py --json`` says, the one file that a bundle brings along."""
    with tempfile.TemporaryDirectory() as name, contextlib.redirect_stdout(io.StringIO()) as said:
        texts = {"--policy": policy} if since is None else {"--policy": policy, "--since": since}
        arguments = [str(path), "--json"]
        for option, text in texts.items():
            file = Path(name) / option
            file.write_text(text, "utf-8", newline="")
            arguments += [option, str(file)]
        with warnings.catch_warnings(action="ignore", category=ResourceWarning):  # its end closes its files
            code = standalone.main(arguments)
    answer: Answer = json.loads(said.getvalue())
    assert code == (0 if answer["ok"] else 1)
    return answer


OTHERS: tuple[Verifier, ...] = (by_one_file,)
"""Beside the package's own; slower, so that some questions are put to the package alone."""


def ask(path: Path, policy: str, since: str | None = None, *, others: bool = True) -> Answer:
    """The answer of the package, and with ``others`` of every verifier."""
    answer = by_package(path, policy, since)
    for verifier in OTHERS if others else ():
        assert verifier(path, policy, since) == answer, verifier.__name__
    return answer
