"""Settings: what they are, and how they are read from flags, environment and footfall.toml. Nothing else reads these.

A flag goes before the environment (FOOTFALL_<NAME>), which goes before footfall.toml, which goes before the default.
Unknown keys are errors: a misspelt setting that silently does nothing is worse than a refusal to start.
"""

import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit

from collector.address import read_networks

PREFIX: Final = "FOOTFALL_"
_NOT_SETTINGS: Final = frozenset(("FOOTFALL_SUPERVISOR",))


class SettingError(ValueError):
    """A setting that can't be taken; the text is one sentence."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting of the installation."""

    name: str
    default: str
    form: str
    meaning: str


SETTINGS: Final[tuple[Setting, ...]] = (
    Setting("data", "footfall-data", "path", "directory of everything that is kept; made when missing"),
    Setting("collector", "127.0.0.1:8420", "HOST:PORT", "public address, the one that sites embed"),
    Setting("console", "127.0.0.1:8421", "HOST:PORT", "private address of Stats API, health and metrics"),
    Setting(
        "public_url",
        "",
        "URL",
        "the collector's address as browsers see it; empty: http://HOST:PORT",
    ),
    Setting("demo", "127.0.0.1:8422", "HOST:PORT", "address of the demo, which `footfall serve --demo` runs"),
    Setting("workers", "0", "number", "collector processes; 0: half of the cores, at least one"),
    Setting(
        "clickhouse", "", "DSN", "ClickHouse server (https://user:password@host:8443/database); empty: embedded chDB"
    ),
    Setting(
        "clickhouse_password_file",
        "",
        "path",
        "file with the ClickHouse server's password, for an address without one; read anew at each start",
    ),
    Setting("control", "", "URL", "control store (SQLAlchemy URL); empty: SQLite in the data directory"),
    Setting(
        "geo", "", "paths", "city databases (.mmdb) or directories of them, separated by commas; empty: <data>/geo"
    ),
    Setting(
        "trusted_proxies", "127.0.0.0/8,::1/128", "networks", "proxies whose X-Forwarded-For and Forwarded are believed"
    ),
    Setting("network_rate", "500", "number", "events a second taken from one client network; 0: no limit"),
    Setting("site_rate", "5000", "number", "events a second taken for one site; 0: no limit"),
    Setting("query_rate", "600", "number", "questions a minute that one stats key may ask"),
    Setting(
        "fast_lane",
        "true",
        "true or false",
        "whether connections answer beacons themselves, without the application",
    ),
    Setting("spool_max_mb", "4096", "number", "largest size of one collector's spool before it answers 503"),
    Setting("spool_min_free_mb", "256", "number", "free disk below which the collector answers 503"),
    Setting("spool_segment_kb", "65536", "number", "size at which a spool begins a new segment file"),
    Setting("warehouse_memory_mb", "0", "number", "most memory of the embedded warehouse; 0: half of the machine's"),
    Setting("query_seconds", "30", "number", "longest time of one question"),
    Setting("receipt_days", "365", "number", "days that a receipt is kept after its grant has ended"),
    Setting(
        "backup_dir",
        "",
        "path",
        "directory of backups, best on another machine's disk; each night one is made; empty: none is",
    ),
    Setting("backup_days", "35", "number", "days that a backup of aggregates and control store is kept"),
    Setting(
        "backup_raw_days", "3", "number", "days that a backup with raw rows is kept, which is made only on request"
    ),
    Setting("backup_disk", "", "word", "the ClickHouse server's disk for backups; not for the embedded warehouse"),
    Setting("heads_file", "", "path", "file outside the data directory that gets the ledger's head of each day"),
    Setting(
        "ledger_key", "", "path", "private key (Ed25519) that signs the ledger; `footfall ledger key FILE` makes one"
    ),
    Setting("log_level", "info", "word", "debug, info, warning or error"),
    Setting("crash", "", "name:n", "for tests: the process kills itself at the n-th passing of this point"),
)
_KNOWN: Final = {setting.name: setting for setting in SETTINGS}


