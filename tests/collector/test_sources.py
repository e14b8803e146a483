"""The table of what referrers and tags mean (sources.txt): read it to know what is counted as what."""

from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import parse_qsl

import pytest

from collector.channels import CHANNELS
from collector.referrer import SourceReader

pytestmark = pytest.mark.req("C17")

READER: Final = SourceReader()


class Row(NamedTuple):
    """One line of the table."""

    query: str
    referrer: str
    source: str
    kind: str
    channel: str


def table() -> list[Row]:
    """The lines that are no headings."""
    lines = Path(__file__).with_name("sources.txt").read_text().splitlines()
    cells = [line.split(" | ") for line in lines if line and not line.startswith("#")]
    return [Row(*("" if cell.strip() == "-" else cell.strip() for cell in row)) for row in cells]


def test_every_line_of_the_table_holds() -> None:
    """Query and referrer → source, kind and channel."""
    wrong = []
    for row in table():
        query = {key.lower(): value for key, value in parse_qsl(row.query, keep_blank_values=True)}
        found = READER.read(
            hostname="www.shop.example", query=query, referrer=row.referrer, own_hosts=frozenset({"shop.example"})
        )
        got = (found.source, found.source_kind, found.channel)
        if got != row[2:]:
            wrong.append(f"{row.query} {row.referrer}: {got} instead of {row[2:]}")
    assert not wrong, "\n".join(wrong)


def test_the_table_is_large_and_has_every_channel() -> None:
    """At least 300 different combinations, and no rule of the grouping without one."""
    rows = table()
    assert len({row[:2] for row in rows}) == len(rows) >= 300
    assert {row.channel for row in rows} == set(CHANNELS)
