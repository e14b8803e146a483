"""The installation's ledger, and what goes into it."""

from datetime import UTC, datetime

from control_store.ledger_head import read_ledger_head, write_ledger_head
from control_store.salts import Destroyed
from control_store.tables import ControlStore
from event_catalogue.days import DAY_MS
from footfall.environment import Environment
from retention.ledger import NOTHING, Head, Ledger


def open_ledger(environment: Environment, store: ControlStore) -> Ledger:
    """The ledger in the data directory, its head in the control store."""

    def read() -> Head:
        kept = read_ledger_head(store)
        return Head(*kept) if kept else NOTHING

    path = environment.data / "ledger" / "ledger.jsonl"
    return Ledger(path, read, lambda head: write_ledger_head(store, head.number, head.hash))


def note_salt(ledger: Ledger, salt: Destroyed, *, now: int) -> None:
    """That a day's salt is gone: from now on nobody can tie the day's visitors to an address. Raises LedgerBroken."""
    day = datetime.fromtimestamp(salt.day * DAY_MS // 1000, UTC).date().isoformat()
    content = {"site": salt.site, "day": day, "import": salt.import_id, "key": salt.key_id}
    ledger.append("salt.destroyed", content, now=now)
