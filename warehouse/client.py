"""The one door to ClickHouse: embedded (chDB) or a server over HTTP, the same SQL, the same errors.

Promises: a statement that changes something is sent once and never repeated behind the caller's back; values are bound
by the engine, never formatted; each slot has its own clients, so the console can't starve loader or seal; no error text
holds a value, a parameter or a statement; rows on their way in touch no temporary file that outlives the process.

What the embedded engine cannot do: be opened by two processes, serve a second directory in one process, take a
query_id from outside, keep its own query log. A statement is therefore named by `log_comment`, which both engines
show in system.processes, and is cancelled by that name. The driver's handles serialise calls: one statement a client.
"""

import fcntl
import logging
import os
import re
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import parse_qsl, unquote, urlsplit

import clickhouse_connect
from clickhouse_connect.datatypes.registry import get_from_name
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError, DataError, Error, ProgrammingError
from clickhouse_connect.driver.insert import InsertContext
from clickhouse_connect.driver.transform import NativeTransform
from urllib3.exceptions import HTTPError

from warehouse.dialect import Dialect
from warehouse.errors import Broken, Rejected, WarehouseError, from_code
from warehouse.memory import memory_of_machine
from warehouse.settings import WarehouseSettings
from warehouse.slots import SLOT_SIZE, Clients, Named, Slot

Param = str | int | float | bool | Sequence[str] | Sequence[int] | Sequence[tuple[int, str]]
Answer = TypeVar("Answer")
Record = tuple[Any, ...]
"""One row of an answer; the query's text says what stands where."""

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
COPIES: Final = "copies"
"""Where the embedded engine may write copies of tables, and read them."""
_HELD: Final = 36
"""What the embedded engine answers when its directory is open elsewhere; it names no cause itself."""


