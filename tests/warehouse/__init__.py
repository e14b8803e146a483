"""Tests of the warehouse, on the embedded engine and over HTTP."""
