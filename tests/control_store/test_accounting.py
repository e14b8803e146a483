"""Accounts are absolute: publishing twice changes nothing, and loaders do not overwrite one another."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from control_store.accounting import (
    Account,
    DeniedHour,
    SpoolState,
    denied_hours,
    publish_accounts,
    publish_hours,
    publish_spools,
    published,
    published_spools,
)
from control_store.tables import ControlStore

NOW: Final = 1_764_000_000_000


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ControlStore]:
    """A store on a real SQLite file."""
    opened = ControlStore.in_directory(tmp_path)
    opened.migrate()
    yield opened
    opened.close()


@pytest.mark.req("C23")
def test_what_loaders_say_is_added_up_over_loaders_and_never_twice(store: ControlStore) -> None:
    """Each loader's last word counts once."""
    said = [Account(1, 20_000, "stored", "", 5), Account(1, 20_000, "not_recorded", "gpc", 2)]
    for _ in range(3):
        publish_accounts(store, "host-a", said, {})
    publish_accounts(
        store, "host-b", [Account(1, 20_000, "stored", "", 7), Account(0, 20_000, "rejected", "rate", 2**40)], {}
    )
    assert published(store).accounts == {
        (1, 20_000, "stored", ""): 12,
        (1, 20_000, "not_recorded", "gpc"): 2,
        (0, 20_000, "rejected", "rate"): 2**40,
    }
    publish_accounts(store, "host-a", said[:1], {})
    publish_accounts(store, "host-b", [], {})
    assert published(store).accounts == {(1, 20_000, "stored", ""): 5}


@pytest.mark.req("C23")
def test_what_the_warehouse_holds_is_told_apart_from_what_loaders_say(store: ControlStore) -> None:
    """Rows and bots by site and day, replaced whole, and never added to the loaders' counts."""
    said = [Account(1, 20_000, "stored", "", 5)]
    publish_accounts(store, "host-a", said, {(1, 20_000): (5, 2), (2, 20_001): (9, 0)})
    assert published(store).rows == {(1, 20_000): (5, 2), (2, 20_001): (9, 0)}
    publish_accounts(store, "host-a", said, {(1, 20_000): (4, 1)})
    assert published(store).rows == {(1, 20_000): (4, 1)}
    assert published(store).accounts == {(1, 20_000, "stored", ""): 5}


@pytest.mark.req("P7")
def test_hours_are_added_up_over_loaders_and_reasons(store: ControlStore) -> None:
    """Each loader's last word counts once, for the site and day that are asked for."""
    said = [DeniedHour(1, 20_000, "gpc", 9, 5), DeniedHour(1, 20_000, "dnt", 9, 6), DeniedHour(1, 20_000, "gpc", 23, 7)]
    others = [DeniedHour(1, 20_001, "gpc", 9, 100), DeniedHour(2, 20_000, "gpc", 9, 100)]
    for _ in range(2):
        publish_hours(store, "host-a", [*said, *others])
    publish_hours(store, "host-b", said[:1])
    assert denied_hours(store, 1, 20_000) == {9: 16, 23: 7}
    publish_hours(store, "host-a", [])
    assert denied_hours(store, 1, 20_000) == {9: 5}


@pytest.mark.req("O5")
def test_a_loader_replaces_what_it_said_of_its_spools(store: ControlStore) -> None:
    """A spool that is gone is not told any more; another loader's stay."""
    publish_spools(store, "a", [SpoolState("w0", 10, 3), SpoolState("w1", 20, 0)], now=NOW)
    publish_spools(store, "b", [SpoolState("w2", 30, 1)], now=NOW)
    publish_spools(store, "a", [SpoolState("w1", 40, 2)], now=NOW + 1)
    assert published_spools(store) == [SpoolState("w1", 40, 2), SpoolState("w2", 30, 1)]
