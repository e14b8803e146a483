"""Parcels come out of the spool as they went in, and rows of an older version are filled up to today's width."""

from typing import Any, Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from event_catalogue.event import (
    DEFAULT_ROW,
    SCHEMA_VERSION,
    Parcel,
    Row,
    Tally,
    decode_parcel,
    decode_tallies,
    encode_parcel,
    encode_tallies,
)
from event_catalogue.fields import FIELDS

ID: Final = bytes(range(16))
VALUES: Final[dict[str, st.SearchStrategy[Any]]] = {
    "UInt": st.integers(0, 255),
    "Int": st.integers(-(2**31), 2**31 - 1),
    "Date": st.integers(0, 50_000),
    "DateTime64": st.integers(0, 2**42),
    "FixedString": st.binary(min_size=16, max_size=16),
    "Array": st.lists(st.text(max_size=5), max_size=3),
    "String": st.text(max_size=20),
    "LowCardinality": st.text(max_size=20),
}


def values_of(column: str) -> st.SearchStrategy[Any]:
    """Values that a column of this type may hold."""
    return next(values for prefix, values in VALUES.items() if column.startswith(prefix))


rows = st.tuples(*[values_of(field.column) for field in FIELDS]).map(list)
outcomes = st.sampled_from(["stored", "repeated", "not_recorded", "excluded", "rejected"])
sites, days, hours = st.integers(0, 2**32 - 1), st.integers(0, 60_000), st.integers(-1, 23)
tallies = st.builds(Tally, sites, days, outcomes, st.text(max_size=9), st.integers(0, 100), hours)


@given(st.lists(rows, max_size=3), st.lists(tallies, max_size=3))
def test_a_parcel_comes_out_as_it_went_in(content: list[Row], left_out: list[Tally]) -> None:
    """Rows, counts, times and ids are the same, and so are their types."""
    parcel = Parcel(SCHEMA_VERSION, 7, ID, 1_764_000_000_000, content, left_out)
    found = decode_parcel(encode_parcel(parcel))
    assert found == parcel
    assert [[type(value) for value in row] for row in found.rows] == [[f.python_type for f in FIELDS]] * len(content)
    assert found.events == len(content) + sum(tally.n for tally in left_out)


@given(rows, st.integers(0, len(FIELDS)))
def test_a_row_of_an_older_version_is_filled_up(row: Row, width: int) -> None:
    """Fields that did not exist when the row was written hold their default; the others what they held."""
    found = decode_parcel(encode_parcel(Parcel(SCHEMA_VERSION, 1, ID, 5, [row[:width]]))).rows[0]
    assert found == row[:width] + [field.default for field in FIELDS[width:]]


def test_default_rows_are_not_shared() -> None:
    """What is done to the list in one row that was filled up changes no other row."""
    short = encode_parcel(Parcel(SCHEMA_VERSION, 1, ID, 5, [[], []]))
    first, second = decode_parcel(short).rows
    for value in first:
        if isinstance(value, list):
            value.append("changed")
    assert second == [field.default for field in FIELDS]
    assert list(DEFAULT_ROW) == [field.default for field in FIELDS]


@given(st.lists(tallies, max_size=5))
def test_counts_come_out_as_they_went_in(counts: list[Tally]) -> None:
    """Counts keep site, day, outcome, reason and number; equal ones have equal bytes, so that they can be keys."""
    assert decode_tallies(encode_tallies(counts)) == counts
    assert encode_tallies(counts) == encode_tallies([Tally(*tally) for tally in counts])


@given(st.binary(max_size=60))
def test_other_bytes_are_no_parcel(content: bytes) -> None:
    """Bytes that no release wrote raise one error, which the loader knows, and nothing else."""
    for decode in (decode_parcel, decode_tallies):
        try:
            decode(content)
        except msgspec.DecodeError:
            continue
        assert content != b""


def test_a_parcel_of_strangers_is_an_error() -> None:
    """A body cut short is no parcel."""
    whole = encode_parcel(Parcel(SCHEMA_VERSION, 1, ID, 5, [list(DEFAULT_ROW)]))
    for length in (0, 1, 20, len(whole) - 1):
        with pytest.raises(msgspec.DecodeError):
            decode_parcel(whole[:length])
