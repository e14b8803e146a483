"""The declared names: complete, unambiguous, backed by the table."""

import pytest

from event_catalogue.dimensions import DIMENSION, DIMENSIONS
from event_catalogue.events import EVENTS
from event_catalogue.fields import FIELD, FIELDS
from event_catalogue.metrics import MEASURES, METRIC, METRICS, QUIET_EVENTS

PLAUSIBLE = (
    "event:page event:hostname event:name visit:entry_page visit:exit_page visit:entry_page_hostname "
    "visit:exit_page_hostname visit:source visit:referrer visit:channel visit:utm_source visit:utm_medium "
    "visit:utm_campaign visit:utm_content visit:utm_term visit:device visit:browser visit:browser_version visit:os "
    "visit:os_version visit:country visit:region visit:city visit:city_name time time:hour time:day time:week "
    "time:month"
).split()
PLAIN = (
    "hostname path title referrer source source_kind channel utm_source utm_medium utm_campaign utm_term utm_content "
    "browser browser_version engine os os_version device platform country region city timezone language screen_class"
).split()
NEVER = {"visitor", "returning", "beacon", "page", "batch", "at", "received", "no_share", "stored_on", "keep", "bot"}


@pytest.mark.req("D7")
def test_every_promised_name_is_there() -> None:
    """Plausible's prefixed names and the plain ones both answer."""
    assert [name for name in (*PLAUSIBLE, *PLAIN) if name not in DIMENSION] == []


def test_a_name_means_one_thing() -> None:
    """No name belongs to two dimensions, or to a dimension and a metric."""
    names = [name for one in DIMENSIONS for name in (one.name, *one.aliases)]
    assert len(names) == len(set(names))
    assert len(METRIC) == len(METRICS)
    assert not set(names) & set(METRIC)


@pytest.mark.req("D11")
def test_only_fields_that_may_be_kept_can_be_asked_for() -> None:
    """A dimension stands on a field that is declared as one: never on an id, a time, or the opt-out flag."""
    fields = {one.field for one in DIMENSIONS if one.field}
    assert fields <= set(FIELD)
    assert not fields & NEVER
    assert {field.name for field in FIELDS if field.name in fields and field.aggregated != "dimension"} == set()


def test_every_declaration_has_a_sentence() -> None:
    """Names are shown with their definitions."""
    for one in (*DIMENSIONS, *METRICS, *MEASURES.values()):
        assert one.definition.endswith("."), one.name


def test_metrics_are_made_of_measures() -> None:
    """Every metric can be worked out from measures that exist, and every measure is part of one."""
    used = {name for metric in METRICS for name in metric.measures}
    assert used == set(MEASURES)


def test_acts_of_the_visitor_come_from_the_catalogue() -> None:
    """An event is an act unless it is declared as none."""
    assert set(QUIET_EVENTS) == {kind.name for kind in EVENTS if not kind.interaction}
    assert {"click", "search", "download"}.isdisjoint(QUIET_EVENTS)


@pytest.mark.parametrize(
    ("metric", "measures", "value"),
    [
        ("bounce_rate", {"bounces": 1, "visits": 3}, 33.33),
        ("bounce_rate", {"bounces": 0, "visits": 0}, 0),
        ("views_per_visit", {"visit_pageviews": 5, "visits": 3}, 1.67),
        ("visit_duration", {"visit_ms": 2_500, "visits": 1}, 3),
        ("visit_duration", {"visit_ms": 2_499, "visits": 1}, 2),
        ("visitors", {"visitors": 7}, 7),
    ],
)
def test_values_are_rounded_as_a_reader_does(metric: str, measures: dict[str, int], value: float) -> None:
    """Two places for rates, whole seconds, halves up, nothing of nothing is 0."""
    assert METRIC[metric].value(measures) == value  # type: ignore[arg-type]
