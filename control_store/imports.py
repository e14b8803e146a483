"""Manifests of imports: what was imported once is known by its content, so the same file again changes nothing."""

from secrets import token_hex
from typing import NamedTuple

import sqlalchemy as sa

from control_store.tables import IMPORTS, ControlStore


class Manifest(NamedTuple):
    """One import. `bytes` and `digest` are of the decompressed content; a grown log begins with the same ones."""

    id: int
    site: int
    kind: str
    digest: str
    bytes: int
    lines: int
    spool: str
    state: str


def begin_import(store: ControlStore, site: int, kind: str, *, now: int) -> int:
    """The number of a new import. What it stages counts for nothing until `commit_import`."""
    with store.engine.begin() as connection:
        values = {"site": site, "kind": kind, "digest": f"open-{token_hex(16)}", "bytes": 0, "lines": 0, "spool": ""}
        result = connection.execute(sa.insert(IMPORTS).values(**values, state="open", begun=now))
        return int(result.inserted_primary_key[0])  # type: ignore[index]  # one row was inserted


def commit_import(store: ControlStore, manifest: Manifest) -> None:
    """Make the import count: from now on its staged spool is to be loaded, and the same content is known.

    Raises LookupError if it was not begun, or abandoned since: then nothing counts.
    """
    with store.engine.begin() as connection:
        change = sa.update(IMPORTS).where(IMPORTS.c.id == manifest.id, IMPORTS.c.state == "open")
        if connection.execute(change.values(**manifest._replace(state="committed")._asdict())).rowcount != 1:
            raise LookupError(f"The import {manifest.id} is not open; import the file again.")


def abandon_import(store: ControlStore, number: int) -> None:
    """Forget an import that was not committed."""
    with store.engine.begin() as connection:
        connection.execute(sa.delete(IMPORTS).where(IMPORTS.c.id == number, IMPORTS.c.state == "open"))


def committed_imports(store: ControlStore) -> list[Manifest]:
    """Every import that counts."""
    columns = [IMPORTS.c[name] for name in Manifest._fields]
    with store.engine.connect() as connection:
        rows = connection.execute(sa.select(*columns).where(IMPORTS.c.state == "committed").order_by(IMPORTS.c.id))
        return [Manifest(*row) for row in rows]
