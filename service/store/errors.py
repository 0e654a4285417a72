"""What can go wrong below the flows. Errors carry codes, never SQL, never values."""


class StoreError(Exception):
    """Base of every error of the store."""


class UnavailableError(StoreError):
    """The database or the log cannot be written now: nothing happened, nothing may be released."""


class TamperedError(StoreError):
    """A row whose MAC does not fit it; ``table`` is where it stands. The row shows nobody anything."""

    def __init__(self, table: str) -> None:
        super().__init__(table)
        self.table = table
