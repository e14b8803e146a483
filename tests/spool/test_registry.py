"""A directory is a registration; it ends when it is complete and loaded, or when a person ends it."""

import os
from pathlib import Path

import pytest

from spool.errors import SpoolBusy, SpoolError
from spool.registry import hold, is_complete, list_spools, mark_complete, register, unregister

pytestmark = pytest.mark.req("O3")


def test_a_registered_spool_is_listed(tmp_path: Path) -> None:
    """Once registered, again or not, it is there; files and what was set aside are no spools."""
    root = tmp_path / "data" / "spool"
    assert list_spools(root) == []
    for name in ("b", "import-12", "b"):
        assert register(root, name).is_dir()
    (root / "journal.db").touch()
    (root / "b.retired.1").mkdir()
    assert list_spools(root) == ["b", "import-12"]


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a b", "a.b", "x" * 65])
def test_a_bad_name_is_refused(tmp_path: Path, name: str) -> None:
    """A name can leave the root by no means, and can be told from what is set aside."""
    with pytest.raises(SpoolError, match="name"):
        register(tmp_path, name)
    assert list(tmp_path.iterdir()) == []


def test_the_end_of_a_spool(tmp_path: Path) -> None:
    """What is loaded is removed; what is not is set aside, each time under a name of its own."""
    register(tmp_path, "w")
    assert unregister(tmp_path / "w", loaded=True) is None
    assert list(tmp_path.iterdir()) == []
    for number in (1, 2):
        (register(tmp_path, "w") / "seg").touch()
        assert unregister(tmp_path / "w", loaded=False) == tmp_path / f"w.retired.{number}"
        assert (tmp_path / f"w.retired.{number}" / "seg").exists()
    assert unregister(tmp_path / "w", loaded=False) is None


def test_a_living_spool_is_not_ended(tmp_path: Path) -> None:
    """While a process owns it, nobody takes it away."""
    directory = register(tmp_path, "w")
    held = hold(directory, 0)
    with pytest.raises(SpoolBusy):
        unregister(directory, loaded=True)
    os.close(held)
    unregister(directory, loaded=True)


def test_complete_is_said_once_and_stays(tmp_path: Path) -> None:
    """The word of a writer that nothing will be added."""
    directory = register(tmp_path, "w")
    assert not is_complete(directory)
    mark_complete(directory)
    assert is_complete(directory)
