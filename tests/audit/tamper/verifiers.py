"""The verifiers that are tried: each is asked everything, and all of them must give the same answer."""

import json
from collections.abc import Callable
from pathlib import Path

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


VERIFIERS: tuple[Verifier, ...] = (by_package,)


def ask(path: Path, policy: str, since: str | None = None) -> Answer:
    """The answer of all verifiers."""
    first, *others = (verifier(path, policy, since) for verifier in VERIFIERS)
    for other in others:
        assert other == first
    return first