@dataclass(frozen=True, slots=True)
class Environment:
    """Every setting, read and checked. Field names are the settings' names."""

    data: Path
    collector: tuple[str, int]
    console: tuple[str, int]
    public_url: str
    demo: tuple[str, int]
    workers: int
    clickhouse: str
    clickhouse_password_file: str
    control: str
    geo: tuple[Path, ...]
    trusted_proxies: tuple[str, ...]
    network_rate: float
    site_rate: float
    query_rate: float
    fast_lane: bool
    spool_max_mb: int
    spool_min_free_mb: int
    spool_segment_kb: int
    warehouse_memory_mb: int
    query_seconds: float
    receipt_days: int
    backup_dir: str
    backup_days: int
    backup_raw_days: int
    backup_disk: str
    heads_file: str
    ledger_key: str
    log_level: str
    crash: str

    @property
    def snapshot(self) -> Path:
        """Where the core publishes what collectors may know."""
        return self.data / "collector" / "snapshot"

    @property
    def snippets(self) -> Path:
        """Where the core publishes each site's snippet."""
        return self.data / "collector" / "js"

    @property
    def notices(self) -> Path:
        """Where the core publishes what visitors of each site are told."""
        return self.data / "collector" / "notices"

    @property
    def salts(self) -> Path:
        """The file of salts; in no backup."""
        return self.data / "salts" / "salts"

    @property
    def spool(self) -> Path:
        """The root of every worker's spool."""
        return self.data / "spool"

    @property
    def warehouse(self) -> str:
        """DSN of the warehouse: the server's with its password, or the embedded one in the data directory."""
        if not self.clickhouse_password_file:
            return self.clickhouse or f"chdb://{self.data / 'warehouse'}"
        parts = urlsplit(self.clickhouse)
        password = quote(_password(self.clickhouse_password_file), safe="")
        return parts._replace(
            netloc=f"{parts.username or 'default'}:{password}@{parts.netloc.rpartition('@')[2]}"
        ).geturl()


