"""The log's form, the directories and the locks: nothing personal in a line, nothing for others to read."""

import json
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from footfall.assembly import SetUpError, clock, hold_core, make_directories, spool_settings
from footfall.environment import Environment, read_environment

ROOT: Final = Path(__file__).parent.parent.parent
MARK: Final = "ann.lee@example.com 203.0.113.77"

FAULTS: Final = {
    "ours": 'logging.getLogger("footfall.core").warning("The job %s failed.", "seal")',
    "ours with an error": "try:\n    raise ValueError(MARK)\nexcept ValueError:\n"
    '    logging.getLogger("collector").exception("It failed.")',
    "a library's argument": 'logging.getLogger("uvicorn.error").error("Invalid request from %s", MARK)',
    "a library's own line": 'logging.getLogger("apscheduler.x").error(f"Job raised\\n{MARK}")',
    "a task that nobody awaits": "async def fail():\n    raise ValueError(MARK)\n"
    "async def main():\n    task = asyncio.create_task(fail()); await asyncio.sleep(0); del task; gc.collect()\n"
    "asyncio.run(main())",
    "a callback": "async def main():\n    asyncio.get_running_loop().call_soon(int, MARK); await asyncio.sleep(0.01)\n"
    "asyncio.run(main())",
    "a thread": "def fail():\n    raise ValueError(MARK)\nt = threading.Thread(target=fail); t.start(); t.join()",
    "a destructor": "class A:\n    def __del__(self):\n        raise ValueError(MARK)\nA(); gc.collect()",
    "a text that can't be encoded": "(MARK + chr(0xD800)).encode()",
    "an error inside an error": "try:\n    raise KeyError(MARK)\nexcept KeyError as e:\n    raise RuntimeError(MARK) from e",
    "a warning": "warnings.warn('old', DeprecationWarning)",
}
"""Faults of many kinds, each with personal data where such a fault would have it."""


ENDING: Final = ("a text that can't be encoded", "an error inside an error")
"""Those that nobody catches: each ends its process."""


def lines_of(code: str, level: str = "info") -> list[dict[str, Any]]:
    """What a process with the log set up says while this runs in it, line by line."""
    begin = (
        "import asyncio, gc, logging, threading, warnings\n"
        "from footfall.assembly import set_up_logging\nfrom footfall.environment import read_environment\n"
        f"MARK = {MARK!r}\nset_up_logging(read_environment({{'log_level': {level!r}}}, {{}}))\n"
    )
    call = [sys.executable, "-c", begin + code]
    done = subprocess.run(call, capture_output=True, text=True, timeout=120, check=False, cwd=ROOT)
    assert "ann.lee" not in done.stderr + done.stdout
    assert "203.0.113" not in done.stderr + done.stdout
    return [json.loads(line) for line in done.stderr.splitlines()]


@pytest.fixture(scope="module")
def said() -> dict[str, list[dict[str, Any]]]:
    """The lines of each fault; those that do not end their process happen in one."""
    found: dict[str, list[dict[str, Any]]] = {name: lines_of(FAULTS[name]) for name in ENDING}
    passing = [name for name in FAULTS if name not in ENDING]
    code = "\n".join(f"logging.getLogger('footfall').warning({name!r})\n{FAULTS[name]}" for name in passing)
    fault = ""
    for line in lines_of(code):
        fault = line["text"] if line["text"] in FAULTS else fault
        found.setdefault(fault, [])
        if line["text"] not in FAULTS:
            found[fault].append(line)
    return found


@pytest.mark.req("C1", "O5")
@pytest.mark.parametrize("fault", FAULTS)
def test_no_line_of_the_log_holds_what_an_error_was_given(said: dict[str, list[dict[str, Any]]], fault: str) -> None:
    """Every fault is told, as one JSON object a line, by type and place; its text, its arguments and what Python itself
    would print are not."""
    lines = said[fault]
    assert lines
    for line in lines:
        assert set(line) <= {"at", "level", "part", "text", "error", "where"}
        assert line["text"]
    if fault not in ("ours", "a library's argument", "a library's own line", "a warning"):
        assert lines[0]["error"].endswith("Error")
        assert ":" in lines[0]["where"]


@pytest.mark.req("O5")
def test_our_own_words_are_told_whole(said: dict[str, list[dict[str, Any]]]) -> None:
    """With what was put into them, and not below the level that was asked for."""
    (line,) = said["ours"]
    assert (line["level"], line["part"], line["text"]) == ("warning", "footfall.core", "The job seal failed.")
    assert lines_of(FAULTS["ours"], "error") == []


def environment(data: Path, **flags: Any) -> Environment:
    """An installation's settings."""
    return read_environment({"data": data, **flags}, {})


def test_directories_are_made_for_the_owner_alone(tmp_path: Path) -> None:
    """The data directory and its parts, however deep; made already they stay."""
    here = environment(tmp_path / "a" / "b")
    for _ in range(2):
        make_directories(here)
    for path in (here.data, here.snapshot.parent, here.salts.parent, here.spool):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert not (here.data / ".writable").exists()


def test_a_directory_that_can_not_be_made_is_one_sentence(tmp_path: Path) -> None:
    """It says which, why, and what to do."""
    (tmp_path / "file").touch()
    with pytest.raises(
        SetUpError, match=r"^The data directory .*/file/x can't be written \(Not a directory\); .*--data\.$"
    ):
        make_directories(environment(tmp_path / "file" / "x"))


def test_one_core_at_a_time_holds_a_data_directory(tmp_path: Path) -> None:
    """The second one is told after its patience; the lock goes with its process."""
    here = environment(tmp_path)
    code = (
        "import sys; from footfall.assembly import hold_core\nfrom footfall.environment import read_environment\n"
        "lock = hold_core(read_environment({'data': sys.argv[1]}, {}), patience_s=0)\n"
        "print(lock is not None, flush=True); sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
    ) as holder:  # fmt: skip
        assert holder.stdout is not None
        assert holder.stdout.readline() == "True\n"
        assert hold_core(here, patience_s=0) is None
        holder.kill()
    assert hold_core(here, patience_s=5) is not None


def test_the_spool_is_told_what_was_set(tmp_path: Path) -> None:
    """In bytes."""
    flags = {"spool_max_mb": 3, "spool_min_free_mb": 5, "spool_segment_kb": 7}
    settings = spool_settings(environment(tmp_path, **flags))
    assert (settings.max_bytes, settings.min_free_bytes, settings.segment_bytes) == (3 << 20, 5 << 20, 7 << 10)


def test_the_clock_is_in_milliseconds_utc() -> None:
    """Between the making of this test and a far day."""
    assert 1_760_000_000_000 < clock() < 4_102_444_800_000
