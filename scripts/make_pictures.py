"""Makes the README's pictures: `python scripts/make_pictures.py [DIRECTORY] [--every]`.

A fresh installation in a temporary directory is visited by invented people: two months by an access log, the last day
by beacons. Then the machine's Chromium takes the dashboard, light and dark, and on a phone. Each picture is drawn in
256 colours and refused over 300 KB. `--every` takes every page of console and demo instead, to be looked at.
"""

import argparse
import http.client
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from invented_visits import DAY, HOUR, Visit, visits
from PIL import Image
from playwright.sync_api import sync_playwright

ROOT: Final = Path(__file__).parent.parent
DOMAIN: Final = "kettle-fern.example"
MOST_BYTES: Final = 300_000
_EMAIL, _PASSWORD = "ada@kettle-fern.example", "correct horse battery"
_NEWEST_BEACON: Final = 22 * HOUR
"""Beacons may tell of the last 24 hours; what is older comes by the log."""
_EVERY: Final = {
    "today": "/sites/{site}?range=today",
    "compared": "/sites/{site}?range=7d&compare=previous",
    "filtered": "/sites/{site}?range=28d&f=is,country,CH&f=is,device,mobile",
    "filtered-today": "/sites/{site}?range=today&compare=previous&f=is,country,CH",
    "chosen-goal": "/sites/{site}?range=28d&f=is,goal,Order",
    "table": "/sites/{site}/by/path?range=28d",
    "table-country": "/sites/{site}/by/country?range=28d",
    "install": "/sites/{site}/install",
    "install-waiting": "/sites/new.example/install",
    "empty": "/sites/new.example",
    "settings": "/sites/{site}/settings",
    "goals": "/sites/{site}/goals",
    "bots": "/sites/{site}/bots",
    "kept": "/kept",
    "sites": "/sites",
    "new-site": "/sites/new",
    "people": "/people",
    "account": "/account",
    "how-counted": "/how-counted",
    "missing": "/sites/none.example",
}


def main() -> None:
    """Make the pictures, or end with one sentence."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("directory", type=Path, nargs="?", default=ROOT / "docs" / "pictures")
    parser.add_argument("--every", action="store_true", help="every page, to be looked at")
    chosen = parser.parse_args()
    chosen.directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, installation(Path(folder) / "data") as running:
        running.fill()
        with sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
            camera = Camera(browser, running, chosen.directory)
            (camera.take_every if chosen.every else camera.take)()
            browser.close()


class Installation:
    """`footfall serve --demo` on ports of its own."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.ports = {name: _free_port() for name in ("collector", "console", "demo")}
        self.databases = sorted((ROOT / ".geo").glob("*.mmdb"))
        self.environ = {name: text for name, text in os.environ.items() if not name.startswith("FOOTFALL_")} | {
            "FOOTFALL_DATA": str(data),
            "FOOTFALL_GEO": ",".join(map(str, self.databases)),
            "FOOTFALL_SITE_RATE": "0",
            **{f"FOOTFALL_{name.upper()}": f"127.0.0.1:{port}" for name, port in self.ports.items()},
        }

    def run(self, *words: str, text: str = "") -> str:
        """One command to its end."""
        call = [sys.executable, "-m", "footfall", *words]
        done = subprocess.run(call, env=self.environ, input=text, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"`footfall {' '.join(words)}` failed: {done.stderr}")
        return done.stdout

    def start(self) -> subprocess.Popen[bytes]:
        """Serve, and wait until both ports are ready."""
        log = (self.data.parent / "log").open("ab")
        process = subprocess.Popen(
            [sys.executable, "-m", "footfall", "serve", "--demo"], env=self.environ, stdout=log, stderr=log
        )
        for name in ("collector", "console"):
            _until(lambda port=self.ports[name]: _ready(port), f"the {name} is ready")
        return process

    def fill(self) -> None:
        """Two months of visits up to now."""
        self.run("user", "add", _EMAIL, "--role", "admin", "--password-stdin", text=f"{_PASSWORD}\n")
        key = json.loads(self.run("site", "add", DOMAIN, "--timezone", "Europe/Zurich"))["key"]
        self.run("site", "add", "new.example")
        self.run("goal", "add", "Reads the care guide", "--site", DOMAIN, "--page", "/care*")
        self.run("goal", "add", "Order", "--site", DOMAIN, "--event", "purchase")
        self.run("funnel", "add", "From reading to order", "Reads the care guide", "Order", "--site", DOMAIN)
        now = time.time_ns() // 1_000_000
        log = self.data.parent / "access.log"
        history = visits(now - 58 * DAY, now - _NEWEST_BEACON, databases=self.databases)
        log.write_text("".join(sorted(_lines(history), key=lambda line: line.split("[")[1])))
        self.run("import", "accesslog", str(log), "--site", DOMAIN)
        time.sleep(2.5)  # a site that was just added is known within two seconds
        latest = list(visits(now - _NEWEST_BEACON, now, databases=self.databases, seed=8, a_day=400))
        sent = _send(self.ports["collector"], key, latest)
        _until(lambda: f"{sent} events wait" not in self.run("spool", "status"), "everything is loaded")
        _until(lambda: set(re.findall(r"(\d+) events wait", self.run("spool", "status"))) <= {"0"}, "all is loaded")


