"""What can go wrong at the warehouse, told apart by what to do next."""


class WarehouseError(Exception):
    """Root of the room's errors; `code` is ClickHouse's error number, 0 where it gave none."""

    def __init__(self, message: str, *, code: int = 0) -> None:
        super().__init__(message)
        self.code = code


class TryLater(WarehouseError):
    """Down, busy, out of memory or timed out: nothing is known about the statement; ask again later."""


class Rejected(WarehouseError):
    """The rows themselves were refused; the same rows will be refused again."""


class Broken(WarehouseError):
    """The warehouse contradicts what was promised (columns, counts, checksums): stop and be loud."""
