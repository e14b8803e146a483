"""The control store's tables, and how it is opened and brought up to date.

SQLite by default, Postgres by URL. No table here holds an event, an address or a salt.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

import control_store.asking_tables
import control_store.people_tables  # noqa: F401  # whoever migrates or describes all tables needs both
from control_store.metadata import METADATA

SITES: Final = sa.Table(
    "sites",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("key", sa.String(32), nullable=False, unique=True),
    sa.Column("domain", sa.String(255), nullable=False, unique=True),
    sa.Column("timezone", sa.String(64), nullable=False),
    sa.Column("next_timezone", sa.String(64), nullable=False, server_default=""),
    sa.Column("next_timezone_from", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("returning_key", sa.LargeBinary(32), nullable=False),
    sa.Column("settings", sa.JSON, nullable=False),
    sa.Column("created", sa.BigInteger, nullable=False),
    sqlite_autoincrement=True,
)

API_KEYS: Final = sa.Table(
    "api_keys",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("site", sa.Integer, sa.ForeignKey("sites.id", ondelete="CASCADE"), nullable=False),
    sa.Column("scope", sa.String(16), nullable=False),
    sa.Column("digest", sa.LargeBinary(32), nullable=False, unique=True),
    sa.Column("hint", sa.String(8), nullable=False),
    sa.Column("created", sa.BigInteger, nullable=False),
    sa.Column("used", sa.Integer, nullable=False, server_default="0"),
    sa.Column("maker", sa.Integer, sa.ForeignKey("users.id", ondelete="CASCADE")),
    sqlite_autoincrement=True,
)

IMPORTS: Final = sa.Table(
    "imports",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("site", sa.Integer, sa.ForeignKey("sites.id", ondelete="CASCADE"), nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("lines", sa.BigInteger, nullable=False),
    sa.Column("spool", sa.String(64), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("begun", sa.BigInteger, nullable=False),
    sa.UniqueConstraint("site", "kind", "digest"),
    sqlite_autoincrement=True,
)

ACCOUNTING: Final = sa.Table(
    "accounting",
    METADATA,
    sa.Column("loader", sa.String(64), primary_key=True),
    sa.Column("site", sa.Integer, primary_key=True),
    sa.Column("day", sa.Integer, primary_key=True),
    sa.Column("outcome", sa.String(16), primary_key=True),
    sa.Column("reason", sa.String(64), primary_key=True),
    sa.Column("events", sa.BigInteger, nullable=False),
)

DENIED_HOURS: Final = sa.Table(
    "denied_hours",
    METADATA,
    sa.Column("loader", sa.String(64), primary_key=True),
    sa.Column("site", sa.Integer, primary_key=True),
    sa.Column("day", sa.Integer, primary_key=True),
    sa.Column("reason", sa.String(64), primary_key=True),
    sa.Column("hour", sa.Integer, primary_key=True),
    sa.Column("events", sa.BigInteger, nullable=False),
)

DEVICE_LINKS: Final = sa.Table(
    "device_links",
    METADATA,
    sa.Column("site", sa.Integer, sa.ForeignKey("sites.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("digest", sa.LargeBinary(32), nullable=False, unique=True),
    sa.Column("expires", sa.BigInteger, nullable=False),
)

SPOOLS: Final = sa.Table(
    "spools",
    METADATA,
    sa.Column("loader", sa.String(64), primary_key=True),
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("watermark", sa.BigInteger, nullable=False),
    sa.Column("pending", sa.BigInteger, nullable=False),
    sa.Column("seen", sa.BigInteger, nullable=False),
)

VISIT_MARKS: Final = sa.Table(
    "visit_marks",
    METADATA,
    sa.Column("journal", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("batch", sa.BigInteger, nullable=False),
)

VISIT_RULES: Final = sa.Table(
    "visit_rules",
    METADATA,
    sa.Column("site", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("rules", sa.Text, nullable=False),
)

COUNTERS: Final = sa.Table(
    "counters",
    METADATA,
    sa.Column("name", sa.String(32), primary_key=True),
    sa.Column("number", sa.BigInteger, nullable=False),
)

SEALS: Final = sa.Table(
    "seals",
    METADATA,
    sa.Column("site", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("day", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("generation", sa.Integer, nullable=False),
    sa.Column("run", sa.BigInteger, nullable=False, unique=True),
    sa.Column("sealed", sa.BigInteger, nullable=False),
    sa.Column("k", sa.Integer, nullable=False),
    sa.Column("raw_rows", sa.BigInteger, nullable=False),
    sa.Column("rollup_rows", sa.BigInteger, nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("late", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("purged", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("verified", sa.Integer, nullable=False, server_default="1"),
    sa.Column("counted_bots", sa.Text, nullable=False, server_default=""),
    sa.Column("numbers", sa.Text, nullable=False, server_default=""),
)

SPAN_SEALS: Final = sa.Table(
    "span_seals",
    METADATA,
    sa.Column("site", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("first", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("last", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("run", sa.BigInteger, nullable=False, unique=True),
    sa.Column("sealed", sa.BigInteger, nullable=False),
    sa.Column("k", sa.Integer, nullable=False),
    sa.Column("days", sa.Text, nullable=False),
    sa.Column("inside", sa.Text, nullable=False),
    sa.Column("dimensions", sa.Text, nullable=False),
    sa.Column("rollup_rows", sa.BigInteger, nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("fault", sa.String(300), nullable=False, server_default=""),
)

GOALS: Final = sa.Table(
    "goals",
    METADATA,
    sa.Column("site", sa.Integer, sa.ForeignKey("sites.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("event", sa.String(300), nullable=False),
    sa.Column("prop", sa.String(300), nullable=False),
    sa.Column("value", sa.String(300), nullable=False),
    sa.Column("page", sa.String(300), nullable=False),
    sa.Column("scroll", sa.Integer, nullable=False),
    sa.Column("since", sa.BigInteger, nullable=False),
)

FUNNELS: Final = sa.Table(
    "funnels",
    METADATA,
    sa.Column("site", sa.Integer, sa.ForeignKey("sites.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("steps", sa.JSON, nullable=False),
    sa.Column("strict", sa.Boolean, nullable=False),
    sa.Column("since", sa.BigInteger, nullable=False),
)

HOLDS: Final = sa.Table(
    "holds",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("site", sa.Integer, nullable=False),
    sa.Column("first", sa.Integer, nullable=False),
    sa.Column("last", sa.Integer, nullable=False),
    sa.Column("until", sa.Integer, nullable=False),
    sa.Column("reason", sa.String(300), nullable=False),
    sa.Column("asked_by", sa.String(254), nullable=False),
    sa.Column("asked", sa.BigInteger, nullable=False),
    sa.Column("confirmed_by", sa.String(254), nullable=False),
    sa.Column("confirmed", sa.BigInteger, nullable=False),
    sa.Column("ended", sa.BigInteger, nullable=False),
    sqlite_autoincrement=True,
)

REQUESTS: Final = sa.Table(
    "requests",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("what", sa.String(16), nullable=False),
    sa.Column("arguments", sa.Text, nullable=False),
    sa.Column("asked", sa.BigInteger, nullable=False),
    sa.Column("done", sa.Integer, nullable=False),
    sa.Column("answer", sa.Text, nullable=False),
    sa.Column("error", sa.String(300), nullable=False),
    sqlite_autoincrement=True,
)

SEAL_FAULTS: Final = sa.Table(
    "seal_faults",
    METADATA,
    sa.Column("site", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("day", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("since", sa.BigInteger, nullable=False),
    sa.Column("reason", sa.String(300), nullable=False),
)

JOB_RUNS: Final = sa.Table(
    "job_runs",
    METADATA,
    sa.Column("job", sa.String(64), primary_key=True),
    sa.Column("began", sa.BigInteger, primary_key=True),
    sa.Column("ended", sa.BigInteger, nullable=False),
    sa.Column("outcome", sa.String(16), nullable=False),
    sa.Column("message", sa.String(300), nullable=False),
)

REVISION: Final = sa.Table(
    "revision",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("number", sa.BigInteger, nullable=False),
)


LEDGER_HEAD: Final = sa.Table(
    "ledger_head",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("number", sa.BigInteger, nullable=False),
    sa.Column("hash", sa.String(64), nullable=False),
)

LEDGER_DAYS: Final = sa.Table(
    "ledger_days",
    METADATA,
    sa.Column("day", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("number", sa.BigInteger, nullable=False),
    sa.Column("hash", sa.String(64), nullable=False),
)

RECEIPTS: Final = sa.Table(
    "receipts",
    METADATA,
    sa.Column("id", sa.LargeBinary(16), primary_key=True),
    sa.Column("site", sa.Integer, nullable=False),
    sa.Column("minute", sa.BigInteger, nullable=False),
    sa.Column("version", sa.String(32), nullable=False),
    sa.Column("statistics", sa.Boolean, nullable=False),
    sa.Column("ads", sa.Boolean, nullable=False),
    sa.Column("sale", sa.Boolean, nullable=True),
    sa.Column("region", sa.String(8), nullable=False),
    sa.Column("how", sa.String(16), nullable=False),
    sa.Column("withdrawn", sa.BigInteger, nullable=False),
)

NOTICES: Final = sa.Table(
    "notices",
    METADATA,
    sa.Column("site", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("version", sa.String(32), nullable=False),
    sa.Column("since", sa.BigInteger, nullable=False),
    sa.Column("facts", sa.Text, nullable=False),
)

CHOICE_COUNTS: Final = sa.Table(
    "choice_counts",
    METADATA,
    sa.Column("site", sa.Integer, primary_key=True),
    sa.Column("day", sa.Integer, primary_key=True),
    sa.Column("what", sa.String(16), primary_key=True),
    sa.Column("version", sa.String(32), primary_key=True),
    sa.Column("n", sa.BigInteger, nullable=False),
)

WITHDRAWALS: Final = sa.Table(
    "withdrawals",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("site", sa.Integer, nullable=False),
    sa.Column("pseudonym", sa.LargeBinary(16), nullable=False),
    sa.Column("statistics", sa.Boolean, nullable=False),
    sa.Column("ads", sa.Boolean, nullable=False),
    sa.Column("asked", sa.BigInteger, nullable=False),
    sqlite_autoincrement=True,
)

ERASURES: Final = sa.Table(
    "erasures",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("what", sa.String(16), nullable=False),
    sa.Column("site", sa.Integer, nullable=False),
    sa.Column("pseudonym", sa.LargeBinary(16), nullable=False),
    sa.Column("day", sa.Integer, nullable=False),
    sa.Column("asked", sa.BigInteger, nullable=False),
    sqlite_autoincrement=True,
)

TAKEN: Final = sa.Table(
    "taken",
    METADATA,
    sa.Column("spool", sa.String(64), primary_key=True),
    sa.Column("seq", sa.BigInteger, nullable=False),
)

REFUSED_HOSTS: Final = sa.Table(
    "refused_hosts",
    METADATA,
    sa.Column("site", sa.Integer, primary_key=True),
    sa.Column("hostname", sa.String(255), primary_key=True),
    sa.Column("first", sa.BigInteger, nullable=False),
    sa.Column("last", sa.BigInteger, nullable=False),
    sa.Column("hours", sa.BigInteger, nullable=False),
)

PURGES: Final = sa.Table(
    "purges",
    METADATA,
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("day", sa.Integer, nullable=False),
    sa.Column("keep", sa.Integer, nullable=False),
    sa.Column("method", sa.String(16), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("began", sa.BigInteger, nullable=False),
    sa.Column("upto", sa.BigInteger, nullable=False),
    sa.Column("blocks", sa.BigInteger, nullable=False),
    sa.Column("visit_blocks", sa.BigInteger, nullable=False),
    sa.Column("ended", sa.BigInteger, nullable=False),
    sa.Column("remark", sa.String(300), nullable=False),
    sa.Column("pick", sa.Text, nullable=False, server_default=""),
)

PURGED_ROWS: Final = sa.Table(
    "purged_rows",
    METADATA,
    sa.Column("purge", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("site", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("day", sa.Integer, nullable=False),
    sa.Column("why", sa.String(16), nullable=False),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("bots", sa.BigInteger, nullable=False),
    sa.Column("late", sa.BigInteger, nullable=False),
)

BACKUP_TARGETS: Final = sa.Table(
    "backup_targets",
    METADATA,
    sa.Column("path", sa.String(500), primary_key=True),
    sa.Column("since", sa.BigInteger, nullable=False),
)

DELETED_SITES: Final = sa.Table(
    "deleted_sites",
    METADATA,
    sa.Column("site", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("deleted", sa.BigInteger, nullable=False),
)


class ControlStore:
    """One open control store. Every method of the room's modules takes it and runs in a transaction of its own."""

    def __init__(self, url: str) -> None:
        self.engine = sa.create_engine(url, pool_pre_ping=not url.startswith("sqlite"))
        if url.startswith("sqlite"):
            sa.event.listen(self.engine, "connect", _durable_sqlite)

    @classmethod
    def in_directory(cls, data: Path) -> "ControlStore":
        """The default store, a SQLite file `control.db` in the data directory."""
        return cls(f"sqlite:///{data / 'control.db'}")

    def migrate(self) -> None:
        """Bring the tables up to date; does nothing when they are. One process at a time: the others wait."""
        from alembic import command
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        config.attributes["engine"] = self.engine
        with self._alone():
            command.upgrade(config, "head")

    def forget_log(self) -> None:
        """Empty SQLite's log, where what was deleted stands still; what a reader holds up is done by the next call."""
        if self.engine.dialect.name == "sqlite":
            with self.engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Give back every connection."""
        self.engine.dispose()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """A lock file beside a SQLite database: of two processes that meet on a fresh one, switching to WAL and making
        the tables fails for one, whatever its timeout. Postgres is locked by the migration itself."""
        database = self.engine.url.database
        if self.engine.dialect.name != "sqlite" or not database:
            yield
            return
        with Path(f"{database}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _durable_sqlite(connection: Any, _record: object) -> None:
    """WAL and fsync on commit: what a command acknowledged survives a power cut; writers wait up to 10 s."""
    cursor = connection.cursor()
    for pragma in ("busy_timeout=10000", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def touch(connection: sa.Connection) -> None:
    """Raise the revision, so that the collectors' snapshot is published again. Part of every change they must see."""
    connection.execute(sa.update(REVISION).values(number=REVISION.c.number + 1))
