"""The catalogue is whole: every field can be held, explained and shown, and says which choice opens it."""

from typing import Any, Final, get_args

import pytest

from event_catalogue.events import CUSTOM, EVENTS, MAX_PROP_TEXT, kind_of
from event_catalogue.fields import FIELD, FIELDS, KEEP_CLASSES, POSITION, Aggregated, CcpaCategory, FieldClass, Origin

DEFAULTS: Final[dict[str, Any]] = {
    "UInt8": 0,
    "UInt16": 0,
    "UInt32": 0,
    "UInt64": 0,
    "Int32": 0,
    "Int64": 0,
    "Date": 0,
    "DateTime64(3, 'UTC')": 0,
    "String": "",
    "LowCardinality(String)": "",
    "FixedString(16)": bytes(16),
    "Array(String)": [],
    "Array(LowCardinality(String))": [],
}

DESIGN_CLASSES: Final = {
    "essential": "hostname path referrer browser browser_version os os_version device language country region city",
    "measurement": "timezone screen_class viewport_class engaged_ms scroll target ttfb fcp lcp inp cls dom_ready load "
    "target_host target_url search_term search_results error_message resource prop_keys prop_values revenue",
    "consent": "returning plugins screen hover_ms flag",
    "ads": "ad_slot ad_creative ad_position ad_viewable_ms ad_visible ad_quality",
}
"""Which choice opens what, as the design says it."""

DESIGN_EVENTS: Final = (
    "pageview engagement click hover outbound download tel mailto form_submit form_abandon search copy print video "
    "exit js_error load_error not_found vitals ad_impression open call"
)
CONSENT_EVENTS: Final = {"hover", "copy", "form_abandon"}


def test_every_field_is_declared_once() -> None:
    """Names are unique words, and the index by name agrees with the order of columns."""
    names = [field.name for field in FIELDS]
    assert len(set(names)) == len(names)
    assert all(name.isidentifier() and name == name.lower() for name in names)
    assert [FIELD[name] for name in names] == list(FIELDS)
    assert {name: place for place, name in enumerate(names)} == POSITION


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.name)
def test_a_field_can_be_held_and_explained(field: Any) -> None:
    """Its type is known, its default is that type's empty value, a text has a limit, and the notice has its words."""
    assert field.default == DEFAULTS[field.column]
    assert field.python_type is type(DEFAULTS[field.column])
    assert bool(field.limit) == ("String" in field.column and not field.column.startswith("Fixed"))
    assert field.purpose
    assert field.field_class in get_args(FieldClass)
    assert field.origin in get_args(Origin)
    assert field.ccpa in get_args(CcpaCategory)
    assert field.aggregated in get_args(Aggregated)


@pytest.mark.req("P7", "C3", "C11", "C15")
@pytest.mark.parametrize("field_class", DESIGN_CLASSES)
def test_fields_have_the_class_that_the_design_gives_them(field_class: str) -> None:
    """What a choice opens is not decided by the code that reads it."""
    assert {FIELD[name].field_class for name in DESIGN_CLASSES[field_class].split()} == {field_class}


@pytest.mark.req("C1", "P12")
def test_nothing_has_a_place_that_must_not_be_kept() -> None:
    """No column for an address, an agent string, a device id, a click id, a signal or a finer place than a city."""
    forbidden = {"ip", "address", "user_agent", "agent", "device_id", "gclid", "fbclid", "gpc", "dnt", "optout"}
    forbidden |= {"latitude", "longitude", "postcode", "fragment", "query", "caller", "canvas", "fonts"}
    assert not forbidden & set(FIELD)


def test_every_event_of_the_design_is_declared_and_no_other() -> None:
    """Each has a meaning; those that only consent opens are the ones that the design names."""
    assert [kind.name for kind in EVENTS] == DESIGN_EVENTS.split()
    assert {kind.name for kind in EVENTS if kind.field_class == "consent"} == CONSENT_EVENTS
    assert {kind.name for kind in EVENTS if kind.field_class == "ads"} == {"ad_impression"}
    assert all(kind.meaning for kind in EVENTS)


@pytest.mark.parametrize("kind", [*EVENTS, CUSTOM], ids=lambda kind: kind.name)
def test_every_property_has_a_column_that_can_hold_it(kind: Any) -> None:
    """Names are unique within an event, texts go to texts and numbers to numbers, and no property is cut unseen."""
    assert len({prop.name for prop in kind.props}) == len({prop.field for prop in kind.props}) == len(kind.props)
    for prop in kind.props:
        field = FIELD[prop.field]
        assert (prop.kind in ("text", "currency")) == (field.python_type is str)
        assert prop.kind != "text" or field.limit <= 512
    assert MAX_PROP_TEXT == 300


def test_names_that_are_not_declared_are_the_sites_own_events() -> None:
    """A custom event needs measurement, as the design's class of custom events says, and counts as an act."""
    assert kind_of("signup") is CUSTOM
    assert kind_of("pageview").name == "pageview"
    assert (CUSTOM.field_class, CUSTOM.interaction) == ("measurement", True)


def test_retention_classes_are_the_designs() -> None:
    """A partition holds rows of one of these classes, in days."""
    assert KEEP_CLASSES == (0, 1, 7, 14, 35, 60, 90, 180, 395)
