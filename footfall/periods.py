"""How long everything is kept: every store of an installation, its period, and what ends it (docs/periods.md)."""

from typing import Final, NamedTuple

from control_store import audit, refused_hosts
from retention.letters import KEPT_DAYS as LETTER_DAYS
from retention.policy import LEGAL_MS


class Period(NamedTuple):
    """How long one store keeps what it holds."""

    name: str
    """How the program calls it."""
    store: str
    holds: str
    kept: str
    ended_by: str
    """The job, or the act, that ends it."""


_LEGAL_DAYS: Final = LEGAL_MS // 86_400_000

PERIODS: Final[tuple[Period, ...]] = (
    Period(
        "spool",
        "spool segments",
        "what was acknowledged and is not loaded",
        "until it is loaded, and two minutes at most after that",
        "the loader",
    ),
    Period(
        "imports",
        "imports that are being read",
        "what a spool will hold",
        "until the import is whole; what a kill has left, ten minutes",
        "the import, `imports.finish`",
    ),
    Period(
        "raw",
        "raw rows (`events`, `visits`)",
        "events and visits",
        f"the site's `raw_days` (35), and never longer than {_LEGAL_DAYS} days",
        "`days.purge`; TTL",
    ),
    Period("seals", "aggregates and seals", "sealed days", "the site's `aggregate_months` (25)", "`stores.forget`"),
    Period(
        "letters",
        "dead letters",
        "events that could not be loaded",
        f"as long as the raw rows of their day; {LETTER_DAYS} days where the site is not known",
        "`days.purge`, `stores.forget`",
    ),
    Period(
        "backups",
        "backups",
        "aggregates, control store, ledger; raw rows on request",
        "`backup_days` (35); with raw rows `backup_raw_days` (3, at most 14)",
        "`backups.keep`",
    ),
    Period(
        "tombstones", "tombstones", "keyed hashes of who was erased", "as long as the directory of backups", "nothing"
    ),
    Period("beacons", "remembered beacons", "random numbers of messages", "26 to 52 hours", "the loader"),
    Period("salts", "salts", "what ties visitors to a day", "24 hours after their local day", "`salts.destroy`"),
    Period(
        "receipts",
        "receipts",
        "grants",
        "`receipt_days` after they ended, by withdrawal or with the device's id",
        "`choices.forget`",
    ),
    Period(
        "choices",
        "counts of choices",
        "refusals and objections by day",
        "the site's `aggregate_months`",
        "`choices.forget`",
    ),
    Period("requests of people", "withdrawals, erasures", "whose rows go", "until they have gone", "`people.erase`"),
    Period("hosts", "refused hosts", "hosts that sent beacons", f"{refused_hosts.KEPT_DAYS} days", "`choices.forget`"),
    Period("logins", "logins", "digests of cookies", '2 days, 2 weeks with "Remember me"', "`people.forget`"),
    Period(
        "links",
        "links of accounts",
        "digests of tokens",
        "until they are used or their time is over",
        "`people.forget`",
    ),
    Period("audit", "audit log", "who changed or looked at what", f"{audit.KEPT_DAYS} days", "`people.forget`"),
    Period("jobs", "results of jobs", "what each job did", "7 days", "each run"),
    Period("commands", "requests of commands", "what commands ask of the core", "a day", "the next request"),
    Period("batches", "batches of the loader", "numbers and counts", "7 days", "the loader"),
    Period(
        "ledger",
        "ledger, purges, accounting",
        "numbers of rows, about nobody",
        "as long as the installation",
        "nothing",
    ),
)
"""In the order of an event's way, then of people and choices."""
