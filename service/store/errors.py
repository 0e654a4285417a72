"""What can go wrong below the flows. Errors carry codes, never SQL, never values."""


class StoreError(Exception):
    """Base of every error of the store."""


class UnavailableError(StoreError):
    """The database or the log cannot be written now: nothing happened, nothing may be released."""


class TamperedError(StoreError):
    """A row that is not believed: its MAC does not fit it, it is not the one that the log names, or what belongs to it
    was taken away. ``table`` is where it stands; it shows nobody anything."""

    def __init__(self, table: str) -> None:
        super().__init__(table)
        self.table = table