class Warehouse:
    """An open warehouse. Clients connect at their first statement; `close` gives the directory back."""

    def __init__(self, settings: WarehouseSettings) -> None:
        """Raises Broken with one sentence when another process holds the directory."""
        _silence_driver()
        self._settings = settings
        self.dialect = Dialect(settings.cluster)
        self.directory, self._database = _location(settings.dsn)
        """Where the embedded engine keeps its files; None for a server."""
        self._memory = settings.memory_bytes or memory_of_machine() // 2
        self._slots = {slot: Clients(slot, self._client, settings.wait_seconds) for slot in SLOT_SIZE}
        self._named = Named()
        self._texts: dict[str, str] = {}
        if self.directory:
            # The engine's Python part loads it if it can and works without: 38 MB for nothing that is asked for.
            sys.modules.setdefault("pyarrow", None)  # type: ignore[arg-type]  # documented: the import is refused
            self._open(self.directory)

    def query(self, name: str, params: Mapping[str, Param], slot: Slot, *, query_id: str = "") -> list[Record]:
        """The rows that `queries/<name>.sql` answers, `{name:Type}` bound to params. Raises TryLater, Broken."""
        return self.select(self._text(name), params, slot, query_id=query_id)

    def select(self, sql: str, params: Mapping[str, Param], slot: Slot, *, query_id: str = "") -> list[Record]:
        """The rows that a built SELECT answers; its identifiers come from the catalogue, its values from params."""
        named = {"log_comment": query_id} if query_id else {}
        with self._named.running(query_id) as hand_over, self._slots[slot].borrow() as client:
            hand_over()
            answer = _ask(
                f"Query in the slot {slot}",
                lambda: client.query(sql, parameters=_bound(params), settings=named).result_rows,
            )
        return [tuple(row) for row in answer]

    def command(self, sql: str, params: Mapping[str, Param] | None = None, *, slot: Slot = "control") -> None:
        """Run a statement without an answer (DDL, KILL). Raises TryLater, Rejected, Broken."""
        with self._slots[slot].borrow() as client:
            _ask("Statement to the warehouse", lambda: client.command(sql, parameters=_bound(params or {})))

    def insert(
        self,
        table: str,
        columns: Mapping[str, str],
        data: Sequence[Sequence[Any]],
        *,
        settings: str,
        query_id: str,
        slot: Slot = "loader",
    ) -> None:
        """Insert once, in one block. `columns`: name → type; `data`: one sequence a column.

        `settings` is the text of a SETTINGS clause from the caller's closed set. Raises TryLater when nothing is
        known about the rows, Rejected when they were refused as a whole, Broken otherwise.
        """
        names = ", ".join(f"`{name}`" for name in columns)
        clause = f"SETTINGS {settings}, log_comment = '{query_id}'"
        step = f"Insert into {table}"
        block = _ask(step, lambda: _native_block(table, columns, data))
        with self._slots[slot].borrow() as client:
            if self.directory:
                head = f"INSERT INTO {table} ({names}) FROM INFILE"
                _ask(step, lambda: self._insert_embedded(client, head, clause, block))
                return
            # Not client.insert: on a cut connection the driver would send the rows again by itself.
            text = f"INSERT INTO {table} ({names}) {clause} FORMAT Native"
            _ask(step, lambda: client.command(text, data=block, settings={"query_id": query_id}))

    def cancel(self, query_id: str) -> None:
        """Stop the query of that name, whether it waits or runs. Its caller gets TryLater (394)."""
        text = f"KILL QUERY {self.dialect.on_cluster} WHERE Settings['log_comment'] = {{id:String}} ASYNC"
        if query_id:  # statements without a name are all called ''
            self._named.stop(query_id, lambda: self.command(text, {"id": query_id}))

    def ping(self) -> None:
        """Answer if the warehouse answers. Raises TryLater or Broken."""
        self.select("SELECT 1", {}, "control")

    def close(self) -> None:
        """Close all clients, waiting for what they are doing, and give the directory back."""
        for clients in self._slots.values():
            for client in clients.drain():
                client.close()

    def _text(self, name: str) -> str:
        if name not in self._texts:
            file = resources.files("warehouse") / "queries" / f"{name}.sql"
            self._texts[name] = self.dialect.render(file.read_text(encoding="utf-8"))
        return self._texts[name]

    def _insert_embedded(self, client: Client, head: str, clause: str, block: bytes) -> None:
        """Hand the block over in memory: a file without a name, gone with the process whatever happens."""
        descriptor = _nameless_file(self.directory or Path())
        try:
            with open(descriptor, "wb", closefd=False) as file:
                file.write(block)
            client.command(f"{head} '/dev/fd/{descriptor}' {clause} FORMAT Native")
        finally:
            os.close(descriptor)

    def _open(self, directory: Path) -> None:
        """Start the embedded engine, or say why it does not start."""
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not os.access(directory, os.R_OK | os.W_OK | os.X_OK):
            raise Broken(
                f"The warehouse's directory {directory} can't be written: give it to the user of this process."
            )
        _check_free(directory)
        first = _ask("Opening the warehouse", lambda: _embedded_client(directory, "", {}, self._memory))
        try:
            if self._database:
                name = self._database
                _ask("Opening the warehouse", lambda: first.command(f"CREATE DATABASE IF NOT EXISTS {name}"))
            self.ping()  # keeps a client, and with it the engine
        finally:
            first.close()

    def _client(self, slot: Slot) -> Client:
        return _ask("Opening the warehouse", lambda: self._connect(slot))

    def _connect(self, slot: Slot) -> Client:
        options = _statement_settings(self._settings, slot, self._memory)
        if self.directory:
            return _embedded_client(self.directory, self._database, options, self._memory)
        return clickhouse_connect.get_client(
            dsn=self._settings.dsn,
            settings=options,
            autogenerate_session_id=False,
            form_encode_query_params=True,  # parameters go into the body: a proxy's log shows no values
            connect_timeout=5,
            send_receive_timeout=int(options["max_execution_time"]) + 10,
        )


