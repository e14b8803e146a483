"""What can go wrong at the warehouse, told apart by what to do next."""

from typing import Final


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


LATER: Final[dict[int, str]] = {
    74: "CANNOT_READ_FROM_FILE_DESCRIPTOR",
    75: "CANNOT_WRITE_TO_FILE_DESCRIPTOR",
    76: "CANNOT_OPEN_FILE",
    159: "TIMEOUT_EXCEEDED",
    160: "TOO_SLOW",
    164: "READONLY",
    198: "DNS_ERROR",
    202: "TOO_MANY_SIMULTANEOUS_QUERIES",
    209: "SOCKET_TIMEOUT",
    210: "NETWORK_ERROR",
    225: "NO_ZOOKEEPER",
    236: "ABORTED",
    241: "MEMORY_LIMIT_EXCEEDED",
    242: "TABLE_IS_READ_ONLY",
    243: "NOT_ENOUGH_SPACE",
    252: "TOO_MANY_PARTS",
    279: "ALL_CONNECTION_TRIES_FAILED",
    285: "TOO_FEW_LIVE_REPLICAS",
    286: "UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE",
    289: "REPLICA_IS_NOT_IN_QUORUM",
    319: "UNKNOWN_STATUS_OF_INSERT",
    394: "QUERY_WAS_CANCELLED",
    415: "ALL_REPLICAS_LOST",
    425: "SYSTEM_ERROR",
    439: "CANNOT_SCHEDULE_TASK",
    499: "S3_ERROR",
    999: "KEEPER_EXCEPTION",
    1000: "POCO_EXCEPTION",
    1001: "STD_EXCEPTION",
    1002: "UNKNOWN_EXCEPTION",
}
"""Codes after which the same statement may succeed. A full disk shows as 75 or 243."""

REFUSED: Final[dict[int, str]] = {
    6: "CANNOT_PARSE_TEXT",
    27: "CANNOT_PARSE_INPUT_ASSERTION_FAILED",
    33: "CANNOT_READ_ALL_DATA",
    38: "CANNOT_PARSE_DATE",
    41: "CANNOT_PARSE_DATETIME",
    53: "TYPE_MISMATCH",
    69: "ARGUMENT_OUT_OF_BOUND",
    70: "CANNOT_CONVERT_TYPE",
    72: "CANNOT_PARSE_NUMBER",
    117: "INCORRECT_DATA",
    131: "TOO_LARGE_STRING_SIZE",
    190: "SIZES_OF_ARRAYS_DONT_MATCH",
    321: "VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE",
    349: "CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN",
    469: "VIOLATED_CONSTRAINT",
}
"""Codes that blame the rows of an insert."""


def from_code(step: str, code: int | None) -> WarehouseError:
    """The error to raise when `step` failed with ClickHouse's `code` (None: no answer, or one without a code).

    The engine's own text is dropped on purpose: it quotes statements, parameters and values of rows.
    """
    if not code:
        return TryLater(f"{step}: the warehouse did not answer; it will be tried again.")
    if code in LATER:
        return TryLater(f"{step}: ClickHouse says {code} ({LATER[code]}); it will be tried again.", code=code)
    if code in REFUSED:
        return Rejected(f"{step}: ClickHouse refused the rows, {code} ({REFUSED[code]}).", code=code)
    return Broken(
        f"{step}: ClickHouse says {code}; look the number up in system.errors and run `footfall doctor`.", code=code
    )
