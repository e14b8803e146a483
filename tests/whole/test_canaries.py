"""No address, agent string, device id, e-mail address, cookie or key of anybody lies on the disk, wherever it came in.

Made-up people are sent through every way into a running product (haunting.py), then every byte of every file is
searched for them in every spelling (canaries.py): the data directory, the log, the working and the temporary
directory. What is compressed there is decoded: all rows of the warehouse, all records of the spools.
"""

import hashlib
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from tests.product import Product, command
from tests.whole.canaries import Canary, Hunt, Trace, files
from tests.whole.furnished import DOMAIN, Furnished, furnish
from tests.whole.haunting import Haunting

pytestmark = pytest.mark.req("C1", "P7", "P8", "O5")

WAYS = (
    *("cookieless", "consented", "gpc", "objection", "peer", "content", "refused", "broken"),
    *("server", "preview", "pixel", "import", "console", "choice"),
)
REPOSITORY = Path(__file__).parents[2]
NOBODY = bytes(16)


class World(NamedTuple):
    """What a haunted installation left behind."""

    root: Path
    people: dict[str, Canary]
    haunting: Haunting
    hunt: Hunt
    traces: dict[str, list[Trace]]
    """What was found in the files after it was stopped, and after it was killed."""
    tables: dict[str, list[dict[str, Any]]]
    """Every row of the warehouse."""
    records: list[Any]
    """Bodies of the spools' records, decoded."""
    furnished: Furnished


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """An installation that everybody has haunted; stopped in order, then again and killed in the middle."""
    root = tmp_path_factory.mktemp("canaries")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("tmp", "here", "logs"):
            (root / name).mkdir()
        patch.setenv("TMPDIR", str(root / "tmp"))
        patch.setenv("PYTHONPATH", str(REPOSITORY))
        patch.chdir(root / "here")
        return _haunt(root)


def _haunt(root: Path) -> World:
    people = {way: Canary(way) for way in WAYS}
    outside = root.parent / f"{root.name}-outside"
    outside.mkdir()
    furnished = furnish(root / "data", plugins=True)
    hunt = Hunt(list(people.values()), {f"key for {scope}": key for scope, key in furnished.keys.items()})
    traces = {}
    product = Product(root / "data", {"log_level": "debug"})
    haunting = Haunting(product, furnished.site, furnished.keys)
    try:
        _start_with_core_dumps(product)
        haunting.everything(people)
        said = _import(product, outside / "first.log", haunting.log_lines(people["import"]))
        time.sleep(2)
        product.stop()
        said += _import(product, outside / "second.log", haunting.log_lines(people["import"])[2:])
        said += command(product.data, "status").stdout
        (root / "logs" / "commands").write_text(said)
        traces["stopped"] = hunt.in_files(root)  # before anything here opens a file and changes it
        _start_with_core_dumps(product)
        haunting.everything(people)
        _abort_collector(product)
    finally:
        product.kill()
    traces["killed"] = hunt.in_files(root)
    tables = _dump(product.data, outside)
    return World(root, people, haunting, hunt, traces, tables, _records(product.data, outside), furnished)


def _start_with_core_dumps(product: Product) -> None:
    """As on a system that writes a core file of whatever crashes."""
    allowed = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (allowed[1], allowed[1]))
    try:
        product.start()
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, allowed)


def _import(product: Product, log: Path, lines: list[str]) -> str:
    """Import lines from a file that lies outside; what the command said."""
    log.write_text("\n".join(lines))
    done = command(product.data, "import", "accesslog", str(log), "--site", DOMAIN)
    return done.stdout + done.stderr


def _abort_collector(product: Product) -> None:
    """Make the collector crash so that the system would write its memory to the disk, were it allowed to."""
    collector = next(process for name, process in product.processes().items() if name.startswith("collector"))
    collector.send_signal(signal.SIGABRT)
    collector.wait(timeout=10)


def _dump(data: Path, outside: Path) -> dict[str, list[dict[str, Any]]]:
    """Every row of the warehouse, by another process."""
    out = outside / "rows"
    call = [sys.executable, "-m", "tests.whole.dump", str(data), str(out)]
    subprocess.run(call, check=True, cwd=REPOSITORY, timeout=60)
    return dict(msgspec.msgpack.decode(out.read_bytes()))


def _records(data: Path, outside: Path) -> list[Any]:
    """Every record of every segment, read as SQLite and msgpack and nothing else, from copies."""
    bodies = []
    for segment in sorted(data.glob("spool/*/seg-*.db")):
        copy = outside / segment.parent.name
        copy.mkdir(exist_ok=True)
        for part in segment.parent.glob(f"{segment.name}*"):
            shutil.copy(part, copy)
        with closing(sqlite3.connect(copy / segment.name)) as connection:
            groups = connection.execute("SELECT records FROM groups").fetchall()
        records = [record for (group,) in groups for record in msgspec.msgpack.decode(group)]
        bodies += [msgspec.msgpack.decode(body) for _, _, body in records if body]
    return bodies