def read_environment(flags: Mapping[str, Any], environ: Mapping[str, str] = os.environ) -> Environment:
    """The settings of this process. Raises SettingError with one sentence."""
    given = {name: str(value) for name, value in flags.items() if value is not None}
    from_env = _from_environ(environ)
    here = _from_file(Path("footfall.toml"))
    data = given.get("data") or from_env.get("data") or here.get("data") or _KNOWN["data"].default
    there = _from_file(_directory(data) / "footfall.toml")
    texts = {s.name: s.default for s in SETTINGS} | here | there | from_env | given | {"data": data}
    values = {name: _READERS.get(name, str)(text) for name, text in _named(texts)}
    _check_password(values)
    if not values["geo"]:
        values["geo"] = (values["data"] / "geo",)
    if not values["workers"]:
        values["workers"] = max(1, (os.cpu_count() or 1) // 2)
    return Environment(**values)


def as_environ(environment: Environment, texts: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment for a child process with the same settings, whatever they came from."""
    child = {name: value for name, value in texts.items() if not name.startswith(PREFIX)}
    for field in fields(Environment):
        child[PREFIX + field.name.upper()] = _as_text(field.name, getattr(environment, field.name))
    return child


def supervisor_pid(environ: Mapping[str, str] = os.environ) -> int:
    """Pid of the process that started this one as its child; 0 if it was started by hand."""
    return int(environ.get("FOOTFALL_SUPERVISOR", "0"))


def _named(texts: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(name, text) for name, text in texts.items() if _check_known(name)]


def _check_known(name: str) -> bool:
    if name not in _KNOWN:
        raise SettingError(f"There is no setting '{name}'; docs/settings.md lists those there are.")
    return True


def _from_environ(environ: Mapping[str, str]) -> dict[str, str]:
    return {
        name.removeprefix(PREFIX).lower(): value
        for name, value in environ.items()
        if name.startswith(PREFIX) and name not in _NOT_SETTINGS
    }


def _from_file(path: Path) -> dict[str, str]:
    """Its keys as texts; none where there is no such file."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except UnicodeEncodeError:
        raise SettingError("The name of the data directory is no text that a file system takes.") from None
    except OSError as error:
        raise SettingError(
            f"{path} can't be read ({error.strerror}); give its reader the right to, or move it."
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingError(f"{path} is not valid TOML: {error}.") from None
    return {name: ",".join(map(str, v)) if isinstance(v, list) else str(v) for name, v in content.items()}


def _directory(text: str) -> Path:
    try:
        return Path(text).expanduser().absolute()
    except RuntimeError:  # ~somebody who is not there
        raise SettingError("The setting 'data' must be the path of a directory.") from None


def _place(name: str, kind: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        try:
            return str(Path(text).expanduser().absolute()) if text else ""
        except RuntimeError:
            raise SettingError(f"The setting '{name}' must be the path of {kind}.") from None

    return read


def _address(name: str) -> Callable[[str], tuple[str, int]]:
    def read(text: str) -> tuple[str, int]:
        host, colon, port = text.rpartition(":")
        if not (colon and re.fullmatch(r"[0-9]{1,5}", port)) or int(port) > 65535 or re.search(r"[\s/@]", host):
            raise SettingError(f"The setting '{name}' must be HOST:PORT, for example 127.0.0.1:8420.")
        return host.strip("[]") or "0.0.0.0", int(port)  # noqa: S104 - `:8420` means every interface, as elsewhere

    return read


def _dsn(text: str) -> str:
    """The value is never repeated: it holds a password."""
    try:
        parts = urlsplit(text)
        server = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        server = False
    if text and not server and not text.startswith("chdb:///"):
        raise SettingError(
            "The setting 'clickhouse' must be the address of a ClickHouse server's HTTP port, for example "
            "https://user:password@host:8443/database."
        )
    return text


def _password(path: str) -> str:
    """The first line of the file; never repeated."""
    setting = "The setting 'clickhouse_password_file' must be"
    try:
        password = Path(path).read_text(encoding="utf-8").partition("\n")[0].rstrip("\r")
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", "") or "it is no text"
        raise SettingError(f"{setting} the path of a file that can be read; {path} can't ({why}).") from None
    if not password:
        raise SettingError(f"{setting} the path of a file with a password; the first line of {path} is empty.")
    return password


def _check_password(values: Mapping[str, Any]) -> None:
    path, server = values["clickhouse_password_file"], urlsplit(values["clickhouse"])
    if not path:
        return
    if not server.scheme.startswith("http") or server.password is not None:
        raise SettingError(
            "The setting 'clickhouse_password_file' must be empty, or 'clickhouse' an address with a user and no "
            "password, for example https://user@host:8443/database."
        )
    _password(path)


def _number(name: str, kind: type[int] | type[float]) -> Callable[[str], float]:
    def read(text: str) -> float:
        whole = kind is int
        form = r"[0-9]{1,9}" if whole else r"[0-9]{1,9}(\.[0-9]{1,9})?"
        if not re.fullmatch(form, text):
            raise SettingError(f"The setting '{name}' must be a {'whole ' if whole else ''}number of at least 0.")
        return kind(text)

    return read


def _list(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _networks(text: str) -> tuple[str, ...]:
    networks = _list(text)
    try:
        read_networks(networks)
    except ValueError:
        raise SettingError(
            "The setting 'trusted_proxies' must be networks separated by commas, for example 10.0.0.0/8,::1/128."
        ) from None
    return networks


def _control(text: str) -> str:
    """The value is never repeated: it holds a password."""
    if text and not re.match(r"(sqlite|postgresql)(\+[a-z0-9]+)?://", text):
        raise SettingError("The setting 'control' must be the URL of a SQLite or Postgres database.")
    return text


def _origin(text: str) -> str:
    if text and not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", text):
        raise SettingError("The setting 'public_url' must be like https://stats.example, without a question mark.")
    return text


def _switch(name: str) -> Callable[[str], bool]:
    def read(text: str) -> bool:
        if text.lower() not in ("true", "false"):
            raise SettingError(f"The setting '{name}' must be true or false.")
        return text.lower() == "true"

    return read


def _crash(text: str) -> str:
    if not re.fullmatch(r"([a-z_.]+(:[1-9][0-9]{0,8})?)?", text):
        raise SettingError("The setting 'crash' must be the name of a point, or name:number.")
    return text


def _disk(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_-]{0,100}", text):
        raise SettingError("The setting 'backup_disk' must be the name of a disk of the ClickHouse server.")
    return text


def _level(text: str) -> str:
    if text.lower() not in ("debug", "info", "warning", "error"):
        raise SettingError("The setting 'log_level' must be debug, info, warning or error.")
    return text.lower()


def _as_text(name: str, value: Any) -> str:
    if name in ("collector", "console", "demo"):
        return f"{value[0]}:{value[1]}"
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


_WHOLE: Final = (
    "workers",
    "spool_max_mb",
    "spool_min_free_mb",
    "spool_segment_kb",
    "warehouse_memory_mb",
    "receipt_days",
    "backup_days",
    "backup_raw_days",
)
_READERS: Final[dict[str, Callable[[str], Any]]] = {
    "data": _directory,
    "collector": _address("collector"),
    "console": _address("console"),
    "demo": _address("demo"),
    "clickhouse": _dsn,
    "control": _control,
    "public_url": _origin,
    "crash": _crash,
    "backup_dir": _place("backup_dir", "a directory"),
    "heads_file": _place("heads_file", "a file"),
    "ledger_key": _place("ledger_key", "a file"),
    "backup_disk": _disk,
    "geo": lambda text: tuple(Path(part) for part in _list(text)),
    "trusted_proxies": _networks,
    "log_level": _level,
    "fast_lane": _switch("fast_lane"),
    **{name: _number(name, int) for name in _WHOLE},
    **{name: _number(name, float) for name in ("network_rate", "site_rate", "query_rate", "query_seconds")},
}
