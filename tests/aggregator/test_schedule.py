"""Jobs run again and again, one at a time each; one that fails is told and runs again, and nothing else stops."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Final

import pytest

from aggregator.schedule import Job, Run, Schedule

SOON: Final = 0.05


class Clock:
    """A clock that goes on by one at every look, so that runs have a length."""

    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> int:
        self.now += 1
        return self.now


@pytest.fixture
def kept() -> list[Run]:
    """The history."""
    return []


@pytest.fixture
def schedules(kept: list[Run]) -> Iterator[Callable[..., Schedule]]:
    """Makes schedules over jobs, and stops those that still run."""
    made: list[Schedule] = []

    def make(*jobs: Job) -> Schedule:
        made.append(Schedule(jobs, Clock(), kept.append))
        return made[-1]

    yield make
    for one in made:
        if one._scheduler.running:
            one.stop()


def until(true: Callable[[], object]) -> None:
    """Wait until something holds."""
    end = time.monotonic() + 10
    while not true():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.005)


def failing() -> str:
    """A job that meets a fault whose text is personal."""
    raise ValueError("ann.lee@example.com")


@pytest.mark.req("A6")
def test_every_job_is_run_once_in_the_order_of_the_table(schedules: Callable[..., Schedule], kept: list[Run]) -> None:
    """In the caller's thread, so that a start or a command finds the work done; a failure does not keep the next one
    from its turn."""
    threads: list[int] = []

    def work(word: str) -> str:
        threads.append(threading.get_ident())
        return word

    jobs = [Job("a", 60, lambda: work("2 done"), "x"), Job("b", 60, failing, "x"), Job("c", 60, lambda: work(""), "x")]
    schedules(*jobs).run_now()
    assert kept == [
        Run("a", 1, 2, "done", "2 done"),
        Run("b", 3, 4, "failed", "ValueError"),
        Run("c", 5, 6, "done", ""),
    ]
    assert set(threads) == {threading.get_ident()}


@pytest.mark.req("A6")
def test_a_run_that_did_nothing_is_kept_only_where_the_history_is_wanted(
    schedules: Callable[..., Schedule], kept: list[Run]
) -> None:
    """A job that looks every second does not fill the store; what it did, and what failed, is kept all the same."""
    schedules(
        Job("quiet", 1, lambda: "", "x", history=False),
        Job("busy", 1, lambda: "5 destroyed", "x", history=False),
        Job("broken", 1, failing, "x", history=False),
        Job("wanted", 1, lambda: "", "x"),
    ).run_now()
    assert [run.job for run in kept] == ["busy", "broken", "wanted"]


@pytest.mark.req("A6", "C1")
def test_a_failure_is_told_by_its_kind_and_never_by_its_text(
    schedules: Callable[..., Schedule], kept: list[Run], caplog: pytest.LogCaptureFixture
) -> None:
    """In the history and in the line of the log; the text of an error may hold a value."""
    schedules(Job("seal", 90, failing, "x")).run_now()
    (record,) = [record for record in caplog.records if record.name == "footfall.jobs"]
    assert record.getMessage() == "The job seal failed; it runs again in 90 s."
    assert record.levelno == logging.ERROR
    assert "ann" not in record.getMessage() + kept[0].message


def test_a_long_message_is_cut(schedules: Callable[..., Schedule], kept: list[Run]) -> None:
    """To what the history's column holds."""
    schedules(Job("a", 60, lambda: "x" * 1000, "x")).run_now()
    assert kept[0].message == "x" * 300


@pytest.mark.req("A6")
def test_jobs_run_by_themselves_until_stopped(schedules: Callable[..., Schedule], kept: list[Run]) -> None:
    """After each interval, also one that fails every time; after the stop none runs any more."""
    schedule = schedules(Job("good", SOON, lambda: "", "x"), Job("bad", SOON, failing, "x"))
    schedule.start()
    assert kept == []
    until(
        lambda: (
            {job: sum(run.job == job for run in kept) >= 3 for job in ("good", "bad")} == {"good": True, "bad": True}
        )
    )
    schedule.stop()
    after = len(kept)
    time.sleep(4 * SOON)
    assert len(kept) == after


@pytest.mark.req("A6")
def test_a_job_never_runs_beside_itself_and_missed_runs_are_made_up_by_one(
    schedules: Callable[..., Schedule], kept: list[Run]
) -> None:
    """While a run takes longer than the interval the next ones are left out, not queued; other jobs go on."""
    running = threading.Semaphore(1)
    gate = threading.Event()
    overlaps: list[int] = []

    def slow() -> str:
        if not running.acquire(blocking=False):
            overlaps.append(1)
        gate.wait(10)
        running.release()
        return ""

    schedule = schedules(Job("slow", SOON, slow, "x"), Job("quick", SOON, lambda: "", "x"))
    schedule.start()
    until(lambda: sum(run.job == "quick" for run in kept) >= 6)
    assert [run for run in kept if run.job == "slow"] == []
    gate.set()
    until(lambda: [run for run in kept if run.job == "slow"])
    schedule.stop()
    assert overlaps == []
    slow_runs, quick_runs = (sum(run.job == job for run in kept) for job in ("slow", "quick"))
    assert slow_runs < quick_runs


def test_stopping_waits_for_what_runs(schedules: Callable[..., Schedule], kept: list[Run]) -> None:
    """A seal or a purge that is under way is not cut off."""
    begun = threading.Event()

    def work() -> str:
        begun.set()
        time.sleep(0.2)
        return "whole"

    schedule = schedules(Job("seal", SOON, work, "x"))
    schedule.start()
    assert begun.wait(10)
    schedule.stop()
    assert kept[-1].message == "whole"


def test_two_schedules_do_not_know_of_each_other(kept: list[Run]) -> None:
    """Nothing is global: each has its own jobs, under the same names too."""
    other: list[Run] = []
    first = Schedule([Job("a", 60, lambda: "1", "x")], Clock(), kept.append)
    second = Schedule([Job("a", 60, lambda: "2", "x")], Clock(), other.append)
    first.start()
    second.start()
    first.run_now()
    second.run_now()
    first.stop()
    second.stop()
    assert ([run.message for run in kept], [run.message for run in other]) == (["1"], ["2"])
