"""A whole installation as a user runs it: real processes, real ports on loopback, a data directory of its own."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def command(data: Path, *arguments: str, check: bool = True, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run one footfall command to its end."""
    call = [sys.executable, "-m", "footfall", *arguments, "--data", str(data)]
    done = subprocess.run(call, capture_output=True, text=True, timeout=120, check=False, **options)
    if check and done.returncode:
        raise AssertionError(f"{arguments} ended with {done.returncode}: {done.stderr}")
    return done


class Product:
    """One installation; `start` and `stop` as often as wanted."""

    def __init__(self, data: Path, settings: Mapping[str, str] | None = None) -> None:
        self.data = data
        self.log = data.parent / f"{data.name}.log"
        self.collector = free_port()
        self.console = free_port()
        self.demo = free_port()
        self.settings = dict(settings or {})
        self.program = [sys.executable, "-m", "footfall"]
        self.process: subprocess.Popen[bytes] | None = None

    def environ(self, **more: str) -> dict[str, str]:
        """The environment of this installation's processes and commands."""
        names = {"network_rate": "0", "site_rate": "0", **self.settings, **more}
        environ = {k: v for k, v in os.environ.items() if not k.startswith("FOOTFALL_")}
        return environ | {f"FOOTFALL_{name.upper()}": value for name, value in names.items()}

    def status_report(self) -> dict[str, Any]:
        """What `footfall status --json` says, asked once the processes have stopped."""
        done = command(self.data, "status", "--json", env=self.environ(), check=False)
        return dict(json.loads(done.stdout))

    def start(self, *, crash: str = "", wait: bool = True, workers: int = 1, demo: bool = False) -> "Product":
        """Start `footfall serve` and wait until all ports are ready."""
        environ = self.environ(crash=crash)
        call = [*self.program, "serve", "--data", str(self.data), "--workers", str(workers)]
        call += ["--collector", f"127.0.0.1:{self.collector}", "--console", f"127.0.0.1:{self.console}"]
        call += ["--demo", f"127.0.0.1:{self.demo}"] if demo else []
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(call, env=environ, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        if wait:
            self.wait_ready(ports=(self.collector, self.console, *((self.demo,) if demo else ())))
        return self

    def wait_ready(self, seconds: float = 60, ports: Sequence[int] = ()) -> None:
        """Wait until collector and console, or these ports, say that they are ready."""
        end = time.monotonic() + seconds
        for port in ports or (self.collector, self.console):
            while self.status(port) != 200:
                if time.monotonic() > end:
                    raise AssertionError(f"not ready after {seconds} s:\n{self.log.read_text()[-3000:]}")
                time.sleep(0.05)

    def status(self, port: int, path: str = "/readyz") -> int:
        """Status of a GET, 0 if nobody answers."""
        try:
            return self.request(port, "GET", path)[0]
        except (OSError, http.client.HTTPException):
            return 0

    def request(
        self, port: int, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """One request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        try:
            connection.request(method, path, body or None, {"User-Agent": AGENT, **(headers or {})})
            answer = connection.getresponse()
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def site(self, domain: str = "shop.example", *arguments: str) -> dict[str, Any]:
        """Add a site by the command line."""
        return dict(json.loads(command(self.data, "site", "add", domain, *arguments).stdout))

    def key(self, scope: str = "stats", site: str = "shop.example") -> str:
        """Make a key by the command line."""
        made = command(self.data, "key", "add", "--site", site, "--scope", scope, "--json").stdout
        return str(json.loads(made)["key"])

    def send(self, body: Mapping[str, Any] | bytes, headers: Mapping[str, str] | None = None) -> int:
        """Send a beacon; the status of the answer."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.request(self.collector, "POST", "/e", raw, headers)[0]

    def ask(self, key: str, **query: Any) -> dict[str, Any]:
        """Ask the Stats API; the decoded answer."""
        asked = {"site_id": "shop.example", "metrics": ["visitors"], "date_range": "day", **query}
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        status, _, body = self.request(self.console, "POST", "/api/v1/query", json.dumps(asked).encode(), headers)
        if status != 200:
            raise AssertionError(f"{status}: {body.decode()}")
        return dict(json.loads(body))

    def numbers(self, key: str, *metrics: str, **query: Any) -> list[Any]:
        """The metrics of an answer without dimensions."""
        return list(self.ask(key, metrics=list(metrics), **query)["results"][0]["metrics"])

    def processes(self) -> dict[str, psutil.Process]:
        """The running processes by role: supervisor, core, collector."""
        found: dict[str, psutil.Process] = {}
        if self.process is None or self.process.poll() is not None:
            return found
        root = psutil.Process(self.process.pid)
        found["supervisor"] = root
        for child in root.children():
            # between fork and exec a child has the arguments of its parent
            with suppress(psutil.Error, IndexError, ValueError):
                line = child.cmdline()
                found["core" if "core" in line else f"collector {line[line.index('--name') + 1]}"] = child
        return found

    def stop(self, seconds: float = 10) -> float:
        """SIGTERM and wait; the seconds it took."""
        if self.process is None:
            return 0.0
        began = time.monotonic()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(timeout=seconds)
        self.process = None
        return time.monotonic() - began

    def kill(self) -> None:
        """kill -9 of every process at once."""
        if self.process is None or self.process.poll() is not None:
            self.process = None
            return
        root = psutil.Process(self.process.pid)
        victims = [root, *root.children()]
        for process in victims:
            with suppress(psutil.Error):
                process.kill()
        self.process.wait(timeout=10)
        self.process = None
        psutil.wait_procs(victims[1:], timeout=10)


def beacon(key: str, *events: Mapping[str, Any], now: int | None = None, **fields: Any) -> dict[str, Any]:
    """A beacon as the snippet sends it; one page view unless events are given."""
    now = int(time.time() * 1000) if now is None else now
    sent = list(events) or [{"name": "pageview", "at": now, "props": {}}]
    base = {
        "v": 1,
        "site": key,
        "id": str(uuid.uuid4()),
        "page": str(uuid.uuid4()),
        "sent": now,
        "url": "https://shop.example/",
        "events": [{"at": now, "props": {}, **event} for event in sent],
    }
    return {**base, **fields}


@contextmanager
def running(data: Path, **settings: str) -> Iterator[Product]:
    """An installation that is running inside the block and stopped after it."""
    product = Product(data, settings)
    try:
        yield product.start()
    finally:
        if product.process is not None:
            product.kill()