def _bound(params: Mapping[str, Param]) -> dict[str, Any] | None:
    """Parameters as the driver takes them: it writes an array only for a list, and formats text without parameters."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in params.items()} or None


def _location(dsn: str) -> tuple[Path | None, str]:
    """Directory and database of the embedded engine; (None, "") for a server."""
    parts = urlsplit(dsn)
    if parts.scheme in ("http", "https"):
        return None, ""
    options = dict(parse_qsl(parts.query))
    database = options.pop("database", "")
    if parts.scheme != "chdb" or parts.netloc or not parts.path.startswith("/") or options:
        raise Broken("The warehouse's address must be chdb:///directory or http(s)://host:port/database.")
    if database and not _NAME.fullmatch(database):
        raise Broken("A database's name has letters, digits and _ only: correct the warehouse's address.")
    return Path(unquote(parts.path)).resolve(), database


def _embedded_client(directory: Path, database: str, options: dict[str, Any], memory: int) -> Client:
    try:
        return clickhouse_connect.get_client(
            interface="chdb",
            path=str(directory),
            database=database or None,
            settings=options,
            # It looks at its memory every 50 ms of its own accord: a fifth of what an idle installation costs.
            chdb_options={
                "max_server_memory_usage": memory,
                "memory_worker_period_ms": 500,
                "backups.allowed_path": str(directory / COPIES),
            },
        )
    except ProgrammingError:
        # The engine answers 36 without a cause. The directory can be written (see _open), so it is in use.
        raise _in_use(directory, 0) from None


def _check_free(directory: Path) -> None:
    """Raise Broken if another process holds the engine's lock. It is asked here because the engine prints words of its
    own before it fails; and because the lock's file says whose it is."""
    try:
        file = (directory / "status").open("rb")
    except OSError:
        return
    with file:
        told = re.match(rb"PID: ([0-9]+)", file.read(100))
        holder = int(told[1]) if told else 0
        if holder == os.getpid():
            return
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            raise _in_use(directory, holder) from None


def _in_use(directory: Path, holder: int) -> Broken:
    return Broken(
        f"The warehouse in {directory} is open in another process{f' ({holder})' if holder else ''}: stop that one, or "
        "choose another directory with --data.",
        code=_HELD,
    )


def _nameless_file(directory: Path) -> int:
    """A descriptor of a file that has no name: in memory where the system can, else unlinked beside the data."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("footfall-block")
    descriptor, name = tempfile.mkstemp(dir=directory)
    Path(name).unlink()
    return descriptor


def _statement_settings(settings: WarehouseSettings, slot: Slot, memory: int) -> dict[str, Any]:
    """What holds for every statement of a slot. No log of statements: they would outlive the rows they name."""
    seconds = {
        "loader": settings.insert_seconds,
        "seal": settings.seal_seconds,
        "console": settings.console_seconds,
        "control": settings.console_seconds,
    }
    options: dict[str, Any] = {
        "max_memory_usage": settings.query_memory_bytes or memory // 2,
        "max_execution_time": seconds[slot],
        "timeout_overflow_mode": "throw",
        "async_insert": 0,
        "log_queries": 0,
        "log_query_threads": 0,
        "log_profile_events": 0,
        "query_profiler_real_time_period_ns": 0,
        "query_profiler_cpu_time_period_ns": 0,
        "mutations_sync": 2,
        "distributed_foreground_insert": 1,
    }
    if settings.threads:
        options["max_threads"] = settings.threads
    return options


def _native_block(table: str, columns: Mapping[str, str], data: Sequence[Sequence[Any]]) -> bytes:
    """The rows as one Native block, without the statement that the driver puts in front. Raises Rejected."""
    count = len(data[0])
    if any(len(column) != count for column in data):
        raise Rejected(f"Insert into {table}: the columns differ in length.")
    types = [get_from_name(kind) for kind in columns.values()]
    context = InsertContext(table, list(columns), types, data, column_oriented=True, block_size=count)
    body = b"".join(NativeTransform.build_insert(context))
    if context.insert_exception is not None:
        raise Rejected(f"Insert into {table}: a value does not fit its column.")
    return bytes(body[body.index(b"\n") + 1 :])


def _silence_driver() -> None:
    """The driver logs statements and values when it fails; the errors raised here say what may be said."""
    logger = logging.getLogger("clickhouse_connect")
    logger.propagate = False
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())


def _ask(step: str, work: Callable[[], Answer]) -> Answer:
    """Do it, turning the driver's errors into the room's.

    The error is raised outside the `except`: a chained traceback would print the driver's text, and with it values.
    """
    failure: WarehouseError
    try:
        return work()
    except (DataError, UnicodeError):
        failure = Rejected(f"{step}: a value does not fit its column.")
    except Error as error:
        failure = from_code(step, error.code)
    except (ClickHouseError, HTTPError, OSError):
        failure = from_code(step, None)
    raise failure
