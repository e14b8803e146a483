"""What can be wrong before anything runs, each told in one sentence; and what the operator should know at the start.

Promises: no sentence repeats a password or a key; what mends itself (a warehouse that is not up yet) is not refused
here, because collectors acknowledge without it.
"""

import http.client
import os
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlsplit

from footfall.assembly import SetUpError, clock, hold_core, make_directories
from footfall.environment import Environment
from footfall.greeting import shown
from warehouse.errors import TryLater, WarehouseError

_PATIENCE_S: Final = 8.0
"""How long a start waits for a predecessor that is still leaving."""
_SAID: Final = {
    516: "refuses the user or the password; correct them in the address given by --clickhouse or FOOTFALL_CLICKHOUSE",
    192: "knows no such user; correct the address given by --clickhouse or FOOTFALL_CLICKHOUSE",
    81: "has no such database; make it with CREATE DATABASE, or correct the end of the address given by --clickhouse",
}
"""ClickHouse's codes for what a wrong address causes: AUTHENTICATION_FAILED, UNKNOWN_USER, UNKNOWN_DATABASE."""


def check_installation(environment: Environment) -> None:
    """Raise SetUpError if no core or no collector could work here: directory, another core, city databases; BadKey if
    the ledger could not be signed."""
    check_collector(environment)
    check_key(environment)
    lock = hold_core(environment, patience_s=_PATIENCE_S)
    if lock is None:
        raise SetUpError(f"Another core works on {environment.data}; stop it, or choose another directory with --data.")
    os.close(lock)


def check_key(environment: Environment) -> None:
    """Raise BadKey if the ledger's key is named and not there: else nothing could be destroyed, and people who ask to
    be erased would not be hidden."""
    if environment.ledger_key:
        from retention.signatures import Signer

        Signer(Path(environment.ledger_key))


def check_collector(environment: Environment) -> None:
    """Raise SetUpError if no collector could work here."""
    from collector.place import BadDatabase, Places

    make_directories(environment)
    try:
        Places(environment.geo)
    except BadDatabase as error:
        raise SetUpError(str(error)) from None


def cannot_open(environment: Environment, error: WarehouseError) -> Exception:
    """The error to show when the warehouse could not be opened: it names the server, never what logs in to it."""
    if not environment.clickhouse.startswith("http"):
        return error
    where = urlsplit(environment.clickhouse)
    server = f"The ClickHouse server at {where.hostname}:{where.port or (8443 if where.scheme == 'https' else 8123)}"
    if error.code in _SAID:
        return SetUpError(f"{server} {_SAID[error.code]}.")
    if isinstance(error, TryLater):
        return SetUpError(
            f"{server} does not answer; start it, or correct --clickhouse. Collectors acknowledge meanwhile."
        )
    return error


def notes(environment: Environment, console: tuple[str, int]) -> list[tuple[str, str]]:
    """What the greeting adds, as label and text: where places come from, and the set-up link while nobody can log in.

    `console` is where the console listens; the link is named only when the console answers it.
    """
    from collector.place import databases

    said = []
    if not databases(environment.geo):
        said.append(("Places from", "time zones alone (rough); `footfall geo update` fetches a city database"))
    path = _setup_path(environment)
    if path and _answers(console, path):
        said.append(("First login at", f"http://{shown(console[0])}:{console[1]}{path} (once)"))
    return said


def _setup_path(environment: Environment) -> str:
    from control_store.accounts import setup_token
    from control_store.tables import ControlStore

    # The core has migrated it: it answered before this is asked.
    store = ControlStore(environment.control) if environment.control else ControlStore.in_directory(environment.data)
    try:
        token = setup_token(store, clock())
    finally:
        store.close()
    return f"/setup?token={quote(token)}" if token else ""


def _answers(address: tuple[str, int], path: str) -> bool:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address[0], address[0])  # noqa: S104 - names of "every interface"
    connection = http.client.HTTPConnection(host, address[1], timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
