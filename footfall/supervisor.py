"""Keeps the processes of one machine running: starts them, restarts what dies with back-off, stops all in 5 seconds.

It owns the listening sockets: a worker that dies loses no connection that was not yet accepted, because the socket
lives on here. Children die with the supervisor (each asks the kernel for that), so that nothing is left half alive.
"""

import os
import selectors
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, NoReturn

_GRACE_S: Final = 4.2
"""From the request to stop until what still runs is killed; the promise to the operator is 5 s."""
_STEADY_S: Final = 60.0
"""A process that has run this long starts with no back-off when it dies."""
_LONGEST_BACK_OFF_S: Final = 30.0

Say = Callable[[str], None]


class PortBusyError(RuntimeError):
    """An address can't be listened on; the text is one sentence."""


@dataclass(frozen=True, slots=True)
class Child:
    """One process to keep running."""

    name: str
    arguments: Sequence[str]
    listener: socket.socket | None = None


@dataclass(slots=True)
class _Running:
    child: Child
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    deaths: int = 0
    due: float = 0.0


@dataclass(slots=True)
class Supervisor:
    """Runs the children until told to stop. `monotonic` is seconds; `environ` is what children get."""

    children: Sequence[Child]
    environ: dict[str, str]
    monotonic: Callable[[], float]
    say: Say
    on_tick: Callable[[], None] = lambda: None
    _running: list[_Running] = field(default_factory=list)

    def run(self) -> None:
        """Start everything and return when SIGTERM or SIGINT came and all children are gone."""
        wake = _signals()
        self._running = [_Running(child) for child in self.children]
        stopping = False
        with selectors.DefaultSelector() as selector:
            selector.register(wake, selectors.EVENT_READ)
            while not stopping:
                self._tick()
                for _key, _events in selector.select(timeout=0.2):
                    stopping = any(number in (signal.SIGTERM, signal.SIGINT) for number in wake.recv(64))
        self._stop()

    def _tick(self) -> None:
        now = self.monotonic()
        for one in self._running:
            if one.process is not None and one.process.poll() is not None:
                self._bury(one, now)
            if one.process is None and now >= one.due:
                self._start(one, now)
        with suppress(OSError):
            self.on_tick()

    def _start(self, one: _Running, now: float) -> None:
        arguments = [sys.executable, "-P", "-m", "footfall", *one.child.arguments]
        descriptors = []
        if one.child.listener is not None:
            descriptors = [one.child.listener.fileno()]
            arguments += ["--fd", str(descriptors[0])]
        environ = self.environ | {"FOOTFALL_SUPERVISOR": str(os.getpid()), "PYTHONPATH": _import_path()}
        if one.deaths:
            environ["FOOTFALL_CRASH"] = ""  # a test's crash point fires once, not at every restart
        one.started = now
        try:
            one.process = subprocess.Popen(arguments, env=environ, pass_fds=descriptors, stdin=subprocess.DEVNULL)  # noqa: S603
        except OSError as error:  # no memory or no process left: the others go on, and this one is tried again
            self._again(one, now, f"can't be started ({error.strerror})")

    def _bury(self, one: _Running, now: float) -> None:
        code = one.process.returncode if one.process else 0
        self._again(one, now, f"was killed by signal {-code}" if code < 0 else f"ended with code {code}")

    def _again(self, one: _Running, now: float, how: str) -> None:
        one.deaths = 1 if now - one.started > _STEADY_S else one.deaths + 1
        pause = back_off(one.deaths)
        one.process, one.due = None, now + pause
        with suppress(OSError):  # nobody listens any more: a closed pipe must not end what it tells about
            self.say(f"The {one.child.name} {how}; it starts again in {pause:g} s.")

    def _stop(self) -> None:
        alive = [one.process for one in self._running if one.process is not None and one.process.poll() is None]
        for process in alive:
            process.terminate()
        end = self.monotonic() + _GRACE_S
        for process in alive:
            try:
                process.wait(timeout=max(0.05, end - self.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _import_path() -> str:
    """Children import what their supervisor does: not what lies in the directory it happens to be started in."""
    return os.pathsep.join(path for path in sys.path if path)


def back_off(deaths: int) -> float:
    """Seconds until the next start after so many deaths in a row: a quarter, doubled each time, at most thirty."""
    return min(_LONGEST_BACK_OFF_S, 0.25 * 2.0 ** min(deaths - 1, 10))


def listen(address: tuple[str, int], name: str, *, patience_s: float, sleep: Callable[[float], None]) -> socket.socket:
    """A listening socket on the address. Waits a little for a predecessor that is still leaving.

    Raises PortBusyError saying which setting to change.
    """
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    waited = 0.0
    while True:
        sock = socket.socket(family, socket.SOCK_STREAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind(address)
            sock.listen(2048)
        except (OSError, TypeError, UnicodeError) as error:  # TypeError: a name that has no form for the wire
            sock.close()
            if waited >= patience_s:
                raise PortBusyError(_busy(address, name, error)) from None
            waited += 0.25
            sleep(0.25)
        else:
            sock.set_inheritable(True)
            return sock


def _busy(address: tuple[str, int], name: str, error: Exception) -> str:
    where, why = f"{address[0]}:{address[1]}", getattr(error, "strerror", "") or "no such address"
    return (
        f"The {name} can't listen on {where} ({why}); stop what uses it, or choose another address with "
        f"--{name} HOST:PORT."
    )


def _signals() -> socket.socket:
    """A socket that receives a byte for each signal, so that the loop wakes at once and nothing runs in a handler."""
    receiver, sender = socket.socketpair()
    receiver.setblocking(False)
    sender.setblocking(False)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)
    signal.set_wakeup_fd(sender.fileno(), warn_on_full_buffer=False)
    _KEEP.append(sender)
    return receiver


_KEEP: Final[list[socket.socket]] = []
"""The wake-up socket's other end must not be collected while the process lives."""


def die_with_parent(parent: int) -> None:
    """Ask the kernel for SIGTERM when the supervisor dies, and leave at once if it is dead already (Linux only)."""
    if not parent or not sys.platform.startswith("linux"):
        return
    import ctypes

    pr_set_pdeathsig = 1
    ctypes.CDLL(None, use_errno=True).prctl(pr_set_pdeathsig, signal.SIGTERM)
    if os.getppid() != parent:
        _leave()


def _leave() -> NoReturn:
    raise SystemExit(0)
