"""A salt is one and the same for every process while its time lasts, and not a byte of it is left when it is over."""

import json
import logging
import multiprocessing
import os
import stat
from multiprocessing.queues import Queue
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control_store.salts import Destroyed, SaltFile

NOW: Final = 1_764_000_000_000
DAY: Final = 86_400_000
SLOT: Final = 64
SPAWN: Final = multiprocessing.get_context("spawn")


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: int = NOW) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """The clock of the test's salt files."""
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the salts lie."""
    return tmp_path / "salts" / "salts"


@pytest.mark.req("P12", "R2")
def test_a_salt_is_random_and_stays_the_same(path: Path, clock: Clock) -> None:
    """32 random bytes for each site, day and import; asked again, by any holder of the file, the same."""
    file, other = SaltFile(path, clock), SaltFile(path, clock)
    wanted = [(1, 20_000, 0), (2, 20_000, 0), (1, 20_001, 0), (1, 20_000, 7), (1, -1, 0)]
    made = [file.salt(site, day, import_id=number, destroy_at=NOW + DAY) for site, day, number in wanted]
    assert len(set(made)) == len(made)
    assert {len(secret) for secret in made} == {32}
    for one in (file, other, SaltFile(path, clock)):
        assert [one.salt(s, d, import_id=n, destroy_at=NOW + DAY) for s, d, n in wanted] == made


@pytest.mark.req("R2")
def test_nobody_but_the_owner_can_read_the_file(path: Path, clock: Clock) -> None:
    """Mode 0600, also where a careless hand had opened the file to others."""
    path.parent.mkdir(mode=0o755)
    path.touch(mode=0o644)
    SaltFile(path, clock).salt(1, 1, destroy_at=NOW + 1)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.req("R2")
def test_a_destroyed_salt_is_in_no_byte_of_the_file(path: Path, clock: Clock) -> None:
    """Overwritten in place: the file is the same one, has its size, and holds no part of the secret any more."""
    file = SaltFile(path, clock)
    gone, kept = file.salt(1, 20_000, destroy_at=NOW + 1000), file.salt(1, 20_001, destroy_at=NOW + DAY)
    before = path.stat()
    assert gone in path.read_bytes()
    clock.now += 1000
    file.destroy_overdue()
    content, after = path.read_bytes(), path.stat()
    assert not [part for part in parts(gone) if part in content]
    assert kept in content
    assert (after.st_ino, after.st_size) == (before.st_ino, before.st_size)
    assert list(path.parent.iterdir()) == [path]


def parts(secret: bytes) -> list[bytes]:
    """Every run of four bytes of a secret."""
    return [secret[start : start + 4] for start in range(len(secret) - 3)]


@pytest.mark.req("R2")
@pytest.mark.parametrize("how", ["start", "use", "tick"])
def test_an_overdue_salt_is_destroyed_by_whoever_comes_next(path: Path, clock: Clock, how: str) -> None:
    """At a start, before any use of the file and on the core's tick: overdue bytes do not wait for the core."""
    file = SaltFile(path, clock)
    gone = file.salt(1, 20_000, destroy_at=NOW + 1000)
    clock.now += 1000
    if how == "start":
        SaltFile(path, clock).close()
    elif how == "use":
        file.salt(2, 20_000, destroy_at=NOW + DAY)
    else:
        file.destroy_overdue()
    assert not [part for part in parts(gone) if part in path.read_bytes()]


def test_an_overdue_salt_is_never_handed_out(path: Path, clock: Clock) -> None:
    """From its last millisecond on, memory does not serve it either: who asks gets another secret."""
    file, other = SaltFile(path, clock), SaltFile(path, clock)
    secret = file.salt(1, 20_000, destroy_at=NOW + 1000)
    assert other.salt(1, 20_000, destroy_at=NOW + 1000) == secret
    clock.now += 999
    assert file.salt(1, 20_000, destroy_at=NOW + 1000) == secret
    clock.now += 1
    for one in (file, other):
        assert one.salt(1, 20_000, destroy_at=NOW + 9000) != secret


