"""Retention: raw rows die on time, and it can be checked."""
