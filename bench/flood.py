"""What others feel of a flood: one network and one site far beyond their limits, and 200 connections that crawl.

One core for the collector, the other for everybody who sends. Honest visitors of another site send at a steady rate, in
turns without and with two wrk beside them: one sends from a single network, one for a single site from everywhere, both
at some twenty times their limit. Prints the honest ones' waits, their ratio, by how much the flood was beyond its limits,
and how much of a core the collector took. `python -m bench.flood fast`: as fast as they are answered.
"""

import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.beacon import listen, wait_for, worker
from tests.product import command

_HONEST_RATE = 150
_NETWORK_RATE = 50
_SITE_RATE = 200
_TIMES = 20
_FLOODERS = 40
"""Connections of each of the two."""
_SLOW = 200
_CORE = ("taskset", "-c", "1")


def main(rounds: int = 3, seconds: int = 8, *, fast: bool = False) -> None:
    """Run the comparison and print it."""
    paces = (0.0, 0.0) if fast else (_NETWORK_RATE * _TIMES / _FLOODERS, _SITE_RATE * _TIMES / _FLOODERS)
    with tempfile.TemporaryDirectory(prefix="footfall-bench-") as folder:
        data = Path(folder) / "data"
        honest = json.loads(command(data, "site", "add", "shop.example").stdout)["key"]
        flooded = json.loads(command(data, "site", "add", "flood.example", "--set", "hostnames=shop.example").stdout)[
            "key"
        ]
        sock = listen()
        rates = {"FOOTFALL_NETWORK_RATE": str(_NETWORK_RATE), "FOOTFALL_SITE_RATE": str(_SITE_RATE)}
        server = worker(sock, data, "flood", **rates)
        wait_for(sock)
        port = int(sock.getsockname()[1])
        try:
            _waits(port, honest, 2)
            calm, busy, sent, used = [], [], [], []
            for _ in range(rounds):
                calm.append(_waits(port, honest, seconds))
                with _flood(port, flooded, seconds + 2, paces) as rates_of_flood:
                    before = server.cpu_times()
                    busy.append(_waits(port, honest, seconds))
                    after = server.cpu_times()
                used.append((after.user + after.system - before.user - before.system) / seconds)
                sent.append(rates_of_flood)
        finally:
            server.terminate()
            server.wait()
    print(f"waits of {_HONEST_RATE} honest beacons a second, all acknowledged; ms, medians of {rounds} rounds in turns")
    for name in ("p50", "p99", "max"):
        alone, beside = (statistics.median(one[name] for one in seen) for seen in (calm, busy))
        ratio = statistics.median(b[name] / a[name] for a, b in zip(calm, busy, strict=True))
        print(f"{name:<4}{alone:>8.2f} alone{beside:>8.2f} beside the flood, ratio {ratio:.2f}")
    network, site = (statistics.median(column) for column in zip(*sent, strict=True))
    print(
        f"flood: one network {network / _NETWORK_RATE:.0f} x its limit, one site {site / _SITE_RATE:.0f} x, {_SLOW} slow; "
        f"the collector took {statistics.median(used):.0%} of a core"
    )


def _waits(port: int, site: str, seconds: int) -> dict[str, float]:
    """Of the honest ones; `bench.pace` fails where one is not acknowledged."""
    call = [*_CORE, sys.executable, "-m", "bench.pace", str(port), site, str(_HONEST_RATE), str(seconds)]
    return dict(json.loads(subprocess.run(call, capture_output=True, text=True, check=True, timeout=120).stdout))


@contextmanager
def _flood(port: int, site: str, seconds: int, paces: tuple[float, float]) -> Iterator[list[float]]:
    """Both floods and the slow connections; the list gets the requests a second of each flood at the end.

    paces: requests a second of each connection of the two, 0 for as many as are answered.
    """
    rates: list[float] = []
    stop = threading.Event()
    slow = threading.Thread(target=_crawl, args=(port, stop))
    slow.start()
    floods = [
        _wrk(port, site, seconds, {"BENCH_VISITORS": visitors, "BENCH_PACE": str(pace)})
        for visitors, pace in zip(("1", "5000"), paces, strict=True)
    ]
    try:
        time.sleep(1)
        yield rates
        for flood in floods:
            told = flood.communicate(timeout=60)[0]
            seen = json.loads(next(line for line in told.splitlines() if line.startswith("RESULT "))[7:])
            rates.append(seen["requests"] / seen["seconds"])
    finally:
        stop.set()
        slow.join()
        for flood in floods:
            flood.kill()


def _wrk(port: int, site: str, seconds: int, settings: dict[str, str]) -> "subprocess.Popen[str]":
    call = [*_CORE, "wrk", "-t1", f"-c{_FLOODERS}", f"-d{seconds}s", "-s", str(Path(__file__).parent / "beacon.lua")]
    environ = {**os.environ, "BENCH_SITE": site, "BENCH_PATH": "/e", **settings}
    return subprocess.Popen([*call, f"http://127.0.0.1:{port}"], env=environ, stdout=subprocess.PIPE, text=True)


def _crawl(port: int, stop: threading.Event) -> None:
    """Connections from an address of their own that say a byte a second, opened anew when they are cut off."""
    said = b"POST /e HTTP/1.1\r\nHost: shop.example\r\nX-Slow: " + b"a" * 1000
    open_: list[tuple[socket.socket, int]] = []
    while not stop.wait(1):
        open_ += [
            (socket.create_connection(("127.0.0.1", port), 5, ("127.0.0.2", 0)), 0) for _ in range(_SLOW - len(open_))
        ]
        open_ = [(sock, at + 1) for sock, at in open_ if _say(sock, said[at : at + 1])]
    for sock, _ in open_:
        sock.close()


def _say(sock: socket.socket, byte: bytes) -> bool:
    try:
        sock.sendall(byte)
    except OSError:
        sock.close()
        return False
    return True


if __name__ == "__main__":
    main(fast="fast" in sys.argv)
