"""Labelled data beside the repository: read, folded and scored, for the floors in the tests and the bench's table.

The data is third-party (its README names sources and licences) and is never copied into the project: where it is
absent, `Absent` says so. Names are folded by the data's own scoring.py, the same way on both sides; a label of None is
not counted, and a label's weight (its share of real traffic) counts where it has one.
"""

import gzip
import importlib.util
import json
import re
import socket
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from collector.agent import AgentReader
from collector.bots import BotRules
from collector.client_hints import Hints
from collector.place import Place, Places
from collector.referrer import SourceReader

DATA: Final = Path(__file__).parents[3] / "shared" / "data"

Row = dict[str, Any]


class Absent(Exception):
    """The labelled data does not lie beside the repository."""


class Score(NamedTuple):
    """How many of the labelled cases are right, by weight."""

    right: float
    labelled: float

    @property
    def percent(self) -> float:
        """Right answers in percent; raises where nothing was labelled, because that measures nothing."""
        return 100 * self.right / self.labelled


class Tally(defaultdict[str, list[float]]):
    """Counts right and labelled per field."""

    def __init__(self) -> None:
        super().__init__(lambda: [0.0, 0.0])

    def add(self, field: str, *, right: bool, weight: float = 1) -> None:
        """One labelled case."""
        self[field][0] += weight * right
        self[field][1] += weight

    def scores(self) -> dict[str, Score]:
        """Field → score."""
        return {field: Score(*counts) for field, counts in self.items()}


def geo_database(name: str) -> Path:
    """One of MaxMind's published test databases; skips the test, saying where it was looked for."""
    path = DATA / "geo" / name
    if not path.exists():
        pytest.skip(
            f"MaxMind's test database {name} is not in {DATA.parent.name}/{DATA.name}/geo beside the repository"
        )
    return path


