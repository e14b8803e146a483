"""An import is one act: whole or not at all, once however often it is tried, and of its visitors nothing stays."""

import signal
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from multiprocessing import get_context
from pathlib import Path
from typing import Final

import pytest

from collector.importers.staging import AccessLogImport, ImportBusy, ImportSettings, Report, importing
from collector.registry import ServedSite
from control_store.imports import committed_imports
from control_store.site_settings import SiteSettings
from control_store.sites import NewSite, add_site, find_site
from control_store.tables import ControlStore
from spool.crash import CrashPoints, KillAt
from spool.errors import SpoolFull
from spool.registry import is_complete
from spool.settings import SpoolSettings
from tests.collector.world import AGENT, NOW, Spooled, read_spool

SPAWN: Final = get_context("spawn")
OLD: Final = "24/Nov/2024:12:00:0{} +0000"
OLD_DAY: Final = 20_051
BOT: Final = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


def log(lines: int, first: int = 0, request: str = "GET /page{} HTTP/1.1", agent: str = AGENT) -> list[bytes]:
    """So many lines, of two clients in turn."""
    return [
        f'203.0.113.{n % 2} - - [{OLD.format(n % 10)}] "{request.format(n)}" 200 5 "-" "{agent}"\n'.encode()
        for n in range(first, first + lines)
    ]


class Place:
    """An installation's directory, as an import finds it."""

    def __init__(self, root: Path, crash: CrashPoints | None = None, spool: SpoolSettings | None = None) -> None:
        self.root = root
        (root / "spool").mkdir(exist_ok=True)
        self.store = ControlStore.in_directory(root)
        self.store.migrate()
        self.settings = ImportSettings(
            root / "imports", root / "spool", spool or SpoolSettings(), (), lambda: NOW, crash or CrashPoints()
        )

    def site(self, **settings: object) -> "Place":
        """Add the site."""
        add_site(self.store, NewSite("shop.example", "UTC", SiteSettings(**settings)), now=NOW)  # type: ignore[arg-type]
        return self

    def run(
        self, lines: Iterable[bytes], *, twice: bool = True, on_line: Callable[[int], None] = lambda _: None
    ) -> Report:
        """Import a log."""
        kept = list(lines)
        with importing(self.store, self.settings):
            served = ServedSite(find_site(self.store, "shop.example"))
            return AccessLogImport(self.store, served, self.settings).run(lambda: iter(kept), on_line, twice=twice)

    def spools(self) -> dict[str, Spooled]:
        """What the loader would find."""
        return {path.name: read_spool(path) for path in sorted((self.root / "spool").iterdir())}

    def paths(self) -> list[str]:
        """The page of every row that the loader would find, over all spools."""
        return sorted(row["path"] for one in self.spools().values() for row in one.rows)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """A directory with a site."""
    made = Place(tmp_path).site()
    yield made
    made.store.close()


@pytest.mark.req("O8", "C19", "C1")
def test_a_log_becomes_rows_like_any_other(place: Place) -> None:
    """Page, agent and visitor of each hit at its own time; of addresses, agents and salts nothing stays on the disk."""
    report = place.run(
        [*log(4), b'198.51.100.9 - - [x] "rubbish"\n', *log(1, 4, "POST /x HTTP/1.1"), *log(1, 5, agent=BOT)]
    )
    assert (report.lines, report.stored, report.skipped, report.known) == (7, 5, 0, False)
    assert report.left_out == Counter(unreadable=1, method=1)
    (spooled,) = place.spools().values()
    rows = spooled.rows
    assert [row["path"] for row in rows] == ["/page0", "/page1", "/page2", "/page3", "/page5"]
    assert {(row["name"], row["day"], row["tier"]) for row in rows} == {("pageview", OLD_DAY, "cookieless")}
    assert [row["bot"] != "" for row in rows] == [False] * 4 + [True]
    assert len({row["visitor"] for row in rows[:4]}) == 2
    assert len({row["beacon"] for row in rows}) == 5
    assert len({row["import_id"] for row in rows}) == 1
    assert rows[0]["import_id"] > 0
    everything = b"".join(path.read_bytes() for path in place.root.rglob("*") if path.is_file())
    for secret in (b"203.0.113", bytes([203, 0, 113, 1]), b"Firefox/145.0", b"rubbish", b"198.51"):
        assert secret not in everything


