"""What dies is started again, what is told to stop is gone in five seconds, and nothing outlives its supervisor."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import psutil
import pytest

from footfall.supervisor import PortBusyError, back_off, listen

CHILD: Final = """
import os, signal, sys, time
how, told = sys.argv[1], sys.argv[2]
with open(told, "a") as file:
    print(os.getpid(), os.environ.get("FOOTFALL_CRASH", ""), *sys.argv[3:], file=file, flush=True)
if how == "die":
    sys.exit(3)
if how == "killed":
    os.kill(os.getpid(), signal.SIGKILL)
if how == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if how == "orphan":
    sys.path.append(sys.argv[3])
    from real_footfall.supervisor import die_with_parent
    die_with_parent(int(os.environ["FOOTFALL_SUPERVISOR"]))
time.sleep(60)
"""
"""A child as small as can be: it says that it was started, and then does as it is told."""

DRIVER: Final = """
import sys, time
from footfall.supervisor import Child, Supervisor
sys.path.insert(0, sys.argv[1])
children = [Child(f"part {n}", (how, f"{sys.argv[2]}.{n}", *sys.argv[4:])) for n, how in enumerate(sys.argv[3].split(","))]
environ = {"PATH": "/usr/bin", "FOOTFALL_CRASH": "here:1"}
Supervisor(children, environ, time.monotonic, lambda text: print(text, flush=True)).run()
print("gone", flush=True)
"""
"""The real supervisor over such children, in a process of its own, because it takes the signals of its process."""


class Supervised:
    """A supervisor that runs, and what its children said."""

    def __init__(self, root: Path, *hows: str, more: tuple[str, ...] = ()) -> None:
        self.root = root
        (root / "footfall").mkdir()
        (root / "footfall" / "__init__.py").touch()
        (root / "footfall" / "__main__.py").write_text(CHILD)
        self.told = root / "told"
        call = [sys.executable, "-c", DRIVER, str(root), str(self.told), ",".join(hows), *more]
        repository = Path(__file__).parent.parent.parent
        self.process = subprocess.Popen(call, stdout=subprocess.PIPE, text=True, cwd=repository)

    def starts(self, child: int = 0) -> list[list[str]]:
        """Pid and words of each start of a child."""
        path = self.root / f"told.{child}"
        return [line.split(" ") for line in path.read_text().splitlines()] if path.exists() else []

    def pids(self) -> list[int]:
        """The children that were started last."""
        return [int(self.starts(n)[-1][0]) for n in range(2) if self.starts(n)]

    def end(self, number: int = signal.SIGTERM) -> tuple[float, str]:
        """Send a signal: the seconds until it is gone, and what it said."""
        began = time.monotonic()
        self.process.send_signal(number)
        said, _ = self.process.communicate(timeout=20)
        return time.monotonic() - began, said


@pytest.fixture
def supervised(tmp_path: Path) -> Iterator[Callable[..., Supervised]]:
    """Makes supervisors, and leaves none running."""
    made: list[Supervised] = []

    def make(*hows: str, more: tuple[str, ...] = ()) -> Supervised:
        made.append(Supervised(tmp_path, *hows, more=more))
        return made[-1]

    yield make
    for one in made:
        children = [psutil.Process(pid) for pid in one.pids() if psutil.pid_exists(pid)]
        if one.process.poll() is None:
            one.process.kill()
            one.process.wait()
        for child in children:
            if child.is_running():
                child.kill()
        if one.process.stdout:
            one.process.stdout.close()


def until(true: Callable[[], object], seconds: float = 20) -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.02)


def test_the_pause_doubles_and_has_an_end() -> None:
    """A quarter of a second, half a minute at most; after a night of deaths too."""
    assert [back_off(deaths) for deaths in (1, 2, 3, 4, 8, 9, 100, 100_000)] == [0.25, 0.5, 1, 2, 30, 30, 30, 30]


@pytest.mark.req("O3")
@pytest.mark.parametrize(("how", "words"), [("die", "ended with code 3"), ("killed", "was killed by signal 9")])
def test_what_dies_is_started_again_and_its_neighbour_is_left_alone(
    supervised: Callable[..., Supervised], how: str, words: str
) -> None:
    """With a pause that grows, and a line that says what happened; the other child never notices."""
    one = supervised(how, "stay")
    until(lambda: len(one.starts()) == 3)
    assert len(one.starts(1)) == 1
    assert psutil.pid_exists(int(one.starts(1)[0][0]))
    _, said = one.end()
    expected = [f"The part 0 {words}; it starts again in {pause} s." for pause in ("0.25", "0.5")]
    assert said.splitlines()[:2] == expected
    assert said.splitlines()[-1] == "gone"


@pytest.mark.req("O3")
def test_it_goes_on_where_nobody_reads_what_it_says(supervised: Callable[..., Supervised]) -> None:
    """As in `footfall serve | head`: the pipe is closed, the processes are not."""
    one = supervised("die")
    assert one.process.stdout is not None
    one.process.stdout.close()
    until(lambda: len(one.starts()) == 4)
    one.process.terminate()
    one.process.wait(timeout=20)


@pytest.mark.req("O3")
def test_a_crash_point_is_for_the_first_start_alone(supervised: Callable[..., Supervised]) -> None:
    """A process that a test has killed once comes back whole."""
    one = supervised("die")
    until(lambda: len(one.starts()) == 3)
    assert [start[1] for start in one.starts()] == ["here:1", "", ""]


@pytest.mark.req("O3")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_told_to_stop_everything_is_gone_in_five_seconds(supervised: Callable[..., Supervised], number: int) -> None:
    """Also a child that does not listen: it is killed; and nothing is started again."""
    one = supervised("stay", "stubborn")
    until(lambda: len(one.pids()) == 2)
    time.sleep(0.3)
    children = [psutil.Process(pid) for pid in one.pids()]
    seconds, said = one.end(number)
    assert seconds < 5
    assert (one.process.returncode, said.splitlines()) == (0, ["gone"])
    assert not [child for child in children if child.is_running()]


@pytest.mark.req("O3")
def test_willing_children_are_not_waited_for(supervised: Callable[..., Supervised]) -> None:
    """A second is enough where everybody listens."""
    one = supervised("stay", "stay")
    until(lambda: len(one.pids()) == 2)
    seconds, _ = one.end()
    assert seconds < 2


@pytest.mark.req("O3")
def test_children_die_with_a_supervisor_that_was_killed(supervised: Callable[..., Supervised], tmp_path: Path) -> None:
    """kill -9 of the supervisor leaves nothing behind that holds the port, the spool or the warehouse."""
    real = tmp_path / "real"
    real.mkdir()
    (real / "real_footfall").symlink_to(Path(__file__).parent.parent.parent / "footfall")
    one = supervised("orphan", more=(str(real),))
    until(lambda: len(one.pids()) == 1)
    time.sleep(0.5)
    child = psutil.Process(one.pids()[0])
    one.process.kill()
    child.wait(timeout=5)


def test_children_import_what_the_supervisor_does(supervised: Callable[..., Supervised], tmp_path: Path) -> None:
    """Not what lies in the directory where the command was typed."""
    for name in ("queue.py", "signal.py", "footfall.py"):
        (tmp_path / "elsewhere").mkdir(exist_ok=True)
        (tmp_path / "elsewhere" / name).write_text("raise SystemExit(99)")
    repository = str(Path(__file__).parent.parent.parent)
    code = (
        "import os, sys, time; sys.path.insert(0, sys.argv[1])\n"
        "from footfall.supervisor import Child, Supervisor\n"
        "os.chdir(sys.argv[2])\n"
        "ticks = iter(range(10**6))\n"
        "def tick():\n"
        "    if next(ticks) == 15: os.kill(os.getpid(), 15)\n"
        "Supervisor([Child('part', ('--version',))], {}, time.monotonic, print, tick).run()\n"
    )
    call = [sys.executable, "-P", "-c", code, repository, str(tmp_path / "elsewhere")]
    done = subprocess.run(call, capture_output=True, text=True, timeout=60, check=True)
    assert "code 99" not in done.stdout


def test_a_port_is_listened_on_at_once_and_inherited() -> None:
    """The socket is the supervisor's: a connection made while a worker restarts waits in it and is not refused."""
    with listen(("127.0.0.1", 0), "collector", patience_s=0, sleep=time.sleep) as sock:
        assert os.get_inheritable(sock.fileno())
        with socket.create_connection(sock.getsockname(), timeout=1):
            pass


