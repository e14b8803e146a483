"""Histories of raw requests read into the same spool, with the same privacy as live beacons."""
