"""The snippet in a real browser. What counts is what the collector received, never which functions were called."""
