"""From JSON to a question, or to a refusal that names the part and the nearest name."""

import json
from datetime import date
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from console.stats.parse import MAX_BODY, NAMED_RANGES, parse, parse_body
from console.stats.query import All, BadQuery, Condition, Done, Either, Include, Last, Not, Order, Span

GOOD: dict[str, Any] = {"site_id": "shop.example", "metrics": ["visitors"], "date_range": "day"}


def good(**more: Any) -> dict[str, Any]:
    """A question that is fine, with changes."""
    return {**GOOD, **more}


@pytest.mark.req("D7")
def test_the_least_that_can_be_asked() -> None:
    """Site, metrics and range; the rest has defaults."""
    query = parse_body(json.dumps(GOOD).encode())
    assert (query.site_id, [metric.name for metric in query.metrics]) == ("shop.example", ["visitors"])
    assert (query.date_range, query.dimensions, query.filters) == (Last("day"), (), All(()))
    assert (query.order_by, query.include, query.limit, query.offset) == (
        (Order("visitors", "desc"),),
        Include(),
        10_000,
        0,
    )


@pytest.mark.req("D7")
@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("day", Last("day")),
        ("7d", Last("day", 7)),
        ("91d", Last("day", 91)),
        ("month", Last("month")),
        ("6mo", Last("month", 6)),
        ("12mo", Last("month", 12)),
        ("year", Last("year")),
        ("all", Last("all")),
        (["2024-02-29", "2024-02-29"], Span(date(2024, 2, 29), date(2024, 2, 29))),
    ],
)
def test_ranges(said: Any, meant: Any) -> None:
    """Named ranges and pairs of days."""
    assert parse(good(date_range=said)).date_range == meant
    assert {"day", "7d", "28d", "30d", "91d", "month", "6mo", "12mo", "year", "all"} == set(NAMED_RANGES)


@pytest.mark.req("D5", "D7")
def test_a_tree_of_filters() -> None:
    """The array form of Plausible becomes conditions, with both spellings of a dimension."""
    query = parse(
        good(
            filters=[
                ["is", "visit:source", ["Google"]],
                ["or", [["not", ["contains", "country", ["c"], {"case_sensitive": False}]], ["is", "visit:city", [7]]]],
                ["has_not_done", ["matches", "event:page", ["^/a"]]],
            ]
        )
    )
    first, second, third = query.filters.parts
    assert isinstance(first, Condition)
    assert (first.operator, first.asked.dimension.field, first.values) == ("is", "source", ("Google",))
    assert isinstance(second, Either)
    negated, city = second.parts
    assert isinstance(negated, Not)
    assert isinstance(negated.part, Condition)
    assert (negated.part.asked.name, negated.part.case_sensitive) == ("country", False)
    assert isinstance(city, Condition)
    assert city.values == ("7",)
    assert isinstance(third, Not)
    assert isinstance(third.part, Done)


IS = ["is", "visit:source", ["x"]]


def nested(depth: int) -> list[Any]:
    """A filter within `depth` negations."""
    return IS if depth == 0 else ["not", nested(depth - 1)]


