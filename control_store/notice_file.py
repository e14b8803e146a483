"""What collectors may know of a site's notices: one file per site, replaced whole. Needs no database."""

from pathlib import Path

import msgspec
from msgspec import Struct


class Revision(Struct, frozen=True):
    """One state of a site's notice."""

    number: int
    """1, 2, 3 … in the order in which they held."""
    version: str
    """What visitors agree to. Several revisions of one version differ by narrower or equal practice."""
    since: int
    """From when it held (ms UTC)."""
    facts: str


class NoticeFile(Struct, frozen=True):
    """A site's revisions, and what has last been deleted."""

    revisions: list[Revision]
    purged_day: int = 0
    """The latest local day (days since 1970) whose detailed records are gone; 0 if none is."""
    purged_at: int = 0
    """When they went (ms UTC)."""
    ledger_entry: int = 0
    """Number of the ledger's latest entry, 0 if there is none, and its hash: who notes them can tell a cut ledger."""
    ledger_hash: str = ""


def write_notice(path: Path, content: NoticeFile) -> None:
    """Show it to collectors, whole or not at all; does nothing where it stands already."""
    body = msgspec.msgpack.encode(content)
    if path.is_file() and path.read_bytes() == body:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".new")
    draft.write_bytes(body)
    draft.replace(path)


def read_notice(path: Path) -> NoticeFile:
    """What was shown last. Raises FileNotFoundError, or msgspec.DecodeError for a file of another version."""
    return msgspec.msgpack.decode(path.read_bytes(), type=NoticeFile)
