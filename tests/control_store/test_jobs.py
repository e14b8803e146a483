"""The last run of every job is known, and what is a week old is forgotten."""

from pathlib import Path
from typing import Final

import pytest

from control_store.jobs import JobRun, keep_run, last_runs
from control_store.tables import JOB_RUNS, ControlStore

NOW: Final = 1_764_000_000_000
WEEK: Final = 7 * 86_400_000


@pytest.mark.req("A6", "O5")
def test_the_last_run_of_every_job_is_told(tmp_path: Path) -> None:
    """The newest by its beginning, also when it is kept again with another end; older than a week is gone."""
    store = ControlStore.in_directory(tmp_path)
    store.migrate()
    keep_run(store, JobRun("seal", NOW, NOW + 5, "done", "2 days"))
    keep_run(store, JobRun("seal", NOW + 10, NOW + 11, "failed", "TryLater"))
    keep_run(store, JobRun("purge", NOW, NOW, "done", ""))
    keep_run(store, JobRun("purge", NOW, NOW + 3, "done", "again"))
    assert list(last_runs(store)) == [
        JobRun("purge", NOW, NOW + 3, "done", "again"),
        JobRun("seal", NOW + 10, NOW + 11, "failed", "TryLater"),
    ]
    keep_run(store, JobRun("seal", NOW + 10 + WEEK, NOW + 11 + WEEK, "done", ""))
    with store.engine.connect() as connection:
        kept = sorted(row.began for row in connection.execute(JOB_RUNS.select()))
    assert kept == [NOW + 10, NOW + 10 + WEEK]
    store.close()
