"""Import sessions: one key, one session for all workers of the machine, until 60 seconds of silence; then no salt."""

from pathlib import Path
from typing import Final

import pytest

from collector.importing import ImportSessions
from control_store.salts import SaltFile
from control_store.snapshot import ApiKey
from tests.collector.world import Clock

KEY: Final = ApiKey(bytes(range(32)), 1, "import")
OTHER: Final = ApiKey(bytes(range(1, 33)), 1, "import")
DAYS: Final = (-1, 0, 20_000, 20_001)


class Worker:
    """One collector process's part in the sessions."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self.salts = SaltFile(path, clock)
        self.sessions = ImportSessions(self.salts, clock)
        self.clock = clock

    def request(self, key: ApiKey = KEY) -> tuple[int, list[bytes]]:
        """What a request of this key gets: the session's number, and the salts of some days."""
        number = self.sessions.open(key, self.clock.now)
        return number, [self.sessions.salt(day, number) for day in DAYS]


@pytest.fixture
def clock() -> Clock:
    """The clock of all workers."""
    return Clock()


@pytest.fixture
def workers(tmp_path: Path, clock: Clock) -> list[Worker]:
    """Two workers of one machine."""
    return [Worker(tmp_path / "salts", clock) for _ in range(2)]


@pytest.mark.req("O8", "C19")
def test_all_workers_are_in_the_same_session(workers: list[Worker], clock: Clock) -> None:
    """While a key's requests come at most a minute apart, whichever worker takes them: one number, one salt a day."""
    seen = []
    for request in range(8):
        seen.append(workers[request % 2].request())
        clock.now += 59_999
    assert all(one == seen[0] for one in seen)
    number, salts = seen[0]
    assert number >= 2**31
    assert len(set(salts)) == len(DAYS)
    assert {len(salt) for salt in salts} == {32}


@pytest.mark.req("O8", "R2")
def test_after_a_minute_of_silence_there_is_another_session(workers: list[Worker], clock: Clock) -> None:
    """Another number and other salts; a visitor of the first one can't be found again."""
    first = workers[0].request()
    clock.now += 60_000
    second = workers[1].request()
    assert first[0] != second[0]
    assert not set(first[1]) & set(second[1])
    assert workers[0].request() == second


@pytest.mark.req("R2")
def test_what_is_over_is_in_no_memory_and_in_no_file(workers: list[Worker], clock: Clock, tmp_path: Path) -> None:
    """The secret goes from the file with the next sweep and from the process with its tick."""
    workers[0].request()
    secret = next(iter(workers[0].sessions._sessions.values())).secret
    assert secret in (tmp_path / "salts").read_bytes()
    clock.now += 60_000
    workers[0].salts.forget()
    workers[0].sessions.forget()
    assert workers[0].sessions._sessions == {}
    assert workers[0].salts._known == {}
    assert len(workers[1].salts.destroy_overdue()) == 1
    assert secret not in (tmp_path / "salts").read_bytes()


def test_keys_have_sessions_of_their_own(workers: list[Worker], clock: Clock) -> None:
    """Two keys at the same time are two imports, and one of them going on does not keep the other open."""
    first, other = workers[0].request(), workers[0].request(OTHER)
    assert first[0] != other[0]
    for _ in range(3):
        clock.now += 30_000
        workers[0].request()
    assert workers[0].request() == first
    assert workers[0].request(OTHER) != other


def test_a_key_of_zeros_is_a_key(workers: list[Worker]) -> None:
    """Its session can be prolonged as any other."""
    assert workers[0].request(ApiKey(bytes(32), 1, "import")) == workers[1].request(ApiKey(bytes(32), 1, "import"))


@pytest.mark.req("P7")
def test_a_session_is_printed_without_its_secret(workers: list[Worker]) -> None:
    """Nor do the salts of its days tell it."""
    _, salts = workers[0].request()
    (session,) = workers[0].sessions._sessions.values()
    assert repr(session.secret) not in repr(workers[0].sessions._sessions)
    assert session.secret not in salts
