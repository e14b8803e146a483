"""What the spool needs to be told, filled in by the front door."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SpoolSettings:
    """Bounds and periods of one spool."""

    max_bytes: int = 4 << 30
    """Bytes of one spool on disk before it refuses; at 600 bytes an event some 7 million events of backlog."""
    min_free_bytes: int = 256 << 20
    """Free bytes that the disk must keep, so that loader and warehouse have room to work the backlog off …"""
    min_free_share: float = 0.02
    """… or this share of the disk, where that is less (small disks)."""
    segment_bytes: int = 64 << 20
    """A segment file this large is followed by a new one."""
    segment_age_s: float = 120.0
    """So is one whose oldest event is this old: an unlinked segment is what makes bytes leave the disk, and a purge
    is to be finished within five minutes."""
    queue_bytes: int = 32 << 20
    """Bytes waiting for the disk before the spool refuses: bounds memory when fsync hangs."""
    tick_s: float = 10.0
    """An idle spool writes a tick this often, so that its watermark advances."""
    retry_after_s: int = 30
    """What a refused sender is told to wait."""
    lock_wait_s: float = 5.0
    """How long to wait for a dying predecessor to give the spool back."""
