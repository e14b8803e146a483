"""Where backups lie: each place has to hear of every erasure before it is called done."""

import sqlalchemy as sa

from control_store.tables import BACKUP_TARGETS, ControlStore


def add_target(store: ControlStore, path: str, *, now: int) -> None:
    """Backups lie here from now on."""
    with store.engine.begin() as connection:
        if connection.execute(sa.select(BACKUP_TARGETS).where(BACKUP_TARGETS.c.path == path)).first() is None:
            connection.execute(sa.insert(BACKUP_TARGETS).values(path=path, since=now))


def list_targets(store: ControlStore) -> list[str]:
    """Every place, the oldest first."""
    with store.engine.connect() as connection:
        return list(connection.execute(sa.select(BACKUP_TARGETS.c.path).order_by(BACKUP_TARGETS.c.since)).scalars())


def drop_target(store: ControlStore, path: str) -> bool:
    """No backup lies here any more; whether one did."""
    with store.engine.begin() as connection:
        return bool(connection.execute(sa.delete(BACKUP_TARGETS).where(BACKUP_TARGETS.c.path == path)).rowcount)
