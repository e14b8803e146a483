"""Processes are killed, disks fill up, stores go away: what was acknowledged stays."""
