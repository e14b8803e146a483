"""`python -m bench [NAME...]`: all measurements, or the named ones."""

import importlib
import sys

_ALL = ("beacon", "backlog", "idle", "spool", "flood", "gate", "enrich", "scrub", "aggregates", "answers", "accuracy")

if __name__ == "__main__":
    for name in sys.argv[1:] or _ALL:
        print(f"\n== {name}")
        importlib.import_module(f"bench.{name}").main()
