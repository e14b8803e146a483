"""What a kill leaves of an import ends by itself, also where nobody imports again."""

import os
import signal
from pathlib import Path

import pytest

from control_store.imports import committed_imports
from control_store.tables import ControlStore
from footfall.environment import read_environment
from footfall.importing import count_stagings, finish_imports, import_settings
from spool.registry import is_complete
from tests.product import command

MARK = "qofelundarivo"
LINE = f'203.0.113.7 - - [24/Nov/2025:12:00:01 +0000] "GET /{MARK} HTTP/1.1" 200 5 "-" "Mozilla/5.0 Firefox/145.0"\n'


def _holding(root: Path) -> list[str]:
    return [path.name for path in root.rglob("*") if path.is_file() and MARK.encode() in path.read_bytes()]


@pytest.mark.req("R4", "O8")
@pytest.mark.parametrize("point", ["import.before_commit", "import.after_commit"])
def test_an_import_that_was_killed_is_ended_by_the_core(tmp_path: Path, point: str) -> None:
    """What was not committed is deleted to the last byte; what was is handed to the loader. Never while one runs."""
    from collector.importers.staging import importing

    data, log = tmp_path / "data", tmp_path / "access.log"
    log.write_text(LINE)
    command(data, "site", "add", "shop.example")
    killed = command(
        data,
        "import",
        "accesslog",
        str(log),
        "--site",
        "shop.example",
        check=False,
        env=os.environ | {"FOOTFALL_CRASH": point},
    )
    assert killed.returncode == -signal.SIGKILL
    environment = read_environment({"data": data}, {})
    assert count_stagings(environment) == 1
    assert _holding(data)
    store = ControlStore.in_directory(data)
    (staged,) = (data / "imports").glob("import-*")
    elsewhere = staged.rename(tmp_path / staged.name)
    with importing(store, import_settings(environment)):
        elsewhere.rename(staged)  # it is that of an import that runs
        assert finish_imports(environment, store) == ""
        assert count_stagings(environment) == 1
    assert finish_imports(environment, store) == "1 imports ended that were cut short"
    assert (count_stagings(environment), finish_imports(environment, store)) == (0, "")
    committed = [one.spool for one in committed_imports(store)]
    handed = [path for path in environment.spool.iterdir() if path.name.startswith("import-")]
    if point == "import.after_commit":
        assert committed == [path.name for path in handed] == [staged.name]
        assert is_complete(handed[0])
        assert _holding(handed[0])
    else:
        assert (committed, handed, _holding(data)) == ([], [], [])
    store.close()
