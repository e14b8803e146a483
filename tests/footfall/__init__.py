"""Tests of the room footfall."""
