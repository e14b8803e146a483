"""The console: the Stats API and the pages that people log in to, on the private port."""
