"""What the loader tells about itself, to metrics, `footfall status` and the seal."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Health = Literal["starting", "working", "waiting", "stopped"]
"""working: loading or idle · waiting: the warehouse or a store is away, it will be tried again · stopped: a
contradiction that nobody may guess about; a person has to look."""


@dataclass(frozen=True, slots=True)
class SpoolProgress:
    """How far one spool is loaded."""

    name: str
    watermark: int
    """All records received at or before this millisecond are loaded; -1: none."""
    pending: int
    """Events acknowledged and not yet loaded."""


@dataclass(frozen=True, slots=True)
class LoaderState:
    """A snapshot; never changed after it was made."""

    health: Health = "starting"
    error: str = ""
    """One sentence without personal data; empty when all is well."""
    spools: tuple[SpoolProgress, ...] = ()
    open_batches: int = 0
    totals: Mapping[str, int] = field(default_factory=dict)
    """Events by outcome since the journal began; `received` is the sum of the others."""
    dead_letters: int = 0

    @property
    def pending(self) -> int:
        """Events acknowledged and not yet loaded, all spools together."""
        return sum(spool.pending for spool in self.spools)


@dataclass(frozen=True, slots=True)
class Progress:
    """What one round did."""

    records: int = 0
    rows: int = 0
    more: bool = False
    """More is waiting: begin the next round at once."""