BAD: list[tuple[Any, str, str]] = [
    ([], "body", "JSON object"),
    ("text", "body", "JSON object"),
    ({}, "site_id", "missing"),
    ({"site_id": "a", "date_range": "day"}, "metrics", "missing"),
    (good(dimension=["x"]), "'dimension'", "'dimensions'"),
    (good(site_id=None), "site_id", "id, key or domain"),
    (good(site_id=""), "site_id", "id, key or domain"),
    (good(site_id="a\ud800"), "site_id", "half a character"),
    (good(metrics=["visitor"]), "metrics", "'visitors'"),
    (good(metrics=["bouncerate"]), "metrics", "'bounce_rate'"),
    (good(metrics=[]), "metrics", "At least one"),
    (good(metrics="visitors"), "metrics", "list"),
    (good(metrics=[1]), "metrics", "named by a text"),
    (good(metrics=["visitors", "visitors"]), "metrics", "twice"),
    (good(dimensions=["visit:sorce"]), "dimensions", "'visit:source'"),
    (good(dimensions=["event:pages"]), "dimensions", "'event:page'"),
    (good(dimensions=["bot"]), "dimensions", "no dimension 'bot'"),
    (good(dimensions=["visitor"]), "dimensions", "no dimension"),
    (good(dimensions=["event:props:"]), "dimensions", "no dimension"),
    (good(dimensions=["event:props:\ud800"]), "dimensions", "half a character"),
    (good(dimensions=["visit:source"] * 2), "dimensions", "twice"),
    (good(dimensions=["source", "os", "browser", "path", "name", "device", "city"]), "dimensions", "At most 6"),
    (good(date_range="7days"), "date_range", "take day, 7d"),
    (good(date_range="0d"), "date_range", "no range '0d'"),
    (good(date_range="9999d"), "date_range", "no range"),
    (good(date_range=["2024-01-02", "2024-01-01"]), "date_range", "begins after its end"),
    (good(date_range=["2024-02-30", "2024-03-01"]), "date_range", "There is no day"),
    (good(date_range=["2024-01-01T00:00:00", "2024-01-02T00:00:00"]), "date_range", "with its offset"),
    (good(date_range=["2024-01-01", "2024-01-02T00:00:00Z"]), "date_range", "with its offset"),
    (good(date_range=["2024-01-02T00:00:00Z", "2024-01-01T00:00:00Z"]), "date_range", "begins after its end"),
    (good(date_range=["0001-01-01T00:00:00+14:00", "2024-01-01T00:00:00Z"]), "date_range", "Times lie between"),
    (good(date_range=["2001-01-01T00:00:00Z", "2024-01-01T00:00:00Z"]), "date_range", "at most"),
    (good(include={"comparisons": "last"}), "include", "with a `mode`"),
    (good(include={"comparisons": {"mode": "last"}}), "include", "previous_period"),
    (good(include={"comparisons": {"mode": ["custom"]}}), "include", "previous_period"),
    (good(include={"comparisons": {"mode": "custom"}}), "include", "goes with the mode custom"),
    (good(include={"comparisons": {"mode": "custom", "date_range": "7d"}}), "include", "pair of days"),
    (good(include={"comparisons": {"mode": "year_over_year", "match": True}}), "include", "match"),
    (good(include={"comparisons": {"mode": "year_over_year", "match_day_of_week": 1}}), "include", "true or false"),
    (good(date_range=["20240101", "20240102"]), "date_range", "2025-01-31"),
    (good(date_range=["1969-01-01", "2024-01-01"]), "date_range", "Days lie between"),
    (good(date_range=["2000-01-01", "2149-01-01"]), "date_range", "at most"),
    (good(date_range=["2024-01-01"]), "date_range", "pair of days"),
    (good(date_range=7), "date_range", "pair of days"),
    (good(filters=["is", "visit:source", ["x"]]), "filters", "A filter is a list"),
    (good(filters={"a": 1}), "filters", "list of filters"),
    (good(filters=[[]]), "filters", "operator"),
    (good(filters=[["iss", "visit:source", ["x"]]]), "filters", "'is'"),
    (good(filters=[["contain", "visit:source", ["x"]]]), "filters", "'contains'"),
    (good(filters=[["is", "visit:sources", ["x"]]]), "filters", "'visit:source'"),
    (good(filters=[["is", "visit:source"]]), "filters", "three elements"),
    (good(filters=[["is", "visit:source", "x"]]), "filters", "list"),
    (good(filters=[["is", "visit:source", []]]), "filters", "1 to 1000"),
    (good(filters=[["is", "visit:source", ["x"] * 1001]]), "filters", "1 to 1000"),
    (good(filters=[["is", "visit:source", ["x" * 2001]]]), "filters", "at most 2000"),
    (good(filters=[["is", "visit:source", [None]]]), "filters", "text"),
    (good(filters=[["is", "visit:source", [True]]]), "filters", "text"),
    (good(filters=[["contains", "visit:source", [""]]]), "filters", "not empty"),
    (good(filters=[["is", "visit:source", ["\udfff"]]]), "filters", "half a character"),
    (good(filters=[["is", "time:day", ["2024-01-01"]]]), "filters", "date_range"),
    (good(filters=[["is", "visit:source", ["x"], {"case": False}]]), "filters", "case_sensitive"),
    (good(filters=[["is", "visit:source", ["x"], {"case_sensitive": 0}]]), "filters", "true or false"),
    (good(filters=[["matches", "path", ["x"], {"case_sensitive": False}]]), "filters", "(?i)"),
    (good(filters=[["and", []]]), "filters", "at least one"),
    (good(filters=[["and", IS]]), "filters", "A filter is a list"),
    (good(filters=[["not", IS, IS]]), "filters", "exactly one"),
    (good(filters=[["has_done", IS]]), "filters", "about events"),
    (good(filters=[["has_done", ["has_done", ["is", "path", ["/"]]]]]), "filters", "about events"),
    (good(filters=[nested(8)]), "filters", "nested 8 deep"),
    (good(filters=[IS] * 101), "filters", "At most 100"),
    (good(order_by=["visitors", "desc"]), "order_by", "pair"),
    (good(order_by=[["visits", "desc"]]), "order_by", "neither"),
    (good(order_by=[["visitors", "down"]]), "order_by", "asc"),
    (good(order_by=[["visitors", ["desc"]]]), "order_by", "asc"),
    (good(order_by={}), "order_by", "list of pairs"),
    (good(include={"total_row": True}), "include", "'total_rows'"),
    (good(include={"total_rows": 1}), "include", "true or false"),
    (good(include={"time_labels": True}), "include", "time dimension"),
    (good(include=[]), "include", "object"),
    (good(pagination={"limit": 0}), "pagination", "1 to 10,000"),
    (good(pagination={"limit": 10_001}), "pagination", "1 to 10,000"),
    (good(pagination={"limit": True}), "pagination", "whole number"),
    (good(pagination={"limit": 1.5}), "pagination", "whole number"),
    (good(pagination={"offset": -1}), "pagination", "0 to"),
    (good(pagination={"page": 1}), "pagination", "'offset'"),
    (good(pagination=5), "pagination", "object"),
]


