"""Manifests: an import counts from its commit on, and its content is known from then on."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
import sqlalchemy as sa

from control_store.imports import Manifest, abandon_import, begin_import, commit_import, committed_imports
from control_store.sites import NewSite, add_site
from control_store.tables import ControlStore

NOW: Final = 1_764_000_000_000


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ControlStore]:
    """A store with two sites, on a real SQLite file."""
    opened = ControlStore.in_directory(tmp_path)
    opened.migrate()
    for name in ("a.example", "b.example"):
        add_site(opened, NewSite(name), now=NOW)
    yield opened
    opened.close()


def manifest(number: int, digest: str = "d1", site: int = 1) -> Manifest:
    """A manifest that is ready to be committed."""
    return Manifest(number, site, "accesslog", digest, 1000, 10, f"import-{number}", "open")


@pytest.mark.req("O8")
def test_an_import_counts_when_it_is_committed(store: ControlStore) -> None:
    """What is begun is invisible; committed it is told with all it brought; numbers only rise."""
    first = begin_import(store, 1, "accesslog", now=NOW)
    second = begin_import(store, 2, "accesslog", now=NOW)
    assert second > first
    assert committed_imports(store) == []
    commit_import(store, manifest(second, site=2))
    commit_import(store, manifest(first))
    assert committed_imports(store) == [
        manifest(first)._replace(state="committed"),
        manifest(second, site=2)._replace(state="committed"),
    ]


def test_an_abandoned_import_leaves_nothing_and_a_committed_one_stays(store: ControlStore) -> None:
    """Abandoning takes back what was begun, never what counts."""
    first, second = (begin_import(store, 1, "accesslog", now=NOW + n) for n in (0, 1))
    commit_import(store, manifest(first))
    abandon_import(store, first)
    abandon_import(store, second)
    assert [one.id for one in committed_imports(store)] == [first]
    assert begin_import(store, 1, "accesslog", now=NOW + 2) > second


@pytest.mark.req("O8")
def test_the_same_content_of_a_site_can_not_be_committed_twice(store: ControlStore) -> None:
    """The store itself refuses it, whatever a command thinks; another site may bring the same file."""
    first, second, third = (begin_import(store, 1, "accesslog", now=NOW + n) for n in range(3))
    commit_import(store, manifest(first))
    with pytest.raises(sa.exc.IntegrityError):
        commit_import(store, manifest(second))
    commit_import(store, manifest(third, site=2))
    assert [one.id for one in committed_imports(store)] == [first, third]
