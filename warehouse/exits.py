"""How a page was left, where two exits tell of it: the first page's own, and that of the page which a reload or a way
back led to and which alone knows of it. The second one settles the first and is no exit by itself.
"""

# ruff: noqa: S608  the text is made of the catalogue's names; values are bound by whoever asks

from typing import Final

SETTLES: Final = "(name = 'exit' AND has(prop_keys, 'settles'))"
"""Whether a row settles the exit before it."""

SETTLED_WITHIN_MS: Final = 30_000
"""A later one tells of another way: the visitor was elsewhere meanwhile."""

_OVERTAKES_MS: Final = 2_000
"""Times are as exact as the network: what settles may seem to come so much before what it settles."""

_OPEN: Final = "('close', 'other')"
"""What is told where nothing is known; a link or a form that was seen is not taken back."""
_KNOWN: Final = ("reload", "back_forward")


def exit_method(rows: str) -> str:
    """The settled `method` of a row of `events`; `rows`: FROM and WHERE of the rows of all visitors that are asked for.

    The exits of each visitor and day are put in order; one that is open takes the word of a settling one right behind.
    """
    cases = "".join(f"name = 'exit' AND (beacon, idx) IN ({_settled(rows, word)}), '{word}', " for word in _KNOWN)
    return f"multiIf({SETTLES}, '', {cases}toString(method))"


def _settled(rows: str, word: str) -> str:
    """Beacon and place of the exits that are settled as `word`."""
    takes = (
        f"NOT left.5 AND left.4 IN {_OPEN} AND next.5 AND next.4 = '{word}' AND next.6 - left.6 <= {SETTLED_WITHIN_MS}"
    )
    at, settles = "toUnixTimestamp64Milli(at)", "has(prop_keys, 'settles')"
    row = f"({at} + {_OVERTAKES_MS} * {settles}, beacon, idx, toString(method), {settles}, {at})"
    exits = (
        f"SELECT arraySort(groupArray({row})) AS pages FROM {rows} AND name = 'exit' "
        "AND visitor != toFixedString('', 16) GROUP BY site, day, visitor HAVING has(pages.5, 1)"
    )
    pairs = f"arrayFilter((left, next) -> {takes}, arraySlice(pages, 1, -1), arraySlice(pages, 2))"
    return f"SELECT one.2, one.3 FROM (SELECT arrayJoin({pairs}) AS one FROM ({exits}))"
