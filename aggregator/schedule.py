"""What runs by itself: interval jobs from one table, one at a time each, missed runs caught up by the next one.

The scheduler keeps nothing but intervals. What is due is computed by the job from seals, policy and clock, so a run
that was missed is made up for by the next, and a restart needs no memory. Results go to the history it is given.
"""

import logging
from collections.abc import Callable, Sequence
from datetime import UTC
from typing import NamedTuple

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

_LOG = logging.getLogger("footfall.jobs")


class Job(NamedTuple):
    """Something that runs again and again."""

    name: str
    every_s: float
    work: Callable[[], str]
    """Does what is due and says in a few words what was done; "" for nothing worth keeping."""
    meaning: str
    history: bool = True
    """Whether runs without a message are kept in the history too."""
    at_start: bool = True
    """Whether it is part of a start: what may take long waits for its first interval."""


class Run(NamedTuple):
    """One run of a job."""

    job: str
    began: int
    ended: int
    outcome: str
    message: str


class Schedule:
    """Runs the jobs of a table until stopped."""

    def __init__(self, jobs: Sequence[Job], clock: Callable[[], int], keep: Callable[[Run], None]) -> None:
        self._clock = clock
        self._keep = keep
        self._jobs = jobs
        # More threads than jobs that wait for one another: hiding and publishing never stand behind a long one.
        self._scheduler = BackgroundScheduler(timezone=UTC, executors={"default": ThreadPoolExecutor(6)})

    def start(self) -> None:
        """Start the scheduler; each job runs first after its first interval."""
        for job in self._jobs:
            self._scheduler.add_job(
                self._run, "interval", args=[job], seconds=job.every_s, id=job.name, max_instances=1, coalesce=True
            )
        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        self._scheduler.start()

    def stop(self) -> None:
        """Start nothing more and wait for what runs."""
        self._scheduler.shutdown(wait=True)

    def run_now(self) -> None:
        """Run every job that is part of a start once, in the order of the table, in this thread."""
        for job in self._jobs:
            if job.at_start:
                self._run(job)

    def _run(self, job: Job) -> None:
        began = self._clock()
        try:
            message, outcome = job.work(), "done"
        except Exception as error:  # noqa: BLE001 - the loop of all jobs: one that fails is told, and runs again
            message, outcome = f"{type(error).__name__}", "failed"
            _LOG.exception("The job %s failed; it runs again in %g s.", job.name, job.every_s)
        if message or outcome == "failed" or job.history:
            self._keep(Run(job.name, began, self._clock(), outcome, message[:300]))
