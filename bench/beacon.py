"""Durable events a second and CPU per event of `POST /e`, beside a bare uvicorn application in the same run.

One core for the server, the other for wrk (64 connections). The servers take turns, so that a machine that drifts drifts
for all. 5,000 visitors with four agents send; "all new" is the same with an address and an agent that nobody has seen in
each beacon. "one free" and "two free" are one and two workers that share both cores with wrk, so only their CPU tells
something, beside one and two processes of the bare application. Prints the medians of the rounds, ratios of CPU round by
round, and waits at half of the rate that was reached: the bare application's, too, for what of them is the machine's.
"""

import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from tests.product import command

_HERE = Path(__file__).parent
_CONNECTIONS = 64
_VISITORS = 5_000


@dataclass(frozen=True)
class Round:
    """What one round of wrk saw."""

    rate: float
    cpu_us: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    failures: int


@dataclass(frozen=True)
class Server:
    """Processes that listen on one port, and how they are asked."""

    processes: tuple[psutil.Popen, ...]
    port: int
    wrk: Mapping[str, str]


def main(rounds: int = 3, seconds: int = 8) -> None:
    """Run the comparison and print it."""
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is missing; install it (Debian: apt-get install wrk).")
    with tempfile.TemporaryDirectory(prefix="footfall-bench-") as folder, _servers(Path(folder) / "data") as servers:
        results: dict[str, list[Round]] = {name: [] for name in servers}
        for number in range(rounds + 1):
            for name, server in servers.items():
                one = _round(server, seconds if number else 2)
                if number:  # the first round warms up
                    results[name].append(one)
        _print(results)
        rate = statistics.median(one.rate for one in results["footfall /e"]) / 2
        for name in ("bare uvicorn", "footfall /e"):
            _half(name, servers[name], rate, seconds)


@contextmanager
def _servers(data: Path) -> Iterator[dict[str, Server]]:
    site = json.loads(command(data, "site", "add", "shop.example").stdout)["key"]
    usual = {"BENCH_SITE": site, "BENCH_PATH": "/e", "BENCH_VISITORS": str(_VISITORS)}
    both = {"cores": "0,1"}
    socks = [listen() for _ in range(8)]
    bare, one, new, application, bare_free, bare_two, free, two = socks
    processes = {
        "bare uvicorn": [_bare(bare)],
        "footfall /e": [worker(one, data, "one")],
        "  all new": [worker(new, data, "new")],
        "  application": [worker(application, data, "application", FOOTFALL_FAST_LANE="false")],
        "  bare one free": [_bare(bare_free, **both)],
        "  bare two free": [_bare(bare_two, **both) for _ in range(2)],
        "  one free": [worker(free, data, "free", **both)],
        "  two free": [worker(two, data, "two", **both), worker(two, data, "three", **both)],
    }
    made = {
        name: Server(tuple(started), int(sock.getsockname()[1]), usual)
        for (name, started), sock in zip(processes.items(), socks, strict=True)
    }
    made["  all new"] = replace(made["  all new"], wrk={**usual, "BENCH_VISITORS": "0"})
    try:
        for sock in socks:
            wait_for(sock)
        yield made
    finally:
        for process in {process for server in made.values() for process in server.processes}:
            process.terminate()
            process.wait()


def _bare(sock: socket.socket, *, cores: str = "0") -> psutil.Popen:
    return _start([sys.executable, "-m", "bench.bare", str(sock.fileno())], sock, {}, cores)


def worker(sock: socket.socket, data: Path, name: str, *, cores: str = "0", **settings: str) -> psutil.Popen:
    """A collector process on some cores, whose limits nobody reaches unless `settings` says so."""
    call = [sys.executable, "-m", "footfall", "worker", "--name", name, "--fd", str(sock.fileno())]
    geo = ",".join(map(str, sorted((_HERE.parent / ".geo").glob("*.mmdb"))))
    rates = {"FOOTFALL_NETWORK_RATE": "1000000", "FOOTFALL_SITE_RATE": "1000000"}
    return _start(call, sock, {"FOOTFALL_DATA": str(data), "FOOTFALL_GEO": geo, **rates, **settings}, cores)


