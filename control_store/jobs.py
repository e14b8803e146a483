"""The last runs of what runs by itself."""

from collections.abc import Sequence
from typing import NamedTuple

import sqlalchemy as sa

from control_store.tables import JOB_RUNS, ControlStore

_KEPT_MS = 7 * 86_400_000


class JobRun(NamedTuple):
    """One run; times in ms UTC."""

    job: str
    began: int
    ended: int
    outcome: str
    message: str


def keep_run(store: ControlStore, run: JobRun) -> None:
    """Remember a run, and forget those of more than a week ago."""
    with store.engine.begin() as connection:
        connection.execute(sa.delete(JOB_RUNS).where(JOB_RUNS.c.job == run.job, JOB_RUNS.c.began == run.began))
        connection.execute(sa.insert(JOB_RUNS).values(run._asdict()))
        connection.execute(sa.delete(JOB_RUNS).where(JOB_RUNS.c.began < run.began - _KEPT_MS))


def last_runs(store: ControlStore) -> Sequence[JobRun]:
    """The newest run of each job."""
    newest = sa.select(JOB_RUNS.c.job, sa.func.max(JOB_RUNS.c.began).label("began")).group_by(JOB_RUNS.c.job).subquery()
    both = sa.and_(JOB_RUNS.c.job == newest.c.job, JOB_RUNS.c.began == newest.c.began)
    with store.engine.connect() as connection:
        return [
            JobRun(*row) for row in connection.execute(sa.select(JOB_RUNS).join(newest, both).order_by(JOB_RUNS.c.job))
        ]