class Camera:
    """Takes pages of the console as somebody who is logged in."""

    def __init__(self, browser: Any, running: Installation, directory: Path) -> None:
        self._browser = browser
        self._origin = f"http://127.0.0.1:{running.ports['console']}"
        self._demo = f"http://localhost:{running.ports['demo']}"
        self._directory = directory

    def take(self) -> None:
        """The README's three."""
        address = f"/sites/{DOMAIN}?range=28d&compare=previous"
        for scheme in ("light", "dark"):
            with self._page(scheme, 1280, 1095) as page:
                self._open(page, address)
                self._keep(page, f"dashboard-{scheme}", full=False)
        with self._page("light", 390, 1040) as page:
            self._open(page, f"/sites/{DOMAIN}?range=28d")
            self._keep(page, "dashboard-phone", full=False)

    def take_every(self) -> None:
        """Every page, in each scheme, and on a phone."""
        for scheme, width in (("light", 1280), ("dark", 1280), ("light", 390)):
            end = f"{scheme}-{width}"
            with self._page(scheme, width, 900) as page:
                for name, address in _EVERY.items():
                    self._open(page, address.format(site=DOMAIN))
                    self._keep(page, f"{name}-{end}", full=True)
            with self._page(scheme, width, 900, known=False) as page:
                for name, address in {"login": f"{self._origin}/login", "shop": self._demo}.items():
                    page.goto(address)
                    self._keep(page, f"{name}-{end}", full=True)

    @contextmanager
    def _page(self, scheme: str, width: int, height: int, *, known: bool = True) -> Iterator[Any]:
        context = self._browser.new_context(
            color_scheme=scheme,
            viewport={"width": width, "height": height},
            device_scale_factor=2,
            reduced_motion="reduce",
            timezone_id="Europe/Zurich",
        )
        page = context.new_page()
        if known:
            page.goto(f"{self._origin}/login")
            page.get_by_label("E-mail").fill(_EMAIL)
            page.get_by_label("Password").fill(_PASSWORD)
            page.get_by_role("button", name="Log in").click()
            page.wait_for_url(lambda url: "/login" not in url)
        yield page
        context.close()

    def _open(self, page: Any, address: str) -> None:
        page.goto(self._origin + address)
        page.wait_for_load_state()

    def _keep(self, page: Any, name: str, *, full: bool) -> None:
        shot = Image.open(BytesIO(page.screenshot(full_page=full))).convert("RGB")
        path = self._directory / f"{name}.png"
        shot.quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(path, optimize=True)
        print(f"{path.name}: {shot.width} × {shot.height}, {path.stat().st_size / 1000:.0f} KB")
        if not full and path.stat().st_size > MOST_BYTES:
            raise SystemExit(f"{path.name} is larger than {MOST_BYTES // 1000} KB.")


@contextmanager
def installation(data: Path) -> Iterator[Installation]:
    """One that runs inside the block."""
    one = Installation(data)
    process = one.start()
    try:
        yield one
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=15)


def _lines(many: Iterable[Visit]) -> Iterator[str]:
    """The visits as a web server would log them."""
    for one in many:
        referrer, tags = one.referrer or "-", one.tags
        for step in one.steps:
            moment = datetime.fromtimestamp(step.at / 1000, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")
            request = f"GET {step.path}{tags} HTTP/1.1"
            yield f'{one.address} - - [{moment}] "{request}" 200 5120 "{referrer}" "{one.agent}"\n'
            referrer, tags = f"https://{DOMAIN}{step.path}", ""


def _send(port: int, key: str, many: Iterable[Visit]) -> int:
    """The visits as the snippet would send them; how many events there were."""
    chance = random.Random(9)
    connection = http.client.HTTPConnection("127.0.0.1", port)
    sent = 0
    for one in many:
        referrer, tags = one.referrer, one.tags
        for step in one.steps:
            events: list[dict[str, Any]] = [{"name": "pageview", "at": step.at, "props": {}}]
            events += _more(step.path, step.at, chance)
            events.append(
                {"name": "engagement", "at": step.at + step.ms, "props": {"ms": step.ms, "scroll": step.scroll}}
            )
            now = time.time_ns() // 1_000_000
            kept = [event for event in events if event["at"] <= now]
            body = {
                "v": 1,
                "site": key,
                "id": str(uuid.uuid4()),
                "page": str(uuid.uuid4()),
                "sent": now,
                "url": f"https://{DOMAIN}{step.path}{tags}",
                "referrer": referrer,
                "tz": one.zone,
                "lang": one.language,
                "viewport": one.viewport,
                "events": kept,
            }
            headers = {"User-Agent": one.agent, "X-Forwarded-For": one.address, "Accept-Language": one.language}
            connection.request("POST", "/e", json.dumps(body), headers)
            answer = connection.getresponse()
            if answer.status != 202:
                raise SystemExit(f"A beacon was answered {answer.status}: {answer.read()!r}")
            answer.read()
            sent += len(kept)
            referrer, tags = f"https://{DOMAIN}{step.path}", ""
    return sent


def _more(path: str, at: int, chance: random.Random) -> Iterator[dict[str, Any]]:
    """What else happens on a page."""
    if path == "/thank-you":
        yield {"name": "purchase", "at": at + 400, "props": {"revenue": 2400, "currency": "EUR"}}
    if path == "/search":
        yield {
            "name": "search",
            "at": at + 300,
            "props": {"term": chance.choice(["fern", "teapot", "pots"]), "results": 2},
        }
    if path == "/visit" and chance.random() < 0.4:
        yield {"name": "tel", "at": at + 5_000, "props": {"url": "tel:+442079460018"}}
    if path == "/shop" and chance.random() < 0.2:
        yield {"name": "download", "at": at + 7_000, "props": {"url": f"https://{DOMAIN}/files/price-list.pdf"}}
    if path == "/" and chance.random() < 0.12:
        yield {"name": "newsletter", "at": at + 9_000, "props": {"place": "home"}}


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def _ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _until(true: Any, what: str, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise SystemExit(f"Not within {seconds:g} s: {what}.")
        time.sleep(0.3)


if __name__ == "__main__":
    main()
