"""Imports of this installation: where they are staged, and the end of what a kill has left of them."""

from typing import TYPE_CHECKING

from control_store.tables import ControlStore
from footfall.assembly import clock, spool_settings
from footfall.environment import Environment
from spool.crash import crash_points

if TYPE_CHECKING:
    from collector.importers.staging import ImportSettings


def import_settings(environment: Environment) -> "ImportSettings":
    """Where imports are staged, and what they use."""
    from collector.importers.staging import ImportSettings

    return ImportSettings(
        staging=environment.data / "imports",
        spool_root=environment.spool,
        spool=spool_settings(environment),
        geo=environment.geo,
        clock=clock,
        crash=crash_points(environment.crash),
    )


def count_stagings(environment: Environment) -> int:
    """How many imports are being read, or were when they were killed."""
    return sum(1 for _ in (environment.data / "imports").glob("import-*"))


def finish_imports(environment: Environment, store: ControlStore) -> str:
    """What the job does: hand over what was committed before a kill, and delete what was not, unless one is running.

    The next import would do it, too, but it may never come, and what is staged are records of visitors.
    """
    count = count_stagings(environment)
    if not count:
        return ""  # and the readers of logs stay out of the core's memory
    from collector.importers.staging import ImportBusy, importing

    try:
        with importing(store, import_settings(environment)):
            return f"{count} imports ended that were cut short"
    except ImportBusy:
        return ""
