"""docker-compose.yml without Docker: read by the specification, and each command run as it is written there.

Only what a container gives is replaced, by the variables that stand in the file: addresses, data directory, secret. The
ClickHouse server is a front over chDB, as in the warehouse's own tests.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from compose_spec import PyCompose

from tests.product import Product, beacon, command
from tests.warehouse.engine import Server
from warehouse.client import Warehouse
from warehouse.settings import WarehouseSettings

pytestmark = pytest.mark.req("O2")

ROOT: Final = Path(__file__).parents[2]
TEXT: Final = (ROOT / "docker-compose.yml").read_text()
OURS: Final = ("collector", "core")


def compose(text: str = TEXT, **variables: str) -> dict[str, Any]:
    """The file as Compose understands it with these variables; `$$` is a dollar."""

    def value(found: re.Match[str]) -> str:
        return "$" if found[0] == "$$" else variables.get(found[1], found[2] or "")

    read = json.loads(re.sub(r"\$\$|\$\{(\w+)(?::-([^}]*))?\}", value, json.dumps(yaml.safe_load(text))))
    for name in [key for key in read if key.startswith("x-")]:
        del read[name]
    return dict(read)


def test_the_file_is_what_the_specification_says() -> None:
    """Every key and value is one; a check that could not fail would take these slips too."""
    PyCompose.from_json(json.dumps(compose()))
    for right, wrong, words in (
        ("restart: unless-stopped", "restarts: unless-stopped", "extension key `restarts`"),
        ("interval: 10s", "interval: soon", "duration `soon`"),
        ("condition: service_healthy", "condition: well", "unknown variant `well`"),
        ("read_only: true", "read_only: perhaps", "expected a boolean"),
    ):
        assert right in TEXT
        broken = compose(text=TEXT.replace(right, wrong))
        with pytest.raises(ValueError, match=words):
            PyCompose.from_json(json.dumps(broken))


def test_every_volume_secret_and_service_that_is_named_is_there() -> None:
    """And nothing is declared that nobody uses."""
    read = compose()
    services = read["services"].values()
    volumes = [volume.partition(":")[0] for service in services for volume in service["volumes"]]
    assert set(volumes) == set(read["volumes"])
    assert {secret for service in services for secret in service.get("secrets", ())} == set(read["secrets"])
    assert {name for service in services for name in service.get("depends_on", ())} <= set(read["services"])


def test_no_service_is_root_or_holds_a_secret_in_clear_text() -> None:
    """No rights beyond its own, a file system that nobody writes, and ports for this machine alone."""
    for name, service in compose()["services"].items():
        assert not str(service["user"]).startswith(("0", "root")), name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["restart"] == "unless-stopped", name
        assert service["healthcheck"]["test"][0] == "CMD", name
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ())), name
        secret = [key for key in service["environment"] if "PASSWORD" in key and not key.endswith("_FILE")]
        assert not secret, name
        assert "@" not in re.sub(r"//\w+@", "//", str(service["environment"])), f"{name} has a password in an address"
        assert service.get("read_only", False) == (name in OURS)
    assert "core" not in str(compose()["services"]["collector"].get("depends_on", "")), "it acknowledges alone"


def test_what_is_kept_and_ignored_never_reaches_an_image_or_git() -> None:
    """The image is built from named folders: every room, and the files that its build asks for."""
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    rooms = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["root_packages"])
    copied = set(re.findall(r"^COPY (\w+)/ \1/$", (ROOT / "Dockerfile").read_text(), re.MULTILINE))
    assert copied == rooms
    assert rooms <= kept
    assert not [name for name in kept - rooms if not (ROOT / name).exists()]
    assert "/secrets/" in (ROOT / ".gitignore").read_text().splitlines()


def test_the_snippet_is_built_from_what_the_image_is_given(tmp_path: Path) -> None:
    """The first stage of the Dockerfile, with the tools that lie here already instead of `npm ci`."""
    tools = ROOT / "js" / "node_modules"
    if shutil.which("npm") is None or not tools.is_dir():
        pytest.skip("npm or js/node_modules is missing (make snippet)")
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        source = ROOT / line.removeprefix("!")
        if line.startswith("!js/"):
            (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / source.name)
    (tmp_path / "node_modules").symlink_to(tools)
    built = subprocess.run(
        ["npm", "run", "build"], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert built.returncode == 0, built.stdout + built.stderr
    for name in ("default.js", "manifest.json"):
        assert (tmp_path / "dist" / name).read_bytes() == (
            ROOT / "collector" / "static" / "snippet" / name
        ).read_bytes()


def test_the_image_runs_as_nobody_in_particular() -> None:
    """By number, so that Kubernetes can check it; the same as in the compose file, so that both share a volume."""
    last = (ROOT / "Dockerfile").read_text().rpartition("\nFROM ")[2]
    users = re.findall(r"^USER (\S+)$", last, re.MULTILINE)
    assert users == [compose()["services"]["core"]["user"]]
    assert f"--uid {users[0].partition(':')[0]} " in last


class Cluster(Product):
    """The services of the file as processes of this machine, each started by itself."""

    def __init__(self, data: Path, secret: Path) -> None:
        super().__init__(data)
        self.services = compose(FOOTFALL_WORKERS="2")["services"]
        self.front = Server(data.parent / "clickhouse")
        address = f"http://127.0.0.1:{self.front.port}"
        maker = Warehouse(WarehouseSettings(address))
        maker.command("CREATE DATABASE footfall")
        maker.close()
        self.replaced = {
            "FOOTFALL_DATA": str(data),
            "FOOTFALL_COLLECTOR": f"127.0.0.1:{self.collector}",
            "FOOTFALL_CONSOLE": f"127.0.0.1:{self.console}",
            "FOOTFALL_CLICKHOUSE": f"http://footfall@127.0.0.1:{self.front.port}/footfall",
            "FOOTFALL_CLICKHOUSE_PASSWORD_FILE": str(secret),
        }
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def run(self, name: str) -> None:
        """Start a service as its container would."""
        service = self.services[name]
        given = {key: str(value) for key, value in service["environment"].items()}
        environ = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": str(self.data.parent)}
        environ |= given | {key: value for key, value in self.replaced.items() if key in given}
        with self.log.open("ab") as log:
            self.running[name] = subprocess.Popen(service["command"], env=environ, stdout=log, stderr=log)

    def healthy(self, name: str) -> bool:
        """What the service's own health check says."""
        port = {"collector": self.collector, "core": self.console}[name]
        _, *call = self.services[name]["healthcheck"]["test"]
        call = [
            part.replace("127.0.0.1:8420", f"127.0.0.1:{port}").replace("127.0.0.1:8421", f"127.0.0.1:{port}")
            for part in call
        ]
        environ = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        return subprocess.run(call, env=environ, capture_output=True, check=False, timeout=20).returncode == 0

    def leave(self, name: str) -> int:
        """SIGTERM, and what it ended with."""
        process = self.running.pop(name)
        process.terminate()
        return process.wait(timeout=10)

    def close(self) -> None:
        """End everything."""
        for process in self.running.values():
            process.kill()
            process.wait()
        self.front.stop()


