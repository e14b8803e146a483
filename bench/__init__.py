"""Measurements, each against a baseline of the same run. `make bench`; never part of the tests, which are not timed."""
