"""The stored event: a row in catalogue order, and the parcel in which a beacon's rows travel through the spool.

A row has one place per declared field, so what the catalogue does not declare has nowhere to be. There is no place
for an address. Parcels carry a schema version: rows written before a field existed are shorter and are filled up.
"""

from typing import Any, Final, Literal, NamedTuple

import msgspec

from event_catalogue.fields import FIELDS, FieldValue

Row = list[Any]
"""One event: the value of FIELDS[i] stands at place i, a FieldValue (msgspec has no decoder for that union).
Days are days since 1970-01-01, times are ms since then, UTC."""

Outcome = Literal["stored", "repeated", "not_recorded", "excluded", "rejected"]
"""Where a received event can end; with `pending` they add up to `received`."""

SCHEMA_VERSION: Final = 1


class Tally(NamedTuple):
    """`n` events of one site and local day that ended the same way. Site 0: the site could not be told."""

    site: int
    day: int
    outcome: Outcome
    reason: str
    n: int = 1
    hour: int = -1
    """Hour of the site's clock, 0 to 23, of who was denied; -1 where only the day is counted."""


class Parcel(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What one acknowledged beacon leaves in the spool: its rows, and what was left out of it, counted."""

    version: int
    site: int
    beacon: bytes
    """The beacon's id, 16 bytes; dropped by the loader if it was seen within 26 hours."""
    received: int
    rows: list[Row]
    left_out: list[Tally] = []

    @property
    def events(self) -> int:
        """How many events the beacon brought, stored or not."""
        return len(self.rows) + sum(tally.n for tally in self.left_out)


_ENCODER: Final = msgspec.msgpack.Encoder()
_PARCEL: Final = msgspec.msgpack.Decoder(Parcel)
_TALLIES: Final = msgspec.msgpack.Decoder(list[Tally])
DEFAULT_ROW: Final[tuple[FieldValue, ...]] = tuple(field.default for field in FIELDS)


def encode_parcel(parcel: Parcel) -> bytes:
    """The parcel as the spool holds it."""
    return _ENCODER.encode(parcel)


def decode_parcel(body: bytes) -> Parcel:
    """The parcel that `encode_parcel` wrote, rows filled up to today's width. Raises msgspec.DecodeError."""
    parcel = _PARCEL.decode(body)
    for row in parcel.rows:
        if len(row) < len(FIELDS):
            row.extend(field.default for field in FIELDS[len(row) :])
    return parcel


def encode_tallies(tallies: list[Tally]) -> bytes:
    """Counts as the spool holds them: a record of its own kind, or the key of one count with n = 0."""
    return _ENCODER.encode(tallies)


def decode_tallies(body: bytes) -> list[Tally]:
    """The counts that `encode_tallies` wrote. Raises msgspec.DecodeError."""
    return _TALLIES.decode(body)
