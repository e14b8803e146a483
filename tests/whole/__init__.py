"""The whole product, as a user runs it: real processes, real ports, real files."""
