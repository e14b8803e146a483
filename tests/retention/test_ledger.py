"""The ledger: every change of a thousand entries is found and named, and what can't be told is said."""

import hashlib
import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from retention.ledger import NOTHING, Head, Ledger, LedgerBroken, parse_head, verify

pytestmark = pytest.mark.req("R3")
NOW: Final = 1_764_000_000_000


class Kept:
    """A head in memory, as a control store keeps it."""

    def __init__(self) -> None:
        self.head = NOTHING

    def read(self) -> Head:
        """What was written last."""
        return self.head

    def write(self, head: Head) -> None:
        """Remember."""
        self.head = head


def book(path: Path, kept: Kept) -> Ledger:
    """A ledger in a file."""
    return Ledger(path / "ledger.jsonl", kept.read, kept.write)


def written(path: Path, count: int) -> tuple[list[bytes], Kept]:
    """So many entries: their lines, and the head that is kept."""
    kept = Kept()
    ledger = book(path, kept)
    for number in range(count):
        content: dict[str, Any] = {"site": number % 7, "rows": number * 1000, "note": f"Zürich {number}"}
        ledger.append("purge.done", content, now=NOW + number * 1000)
    return list(ledger.lines()), kept


@pytest.fixture(scope="module")
def thousand(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[bytes], Kept]:
    """A ledger of 1,000 entries."""
    return written(tmp_path_factory.mktemp("ledger"), 1_000)


def again(line: bytes, **changes: object) -> bytes:
    """A forged line: changed, and its own hash made right, worked out from the format's description."""
    entry = json.loads(line) | changes
    body = {name: value for name, value in entry.items() if name != "hash"}
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    entry["hash"] = hashlib.sha256(text.encode()).hexdigest()
    return json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def test_an_untouched_ledger_is_in_order(thousand: tuple[list[bytes], Kept]) -> None:
    """Against itself and against its head; the chain is the one that the description gives."""
    lines, kept = thousand
    report = verify(lines, kept.head)
    assert (report.head, report.faults, report.end_is_known) == (kept.head, [], True)
    assert kept.head.number == 1_000
    assert again(lines[499]) == lines[499]
    assert json.loads(lines[500])["previous"] == json.loads(lines[499])["hash"]
    assert json.loads(lines[0])["previous"] == "0" * 64
    assert verify([], NOTHING).faults == []


@pytest.mark.parametrize("changes", [250, pytest.param(1_500, marks=pytest.mark.long)])
def test_every_changed_byte_is_found_and_its_entry_named(thousand: tuple[list[bytes], Kept], changes: int) -> None:
    """Any byte of any entry, changed to any other."""
    lines, _ = thousand
    chance = random.Random(7)
    for _ in range(changes):
        place = chance.randrange(1_000)
        line = bytearray(lines[place])
        at = chance.randrange(len(line) - 1)
        line[at] ^= chance.randrange(1, 256)
        report = verify([*lines[:place], bytes(line), *lines[place + 1 :]])
        assert any(str(place + 1) in fault for fault in report.faults), (place, bytes(line), report.faults)


@pytest.mark.parametrize("number", [1, 2, 500, 999])
def test_a_missing_entry_is_found_and_named(thousand: tuple[list[bytes], Kept], number: int) -> None:
    """Wherever it stood."""
    lines, _ = thousand
    faults = verify([*lines[: number - 1], *lines[number:]]).faults
    assert faults == [f"Entry {number} is missing before entry {number + 1}."]


@pytest.mark.parametrize(("one", "other"), [(1, 2), (3, 900), (999, 1000)])
def test_a_swap_is_found_and_both_are_named(thousand: tuple[list[bytes], Kept], one: int, other: int) -> None:
    """Neighbours too."""
    lines, _ = thousand
    swapped = list(lines)
    swapped[one - 1], swapped[other - 1] = swapped[other - 1], swapped[one - 1]
    said = " ".join(verify(swapped).faults)
    assert f"before entry {other}." in said
    assert f"Entry {one} stands after" in said


def test_a_forged_entry_breaks_the_chain_after_it(thousand: tuple[list[bytes], Kept]) -> None:
    """Its own hash is right, but the next one tells; numbered anew as well."""
    lines, kept = thousand
    forged = again(lines[41], content={"rows": 1})
    assert verify([*lines[:41], forged, *lines[42:]]).faults == ["Entry 43 does not follow entry 42 as it stands here."]
    last = again(lines[-1], content={"rows": 1})
    assert verify([*lines[:-1], last]).faults == [], "without a head nobody can tell"
    assert verify([*lines[:-1], last], kept.head).faults == ["Entry 1000 is not the one whose hash was noted down."]


def test_a_cut_end_is_found_with_a_head_and_said_to_be_undecidable_without(thousand: tuple[list[bytes], Kept]) -> None:
    """An older head does as well for what came before it."""
    lines, kept = thousand
    without = verify(lines[:900])
    assert (without.faults, without.end_is_known) == ([], False)
    assert verify(lines[:900], kept.head).faults == ["Entries 901 to 1000 are missing at the end."]
    older = Head(900, json.loads(lines[899])["hash"])
    assert verify(lines[:900], older).faults == []
    assert verify(lines, older).faults == []
    assert verify(lines[:899], older).faults == ["Entries 900 to 900 are missing at the end."]


@pytest.mark.parametrize(
    "line", [b"\n", b"{}\n", b"[]\n", b"null\n", b"\xff\xfe\n", b'{"number":1}\n', b"[" * 100_000, b"1e999\n"]
)
def test_what_is_no_entry_is_named_by_its_place(thousand: tuple[list[bytes], Kept], line: bytes) -> None:
    """And nothing crashes."""
    lines, _ = thousand
    faults = verify([*lines[:3], line, *lines[4:10]]).faults
    assert faults == ["Entry 4 (line 4) can't be read."]


