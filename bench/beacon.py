"""Durable events a second and CPU per event of `POST /e`, beside a bare uvicorn application in the same run.

One core for the server, the other for wrk (64 connections); the two servers take turns, so that a machine that drifts
drifts for both. Prints the median of the rounds and the ratio of CPU.
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
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.product import command

_HERE = Path(__file__).parent


@dataclass
class Round:
    """What one round of wrk saw."""

    rate: float
    cpu_us: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    failures: int


def main(rounds: int = 3, seconds: int = 8, connections: int = 64) -> None:
    """Run the comparison and print it."""
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is missing; install it (Debian: apt-get install wrk).")
    with tempfile.TemporaryDirectory(prefix="footfall-bench-") as folder:
        data = Path(folder) / "data"
        site = json.loads(command(data, "site", "add", "shop.example").stdout)["key"]
        servers = {"bare uvicorn": _bare(), "footfall /e": _collector(data)}
        try:
            results = {name: [] for name in servers}
            for number in range(rounds + 1):
                for name, (process, port) in servers.items():
                    one = _round(process, port, site, seconds if number else 2, connections)
                    if number:  # the first round warms up
                        results[name].append(one)
            _print(results, connections)
        finally:
            for process, _port in servers.values():
                process.terminate()
                process.wait()


def _bare() -> tuple[psutil.Popen, int]:
    sock = _listen()
    call = [sys.executable, "-m", "bench.bare", str(sock.fileno())]
    return _pinned(call, sock, dict(os.environ)), sock.getsockname()[1]


def _collector(data: Path) -> tuple[psutil.Popen, int]:
    sock = _listen()
    call = [sys.executable, "-m", "footfall", "worker", "--name", "bench", "--fd", str(sock.fileno())]
    geo = ",".join(map(str, sorted((_HERE.parent / ".geo").glob("*.mmdb"))))
    environ = dict(os.environ) | {
        "FOOTFALL_DATA": str(data),
        "FOOTFALL_GEO": geo,
        "FOOTFALL_NETWORK_RATE": "1000000",
        "FOOTFALL_SITE_RATE": "1000000",
    }
    return _pinned(call, sock, environ), sock.getsockname()[1]


def _listen() -> socket.socket:
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    sock.listen(1024)
    sock.set_inheritable(True)
    return sock


def _pinned(call: list[str], sock: socket.socket, environ: dict[str, str]) -> psutil.Popen:
    process = psutil.Popen(["taskset", "-c", "0", *call], pass_fds=[sock.fileno()], env=environ)
    time.sleep(4)
    return process


def _round(process: psutil.Popen, port: int, site: str, seconds: int, connections: int) -> Round:
    before = _cpu(process)
    environ = dict(os.environ) | {"BENCH_SITE": site, "BENCH_PATH": "/e"}
    call = [
        "taskset",
        "-c",
        "1",
        "wrk",
        "-t1",
        f"-c{connections}",
        f"-d{seconds}s",
        "--latency",
        "-s",
        str(_HERE / "beacon.lua"),
    ]
    done = subprocess.run([*call, f"http://127.0.0.1:{port}"], env=environ, capture_output=True, text=True, check=True)
    seen = json.loads(next(line for line in done.stdout.splitlines() if line.startswith("RESULT "))[7:])
    requests = seen["requests"]
    return Round(
        requests / seen["seconds"],
        (_cpu(process) - before) / requests * 1e6,
        seen["p50_us"] / 1000,
        seen["p99_us"] / 1000,
        seen["max_us"] / 1000,
        seen["errors"] + seen["bad"],
    )


def _cpu(process: psutil.Popen) -> float:
    times = process.cpu_times()
    return times.user + times.system


def _print(results: dict[str, list[Round]], connections: int) -> None:
    print(f"POST /e, {connections} connections, server on one core, wrk on the other; medians")
    print(f"{'':<14}{'events/s':>10}{'CPU µs':>9}{'p50 ms':>9}{'p99 ms':>9}{'max ms':>9}{'failed':>8}")
    for name, rounds in results.items():
        columns = zip(*[(r.rate, r.cpu_us, r.p50_ms, r.p99_ms, r.max_ms) for r in rounds], strict=True)
        rate, cpu, p50, p99, longest = map(statistics.median, columns)
        failed = sum(r.failures for r in rounds)
        print(f"{name:<14}{rate:>10.0f}{cpu:>9.1f}{p50:>9.2f}{p99:>9.2f}{longest:>9.1f}{failed:>8}")
    pairs = zip(results["footfall /e"], results["bare uvicorn"], strict=True)
    print(f"CPU per event, footfall / bare: {statistics.median(a.cpu_us / b.cpu_us for a, b in pairs):.2f}")


if __name__ == "__main__":
    main()