def _start(call: list[str], sock: socket.socket, settings: Mapping[str, str], cores: str = "0") -> psutil.Popen:
    return psutil.Popen(["taskset", "-c", cores, *call], pass_fds=[sock.fileno()], env={**os.environ, **settings})


def listen() -> socket.socket:
    """A socket for a server's process to inherit."""
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    sock.listen(1024)
    sock.set_inheritable(True)
    return sock


def wait_for(sock: socket.socket, patience_s: float = 60) -> None:
    """Until whoever inherited the socket answers on it. Raises TimeoutError."""
    end = time.monotonic() + patience_s
    while time.monotonic() < end:
        with suppress(OSError), socket.create_connection(sock.getsockname(), timeout=patience_s) as asking:
            asking.sendall(b"GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            if not asking.recv(64).startswith(b"HTTP/1.1 503"):
                return
        time.sleep(0.1)
    raise TimeoutError(f"Nothing answers on port {sock.getsockname()[1]}.")


def _round(server: Server, seconds: int) -> Round:
    before = _cpu(server)
    call = ["taskset", "-c", "1", "wrk", "-t1", f"-c{_CONNECTIONS}", f"-d{seconds}s", "--latency"]
    call += ["-s", str(_HERE / "beacon.lua"), f"http://127.0.0.1:{server.port}"]
    done = subprocess.run(call, env={**os.environ, **server.wrk}, capture_output=True, text=True, check=True)
    seen = json.loads(next(line for line in done.stdout.splitlines() if line.startswith("RESULT "))[7:])
    requests = seen["requests"]
    return Round(
        requests / seen["seconds"],
        (_cpu(server) - before) / requests * 1e6,
        seen["p50_us"] / 1000,
        seen["p99_us"] / 1000,
        seen["max_us"] / 1000,
        seen["errors"] + seen["bad"],
    )


def _cpu(server: Server) -> float:
    return sum(times.user + times.system for times in (process.cpu_times() for process in server.processes))


def _print(results: dict[str, list[Round]]) -> None:
    print(f"POST /e, {_CONNECTIONS} connections, server on one core, wrk on the other; medians")
    print(f"{'':<16}{'events/s':>10}{'CPU µs':>9}{'p50 ms':>9}{'p99 ms':>9}{'max ms':>9}{'failed':>8}")
    for name, rounds in results.items():
        columns = zip(*[(r.rate, r.cpu_us, r.p50_ms, r.p99_ms, r.max_ms) for r in rounds], strict=True)
        rate, cpu, p50, p99, longest = map(statistics.median, columns)
        failed = sum(r.failures for r in rounds)
        print(f"{name:<16}{rate:>10.0f}{cpu:>9.1f}{p50:>9.2f}{p99:>9.2f}{longest:>9.1f}{failed:>8}")
    for over, under in (
        ("footfall /e", "bare uvicorn"),
        ("  application", "bare uvicorn"),
        ("  two free", "  one free"),
        ("  bare two free", "  bare one free"),
    ):
        pairs = zip(results[over], results[under], strict=True)
        ratio = statistics.median(a.cpu_us / b.cpu_us for a, b in pairs)
        print(f"CPU per event, {over.strip()} / {under.strip()}: {ratio:.2f}")


def _half(name: str, server: Server, rate: float, seconds: int) -> None:
    call = ["taskset", "-c", "1", sys.executable, "-m", "bench.pace", str(server.port), server.wrk["BENCH_SITE"]]
    done = subprocess.run([*call, str(rate), str(seconds)], capture_output=True, text=True, check=True)
    told = ", ".join(f"{name} {wait:.2f}" for name, wait in json.loads(done.stdout).items())
    print(f"{name} at {rate:.0f} events/s, milliseconds from the moment at which each was due: {told}")


if __name__ == "__main__":
    main()