def test_an_entry_in_another_form_is_not_taken_for_the_same(thousand: tuple[list[bytes], Kept]) -> None:
    """Blanks, another order, a fraction: the bytes are what was signed."""
    lines, _ = thousand
    entry = json.loads(lines[5])
    for text in (json.dumps(entry), json.dumps(dict(reversed(entry.items())), separators=(",", ":"))):
        assert verify([*lines[:5], text.encode() + b"\n", *lines[6:9]]).faults == ["Entry 6 (line 6) can't be read."]


def test_a_torn_end_is_cut_and_a_kill_between_file_and_head_is_mended(tmp_path: Path) -> None:
    """What was not promised goes; what was durable stays, and the head follows."""
    lines, kept = written(tmp_path, 3)
    path = tmp_path / "ledger.jsonl"
    path.write_bytes(b"".join(lines) + lines[0][:40])
    assert book(tmp_path, kept).append("a", {"x": 1}, now=NOW).number == 4
    kept.head = Head(3, json.loads(lines[2])["hash"])  # the process died before the head was written
    assert book(tmp_path, kept).append("a", {"x": 2}, now=NOW).number == 5
    assert book(tmp_path, kept).verify().faults == []
    assert kept.head.number == 5


def test_the_same_said_twice_stands_once(tmp_path: Path) -> None:
    """A step that is done again after a kill does not count double."""
    _, kept = written(tmp_path, 2)
    ledger = book(tmp_path, kept)
    first = ledger.append("salt.destroyed", {"site": 1, "key": "ab"}, now=NOW)
    assert ledger.append("salt.destroyed", {"key": "ab", "site": 1}, now=NOW + 5_000) == first
    assert ledger.append("salt.destroyed", {"site": 1, "key": "cd"}, now=NOW + 5_000).number == first.number + 1


def test_a_cut_ledger_is_not_written_to(tmp_path: Path) -> None:
    """Appending would hide what is missing."""
    lines, kept = written(tmp_path, 5)
    path = tmp_path / "ledger.jsonl"
    for content in (b"".join(lines[:3]), b"", b"".join(lines[:4]) + again(lines[4], kind="other"), b"junk\n"):
        path.write_bytes(content)
        with pytest.raises(LedgerBroken, match="ledger verify"):
            book(tmp_path, kept).append("a", {}, now=NOW)
        assert path.read_bytes() == content


@pytest.mark.parametrize("text", ["", "12", "12:ab", f"x:{'a' * 64}", f"1:{'A' * 64}", f"-1:{'a' * 64}"])
def test_a_head_is_read_strictly(text: str) -> None:
    """One form."""
    with pytest.raises(ValueError, match="number:hash"):
        parse_head(text)
    assert parse_head(f" 12:{'a' * 64}\n") == Head(12, "a" * 64)


def _writer(path: str, name: str) -> None:
    kept = Kept()
    ledger = Ledger(Path(path) / "ledger.jsonl", lambda: NOTHING, kept.write)
    for number in range(50):
        ledger.append("a", {"who": name, "n": number}, now=NOW)


def test_processes_that_write_at_once_make_one_chain(tmp_path: Path) -> None:
    """Nothing is lost between them."""
    program = "import sys; from tests.retention.test_ledger import _writer; _writer(*sys.argv[1:])"
    calls = [[sys.executable, "-c", program, str(tmp_path), name] for name in "abcd"]
    writers = [subprocess.Popen(call, cwd=Path(__file__).parents[2]) for call in calls]
    assert [one.wait(timeout=120) for one in writers] == [0] * 4
    report = verify((tmp_path / "ledger.jsonl").read_bytes().splitlines(keepends=True))
    assert (report.head.number, report.faults) == (200, [])


def call(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `footfall ledger` on a data directory."""
    mine = {name: value for name, value in os.environ.items() if not name.startswith("FOOTFALL_")}
    command = [sys.executable, "-m", "footfall", "ledger", *arguments]
    environ = {**mine, "FOOTFALL_DATA": str(data)}
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=60)


def test_the_command_checks_and_exports(tmp_path: Path) -> None:
    """Its own file with the kept head, an export with a noted one; exit code 1 and the entry's name where it fails."""
    from control_store.tables import ControlStore
    from footfall.books import open_ledger
    from footfall.environment import read_environment

    data = tmp_path / "data"
    assert "0 entries" in call(data, "verify").stdout
    store = ControlStore.in_directory(data)
    ledger = open_ledger(read_environment({"data": str(data)}, {}), store)
    for number in range(4):
        ledger.append("salt.destroyed", {"key": str(number)}, now=NOW)
    store.close()
    done = call(data, "verify")
    assert (done.returncode, done.stderr) == (0, "")
    assert "4 entries" in done.stdout
    assert "in its place" in done.stdout
    head = done.stdout.partition("head ")[2].split()[0]
    copy = tmp_path / "export.jsonl"
    copy.write_text(call(data, "export").stdout)
    assert call(data, "verify", str(copy), "--head", head).returncode == 0
    assert "can't be told" in call(data, "verify", str(copy)).stdout
    copy.write_text("".join(copy.read_text().splitlines(keepends=True)[:3]))
    cut = call(data, "verify", str(copy), "--head", head)
    assert (cut.returncode, "Entries 4 to 4 are missing" in cut.stderr) == (1, True)
    file = data / "ledger" / "ledger.jsonl"
    file.write_text(file.read_text().replace('"key":"2"', '"key":"9"'))
    changed = call(data, "verify")
    assert (changed.returncode, "Entry 3 was changed" in changed.stderr) == (1, True)
    assert call(data, "verify", "--head", "nonsense").returncode == 2
