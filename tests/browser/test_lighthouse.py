"""The overview as Lighthouse sees it, on a simulated phone and on a desk."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.browser.conftest import CHROMIUM, FLAGS
from tests.browser.test_console import EMAIL, PASSWORD, log_in, visit
from tests.product import Product, command, running

FOLDER: Final = Path(__file__).with_name("lighthouse")
PROGRAM: Final = FOLDER / "node_modules" / ".bin" / "lighthouse"
PATH: Final = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
"""Node may be one that a wheel brought."""
FLOORS: Final = {"performance": 90, "accessibility": 100, "best-practices": 100}


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """An installation with a day's visits of twenty people."""
    with running(tmp_path_factory.mktemp("lighthouse") / "data") as one:
        call = ("user", "add", EMAIL, "--role", "admin", "--password-stdin")
        command(one.data, *call, input=f"{PASSWORD}\n")
        one.site("shop.example", "--timezone", "Europe/Zurich")
        for number in range(40):
            visit(one, f"/page-{number % 7}", person=number % 20)
        yield one


@pytest.mark.req("D10")
@pytest.mark.parametrize("screen", ["phone", pytest.param("desk", marks=pytest.mark.long)])
def test_the_overview_reaches_the_floors(product: Product, browser: Any, tmp_path: Path, screen: str) -> None:
    """90 for speed, 100 for accessibility and for good practice. The better of three looks: other work on the machine
    slows a page down, nothing makes it faster than it is."""
    if not PROGRAM.exists() or shutil.which("node", path=PATH) is None:
        pytest.skip("lighthouse is not installed (make lighthouse)")
    origin = f"http://127.0.0.1:{product.console}"
    context = browser.new_context()
    page = context.new_page()
    log_in(page, origin)
    cookies = "; ".join(f"{one['name']}={one['value']}" for one in context.cookies())
    context.close()
    best: dict[str, int] = {}
    for _ in range(3):
        report = look(f"{origin}/sites/shop.example?range=today", cookies, tmp_path, screen)
        assert report["finalDisplayedUrl"].endswith("/sites/shop.example?range=today"), "it was sent to the login"
        scores = {name: round(100 * report["categories"][name]["score"]) for name in FLOORS}
        best = {name: max(score, best.get(name, 0)) for name, score in scores.items()}
        if all(best[name] >= floor for name, floor in FLOORS.items()):
            break
    print(f"Lighthouse, {screen}: {best}")
    assert all(best[name] >= floor for name, floor in FLOORS.items()), f"{best}\n{faults(report)}"


def look(address: str, cookies: str, directory: Path, screen: str) -> dict[str, Any]:
    """One report."""
    headers = directory / "headers.json"
    headers.write_text(json.dumps({"Cookie": cookies}))
    call = [str(PROGRAM), address, "--quiet", "--output=json", f"--extra-headers={headers}"]
    call += [f"--only-categories={','.join(FLOORS)}", f"--chrome-flags=--headless=new {' '.join(FLAGS[:3])}"]
    if screen == "desk":
        call.append("--preset=desktop")
    environ = os.environ | {"PATH": PATH, "CHROME_PATH": str(CHROMIUM), "HOME": str(directory)}
    done = subprocess.run(call, env=environ, cwd=directory, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return dict(json.loads(done.stdout))


def faults(report: dict[str, Any]) -> str:
    """Which audits cost points, and how long the parts of loading took."""
    found = []
    for name, category in report["categories"].items():
        for reference in category["auditRefs"]:
            audit = report["audits"][reference["id"]]
            if reference["weight"] and audit["score"] is not None and audit["score"] < 0.9:
                items = json.dumps(audit.get("details", {}).get("items", ""))[:300]
                found.append(f"{name}: {audit['id']} {audit.get('displayValue', '')} {items}")
    return "\n".join(found)
