"""What a flow can answer instead of a result. Codes and ids only; `service/problems.py` gives them statuses."""

from datetime import timedelta


class FlowError(Exception):
    """Base of what a flow refuses."""


class NotSignedInError(FlowError):
    """No session, one that ended, or a sign-in that does not hold: always the same, whatever was wrong."""


class NotThereError(FlowError):
    """Not there, or not yours to know: nobody can tell which."""


class NeverAllowedError(FlowError):
    """An action that the role never has: one constant answer, for any id."""


class NotCoveredError(FlowError):
    """A write or look that the consent does not cover; ``reason`` as it may be told to this side."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class WrongStateError(FlowError):
    """The thing is not in the state for this; ``code`` says what stands against it."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class StaleError(FlowError):
    """Somebody else wrote meanwhile: the version that the writer saw is not the newest."""


class NotSignedError(FlowError):
    """The log has no signed checkpoint yet: its notary runs apart and has not come by."""


class PreconditionMissingError(FlowError):
    """An owner's write that does not carry the version it saw."""


class InvalidError(FlowError):
    """Input that is well formed and means nothing: the path of the part, and a code why."""

    def __init__(self, path: str, code: str) -> None:
        super().__init__(path, code)
        self.path = path
        self.code = code


class ThrottledError(FlowError):
    """Too many failed sign-ins; ``wait`` is how long to wait."""

    def __init__(self, wait: timedelta) -> None:
        super().__init__(wait)
        self.wait = wait


class ReusedKeyError(FlowError):
    """An Idempotency-Key that already stands for another request."""
