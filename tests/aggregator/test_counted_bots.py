"""Bots are a fact of the row and a wish of the site: visits, live answers and seals follow the site's change of mind."""

import random
from collections.abc import Collection, Iterator
from contextlib import nullcontext
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from aggregator.seal import Sealed
from aggregator.visits import RECOUNTED, VisitTable
from console.stats.parse import parse
from console.stats.query import SiteRef
from console.stats.run import Statistics
from control_store.marks import usable_marks
from control_store.seals import all_seals
from control_store.site_settings import changed
from control_store.sites import NewSite, add_site, list_sites, save_settings
from event_catalogue.fields import FIELDS
from tests.aggregator.rollup_count import count_day
from tests.aggregator.test_rollups import NAMES, as_events
from tests.aggregator.test_seal import DAY, EPOCH, NOW, ZONES, Place, _like, without_timings
from tests.aggregator.test_visits import Table, same, stored_visits
from tests.aggregator.visit_count import count_visits
from tests.console.stats.counting import answer
from tests.console.stats.world import make_world
from tests.warehouse.engine import fresh_warehouse
from warehouse.seals import RollupTable

pytestmark = pytest.mark.req("C18", "A1")

RULES = ("headless:brand", "headless:window", "ai:gptbot", "prefetch")
DOMAINS = ("zurich.example", "newyork.example", "kathmandu.example")
BOT = [field.name for field in FIELDS].index("bot")


def marked() -> list[dict[str, Any]]:
    """The world's events at sites 1 to 3, a third of them marked: some visitors are machines at times, some always."""
    rng = random.Random(11)
    events = []
    for one in make_world().events:
        always = any(one["visitor"]) and one["visitor"][-1] % 4 == 0
        rule = rng.choice(RULES) if always or rng.random() < 0.15 else ""
        events.append(one | {"site": one["site"] - 10, "bot": rule})
    return events


def seen(events: list[dict[str, Any]], rules: dict[int, Collection[str]]) -> list[dict[str, Any]]:
    """The events as a count by hand has to see them: without the mark of a rule that their site counts."""

    def counts(site: int, rule: str) -> bool:
        mine = rules.get(site, ())
        return any(rule == one or (one.endswith(":*") and rule.split(":")[0] == one[:-2]) for one in mine)

    return [one | {"bot": "" if counts(one["site"], one["bot"]) else one["bot"]} for one in events]


@pytest.fixture
def table(tmp_path: Path) -> Iterator[Table]:
    warehouse = fresh_warehouse()
    made = Table(tmp_path, warehouse)
    made.visits = VisitTable(warehouse, made.store, nullcontext)
    for domain in DOMAINS:
        add_site(made.store, NewSite(domain), now=1)
    yield made
    made.store.close()
    warehouse.close()


def want(table: Table | Place, site: int, *rules: str) -> None:
    """Let a site count these rules."""
    found = next(one for one in list_sites(table.store) if one.id == site)
    save_settings(table.store, found, changed(found.settings, [f"counted_bots={','.join(rules)}"]))


STEPS: tuple[dict[int, Collection[str]], ...] = (
    {},
    {1: ("ai:gptbot",)},
    {1: ("headless:*",), 3: RULES},
    {1: ("prefetch",), 2: ("prefetch:*",), 3: ()},
    {1: (), 2: ()},
)


def test_visits_follow_the_rules_that_count(table: Table) -> None:
    """Counted, counted by kind, taken back, while new rows come: always what a count over all rows gives."""
    events = marked()
    random.Random(5).shuffle(events)
    part = len(events) // len(STEPS) + 1
    rules: dict[int, Collection[str]] = {}
    for place, step in enumerate(STEPS):
        table.load(events[place * part : (place + 1) * part])
        for site, wanted in step.items():
            want(table, site, *wanted)
        rules |= step
        table.visits.tick()
        same(stored_visits(table.warehouse), count_visits(seen(events[: (place + 1) * part], rules)))


def test_a_recount_that_is_cut_short_is_made_up(table: Table) -> None:
    """Until then nobody reads the visits of that site, even if the setting is what it was."""
    events = marked()
    table.load(events)
    table.visits.tick()
    assert usable_marks(table.store, 1, ())
    want(table, 1, *RULES)
    assert usable_marks(table.store, 1, RULES) == ()

    def stop(point: str) -> None:
        if point == RECOUNTED:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        VisitTable(table.warehouse, table.store, nullcontext, crash=stop, slice_rows=300).tick()
    want(table, 1)
    assert usable_marks(table.store, 1, ()) == ()
    assert usable_marks(table.store, 2, ())
    table.visits.tick()
    assert usable_marks(table.store, 1, ())
    same(stored_visits(table.warehouse), count_visits(events))


