"""Tests of the collector, on the real spool, salts and databases."""
