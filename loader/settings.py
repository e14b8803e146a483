"""What the loader needs to be told, filled in by the front door."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LoaderSettings:
    """Periods and sizes."""

    poll_s: float = 0.25
    """How often it looks for new records; four looks a second cost about a thousandth of a core."""
    gather_s: float = 0.75
    """How long it waits for more when little is there: fewer, larger parts. With `poll_s` and the insert itself a row
    is visible well within two seconds of its acknowledgement."""
    enough_events: int = 10_000
    """With this many waiting it gathers no longer (FACTS: larger blocks gain nothing)."""
    cut_events: int = 50_000
    """Events of one cut, all spools together: bounds memory, some 3 KB an event. Larger parts are merged less often."""
    cut_bytes: int = 48 << 20
    """Bytes of one cut."""
    batch_rows: int = 100_000
    """Rows of one batch at most; the warehouse takes no larger block."""
    first_wait_s: float = 0.5
    """Pause after the first failure …"""
    longest_wait_s: float = 30.0
    """… doubled up to this, with jitter."""
