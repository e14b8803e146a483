"""What every store holds now, against its period: `footfall periods`, and the console's page."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from console.pages.kept import Kept
from control_store import audit, refused_hosts
from control_store.accounting import published
from control_store.ages import NOTHING, Age, ages
from control_store.salts import SaltFile
from control_store.tables import ControlStore
from control_store.targets import list_targets
from event_catalogue.days import DAY_MS
from footfall.assembly import clock
from footfall.books import open_ledger
from footfall.environment import Environment
from footfall.importing import count_stagings
from footfall.periods import PERIODS
from retention.backup import Backups, Manifest
from retention.policy import LEGAL_MS
from spool.accounts import JOURNAL, closed_batches, read_journal

_UNKNOWN: Final = Age(-1)
_MARGIN_MS: Final = 2 * 3_600_000
"""What ends stores runs once an hour: a second run without it is late."""
_LONGEST_MS: Final[Mapping[str, int]] = {
    "raw": LEGAL_MS + 3 * DAY_MS,
    "hosts": refused_hosts.KEPT_DAYS * DAY_MS,
    "audit": audit.KEPT_DAYS * DAY_MS,
    "commands": 8 * DAY_MS,
    "logins": 0,
    "links": 0,
    "batches": 8 * DAY_MS,
    "requests of people": 2 * DAY_MS,
}
"""After which time from its moment something is late, where a table of its own says so."""


def keep_in_view(environment: Environment, store: ControlStore) -> list[Kept]:
    """Every store, in the order of the table of periods."""
    now = clock()
    found = {**ages(store), **_of_files(environment, store)}
    states = []
    for one in PERIODS:
        age = found.get(one.name, _UNKNOWN)
        late = one.name in _LONGEST_MS and 0 < age.oldest < now - _LONGEST_MS[one.name] - _MARGIN_MS
        if one.name == "backups":
            late = any(made.until < now - _MARGIN_MS for made in _backups(store))
        states.append(Kept(*one[1:], age.amount, age.oldest, is_late=late))
    return states


def _of_files(environment: Environment, store: ControlStore) -> dict[str, Age]:
    looks: dict[str, Callable[[], Age]] = {
        "spool": lambda: Age(sum(one.pending for one in read_journal(environment.spool).spools)),
        "imports": lambda: Age(count_stagings(environment)),
        "raw": lambda: _days({day: rows for (_, day), (rows, _) in published(store).rows.items() if rows}),
        "letters": lambda: _days(
            {day: count for (_, day), count in read_journal(environment.spool).dead_letters.items()}
        ),
        "batches": lambda: _batches(environment.spool),
        "salts": lambda: _salts(environment),
        "backups": lambda: _made(store),
        "tombstones": lambda: Age(
            sum(len(Backups(Path(path)).target.erasures()) for path in list_targets(store) if Path(path).is_dir())
        ),
        "ledger": lambda: Age(sum(1 for _ in open_ledger(environment, store).lines())),
    }
    return {name: look() for name, look in looks.items()}


def _days(counts: Mapping[int, int]) -> Age:
    return Age(sum(counts.values()), min(counts) * DAY_MS) if counts else NOTHING


def _batches(spools: Path) -> Age:
    return Age(len(closed_batches(spools))) if (spools / JOURNAL).is_file() else NOTHING


def _salts(environment: Environment) -> Age:
    salts = SaltFile(environment.salts, clock)
    try:
        return Age(len(salts.there()))
    finally:
        salts.close()


def _made(store: ControlStore) -> Age:
    found = _backups(store)
    return Age(len(found), min(one.made for one in found)) if found else NOTHING


def _backups(store: ControlStore) -> list[Manifest]:
    return [one for path in list_targets(store) if Path(path).is_dir() for one in Backups(Path(path)).list()]