def test_a_busy_port_is_waited_for_and_then_named() -> None:
    """A predecessor may take a moment to leave; then one sentence says what to change."""
    waits: list[float] = []
    with listen(("127.0.0.1", 0), "collector", patience_s=0, sleep=time.sleep) as taken:
        address = taken.getsockname()
        sentence = (
            rf"^The console can't listen on 127\.0\.0\.1:{address[1]} \(Address already in use\); stop what uses it, "
        )
        with pytest.raises(PortBusyError, match=sentence + r"or choose another address with --console HOST:PORT\.$"):
            listen(address, "console", patience_s=1, sleep=waits.append)
    assert waits == [0.25] * 4

    def leaves(_seconds: float) -> None:
        holder.close()

    holder = listen(("127.0.0.1", 0), "collector", patience_s=0, sleep=time.sleep)
    address = holder.getsockname()
    listen(address, "collector", patience_s=1, sleep=leaves).close()


@pytest.mark.parametrize("host", ["203.0.113.1", "x" * 300, "ä" * 80], ids=["foreign", "long", "odd"])
def test_an_address_that_is_none_of_this_machine_is_named(host: str) -> None:
    """Whatever is wrong with it: one sentence and no traceback."""
    with pytest.raises(PortBusyError, match=r"The collector can't listen on .*--collector HOST:PORT\.$"):
        listen((host, 8420), "collector", patience_s=0, sleep=time.sleep)
