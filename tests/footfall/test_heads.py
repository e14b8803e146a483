"""One head of the ledger a day: here, in a file elsewhere, on the public page; and what each can find out."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from control_store.ledger_head import day_heads
from control_store.notice_file import read_notice
from control_store.sites import NewSite, add_site
from event_catalogue.days import DAY_MS
from footfall.__main__ import main
from footfall.books import keep_head, open_ledger
from footfall.environment import read_environment
from footfall.jobs import Rooms
from footfall.noticing import publish_notices, renew_notices
from retention.ledger import NOTHING, Ledger

pytestmark = pytest.mark.req("R3")


def test_a_head_a_day_finds_what_was_changed_or_cut_since(rooms: Rooms, tmp_path: Path) -> None:
    """Written once for each day, made up for where the file was away; a new chain with right hashes is told apart."""
    place = tmp_path / "elsewhere" / "heads.jsonl"
    environment = read_environment({"data": tmp_path, "heads_file": str(place)}, {})
    store = rooms.store
    site = add_site(store, NewSite("shop.example"), now=1)
    ledger = open_ledger(environment, store)
    assert keep_head(environment, store, now=5 * DAY_MS) != "", "the directory is not there"
    place.parent.mkdir()
    made = []
    for day in range(5, 8):
        made.append(ledger.append("salt.destroyed", {"n": day}, now=1))
        for _ in range(2):
            assert keep_head(environment, store, now=(day + 1) * DAY_MS + 5) == ""
    late = ledger.append("salt.destroyed", {"n": 99}, now=1)
    assert [(one.day, one.number, one.hash) for one in day_heads(store)] == [
        (day, entry.number, entry.hash) for day, entry in zip(range(5, 8), made, strict=True)
    ]
    noted = [json.loads(line) for line in place.read_text().splitlines()]
    assert noted == [
        {"day": f"1970-01-{day + 1:02}", "head": f"{entry.number}:{entry.hash}"}
        for day, entry in zip(range(5, 8), made, strict=True)
    ]
    place.unlink()
    keep_head(environment, store, now=8 * DAY_MS + 6)
    assert [json.loads(line) for line in place.read_text().splitlines()] == noted
    renew_notices(store, 1)
    publish_notices(store, environment.notices)
    shown = read_notice(environment.notices / f"{site.key}.notice")
    assert (shown.ledger_entry, shown.ledger_hash) == (made[-1].number, made[-1].hash)
    assert late.hash != shown.ledger_hash, "what happened today is not told to the minute"

    def verify(*more: str) -> tuple[int, str]:
        done = CliRunner().invoke(main, ["ledger", "verify", *more, "--lines-only", "--data", str(tmp_path)])
        return done.exit_code, done.output

    path = tmp_path / "ledger" / "ledger.jsonl"
    whole = path.read_bytes()
    assert verify()[0] == verify("--heads", str(place))[0] == 0
    lines = whole.splitlines(keepends=True)
    export = tmp_path / "export"
    export.write_bytes(b"".join(lines[:2]))
    assert verify(str(export))[0] == 0
    code, said = verify(str(export), "--heads", str(place))
    assert (code, "Entries 3 to 3 are missing" in said) == (1, True)
    export.unlink()
    forged = Ledger(export, lambda: NOTHING, lambda _: None)
    for day in range(5, 8):
        forged.append("salt.destroyed", {"n": day if day != 6 else 60}, now=1)
    code, said = verify(str(export), "--heads", str(place))
    assert (code, "ended on 1970-01-07" in said) == (1, True)
