"""The one table of everything that runs by itself."""

import logging
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from aggregator.schedule import Job
from control_store.accounting import (
    Account,
    DeniedHour,
    SpoolState,
    publish_accounts,
    publish_hours,
    publish_spools,
)
from control_store.accounts import forget_sessions
from control_store.audit import forget_entries
from control_store.choices import forget_choice_counts, forget_receipts, open_withdrawals
from control_store.device_links import forget_device_links
from control_store.erasures import open_erasures
from control_store.holds import list_holds
from control_store.links import forget_links
from control_store.purges import gone_rows, open_purges
from control_store.refused_hosts import forget_hosts
from control_store.requests import Request, answer, open_requests
from control_store.salts import SaltFile
from control_store.seals import forget_seals
from control_store.sites import current_revision, deleted_sites, list_sites
from control_store.snapshot import read_snapshot
from control_store.spans import forget_spans
from control_store.tables import ControlStore
from event_catalogue.days import DAY_MS, day_end, local_day
from footfall.assembly import clock
from footfall.attacking import attack
from footfall.backing_up import FAULTS, keep_backups, make_backup
from footfall.books import keep_head, note_salt, open_ledger
from footfall.claiming import check_claims
from footfall.environment import Environment
from footfall.importing import finish_imports
from footfall.noticing import publish_notices
from footfall.publishing import publish
from footfall.purging import PurgeWish, Purging
from footfall.reconciling import reconcile, said
from footfall.sealing import ClockJump, Sealing, Wish, check_clock
from retention.ledger import LedgerBroken
from retention.letters import delete_old_letters
from retention.tombstones import TargetLost, Tombstones
from spool.accounts import JournalView, read_journal
from spool.crash import crash_points
from spool.errors import SpoolError
from warehouse.client import Warehouse
from warehouse.errors import TryLater, WarehouseError
from warehouse.events import EventTable

Answer = TypeVar("Answer")
_LOADER = "this machine"
_ASKED = ("seal", "purge", "attack", "reconcile", "backup", "claims")
_LOG = logging.getLogger("footfall.jobs")
_LONGEST_MONTH = 31
_AHEAD_MS = DAY_MS // 4
"""Salts are made six hours before their local day begins."""


@dataclass(frozen=True, slots=True)
class Rooms:
    """What the jobs work on."""

    environment: Environment
    store: ControlStore
    salts: SaltFile
    warehouse: Warehouse
    table: EventTable
    at_rest: Callable[[], AbstractContextManager[None]]
    """No batch is between spool and warehouse inside. Raises TryLater."""


def jobs(rooms: Rooms) -> tuple[Job, ...]:
    """The table. Order is the order of the first run at start, for those that run then."""
    return (
        Job("salts.destroy", 60, lambda: destroy_salts(rooms), "destroys salts 24 h after their day", history=False),
        Job("salts.make", 600, lambda: make_salts(rooms), "makes the next day's salts six hours ahead", history=False),
        Job(
            "stores.forget",
            3600,
            lambda: by_a_sure_clock(rooms, forget_stores),
            "ends aggregates and dead letters after their period",
        ),
        Job(
            "people.forget",
            3600,
            lambda: by_a_sure_clock(rooms, forget_people),
            "ends logins, links and old entries of the audit log",
        ),
        Job(
            "choices.forget",
            3600,
            lambda: by_a_sure_clock(rooms, forget_choices),
            "ends receipts, counts of choices, refused hosts",
        ),
        Job(
            "imports.finish",
            600,
            lambda: finish_imports(rooms.environment, rooms.store),
            "ends imports that were cut short",
            history=False,
        ),
        Job(
            "sites.publish",
            1,
            lambda: publish_changes(rooms),
            "shows collectors what changed in the control store",
            history=False,
        ),
        Job("ledger.heads", 600, lambda: keep_heads(rooms), "notes where the ledger ended each day", history=False),
        Job("notices.publish", 60, lambda: show_notices(rooms), "shows each site's notice and latest purge", False),
        Job(
            "accounting.publish",
            5,
            Accounting(rooms).publish,
            "brings the loader's counts to the control store",
            history=False,
        ),
        *_on_rows(Aggregating(rooms)),
    )