def test_every_way_was_really_walked(world):
    """The requests reached what they were meant for, in its right and its wrong forms."""
    for way, statuses in {
        "visit cookieless": {202},
        "visit consented": {202},
        "visit gpc": {204},
        "visit objection": {204},
        "peer": {202, 400, 413},
        "content": {202},
        "refused": {202, 204, 400, 403, 404, 405, 413, 422},
        "broken": {0, 400, 431},
        "server": {202, 400, 401, 403, 413, 422},
        "preview": {200, 400, 422},
        "pixel": {200, 403, 422},
        "choice": {200, 202, 400, 422},
        "question": {200, 400, 401, 403, 404},
    }.items():
        assert statuses <= world.haunting.seen(way), way
    assert not {status for _, status in world.haunting.statuses if status >= 500}


def test_the_search_finds_what_is_there(world):
    """The pages of those who were counted lie in the warehouse and in the spool, and the search finds them there."""
    counted = ("cookieless", "consented", "peer", "server", "pixel", "import")
    marks = Hunt([], {way: world.people[way].mark for way in counted})
    assert {trace.what for trace in marks.in_value(world.tables, "warehouse")} == set(counted)
    # What was imported was loaded and let go before the end; all else lies in the spool of the living collector.
    assert {trace.what for trace in marks.in_value(world.records, "spool")} == set(counted) - {"import"}
    assert {trace.what for trace in marks.in_files(world.root / "data")} >= set(counted) - {"import"}
    assert b"Sites send to" in b"".join(path.read_bytes() for path in files(world.root) if path.suffix == ".log")


@pytest.mark.parametrize("how", ["stopped", "killed"])
def test_nobody_is_found_in_any_file(world, how):
    """No byte of data directory, logs, working and temporary directory tells of anybody, in any spelling."""
    assert world.traces[how] == []


def test_a_crash_leaves_no_core_file(world):
    """Where the system writes core files, a crash of ours leaves none: addresses pass through the memory."""
    assert [path.name for path in files(world.root / "here", world.root / "tmp") if "core" in path.name] == []


def test_nobody_is_found_in_the_warehouse(world):
    """No column of any row of any table holds a trace of anybody."""
    assert world.hunt.in_value(world.tables, "warehouse") == []


def test_nobody_is_found_in_the_spool(world):
    """No record of any spool holds a trace of anybody."""
    assert world.records
    assert world.hunt.in_value(world.records, "spool") == []


def test_those_who_refused_left_counters_only(world):
    """Of people with an objection or Global Privacy Control not even the page is known; a preview leaves nothing."""
    marks = Hunt([], {way: world.people[way].mark for way in ("gpc", "objection", "preview")})
    assert marks.in_value(world.tables, "warehouse") == []
    assert marks.in_value(world.records, "spool") == []
    assert marks.in_files(world.root) == []


@pytest.mark.req("P7")
def test_a_device_id_is_known_as_its_keyed_hash_and_only_with_consent(world):
    """`returning` is a keyed BLAKE2b of the id where the visitor consented, and empty everywhere else."""
    people = {canary.mark: canary for canary in world.people.values()}
    key = world.furnished.returning_key
    seen = set()
    for row in world.tables["default.events"]:
        who = people.get(row["path"])
        if row["tier"] != "consented" or who is None:
            assert row["returning"] == NOBODY, row["path"]
            continue
        assert row["returning"] == hashlib.blake2b(who.device.bytes, digest_size=16, key=key).digest()
        seen.add(who.name)
    assert seen == {"consented", "server"}


@pytest.mark.req("P7")
def test_what_only_consent_opens_is_with_those_who_consented_alone(world):
    """Exact screen sizes and plug-ins stand in no row without consent, whatever the browser sent."""
    rows = world.tables["default.events"]
    assert {row["screen"] for row in rows if row["tier"] == "consented"} == {"1437x911"}
    assert {row["screen"] for row in rows if row["tier"] != "consented"} == {""}
    assert {len(row["plugins"]) for row in rows if row["tier"] != "consented"} == {0}
    assert {tuple(row["plugins"]) for row in rows if row["tier"] == "consented"} == {("Plug of [email]",)}


@pytest.mark.parametrize("spelling", sorted(Canary("planted").secrets()) + sorted(Canary("planted").packed()))
def test_the_search_would_find_any_spelling(spelling, tmp_path):
    """What is planted in a file, in a database or in a decoded value is found, in upper case and in UTF-16 too."""
    canary = Canary("planted")
    value = {**canary.secrets(), **canary.packed()}[spelling]
    hunt = Hunt([canary])
    forms = [value] if spelling in canary.packed() else [value, value.upper(), value.decode().encode("utf-16-be")]
    for form in forms:
        (tmp_path / "file").write_bytes(os.urandom(99) + form + os.urandom(99))
        assert spelling in {trace.what for trace in hunt.in_files(tmp_path)}
    assert spelling in {trace.what for trace in hunt.in_value([{"a": (value,)}], "value")}
