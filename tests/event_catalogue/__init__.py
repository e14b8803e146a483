"""Tests of the room event_catalogue."""