def rows(name: str) -> list[Row]:
    """Rows of a set: {"input", "expected", "source"}. Raises Absent."""
    plain, packed = DATA / f"{name}.jsonl", DATA / f"{name}.jsonl.gz"
    if not plain.exists() and not packed.exists():
        raise Absent(f"labelled data ({name}) is not there: {DATA.parent.name}/{DATA.name} beside the repository")
    with plain.open(encoding="utf-8") if plain.exists() else gzip.open(packed, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def fold() -> Any:
    """The data's own scoring.py: browser, os_family, major, device. Raises Absent."""
    path = DATA / "scoring.py"
    spec = importlib.util.spec_from_file_location("labelled_scoring", path)
    if spec is None or spec.loader is None or not path.exists():
        raise Absent("the labelled data's scoring.py is not there")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def hints_of(given: Row) -> Hints:
    """The hints of a labelled input: header names in any case, or the keys of navigator.userAgentData."""
    low = {key.lower().removeprefix("http-"): value for key, value in given.items()}

    def text(*keys: str) -> str:
        return next((str(low[key]) for key in keys if low.get(key)), "")

    def brand_list(key: str, header: str) -> str:
        if isinstance(low.get(key), list):
            return ", ".join(f'"{entry["brand"]}";v="{entry["version"]}"' for entry in low[key])
        return text(header)

    return Hints(
        brands=brand_list("brands", "sec-ch-ua"),
        full_versions=brand_list("fullversionlist", "sec-ch-ua-full-version-list"),
        mobile="?1" if low.get("mobile") is True else text("sec-ch-ua-mobile"),
        platform=text("sec-ch-ua-platform", "platform"),
        platform_version=text("sec-ch-ua-platform-version", "platformversion"),
        model=text("sec-ch-ua-model", "model"),
        form_factors=text("sec-ch-ua-form-factors"),
        app=text("x-requested-with"),
    )


def _agent_labels(expected: Row) -> dict[str, Any]:
    """browser, major, os, device of either spelling of the labels; apps and libraries are no browsers."""
    client = expected.get("client") or {}
    browser = expected.get("browser") or {}
    if client.get("type") == "browser":
        browser = {"family": client.get("name"), "major": client.get("major")}
    system, device = expected.get("os") or {}, expected.get("device") or {}
    return {
        "browser": browser.get("family"),
        "major": browser.get("major"),
        "os": system.get("name") or system.get("family"),
        "device": device.get("type") or device.get("class"),
    }


def agents(reader: AgentReader, name: str, *, sent: str = "") -> dict[str, Score]:
    """browser, major, os, device of a set of agents.

    sent: "brands" for the rows that send a brand list, "app" for those where only the app's name tells, "" for all.
    """
    folds, tally = fold(), Tally()
    for row in rows(name):
        given, weight = row["input"], row["expected"].get("weight", 1)
        hints = hints_of(given) if isinstance(given, dict) else Hints()
        by_brand = bool(hints.brands or hints.full_versions)
        if (sent == "brands" and not by_brand) or (sent == "app" and (by_brand or not hints.app)):
            continue
        text = given.get("User-Agent") or given.get("user-agent") or "" if isinstance(given, dict) else given
        agent, label = reader.read(text, hints), _agent_labels(row["expected"])
        wanted = folds.browser(label["browser"])
        pairs = {
            "browser": (wanted, folds.browser(agent.browser)),
            "major": (folds.major(label["major"]) if wanted else None, folds.major(agent.browser_version)),
            "os": (folds.os_family(label["os"]), folds.os_family(agent.os)),
            "device": (folds.device(label["device"]), folds.device(agent.device)),
        }
        for field, (want, got) in pairs.items():
            if want is not None:
                tally.add(field, right=want == got, weight=weight)
    return tally.scores()


def untrue_versions(reader: AgentReader, name: str) -> list[tuple[str, str]]:
    """(told, true or "not known") where a frozen version is reported as if it were true."""
    found = []
    for row in rows(name):
        system = row["expected"]["os"]
        told = reader.read(row["input"]).os_version
        true = system.get("effective") or ""
        if system.get("frozen") and told and not f"{true}.".startswith(f"{told}."):
            found.append((told, true or "not known"))
    return found


def bots(rules: BotRules, name: str, *, bot: bool) -> Score:
    """Recall on a set of bots, or the share of people who are left in peace on a set of people."""
    tally = Tally()
    for row in rows(name):
        if row["expected"].get("bot", bot) == bot:
            tally.add("rule", right=bool(rules.rule(row["input"])) == bot)
    return tally.scores()["rule"]


_SAME_NAME: Final = {
    "twitter": "xtwitter",
    "claudeai": "claude",
    "microsoftcopilot": "copilot",
    "perplexityai": "perplexity",
    "mistralai": "lechat",
}
"""Services under the names that others give them."""
_SAME_KIND: Final = {"chatbot": "ai", "unknown": "referral", "messaging": "social"}
"""The sets know no messaging, and call an assistant a chatbot."""


def folded_source(name: str) -> str:
    """A source's name without case, signs and former names."""
    plain = re.sub(r"[\W_]", "", name.lower().replace("%2b", ""))
    return _SAME_NAME.get(plain, plain)


def sources(reader: SourceReader, name: str) -> dict[str, Score]:
    """kind, source and both of a set of referrers."""
    tally = Tally()
    for row in rows(name):
        source = reader.read(hostname="shop.example", query={}, referrer=row["input"])
        medium = row["expected"]["medium"]
        kind = _SAME_KIND.get(source.source_kind, source.source_kind) == _SAME_KIND.get(medium, medium)
        same = folded_source(source.source) == folded_source(row["expected"]["source"])
        tally.add("kind", right=kind)
        tally.add("source", right=same)
        tally.add("both", right=kind and same)
    return tally.scores()


def spam(rules: BotRules) -> dict[str, Score]:
    """Share of spammers found, and of honest hosts left in peace."""
    tally = Tally()
    for row in rows("referrer_spam"):
        label = bool(row["expected"]["spam"])
        tally.add("spam" if label else "honest", right=rules.is_spam(row["input"]) == label)
    return tally.scores()


def located(places: Places, name: str) -> Iterator[tuple[Place, Place]]:
    """(found, published) for each row of MaxMind's test data."""
    for row in rows(name):
        address, label = row["input"], row["expected"]
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        country, code, city = label["country"] or "", label["subdivision"], label["city"] or ""
        found = places.locate(socket.inet_pton(family, address), "")
        yield found._replace(city_id=0), Place(country, f"{country}-{code}" if code else "", city, 0, found.place_from)
