"""Tests of the statistics layer."""