def _on_rows(aggregating: "Aggregating") -> tuple[Job, ...]:
    """The jobs that work on raw rows; one at a time, but for the counting of visits."""
    return (
        Job(
            "visits.count",
            5,
            aggregating.count_visits,
            "counts visits afresh that new rows belong to",
            history=False,
            at_start=False,
        ),
        Job("purges.settle", 60, aggregating.settle, "ends purges that were cut short", history=False),
        Job("requests.answer", 1, aggregating.answer, "does what commands ask of the core", False, at_start=False),
        Job(
            "days.seal",
            60,
            aggregating.seal,
            "seals days 26 hours after their end",
            history=False,
            at_start=False,
        ),
        Job(
            "accounts.reconcile",
            6 * 3600,
            aggregating.reconcile,
            "proves that every acknowledged event is where it is said to be",
            at_start=False,
        ),
        Job(
            "people.hide",
            1,
            aggregating.hide,
            "hides from every question what people have asked to be erased",
            history=False,
        ),
        Job(
            "people.erase",
            10,
            aggregating.erase,
            "erases what withdrawals and requests for erasure mean",
            at_start=False,
        ),
        Job(
            "days.purge",
            300,
            aggregating.purge,
            "purges raw rows of sealed days whose period is over",
            history=False,
            at_start=False,
        ),
        Job(
            "backups.keep",
            3600,
            aggregating.back_up,
            "makes a backup a day, and destroys those whose period is over",
            history=False,
            at_start=False,
        ),
    )


def destroy_salts(rooms: Rooms) -> str:
    """Overwrite every overdue salt, and write into the ledger that it is gone."""
    gone = rooms.salts.destroy_overdue()
    book = open_ledger(rooms.environment, rooms.store)
    for salt in gone:
        note_salt(book, salt, now=clock())
        rooms.salts.noted([salt])
    return f"{len(gone)} destroyed: {' '.join(salt.key_id for salt in gone)}" if gone else ""


def keep_heads(rooms: Rooms) -> str:
    """Note the ledger's head of the last day, once."""
    fault = keep_head(rooms.environment, rooms.store, now=clock())
    try:
        Tombstones(rooms.store, open_ledger(rooms.environment, rooms.store)).mirror()
    except TargetLost as lost:
        fault = f"{fault} {lost}".strip()
    if fault:
        _LOG.error("%s", fault)
    return fault


def show_notices(rooms: Rooms) -> str:
    """What was purged since the last change of a setting is told too."""
    publish_notices(rooms.store, rooms.environment.notices)
    return ""


def make_salts(rooms: Rooms) -> str:
    """Make the salts of each site's current local day and, six hours ahead, of its next."""
    now = clock()
    for site in list_sites(rooms.store):
        for at in (now, now + _AHEAD_MS):
            zone = site.timezone_at(at)
            day = local_day(zone, at)
            rooms.salts.salt(site.id, day, destroy_at=day_end(zone, day) + DAY_MS)
    return ""


def by_a_sure_clock(rooms: Rooms, work: Callable[[Rooms], str]) -> str:
    """Do what deletes for good, unless the clock may be wrong: by one that is years ahead all statistics are over."""
    try:
        check_clock(rooms.store, clock(), rooms.table.newest)
    except ClockJump as jump:
        _LOG.error("%s", jump)
        return str(jump)
    except WarehouseError:
        return ""  # the loader tells of it, and the next run looks again
    return work(rooms)


def forget_people(rooms: Rooms) -> str:
    """Delete what has outlived its period: logins, links of accounts, entries of the audit log."""
    now = clock()
    gone = {
        "logins": forget_sessions(rooms.store, now=now),
        "links": forget_links(rooms.store, now=now) + forget_device_links(rooms.store, now=now),
        "entries": forget_entries(rooms.store, now=now),
    }
    return ", ".join(f"{count} {what}" for what, count in gone.items() if count)


def forget_choices(rooms: Rooms) -> str:
    """Delete what has outlived its period: receipts after their grants, counts with the site's statistics, hosts."""
    store, now = rooms.store, clock()
    gone = {"receipts": forget_receipts(store, now=now, days=rooms.environment.receipt_days), "counts": 0}
    for site in list_sites(store):
        first = now // DAY_MS - site.settings.aggregate_months * _LONGEST_MONTH
        gone["counts"] += forget_choice_counts(store, site.id, before_day=first)
    gone["hosts"] = forget_hosts(store, now=now)
    return ", ".join(f"{count} {what}" for what, count in gone.items() if count)