def until(true: Callable[[], bool], what: str, log: Path, seconds: float = 40) -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"{what}:\n{log.read_text()[-3000:]}"
        time.sleep(0.2)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """Nothing runs yet but ClickHouse."""
    secret = tmp_path / "clickhouse_password"
    secret.write_text("not in any log\n")
    one = Cluster(tmp_path / "data", secret)
    yield one
    one.close()


@pytest.mark.req("C23")
def test_each_service_runs_as_written_and_a_beacon_reaches_the_answer(cluster: Cluster) -> None:
    """Collectors first, alone; the core beside them, on ClickHouse. It goes away, and what comes meanwhile waits."""
    site = cluster.site()
    key = cluster.key()
    cluster.run("collector")
    until(lambda: cluster.healthy("collector"), "the collector is not healthy", cluster.log)
    assert [cluster.send(beacon(site["key"])) for _ in range(2)] == [202, 202]
    assert not cluster.healthy("core")
    cluster.run("core")
    until(lambda: cluster.healthy("core"), "the core is not healthy", cluster.log)
    until(lambda: cluster.numbers(key, "visitors", "pageviews") == [1, 2], "not counted", cluster.log)
    assert cluster.leave("core") == 0
    assert cluster.healthy("collector")
    assert cluster.send(beacon(site["key"])) == 202
    cluster.run("core")
    until(lambda: cluster.healthy("core"), "the core does not come back", cluster.log)
    until(lambda: cluster.numbers(key, "visitors", "pageviews") == [1, 3], "not counted", cluster.log)
    said = cluster.log.read_text()
    link = re.search(
        rf"^First login at +http://127\.0\.0\.1:{cluster.console}(/setup\?token=\S+) \(once\)$", said, re.MULTILINE
    )
    assert link, said
    assert cluster.status(cluster.console, link[1]) == 200
    assert "not in any log" not in said
    spools = command(cluster.data, "spool", "status").stdout
    assert re.findall(r"-(\d)\t.*\t0 events wait", spools) == ["0", "1"]
    assert [cluster.leave(name) for name in OURS] == [0, 0]