QUESTIONS: tuple[dict[str, Any], ...] = (
    {"metrics": ["visitors", "visits", "pageviews", "events", "bounce_rate", "visit_duration"]},
    {"metrics": ["visitors", "visits", "pageviews"], "dimensions": ["visit:source"]},
    {"metrics": ["visitors", "pageviews"], "dimensions": ["event:page"]},
    {"metrics": ["visits", "events"], "dimensions": ["visit:entry_page"]},
)


def test_live_answers_follow_at_once(table: Table) -> None:
    """Before the visits are counted again from the rows, and after it from the visits."""
    events = marked()
    table.load(events)
    table.visits.tick()
    world = make_world()
    ref = world.sites[DOMAINS[0]]
    statistics = Statistics(table.warehouse, lambda: 1_800_000_000_000, counted=partial(usable_marks, table.store))
    for rules in ((), ("headless:*",), ("ai:gptbot", "prefetch"), ()):
        want(table, 1, *rules)
        site = SiteRef(1, ref.domain, ref.timezone, ref.k, rules)
        by_hand = seen(events, {1: rules})
        for _ in range(2):
            for question in QUESTIONS:
                asked = {"site_id": "x", "date_range": ["2025-10-25", "2025-10-28"], **question}
                results = statistics.answer(parse(asked), site)["results"]
                found = {tuple(row["dimensions"]): tuple(row["metrics"]) for row in results}
                expected = answer(asked, by_hand, site)
                assert found == {key: tuple(values) for key, values in expected.items()}
            table.visits.tick()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    warehouse = fresh_warehouse()
    made = Place(tmp_path, warehouse)
    made.fill()
    yield made
    made.store.close()
    warehouse.close()


def sealed_anew(place: Place, rules: dict[int, Collection[str]]) -> list[Sealed]:
    """Seal what is due, and compare every new seal with a count by hand."""
    place.visits.tick()
    outcomes = place.seal_all()
    events = as_events([*place.rows])
    for one in outcomes:
        assert one.seal, one.reason
        by_hand = count_day(
            seen(events, rules),
            one.site.id,
            EPOCH + (date.fromordinal(one.day + 1) - date.fromordinal(1)),
            one.seal.k,
            ZONES[one.site.domain],
            NAMES,
        )
        found: dict[str, dict[Any, list[int]]] = {}
        for row in without_timings(RollupTable(place.warehouse).read(one.site.id, one.day, one.seal.run)):
            found.setdefault(row.dimension, {})[row.key, row.parent] = list(row.measures)
        assert found == by_hand
    return outcomes


def test_sealed_days_are_sealed_anew_while_their_rows_are_there(place: Place) -> None:
    """By the rules that count then, which the seal remembers; the other site's days stay as they are, and a day on which
    fewer than k visitors make the difference."""
    rules = sorted({str(row[BOT]) for row in place.rows if row[BOT]})
    mine = [row for row in place.rows if row[0] == 1 and row[1] == DAY and not row[BOT]]
    machines = [
        _like(row, bot=rules[0], visitor=bytes([200 + number]) * 16, beacon=bytes([100 + number]) * 16)
        for number, row in enumerate(mine[:9])
    ]
    place.events.insert(machines, batch=DAY + 9, token="machines")
    place.rows += machines
    place.visits.tick()
    place.seal_all()
    first = {(seal.site, seal.day): seal for seal in all_seals(place.store)}
    assert any(row[BOT] in rules for row in place.rows if row[0] == 1 and row[1] == DAY + 1)
    want(place, 1, *rules)
    (due,) = place.sealer.due(NOW, NOW)
    assert (due.day, [site.id for site in due.sites]) == (DAY, [1])
    (waiting,) = place.sealer.seal([due])
    assert (waiting.seal, waiting.reason) == (None, "the bot rules that count have just changed")
    (outcome,) = sealed_anew(place, {1: rules})
    assert outcome.seal
    assert outcome.seal.counted_bots == ",".join(rules)
    assert outcome.seal.generation == 2
    assert outcome.seal.digest != first[1, DAY].digest
    assert place.sealer.due(NOW, NOW) == []
    want(place, 1)
    (outcome,) = sealed_anew(place, {})
    assert outcome.seal
    assert (outcome.seal.counted_bots, outcome.seal.digest) == ("", first[1, DAY].digest)
    others = {key: seal for key, seal in first.items() if key != (1, DAY)}
    found = {(seal.site, seal.day): seal for seal in all_seals(place.store)}
    assert all(found[key].digest == seal.digest and found[key].generation == 1 for key, seal in others.items())