def forget_stores(rooms: Rooms) -> str:
    """Delete what has outlived its period: seals, whose aggregates the next sweep removes, and dead letters. Those of a
    deleted site go when its raw rows have gone."""
    store, today = rooms.store, clock() // DAY_MS
    sites = list_sites(store)
    gone = {"seals": 0}
    first = {site.id: today - site.settings.aggregate_months * _LONGEST_MONTH for site in sites}
    for site_id, day in (first | dict.fromkeys(deleted_sites(store), today + 1)).items():
        gone["seals"] += forget_seals(store, site_id, before_day=day) + forget_spans(store, site_id, before_day=day)
    kept = {site.id: site.settings.raw_days for site in sites}
    held = [(one.site, one.first, one.last) for one in list_holds(store) if one.keeps(one.site, one.first, today)]
    gone["dead letters"] = delete_old_letters(rooms.environment.spool, kept, held, today=today)
    return ", ".join(f"{count} {what}" for what, count in gone.items() if count)


class Aggregating:
    """Visits and seals. A warehouse that does not answer is the loader's to tell of; the next run makes up for it."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms
        self._lock = threading.Lock()
        self._turn = threading.Lock()
        self._sealing: Sealing | None = None
        self._purging: Purging | None = None
        self._hidden: object = None

    def count_visits(self) -> str:
        """Bring visits up to what is loaded."""
        try:
            rows = self._opened().visits.tick()
        except TryLater:
            return ""
        return f"{rows} new rows" if rows else ""

    def seal(self) -> str:
        """Seal what is due, unless a request is being answered: the next run comes soon.

        What people have asked to be erased goes before, so that no seal counts it.
        """
        return self._in_turn(lambda: self._erased_before(lambda: self._opened().run(self._rooms.table.newest())))

    def purge(self) -> str:
        """Purge what is due, unless something else is under way: the next run comes soon."""
        return self._in_turn(lambda: self._opened_purging().run())

    def hide(self) -> str:
        """Hide what is asked for, whatever else is under way; at the start before anybody can ask."""
        store = self._rooms.store
        asked = [*open_withdrawals(store), *open_erasures(store)]
        if asked == self._hidden:
            return ""
        try:
            said = self._opened_purging().hide()
        except TryLater:
            return ""
        self._hidden = asked
        return said

    def erase(self) -> str:
        """Erase what is asked for, unless something else is under way: the next run comes soon."""
        store = self._rooms.store
        if not open_withdrawals(store) and not open_erasures(store):
            return ""
        return self._in_turn(lambda: self._opened_purging().erase_in_time())

    def back_up(self) -> str:
        """Make and destroy backups."""

        def work(rooms: Rooms) -> str:
            try:
                return keep_backups(rooms.environment, rooms.store, rooms.warehouse)
            except FAULTS as fault:
                _LOG.error("%s", fault)
                return str(fault)

        return self._in_turn(lambda: by_a_sure_clock(self._rooms, work))

    def reconcile(self) -> str:
        """Prove the accounts; what `footfall status` shows of it."""
        rooms = self._rooms
        report = reconcile(rooms.warehouse, rooms.store, rooms.environment.spool, rooms.at_rest)
        if report["faults"]:
            _LOG.error("The accounts do not agree: %s", said(report))
        return said(report)

    def settle(self) -> str:
        """End what was cut short: at the start before anything is loaded, and whenever a file was still held."""
        if not open_purges(self._rooms.store):
            return ""
        return self._in_turn(lambda: self._opened_purging().settle())

    def answer(self) -> str:
        """Do what commands ask."""
        requests = [one for what in _ASKED for one in open_requests(self._rooms.store, what)]
        if not requests or not self._turn.acquire(blocking=False):
            return ""
        try:
            for request in requests:
                self._answer(request)
        finally:
            self._turn.release()
        return f"{len(requests)} requests"

    def _answer(self, request: Request) -> None:
        store = self._rooms.store

        def tell(told: dict[str, Any], *, done: bool = False) -> None:
            answer(store, request, told, done=done)

        try:
            tell(self._told(request, tell), done=True)
        except (WarehouseError, SpoolError, LedgerBroken, ClockJump, *FAULTS) as error:
            answer(store, request, {}, done=True, error=str(error))

    def _told(self, request: Request, tell: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
        match request.what:
            case "seal":
                wish = Wish(**request.arguments)
                return self._erased_before(lambda: self._opened().fulfil(wish, tell), final=wish.final)
            case "purge":
                return self._opened_purging().fulfil(PurgeWish(**request.arguments), tell)
            case "reconcile":
                rooms = self._rooms
                return reconcile(rooms.warehouse, rooms.store, rooms.environment.spool, rooms.at_rest)
            case "backup":
                rooms = self._rooms
                return make_backup(rooms.environment, rooms.store, rooms.warehouse, **request.arguments)
            case "claims":
                rooms = self._rooms
                return check_claims(rooms.environment, rooms.store, rooms.warehouse)
            case _:
                return attack(self._rooms.warehouse, self._rooms.store, **request.arguments)

    def _erased_before(self, work: Callable[[], Answer], *, final: bool = False) -> Answer:
        if open_withdrawals(self._rooms.store) or open_erasures(self._rooms.store):
            due = {one.day for one in self._opened().due(clock(), final=final)}
            if due:
                self._opened_purging().erase(due)
        return work()

    def _in_turn(self, work: Callable[[], str]) -> str:
        if not self._turn.acquire(blocking=False):
            return ""
        try:
            return work()
        except TryLater:
            return ""
        finally:
            self._turn.release()

    def _opened_purging(self) -> Purging:
        sealing = self._opened()
        with self._lock:
            if self._purging is None:
                rooms = self._rooms
                self._purging = Purging(rooms.environment, rooms.store, rooms.warehouse, sealing)
            return self._purging

    def _opened(self) -> Sealing:
        rooms = self._rooms
        with self._lock:
            if self._sealing is None:
                crash = crash_points(rooms.environment.crash)
                self._sealing = Sealing(
                    rooms.warehouse, rooms.store, rooms.at_rest, clock, crash, spools=rooms.environment.spool
                )
            return self._sealing


def publish_changes(rooms: Rooms) -> str:
    """Publish the snapshot when the control store has a newer revision than the published one."""
    if _published_revision(rooms.environment.snapshot) == current_revision(rooms.store):
        return ""
    publish(rooms.store, rooms.environment, clock())
    return "published"


def _published_revision(path: Path) -> int:
    """Revision of the published snapshot; -1 where there is none that this release can read."""
    try:
        return read_snapshot(path).revision
    except (FileNotFoundError, msgspec.DecodeError):
        return -1


def publish_loaded(store: ControlStore, environment: Environment) -> JournalView:
    """Say how far each spool is loaded; the journal as it was read."""
    view = read_journal(environment.spool)
    publish_spools(store, _LOADER, [SpoolState(*spool) for spool in view.spools], now=clock())
    return view


class Accounting:
    """Publishes absolute counts of journal and warehouse; publishing the same twice changes nothing."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms
        self._published: object = None
        self._not_before = 0

    def publish(self) -> str:
        """Publish what has changed. Counting the warehouse takes at most a fiftieth of the time, however large."""
        rooms = self._rooms
        view = publish_loaded(rooms.store, rooms.environment)
        began = clock()
        if (view.totals, gone_rows(rooms.store)) == self._published or began < self._not_before:
            return ""
        try:
            with rooms.at_rest():
                view = read_journal(rooms.environment.spool)
                rows = rooms.table.day_counts()
                gone = gone_rows(rooms.store)
        except WarehouseError:
            return ""  # a batch is in doubt, and the loader tells of it
        publish_accounts(rooms.store, _LOADER, [Account(*total) for total in view.totals], rows, gone)
        smallest = {site.id: site.settings.k for site in list_sites(rooms.store)}
        told = [hour for hour in view.hours if hour.site in smallest and hour.events >= smallest[hour.site]]
        publish_hours(rooms.store, _LOADER, [DeniedHour(*hour) for hour in told])
        self._published = view.totals, gone
        self._not_before = clock() + 50 * (clock() - began)
        return ""
