"""The wheel as somebody installs it: in an environment of its own, away from the checkout, without Node."""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.product import Product, beacon
from tests.test_packaging import ROOT, build_wheel

pytestmark = pytest.mark.req("O1")

SNIPPET: Final = ROOT / "collector" / "static" / "snippet" / "manifest.json"


class Installed(Product):
    """An installation that knows nothing but its environment: no checkout, no Node, no other program."""

    def __init__(self, home: Path, environment: Path) -> None:
        super().__init__(home / "data")
        self.home = home
        self.program = [str(environment / "bin" / "footfall")]
        self.path = str(environment / "bin")

    def environ(self, **more: str) -> dict[str, str]:
        """The least that a process gets."""
        ours = {name: text for name, text in super().environ(**more).items() if name.startswith("FOOTFALL_")}
        return ours | {"PATH": self.path, "HOME": str(self.home)}


@pytest.fixture(params=["borrowed", pytest.param("own", marks=pytest.mark.long)])
def installed(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Installed]:
    """The wheel in a new environment. What it needs is borrowed from this one, or (long) installed as the lock says."""
    if not SNIPPET.exists():
        pytest.skip("the snippet is not built (make snippet)")
    environment = tmp_path / "environment"
    wheel = build_wheel(tmp_path)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True, timeout=60)
    python = environment / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--quiet", "--python", str(python), "install"]
    if request.param == "own":
        subprocess.run([*pip, "--requirement", str(ROOT / "requirements.lock")], check=True, timeout=900)
    else:
        (packages,) = (environment / "lib").glob("python*/site-packages")
        # A path in such a file is looked into, but its own files of that kind are not read: the checkout stays away.
        (packages / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    subprocess.run([*pip, "--no-deps", "--no-index", str(wheel)], check=True, timeout=120)
    one = Installed(tmp_path, environment)
    where = [str(python), "-I", "-c", "import footfall, collector; print(footfall.__file__, collector.__file__)"]
    found = subprocess.run(where, capture_output=True, text=True, check=True, timeout=60).stdout.split()
    assert all(path.startswith(str(environment)) for path in found), found
    yield one
    one.kill()


def test_it_serves_console_snippet_and_demo(installed: Installed) -> None:
    """And counts a visit of the demo, by the site that the demo has made for itself."""
    assert shutil.which("node", path=installed.path) is None
    assert not os.environ.get("FOOTFALL_DATA")
    installed.start(demo=True)
    status, _, page = installed.request(installed.demo, "GET", "/")
    assert status == 200
    (address,) = re.findall(rf'src="(http://127\.0\.0\.1:{installed.collector}/js/\w+\.js)"', page.decode())
    path = address.partition(str(installed.collector))[2]
    status, headers, script = installed.request(installed.collector, "GET", path)
    assert (status, headers["content-type"].partition(";")[0]) == (200, "text/javascript")
    key = path.removeprefix("/js/").removesuffix(".js")
    assert f'"{key}"'.encode() in script
    assert installed.request(installed.demo, "GET", "/assets/shop.css")[0] == 200
    assert installed.status(installed.console, "/login") == 200
    assert installed.send(beacon(key, url="http://localhost/shop")) == 202
    program = [*installed.program, "status", "--data", str(installed.data)]
    end = time.monotonic() + 20
    told = ""
    while "1 received, 0 of them not yet loaded; to the unit." not in told:
        assert time.monotonic() < end, told
        told = subprocess.run(
            program, env=installed.environ(), capture_output=True, text=True, timeout=60, check=False
        ).stdout
    assert installed.stop() < 5
