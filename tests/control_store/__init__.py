"""Tests of the room control_store."""