@pytest.mark.req("D7")
@pytest.mark.parametrize(("body", "field", "words"), BAD, ids=lambda value: None)
def test_what_is_wrong_is_named(body: Any, field: str, words: str) -> None:
    """A refusal has the part and a sentence; an unknown name comes with the nearest known one."""
    with pytest.raises(BadQuery) as caught:
        parse(body)
    assert caught.value.field == field
    assert words in caught.value.sentence
    assert len(caught.value.sentence) < 400


@pytest.mark.req("D7", "O4")
@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000, b"nan", b" " * (MAX_BODY + 1)], ids=len)
def test_a_body_that_is_no_json_is_refused(body: bytes) -> None:
    """Bytes of any kind end in one sentence."""
    with pytest.raises(BadQuery) as caught:
        parse_body(body)
    assert caught.value.field == "body"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
PARTS = ["site_id", "metrics", "date_range", "dimensions", "filters", "order_by", "include", "pagination"]


@pytest.mark.req("D7", "O4")
@hypothesis.given(part=st.sampled_from(PARTS), value=JSON)
def test_any_json_is_parsed_or_refused(part: str, value: Any) -> None:
    """No value of any part ends in anything but a question or a refusal."""
    try:
        query = parse(good(**{part: value}))
    except BadQuery:
        return
    assert query.metrics
    hash(query)