@pytest.mark.req("C23", "P6")
def test_the_gate_stands_before_a_history_too(tmp_path: Path) -> None:
    """Where nothing may be recorded without consent, nothing is, and it is counted."""
    place = Place(tmp_path).site(policy="opt_in")
    report = place.run(log(3))
    assert (report.stored, report.left_out) == (0, Counter(no_choice=3))
    (spooled,) = place.spools().values()
    assert (spooled.parcels, spooled.counts) == ([], {(1, NOW // 86_400_000, "not_recorded", "no_choice"): 3})
    place.store.close()


@pytest.mark.req("O8")
def test_the_same_log_again_changes_nothing(place: Place) -> None:
    """However often, and through a pipe that can be read only once."""
    first = place.run(log(3))
    before = place.paths()
    again, piped = place.run(log(3)), place.run(log(3), twice=False)
    assert (first.known, again.known, piped.known) == (False, True, True)
    assert place.paths() == before
    assert len(committed_imports(place.store)) == 1
    assert [path.name for path in place.settings.staging.iterdir()] == [".lock"]


@pytest.mark.req("O8")
def test_a_log_that_has_grown_goes_on_where_it_ended(place: Place) -> None:
    """Each line counts once; its visitors are others than those of the earlier import, whose salts are gone."""
    place.run(log(3))
    grown = place.run(log(5))
    more = place.run(log(6))
    assert [(one.skipped, one.stored) for one in (grown, more)] == [(3, 2), (5, 1)]
    assert place.paths() == [f"/page{n}" for n in range(6)]
    rows = [row for one in place.spools().values() for row in one.rows]
    assert len({row["visitor"] for row in rows}) > 2
    assert place.run(log(3)).known
    assert place.run(log(6)).known


@pytest.mark.req("O8")
def test_another_log_is_another_import(place: Place) -> None:
    """Also one that differs in its last line only."""
    place.run(log(3))
    other = place.run(log(2) + log(1, 7))
    assert (other.known, other.skipped, other.stored) == (False, 0, 3)


def test_an_empty_log_is_an_import_of_nothing(place: Place) -> None:
    """And known the second time."""
    assert (place.run([]).stored, place.run([]).known) == (0, True)


def crash_in(root: Path, point: str, passing: int) -> None:
    """Import in a process that dies at a point."""
    Place(root, KillAt(point, passing)).run(log(2100))


@pytest.mark.req("O3", "O8")
@pytest.mark.parametrize(
    ("point", "passing"),
    [
        pytest.param("import.staged_chunk", 1, marks=pytest.mark.long),
        ("import.staged_chunk", 3),
        ("import.before_commit", 1),
        ("import.after_commit", 1),
    ],
)
def test_an_import_that_was_killed_counts_once_in_the_end(tmp_path: Path, point: str, passing: int) -> None:
    """Killed anywhere, the loader finds nothing of it or all of it; tried again it is there, once, and no staging."""
    Place(tmp_path).site().store.close()
    child = SPAWN.Process(target=crash_in, args=(tmp_path, point, passing))
    child.start()
    child.join()
    assert child.exitcode == -signal.SIGKILL
    place = Place(tmp_path)
    assert place.paths() == []
    report = place.run(log(2100))
    assert report.known is (point == "import.after_commit")
    assert Counter(place.paths()) == Counter(f"/page{n}" for n in range(2100))
    assert [path.name for path in place.settings.staging.iterdir()] == [".lock"]
    assert [is_complete(path) for path in (tmp_path / "spool").iterdir()] == [True]
    place.store.close()


@pytest.mark.req("O3", "O4")
def test_an_import_that_fails_leaves_nothing(tmp_path: Path) -> None:
    """A full disk, or a log that breaks off while it is read: no staging, no manifest, no row, and it can be tried
    again."""
    place = Place(tmp_path, spool=SpoolSettings(max_bytes=1)).site()
    with pytest.raises(SpoolFull):
        place.run(log(3))
    place.store.close()
    place = Place(tmp_path)

    def breaking(size: int) -> None:
        raise EOFError("the archive ends too soon")

    with pytest.raises(EOFError):
        place.run(log(3), on_line=breaking)
    assert [path.name for path in place.settings.staging.iterdir()] == [".lock"]
    assert (place.paths(), committed_imports(place.store)) == ([], [])
    assert place.run(log(3)).stored == 3
    place.store.close()


def test_two_imports_do_not_run_at_once(place: Place) -> None:
    """The second one is told so in one sentence, and finds nothing changed."""
    with importing(place.store, place.settings), pytest.raises(ImportBusy, match=r"^Another import is running; .*\.$"):
        place.run(log(1))
    assert place.run(log(1)).stored == 1


@pytest.mark.req("O4")
def test_lines_of_any_bytes_are_read_over(place: Place) -> None:
    """What is no text, too long or cut is counted and passed."""
    odd = [b"\xff\xfe\0" * 100 + b"\n", b"x" * 65_536, b"\n", log(1)[0][:40], b'"' * 5000 + b"\n"]
    wild = [
        f'{host} - - [{when}] "GET {target} HTTP/1.1" 200 5 "{referrer}" "a"\n'.encode("utf-8", "surrogateescape")
        for host in ("203.0.113.1", "::1", "host.example", "-", "999.1.1.1")
        for when in (
            OLD.format(1),
            "01/Jan/0001:00:00:00 +1400",
            "31/Dec/9999:23:59:59 -1200",
            "01/Jan/1970:00:00:00 +0000",
        )
        for target in ("/a", "*", "//evil.example/x", "http://evil.example/", "/%ff%00\udcff", "/" + "x" * 20_000)
        for referrer in ("-", "https://ann@heron.example/" + "y" * 20_000)
    ]
    report = place.run(odd + wild)
    assert report.lines == len(odd) + len(wild)
    assert report.stored + report.left_out.total() == report.lines
    rows = [row for one in place.spools().values() for row in one.rows]
    assert all(1 <= row["day"] <= NOW // 86_400_000 for row in rows)
    assert {row["hostname"] for row in rows} == {"shop.example"}
    assert all(len(row["path"]) <= 1024 and "ann" not in row["referrer"] for row in rows)
