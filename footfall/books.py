"""The installation's ledger, and what goes into it."""

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from control_store.ledger_head import close_day, day_heads, read_ledger_head, write_ledger_head
from control_store.salts import Destroyed
from control_store.tables import ControlStore
from event_catalogue.days import DAY_MS, day_text
from footfall.environment import Environment
from retention.ledger import NOTHING, Head, Ledger, parse_head
from retention.tombstones import Tombstones

if TYPE_CHECKING:
    from retention.signatures import Signer


def open_ledger(environment: Environment, store: ControlStore) -> Ledger:
    """The ledger in the data directory, its head in the control store, signed if there is a key. Raises BadKey."""

    def read() -> Head:
        kept = read_ledger_head(store)
        return Head(*kept) if kept else NOTHING

    path = environment.data / "ledger" / "ledger.jsonl"
    signer = signer_of(environment)
    sign = signer.sign if signer else lambda _: ""
    return Ledger(path, read, lambda head: write_ledger_head(store, head.number, head.hash), sign)


def signer_of(environment: Environment) -> "Signer | None":
    """Who signs the entries, None if nobody does. Raises BadKey."""
    if not environment.ledger_key:
        return None
    from retention.signatures import Signer  # what it needs is loaded where there is a key

    return Signer(Path(environment.ledger_key))


def keep_head(environment: Environment, store: ControlStore, *, now: int) -> str:
    """Note where the ledger ended when the last day was over: here, and in the file that `heads_file` names.

    Written to the file is what is missing there, so that one that was away hears of every day.
    """
    close_day(store, now // DAY_MS - 1)
    if not environment.heads_file:
        return ""
    path = Path(environment.heads_file)
    try:
        known = {head_line["day"] for line in path.read_text().splitlines() if (head_line := json.loads(line))}
    except FileNotFoundError:
        known = set()
    except (OSError, ValueError, KeyError, TypeError):
        return f"the file of heads {path} can't be read: put it right, or choose another by heads_file"
    lines = [
        json.dumps({"day": day_text(one.day), "head": f"{one.number}:{one.hash}"}) + "\n"
        for one in day_heads(store)
        if day_text(one.day) not in known
    ]
    try:
        with path.open("a") as file:
            file.writelines(lines)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return f"the file of heads {path} can't be written ({error.strerror})"
    return ""


def noted_heads(store: ControlStore, path: Path | None = None) -> list[tuple[str, Head]]:
    """Days and their heads, as they are noted here or in a file of heads. Raises ValueError."""
    if path is None:
        return [(day_text(one.day), Head(one.number, one.hash)) for one in day_heads(store)]
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        one = json.loads(line)
        if not isinstance(one, dict) or one.keys() != {"day", "head"}:
            raise ValueError(f"{path.name} is no file of heads: a line has a day and a head.")
        found.append((str(one["day"]), parse_head(str(one["head"]))))
    return found


def note(environment: Environment, store: ControlStore, kind: str, content: Mapping[str, Any], *, now: int) -> None:
    """Write something into the ledger and tell it to every place with backups: a restore must know it.

    Raises LedgerBroken, TargetLost.
    """
    ledger = open_ledger(environment, store)
    ledger.append(kind, content, now=now)
    Tombstones(store, ledger).mirror()


def note_salt(ledger: Ledger, salt: Destroyed, *, now: int) -> None:
    """That a day's salt is gone: from now on nobody can tie the day's visitors to an address. Raises LedgerBroken."""
    day = datetime.fromtimestamp(salt.day * DAY_MS // 1000, UTC).date().isoformat()
    content = {"site": salt.site, "day": day, "import": salt.import_id, "key": salt.key_id}
    ledger.append("salt.destroyed", content, now=now)
