"""Rows stand in catalogue order, hold no more than the catalogue's limits, and nothing that the ruling forbids."""

from typing import Any, Final

import pytest

from collector.consent import Ruling, allowed_fields
from collector.rows import Moment, Record, kept_fields, row_plan
from event_catalogue.fields import AGENT, DETAIL, FIELD, FIELDS, PLACE, PLACE_IN_SITE, POSITION, SCRIPT, SOURCE
from tests.collector.world import named

FULL: Final = Ruling("consented", ads=True, device_id=True, plugins=True)
RULINGS: Final = (
    FULL,
    Ruling("consented"),
    Ruling("cookieless"),
    Ruling("cookieless", ads=True),
    Ruling("cookieless", basic_only=True),
    Ruling("cookieless", under_16=True),
    Ruling("cookieless", mail=True),
    Ruling("denied", "gpc"),
)


def value(name: str) -> Any:
    """A value that no other field has, of the field's type and within its limit."""
    field, place = FIELD[name], POSITION[name]
    if field.python_type is int:
        return 1 + place
    if field.python_type is bytes:
        return bytes(15) + bytes([1 + place])
    return [f"{place}"] if field.python_type is list else f"{place}"


def group(fields: tuple[Any, ...]) -> list[Any]:
    """The values of a group of the catalogue, in its order."""
    return [value(field.name) for field in fields]


RECORD: Final = Record(**{name: value(name) for name in Record._fields})
GROUPS: Final = tuple(map(group, ((*PLACE_IN_SITE, *SOURCE), AGENT, PLACE, SCRIPT)))


def whole_row(ruling: Ruling) -> list[Any]:
    """A row of this ruling for which every field was known."""
    plan = row_plan(ruling)
    moment = Moment(**{name: value(name) for name in Moment._fields})
    return plan.row(RECORD, moment, GROUPS, {field.name: value(field.name) for field in DETAIL})


def test_every_value_stands_in_its_own_place() -> None:
    """With everything allowed each field holds its own value; what the loader fills in is empty."""
    expected = {field.name: value(field.name) for field in FIELDS} | {"batch": 0}
    assert named(whole_row(FULL)) == expected


@pytest.mark.req("P7")
@pytest.mark.parametrize("ruling", RULINGS, ids=str)
def test_what_the_ruling_forbids_has_its_default(ruling: Ruling) -> None:
    """Field by field, whatever is handed in: allowed ones hold their value, the others nothing."""
    row, allowed = named(whole_row(ruling)), allowed_fields(ruling)
    full = named(whole_row(FULL))
    assert row == {field.name: full[field.name] if field.name in allowed else field.default for field in FIELDS}


def test_rows_of_one_beacon_do_not_share_what_they_hold() -> None:
    """The second event's row knows nothing of the first one's details."""
    plan = row_plan(FULL)
    first = plan.row(RECORD, Moment("click", 0, 1, 1, bytes(16)), GROUPS, {"target": "menu", "prop_keys": ["a"]})
    second = plan.row(RECORD, Moment("print", 1, 2, 1, bytes(16)), GROUPS, {})
    assert (named(first)["target"], named(first)["prop_keys"]) == ("menu", ["a"])
    assert (named(second)["target"], named(second)["prop_keys"]) == ("", [])


TEXTS: Final = [field for field in FIELDS if field.limit]


@pytest.mark.parametrize("field", [field for field in DETAIL if field.limit], ids=lambda field: field.name)
def test_details_are_cut_to_the_catalogues_limit(field: Any) -> None:
    """Texts, and each text of a list."""
    long = "é" * 2000
    details = {field.name: [long, "x"] if field.python_type is list else long}
    plan = row_plan(FULL)
    row = named(plan.row(RECORD, Moment("a", 0, 1, 1, bytes(16)), GROUPS, details))
    cut = "é" * field.limit
    assert row[field.name] == ([cut, "x"] if field.python_type is list else cut)


@pytest.mark.req("P16")
def test_what_is_kept_is_shown_without_bookkeeping() -> None:
    """A preview names every field that holds something, days as dates and hashes as hex, and no numbers of ours."""
    shown = kept_fields(whole_row(FULL))
    ours = {"site", "keep", "batch", "beacon", "idx", "stored_on", "import_id"}
    assert set(shown) == {field.name for field in FIELDS} - ours
    assert shown["day"] == "1970-01-03"
    assert shown["visitor"] == value("visitor").hex()
    assert kept_fields([field.default for field in FIELDS]) == {}