def test_a_salt_whose_time_is_over_is_never_written(path: Path, clock: Clock) -> None:
    """Who asks for one too late gets a secret for this call alone."""
    file = SaltFile(path, clock)
    first, second = (file.salt(1, 20_000, destroy_at=NOW) for _ in range(2))
    assert first != second
    assert not path.read_bytes().strip(b"\0")


@pytest.mark.req("R2")
def test_nothing_makes_a_visitors_salt_live_longer(path: Path, clock: Clock) -> None:
    """Asking with a later time changes nothing, and prolonging is refused."""
    file = SaltFile(path, clock)
    secret = file.salt(1, 20_000, destroy_at=NOW + 1000)
    assert SaltFile(path, clock).salt(1, 20_000, destroy_at=NOW + 10 * DAY) == secret
    with pytest.raises(ValueError, match="never prolonged"):
        file.prolong(1, 20_000, import_id=0, destroy_at=NOW + 10 * DAY)
    clock.now += 1000
    assert [one[:3] for one in file.destroy_overdue()] == [(1, 20_000, 0)]


def test_an_imports_salt_lives_while_its_requests_come(path: Path, clock: Clock) -> None:
    """Prolonged, it is seen by every process; a time before its own does not shorten it."""
    file, other = SaltFile(path, clock), SaltFile(path, clock)
    secret = file.salt(1, 20_000, import_id=5, destroy_at=NOW + 1000)
    assert other.salt(1, 20_000, import_id=5, destroy_at=NOW + 1000) == secret
    file.prolong(1, 20_000, import_id=5, destroy_at=NOW + 5000)
    file.prolong(1, 20_000, import_id=5, destroy_at=NOW + 2000)
    clock.now += 4999
    assert other.salt(1, 20_000, import_id=5, destroy_at=NOW + 9000) == secret
    assert file.destroy_overdue() == []
    clock.now += 1
    assert len(other.destroy_overdue()) == 1


@pytest.mark.req("R3")
def test_every_destruction_is_told_until_it_is_noted(path: Path, clock: Clock) -> None:
    """Whichever process destroyed a salt, the core learns its name until the ledger has it; the secret it never
    learns."""
    core, collector = SaltFile(path, clock), SaltFile(path, clock)
    secrets = [collector.salt(site, 20_000, destroy_at=NOW + 1000) for site in (1, 2)]
    clock.now += 1000
    collector.salt(3, 20_001, destroy_at=NOW + DAY)
    destroyed = core.destroy_overdue()
    assert [one[:3] for one in destroyed] == [(1, 20_000, 0), (2, 20_000, 0)]
    assert len({one.key_id for one in destroyed}) == 2
    assert all(len(one.key_id) == 16 and bytes.fromhex(one.key_id) for one in destroyed)
    assert not [one for one in destroyed for secret in secrets if one.key_id in secret.hex()]
    assert SaltFile(path, clock).destroy_overdue() == destroyed
    core.noted(destroyed[:1])
    assert core.destroy_overdue() == destroyed[1:]
    core.noted([*destroyed, Destroyed(9, 9, 9, "00" * 8)])
    assert SaltFile(path, clock).destroy_overdue() == []
    assert len(path.read_bytes().strip(b"\0")) <= SLOT


def test_slots_are_used_again_and_the_file_grows_when_it_must(path: Path, clock: Clock) -> None:
    """64 slots at a time; what was destroyed and noted makes room, so the file stays small."""
    file = SaltFile(path, clock)
    made = {site: file.salt(site, 20_000, destroy_at=NOW + 1000) for site in range(1, 66)}
    assert path.stat().st_size == 2 * 64 * SLOT
    assert {site: SaltFile(path, clock).salt(site, 20_000, destroy_at=NOW + 1000) for site in made} == made
    clock.now += 1000
    file.noted(file.destroy_overdue())
    for day in range(20_001, 20_010):
        for site in made:
            file.salt(site, day, destroy_at=clock.now + 1000)
        clock.now += 1000
        file.noted(file.destroy_overdue())
    assert path.stat().st_size == 2 * 64 * SLOT
    assert not path.read_bytes().strip(b"\0")


