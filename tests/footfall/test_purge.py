"""`footfall purge`, with and without a running core: numbers stay, the accounting adds up, and what is due is said."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.product import Product, command, running

UNTIL = "2025-12-02"
GENERATE = ("demo", "generate", "--visitors", "20", "--days", "2", "--until", UNTIL)
DUE = "2026-01-06T12:00:00Z"
"""The first day has been kept for 35 days, the second not yet."""
SITE = "invented.example"
METRICS = ["visitors", "visits", "pageviews", "bounce_rate", "visit_duration", "views_per_visit"]
DIMENSIONS = ("visit:source", "visit:country", "event:page", "visit:browser", "visit:device", "time:day")


def _purge(data: Path, *options: str, check: bool = True) -> dict[str, Any]:
    return dict(json.loads(command(data, "purge", "--json", *options, check=check).stdout))


def _numbers(product: Product, key: str) -> list[Any]:
    """Everything that a dashboard shows of these days, without what is said of its quality."""
    asked: dict[str, Any] = {"site_id": SITE, "metrics": METRICS, "date_range": ["2025-12-01", UNTIL]}
    totals = product.ask(key, **asked)
    return [totals["results"], *(product.ask(key, **asked, dimensions=[name])["results"] for name in DIMENSIONS)]


def _sealed(data: Path) -> None:
    command(data, *GENERATE)
    command(data, "seal", "--final")


def _status(data: Path) -> dict[str, Any]:
    return dict(json.loads(command(data, "status", "--json").stdout))


@pytest.mark.req("R1", "R2", "R3", "C23")
def test_a_running_core_purges_and_no_number_changes(tmp_path: Path) -> None:
    """One day of two: the dashboard's numbers are the same to the last digit, and every event is accounted for."""
    data = tmp_path / "data"
    _sealed(data)
    with running(data) as product:
        key = product.key(site=SITE)
        before = _numbers(product, key)
        due = _purge(data, "--as-of", DUE, "--dry-run")
        assert [(one["day"], one["method"]) for one in due["due"]] == [("2025-12-01", "drop")]
        assert due["purged"] == due["held"] == []
        done = _purge(data, "--as-of", DUE)
        assert [(one["day"], one["done"]) for one in done["purged"]] == [("2025-12-01", True)]
        assert done["purged"][0]["rows"] == due["due"][0]["rows"] > 50
        assert _numbers(product, key) == before
        assert before[0][0]["metrics"][0] > 20
        assert _purge(data, "--as-of", DUE)["purged"] == []
        assert "what is there: 1 purges" in command(data, "ledger", "verify").stdout
        asked_for_more = product.ask(
            key,
            site_id=SITE,
            metrics=["visitors"],
            date_range=["2025-12-01", UNTIL],
            filters=[["is", "visit:city", ["Bern", "x"]]],
        )
        assert asked_for_more["meta"]["quality"]["visitors"]["mark"] == "not computable"
        for _ in range(30):  # the running core publishes what it counts every five seconds
            told = _status(data)
            if sum(day["purged"] for day in told["days"]):
                break
            time.sleep(0.5)
        metrics = product.request(product.console, "GET", "/metrics")[2].decode()
        assert f'footfall_stored_events{{place="purged"}} {float(done["purged"][0]["rows"])}' in metrics
    assert told["balanced"] is True
    again = _status(data)
    assert again["balanced"] is True
    assert again["days"] == told["days"]
    first, second = again["days"]
    assert (first["in_warehouse"], first["purged"]) == (0, first["stored"])
    assert (second["in_warehouse"], second["purged"]) == (second["stored"], 0)
    exported = command(data, "ledger", "export").stdout
    (tmp_path / "export").write_text(exported)
    assert "Every entry is as it was written" in command(data, "ledger", "verify", str(tmp_path / "export")).stdout
    kinds = [json.loads(line)["kind"] for line in exported.splitlines()]
    assert [kind for kind in kinds if kind.startswith("purge")] == ["purge.intended", "purge.completed"]


@pytest.mark.req("R1")
def test_without_a_core_the_command_does_it_alone(tmp_path: Path) -> None:
    """What is not sealed is held back with exit code 1; what is not due is said to be not due."""
    command(tmp_path, *GENERATE)
    held = command(tmp_path, "purge", "--as-of", DUE, check=False)
    assert (held.returncode, "the day is not sealed" in held.stderr) == (1, True)
    command(tmp_path, "seal", "--final")
    assert "Nothing is due" in command(tmp_path, "purge", "--as-of", "2025-12-20T00:00:00Z").stdout
    kept = _purge(tmp_path, "--as-of", "2025-12-20T00:00:00Z", "--dry-run", "--raw-days", "7")
    assert [one["day"] for one in kept["due"]] == ["2025-12-01", UNTIL]
    assert "gone" in command(tmp_path, "purge", "--as-of", "2026-02-01T00:00:00Z", "--site", SITE).stdout
    told = _status(tmp_path)
    assert told["balanced"] is True
    assert all(day["in_warehouse"] == 0 for day in told["days"])
    wrong = command(tmp_path, "purge", "--raw-days", "7", check=False)
    assert (wrong.returncode, "--dry-run" in wrong.stderr) == (2, True)
