"""Seals days: counts their aggregates, proves them against the raw rows, and only then says that they count.

A day is due when it and the grace after it are over by the site's clock, and every spool has been loaded past that
moment: then nothing of it can still arrive. Sites and days that are small are counted together, and proven and
committed each by itself: one that can't be sealed is told of loudly and holds no other.

What a kill -9 after each step leaves, and who mends it:
  1 chosen: nothing was written.
  2 counted: nothing on the disk; the scratch tables were in memory.
  3 numbered: numbers of runs were used up.
  4 written: rows of runs that no seal names. Nobody reads them; the next sweep removes them.
  5 proven: as 4.
  6 committed: the seals name their runs: the days are sealed. Rows of earlier runs may be left over.
  7 swept: done.
The same raw rows give the same aggregates in the same order, so a seal that was made anew has the digest of the first.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import nullcontext
from typing import Final, NamedTuple

from aggregator.attack import exposed
from aggregator.coarser import coarser
from aggregator.paths import raw_steps, step_faults
from aggregator.proof import faults_of, goal_faults, raw_goals, raw_timings, raw_totals, timing_faults
from aggregator.revenue import raw_revenue, revenue_faults
from aggregator.visits import AtRest
from control_store.goals import aims_of
from control_store.marks import next_number, rules_text, visit_rules
from control_store.seals import Fault, Seal, all_seals, save_fault, save_late, save_seals
from control_store.sites import list_sites
from control_store.snapshot import Site
from control_store.spans import all_spans
from control_store.tables import ControlStore
from event_catalogue.days import day_end
from event_catalogue.goals import NO_AIMS, Aims
from warehouse.client import Warehouse
from warehouse.rollup_rows import SiteDay
from warehouse.rollups import Rollups
from warehouse.seals import RollupTable, digest

SEAL_POINTS: Final = (
    "seal.chosen",
    "seal.counted",
    "seal.numbered",
    "seal.written",
    "seal.proven",
    "seal.committed",
    "seal.swept",
)
GRACE_MS: Final = 26 * 3_600_000
"""How long after its end a day waits: a beacon may be 24 hours late, and a little more for what was on its way."""

_TOGETHER: Final = 50_000
"""Raw rows up to which days are counted together: a statement costs a small day more than its rows do."""

QUIET_MS: Final = 3_600_000
"""How long a day waits after its newest row: histories are brought in file by file, and belong into one seal."""

_LOG = logging.getLogger("footfall.seal")
Crash = Callable[[str], None]
NumbersOf = Callable[[Collection[int]], Mapping[tuple[int, int], str]]
"""Days → with which records of the spools the events of each site and day came, as a seal carries it."""


class DueDay(NamedTuple):
    """A day, and the sites for which it can be sealed."""

    day: int
    sites: tuple[Site, ...]


class Sealed(NamedTuple):
    """What became of a day of a site: a seal, or why there is none."""

    site: Site
    day: int
    seal: Seal | None
    reason: str = ""


class Sealer:
    """Seals what is due. One at a time: the core's job, or a command when no core runs."""

    def __init__(
        self,
        warehouse: Warehouse,
        store: ControlStore,
        clock: Callable[[], int],
        *,
        at_rest: AtRest = nullcontext,
        numbers: NumbersOf = lambda _: {},
        crash: Crash = lambda _: None,
    ) -> None:
        """`at_rest`: no batch is under way inside. `numbers`: with which records the events of these days came."""
        self._store = store
        self._at_rest = at_rest
        self._numbers = numbers
        self._clock = clock
        self._crash = crash
        self._warehouse = warehouse
        self._rollups = Rollups(warehouse, "seal")
        self._table = RollupTable(warehouse)

    def due(self, now: int, loaded: int, *, final: bool = False) -> list[DueDay]:
        """What can be sealed at `now` (ms UTC), the oldest day first, when all that was received up to `loaded` lies
        in the warehouse. `final`: without waiting, for days that are known to be complete."""
        sites = {site.id: site for site in list_sites(self._store)}
        seals = {(seal.site, seal.day): seal for seal in all_seals(self._store)}
        rows = self._table.raw_rows()
        days: dict[int, list[Site]] = defaultdict(list)
        for (site, day), newest in sorted(self._table.newest_rows().items()):
            known, seal = sites.get(site), seals.get((site, day))
            if known is None or (newest > now - QUIET_MS and not final):
                continue
            if seal and not self._again(known, seal, rows.get((site, day), 0)):
                continue
            over = day_end(known.timezone_of(day), day) + (0 if final else GRACE_MS)
            if over <= min(now, loaded):
                days[day].append(known)
        return [DueDay(day, tuple(found)) for day, found in sorted(days.items())]

    def _again(self, site: Site, seal: Seal, rows: int) -> bool:
        """Whether a sealed day is sealed anew: its k was raised, or k visitors came late or count by other bot rules.
        Two generations can be compared, so fewer than k never make the difference.

        The raw rows must be whole: what of them was erased or purged would be missing in the numbers.
        """
        if seal.purged or rows < seal.raw_rows:
            return False
        k, bots = site.settings.k, site.settings.counted_bots
        if k > seal.k:
            return True
        if rules_text(bots) != seal.counted_bots:
            before = filter(None, seal.counted_bots.split(","))
            if self._table.changed_visitors(seal, before, bots) >= k:
                return True
        return rows > seal.raw_rows and self._table.late_visitors(seal, bots) >= k

    def chunks(self, days: Sequence[DueDay]) -> Iterator[list[DueDay]]:
        """The days in their order, small ones together."""
        rows = self._table.raw_rows()
        chunk: list[DueDay] = []
        size = 0
        for due in days:
            mine = sum(rows.get((site.id, due.day), 0) for site in due.sites)
            if chunk and size + mine > _TOGETHER:
                yield chunk
                chunk, size = [], 0
            chunk.append(due)
            size += mine
        if chunk:
            yield chunk

    def seal(self, days: Sequence[DueDay], *, anyway: bool = False) -> list[Sealed]:
        """Seal these days for their sites; `visits` must hold what `events` holds. Raises TryLater, Broken.

        `anyway`: the legal maximum is reached; what can't be proven is sealed as not verified.
        """
        chosen, waiting = self._settled(days, anyway=anyway)
        numbers = [due.day for due in days]
        with self._at_rest():
            before = self._table.raw_rows(numbers)
            came_with = self._numbers(numbers)
        self._crash("seal.chosen")
        aims = {site.id: aims_of(self._store, site.id) for site, _ in chosen}
        bounds = [site_day(site, day, aims[site.id]) for site, day in chosen]
        rows = [row for rows in self._rollups.count(bounds) for row in rows]
        self._crash("seal.counted")
        runs = {(site.id, day): next_number(self._store, "run") for site, day in chosen}
        self._crash("seal.numbered")
        self._table.write(runs, rows)
        self._crash("seal.written")
        generations = {(seal.site, seal.day): seal.generation for seal in all_seals(self._store)}
        outcomes = []
        for site, day in chosen:
            key = site.id, day
            count = _Count(
                runs[key], before.get(key, 0), generations.get(key, 0) + 1, came_with.get(key, ""), aims[site.id]
            )
            outcomes.append(self._prove(site, day, count, anyway=anyway))
        if not anyway:
            after = self._table.raw_rows(numbers)
            moved = {key for key in runs if before.get(key) != after.get(key)}
            late = [one for one in outcomes if (one.site.id, one.day) in moved]
            outcomes = [one for one in outcomes if (one.site.id, one.day) not in moved]
        else:
            late = []
        self._crash("seal.proven")
        self._commit(outcomes)
        self._crash("seal.committed")
        return [*outcomes, *(one._replace(seal=None, reason="rows were loaded meanwhile") for one in late), *waiting]

    def coarsen(self, budget_ms: int) -> int:
        """Merge sealed days again whose site has raised its k since, and whose raw rows are not whole any more.

        How many that were; the next run goes on where the budget ended. Raises TryLater, Broken.
        """
        begun = self._clock()
        sites = {site.id: site for site in list_sites(self._store)}
        rows = self._table.raw_rows()
        done = 0
        for seal in all_seals(self._store):
            site = sites.get(seal.site)
            whole = not seal.purged and rows.get((seal.site, seal.day), 0) >= seal.raw_rows
            if site is None or whole or site.settings.k <= seal.k:
                continue
            if self._clock() - begun > budget_ms:
                break
            self._commit([self._merge_again(site, seal)])
            done += 1
        return done

    def _merge_again(self, site: Site, seal: Seal) -> Sealed:
        """The next generation of a seal, of the same day and with what the last one kept."""
        run = next_number(self._store, "run")
        merged = coarser(self._table.read(site.id, seal.day, seal.run), site.settings.k)
        self._table.write({(site.id, seal.day): run}, [(seal.day, row) for row in merged])
        rows = self._table.read(site.id, seal.day, run)
        if found := exposed(rows, site.settings.k):
            return Sealed(site, seal.day, None, "; ".join(found)[:300])
        changed = seal._replace(generation=seal.generation + 1, run=run, k=site.settings.k, rollup_rows=len(rows))
        return Sealed(site, seal.day, changed._replace(digest=digest(rows)))

    def sweep(self) -> None:
        """Remove the rows of every run that no seal names, and of weeks and months that do not count any more: what
        kills and new generations left behind. To be called at the start and after sealing, by whoever seals: no run is
        under way then."""
        runs = {(seal.site, seal.day): seal.run for seal in all_seals(self._store)}
        spans = (
            span
            for span in all_spans(self._store)
            if span.rollup_rows and span.stands(lambda site, day: runs.get((site, day)))
        )
        self._table.sweep({*runs.values(), *(span.run for span in spans)})
        self._crash("seal.swept")

    def count_late(self) -> int:
        """Note how many rows came after the seals of their days; how many that is in all."""
        rows = self._table.raw_rows()
        late: dict[tuple[int, int], int] = {}
        for seal in all_seals(self._store):
            more = rows.get((seal.site, seal.day), seal.raw_rows) - seal.raw_rows
            if not seal.purged and more != seal.late and more >= 0:
                late[seal.site, seal.day] = more
        save_late(self._store, late)
        return sum(late.values())

    def _settled(self, days: Sequence[DueDay], *, anyway: bool) -> tuple[list[tuple[Site, int]], list[Sealed]]:
        """The days whose visits are counted by the bot rules of their site; the others wait for the next run."""
        rules = visit_rules(self._store)
        chosen: list[tuple[Site, int]] = []
        waiting: list[Sealed] = []
        for site, day in ((site, due.day) for due in days for site in due.sites):
            if anyway or rules.get(site.id, "") == rules_text(site.settings.counted_bots):
                chosen.append((site, day))
            else:
                waiting.append(Sealed(site, day, None, "the bot rules that count have just changed"))
        return chosen, waiting

    def _prove(self, site: Site, day: int, count: "_Count", *, anyway: bool) -> Sealed:
        """Read the rows from the disk again, compare every total with one that was counted another way, and attack
        them."""
        rows = self._table.read(site.id, day, count.run)
        bots = site.settings.counted_bots
        faults = faults_of(rows, raw_totals(self._warehouse, site.id, day, bots))
        faults += timing_faults(rows, raw_timings(self._warehouse, site.id, day, bots))
        faults += step_faults(rows, raw_steps(self._warehouse, site.id, day, bots))
        faults += revenue_faults(rows, raw_revenue(self._warehouse, site.id, day, count.aims, counted_bots=bots))
        if count.aims.goals:
            faults += goal_faults(rows, raw_goals(self._warehouse, site.id, day, count.aims, counted_bots=bots))
        faults = faults or exposed(rows, site.settings.k)
        if faults and not anyway:
            return Sealed(site, day, None, "; ".join(faults)[:300])
        seal = Seal(
            site=site.id,
            day=day,
            generation=count.generation,
            run=count.run,
            sealed=self._clock(),
            k=site.settings.k,
            counted_bots=rules_text(site.settings.counted_bots),
            raw_rows=count.raw_rows,
            rollup_rows=len(rows),
            digest=digest(rows),
            verified=int(not faults),
            numbers=count.numbers,
        )
        return Sealed(site, day, seal, "; ".join(faults)[:300])

    def _commit(self, outcomes: Sequence[Sealed]) -> None:
        save_seals(self._store, [seal for one in outcomes if (seal := one.seal)])
        for site, day, seal, reason in outcomes:
            if seal is None:
                _LOG.error("Day %d of site %d can't be sealed, and is not purged: %s", day, site.id, reason)
                save_fault(self._store, Fault(site.id, day, self._clock(), reason))


class _Count(NamedTuple):
    """Which rows of a site's day are proven: their run, of how many raw rows, as which generation, from which
    records, with which goals."""

    run: int
    raw_rows: int
    generation: int
    numbers: str
    aims: Aims


def site_day(site: Site, day: int, aims: Aims = NO_AIMS) -> SiteDay:
    """The day as it is counted: with its k and its bounds by the site's clock of then."""
    zone = site.timezone_of(day)
    bots = site.settings.counted_bots
    return SiteDay(site.id, day, site.settings.k, day_end(zone, day - 1), day_end(zone, day), bots, aims)