@given(st.integers(0, SLOT - 1), st.integers(1, 255))
def test_a_torn_slot_is_a_lost_salt(tmp_path_factory: pytest.TempPathFactory, place: int, change: int) -> None:
    """One changed byte anywhere: the salt is not used, its bytes are overwritten, and the next user makes another."""
    path = tmp_path_factory.mktemp("torn") / "salts"
    file = SaltFile(path, Clock())
    lost, kept = file.salt(1, 20_000, destroy_at=NOW + DAY), file.salt(2, 20_000, destroy_at=NOW + DAY)
    content = bytearray(path.read_bytes())
    content[place] ^= change
    path.write_bytes(content)
    after = SaltFile(path, Clock())
    assert path.read_bytes()[:SLOT] == bytes(SLOT)
    assert after.salt(1, 20_000, destroy_at=NOW + DAY) != lost
    assert after.salt(2, 20_000, destroy_at=NOW + DAY) == kept
    assert after.destroy_overdue() == []


@given(st.binary(max_size=200))
def test_a_file_of_rubbish_is_no_obstacle(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    """Whatever stands in the file, a salt is made and found again."""
    path = tmp_path_factory.mktemp("rubbish") / "salts"
    path.write_bytes(content)
    secret = SaltFile(path, Clock()).salt(1, 20_000, destroy_at=NOW + DAY)
    assert SaltFile(path, Clock()).salt(1, 20_000, destroy_at=NOW + DAY) == secret


@pytest.mark.req("P7")
def test_a_salt_is_not_printed(path: Path, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    """Neither text, nor log, nor what the core gets to see holds a secret."""
    file = SaltFile(path, clock)
    secret = file.salt(1, 20_000, destroy_at=NOW + 1)
    known = file._known[1, 20_000, 0]
    logging.getLogger("test").warning("%s %r %s", known, [known], vars(file))
    clock.now += 1
    told = caplog.text + json.dumps(file.destroy_overdue()) + repr(file)
    assert "salt of site 1, day 20000" in caplog.text
    assert secret.hex() not in told
    assert repr(secret) not in told


def ask(path: Path, days: list[int], start: object, answers: "Queue[list[bytes]]") -> None:
    """Another process: ask for the salts of these days, all at once with the others."""
    file = SaltFile(path, Clock())
    start.wait()  # type: ignore[attr-defined]
    answers.put([file.salt(1, day, destroy_at=NOW + DAY) for day in days])


@pytest.mark.req("C1", "C23")
def test_processes_that_ask_at_once_agree_on_every_salt(path: Path) -> None:
    """Four processes that race for the same hundred salts hold the same hundred."""
    start, answers = SPAWN.Barrier(4), SPAWN.Queue()
    days = list(range(20_000, 20_100))
    children = [
        SPAWN.Process(target=ask, args=(path, days if number % 2 else days[::-1], start, answers))
        for number in range(4)
    ]
    for child in children:
        child.start()
    lists = [answers.get(timeout=60) for _ in children]
    for child in children:
        child.join()
    assert {frozenset(one) for one in lists} == {frozenset(lists[0])}
    assert len(set(lists[0])) == len(days)
    final = SaltFile(path, Clock())
    stored = [final.salt(1, day, destroy_at=NOW + DAY) for day in days]
    assert all(one in (stored, stored[::-1]) for one in lists)


def test_a_closed_file_forgets(path: Path, clock: Clock) -> None:
    """What was in memory is gone, and the descriptor with it."""
    file = SaltFile(path, clock)
    file.salt(1, 1, destroy_at=NOW + 1)
    file.close()
    assert file._known == {}
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(file._file)
