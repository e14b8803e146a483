"""What is installed is what the house consists of, and the repository names no machine and no registry."""

import importlib.metadata
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any, Final

import pytest

ROOT: Final = Path(__file__).parent.parent
PROJECT: Final[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text())
PACKAGES: Final[list[str]] = PROJECT["tool"]["setuptools"]["packages"]
ROOMS: Final[list[str]] = PROJECT["tool"]["importlinter"]["root_packages"]
NOT_ROOMS: Final = {"tests", "bench", "scripts", "js", "docs", "deploy", "build", "dist"}


def folders(room: str) -> set[str]:
    """Dotted names of a room's folders that hold files: modules, or data such as SQL and tables."""
    files = [path for path in (ROOT / room).rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return {".".join(path.parent.relative_to(ROOT).parts) for path in files}


def test_packages_are_folders_are_roots() -> None:
    """What the wheel lists, what lies in the rooms and what the linter knows are the same."""
    tops = [path for path in ROOT.iterdir() if path.is_dir() and path.name not in NOT_ROOMS]
    tops = [path for path in tops if not path.name.startswith(".") and any(path.rglob("*.py"))]
    assert sorted(path.name for path in tops) == sorted(ROOMS)
    assert sorted(PACKAGES) == sorted(set().union(*map(folders, ROOMS)))


def test_every_folder_with_modules_is_a_package() -> None:
    """A folder without `__init__.py` is a namespace that another distribution could join; folders of data have none."""
    paths = [ROOT / Path(*package.split(".")) for package in PACKAGES]
    assert [p for p in paths if any(p.glob("*.py"))] == [p for p in paths if (p / "__init__.py").is_file()]


def test_mypy_and_the_linter_see_every_room() -> None:
    """A room that is not in a list is not checked."""
    assert sorted(PROJECT["tool"]["mypy"]["packages"]) == sorted(ROOMS)
    circles = [c for c in PROJECT["tool"]["importlinter"]["contracts"] if c["id"] == "no-circles-inside-a-room"]
    assert sorted(circles[0]["ancestors"]) == sorted(ROOMS)


def test_no_room_shares_its_name_with_another_distribution() -> None:
    """Import names are first come, first served: a distribution with a package of ours would overwrite it."""
    owners = importlib.metadata.packages_distributions()
    shared = {room: set(owners.get(room, [])) - {"footfall"} for room in ROOMS}
    assert not {room: names for room, names in shared.items() if names}
    assert owners.get("pytest") == ["pytest"]


def test_every_folder_of_tests_is_a_package() -> None:
    """Else tests/collector could pose as the room `collector`."""
    holding = {path.parent for path in (ROOT / "tests").rglob("*.py")}
    assert not [str(folder.relative_to(ROOT)) for folder in holding if not (folder / "__init__.py").is_file()]


def build_wheel(directory: Path) -> Path:
    """The wheel of what lies in the rooms now."""
    source = directory / "source"
    source.mkdir()
    for room in ROOMS:
        shutil.copytree(ROOT / room, source / room, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source / name)
    call = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(directory), str(source)]
    built = subprocess.run(call, capture_output=True, text=True, check=False, timeout=120)
    assert built.returncode == 0, built.stdout[-2000:] + built.stderr[-2000:]
    return next(directory.glob("*.whl"))


def test_a_wheel_holds_every_file_of_the_rooms(tmp_path: Path) -> None:
    """Modules, SQL, tables and templates; and nothing else at its top."""
    names = set(zipfile.ZipFile(build_wheel(tmp_path)).namelist())
    expected = {
        str(path.relative_to(ROOT))
        for room in ROOMS
        for path in (ROOT / room).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {Path(name).suffix for name in expected} >= {".py", ".sql", ".toml"}
    assert not expected - names
    assert {name.partition("/")[0] for name in names - expected} == {
        f"footfall-{PROJECT['project']['version']}.dist-info"
    }


def repository_files() -> list[Path]:
    """Every file that git knows or would add."""
    call = ["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(call, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("this is no git checkout, so the files of the repository are not known")
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


# In parts, so that this file does not hold them.
HOSTS: Final = (
    ("py" + "pi", "org"),
    ("python" + "hosted", "org"),
    ("registry.npm" + "js", "org"),
    ("registry.yarn" + "pkg", "com"),
    ("npm" + "mirror", "com"),
    ("deb.deb" + "ian", "org"),
    ("archive.ubun" + "tu", "com"),
)
FOREIGN: Final = re.compile(
    "|".join(re.escape(".".join(host)) for host in HOSTS)
    # Absolute paths of one machine; not as a part of another path or of a URL.
    + r"|(?<![\w.~*-])/(?:" + "|".join(("wo" + "rk", "ro" + "ot", "tmp/bri" + "ef", "opt/whe" + "els")) + r")/"
)  # fmt: skip


def test_the_needles_are_found() -> None:
    """The check below can fail, and a path of the product does not set it off."""
    host = ".".join(HOSTS[0])
    assert FOREIGN.search(f"https://{host}/simple")
    assert FOREIGN.search(f"files.{'.'.join(HOSTS[1])}")
    assert FOREIGN.search("see " + "/wo" + "rk/main")
    assert FOREIGN.search("'" + "/ro" + "ot/.config'")
    assert not FOREIGN.search("https://shop.example/wo" + "rk/a and net" + "wo" + "rk/x")


def test_no_file_names_a_registry_or_a_path_of_one_machine() -> None:
    """The repository builds anywhere: registries are the installer's own business."""
    found = [
        f"{path.relative_to(ROOT)}:{number}: {match[0]}"
        for path in repository_files()
        for number, line in enumerate(path.read_bytes().decode("utf-8", "replace").splitlines(), start=1)
        if (match := FOREIGN.search(line))
    ]
    assert not found, "\n".join(found)
