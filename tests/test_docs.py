"""The docs say what the product does: every word has its place, links lead somewhere, no text promises too much."""

import ast
import re
import runpy
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, get_args

import click
import pytest

from collector.consent import Reason
from control_store.site_settings import PRESETS, SiteSettings
from control_store.tables import METADATA
from event_catalogue.dimensions import DIMENSIONS
from event_catalogue.event import Outcome
from event_catalogue.events import CUSTOM, EVENTS
from event_catalogue.fields import FIELDS
from event_catalogue.metrics import MEASURES, METRICS
from footfall.__main__ import main
from footfall.environment import Environment

ROOT: Final = Path(__file__).parent.parent
DOCS: Final = ROOT / "docs"
PAGES: Final = sorted(DOCS.glob("*.md"))
ROOMS: Final = (
    "footfall collector loader aggregator retention console spool control_store warehouse event_catalogue".split()
)


def page(name: str) -> str:
    """The text of a page of docs/."""
    return (DOCS / f"{name}.md").read_text()


def section(text: str, heading: str) -> str:
    """What stands below a heading, up to the next one of its level or above."""
    level = heading.partition(" ")[0]
    _, found, rest = f"\n{text}".partition(f"\n{heading}\n")
    assert found, f"there is no heading {heading!r}"
    return re.split(rf"^#{{1,{len(level)}}} ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def table_rows(text: str) -> list[list[str]]:
    """The cells of every table row, heads left out."""
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    cells = [re.split(r"(?<!\\)\|", line)[1:-1] for line in lines]
    heads = {place - 1 for place, row in enumerate(cells) if set("".join(row)) <= set("- ")}
    return [
        [cell.strip() for cell in row]
        for place, row in enumerate(cells)
        if place not in heads and place - 1 not in heads
    ]


def words(text: str, column: int) -> list[str]:
    """The words of code in one column of the tables of a text."""
    return [word for row in table_rows(text) if len(row) > column for word in re.findall(r"`([^`]+)`", row[column])]


def doc_words(name: str, heading: str, column: int = 0) -> set[str]:
    """The words of code in one column below one heading of a page."""
    return set(words(section(page(name), heading), column))


# Words that have a table of their own.


def test_every_event_and_property_is_in_the_catalogue() -> None:
    """Declared names and documented ones are the same."""
    assert doc_words("catalogue", "## Events") == {kind.name for kind in EVENTS}
    told = [row for row in table_rows(section(page("catalogue"), "## Events")) if len(row) == 5]
    for kind, row in zip((*EVENTS, CUSTOM), told, strict=True):
        assert row[1] == kind.field_class
        assert all(f"`{prop.name}` ({prop.kind}" in row[4] for prop in kind.props), kind.name


def test_every_field_is_in_the_catalogue_with_its_class() -> None:
    """In the order of the columns."""
    told = table_rows(section(page("catalogue"), "## Fields"))
    assert [(row[0], row[1]) for row in told] == [(f"`{field.name}`", field.field_class) for field in FIELDS]


def test_every_dimension_is_in_the_catalogue_under_all_its_names() -> None:
    """Plausible's names too."""
    text = section(page("catalogue"), "## Dimensions")
    assert {one.name for one in DIMENSIONS} <= set(words(text, 0))
    assert set(words(text, 1)) == {alias for one in DIMENSIONS for alias in one.aliases}


def test_every_metric_and_measure_is_in_the_catalogue() -> None:
    """With its definition."""
    told = {row[0]: row for row in table_rows(section(page("catalogue"), "## Metrics"))}
    assert told.keys() == {f"`{one.name}`" for one in METRICS} | {f"`{name}`" for name in MEASURES}
    measured = [row for row in table_rows(section(page("catalogue"), "## Metrics")) if len(row) == 5]
    assert {row[3] for row in measured} == {one.definition for one in METRICS}


def test_every_setting_is_documented_under_each_of_its_names() -> None:
    """What the program reads is what the page lists."""
    text = section(page("settings"), "# Settings of an installation")
    names = set(Environment.__dataclass_fields__)
    assert set(words(text, 0)) == names
    assert set(words(text, 1)) == {f"FOOTFALL_{name.upper()}" for name in names}


def test_every_site_setting_and_preset_is_documented() -> None:
    """What a site may be told is what the page lists."""
    assert doc_words("site-settings", "# Settings of a site") >= set(SiteSettings.__struct_fields__)
    text = section(page("site-settings"), "## Presets")
    assert {preset for preset in PRESETS if f"`{preset}`" in text} == PRESETS.keys()
    assert set(words(text, 0)) == {name for preset in PRESETS.values() for name in preset}


def test_every_table_of_the_control_store_is_explained() -> None:
    """In the table written by hand, and with each of its columns."""
    text = section(page("tables"), "## Control store")
    explained = [row[0] for row in table_rows(text) if len(row) == 2]
    assert sorted(explained) == sorted(f"`{name}`" for name in METADATA.tables)
    for name, table in METADATA.tables.items():
        assert doc_words("tables", f"### {name}") >= {column.name for column in table.columns}


def commands(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    """Every command that a person may run."""
    if command.hidden:
        return
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from commands(inner, f"{path} {name}")
    else:
        yield path, command


@pytest.mark.parametrize(("path", "command"), [pytest.param(*pair, id=pair[0]) for pair in commands(main, "footfall")])
def test_every_command_and_option_is_documented(path: str, command: click.Command) -> None:
    """Each has a heading, a help text, and a row for each option, which has a help text too."""
    heading = "##" if len(path.split()) == 2 else "###"
    text = section(page("commands"), f"{heading} {path}")
    assert command.help
    told = {word.split()[0]: row for row in table_rows(text) for word in re.findall(r"`([^`]+)`", row[0])[:1]}
    options = [one for one in command.params if isinstance(one, click.Option) and not one.hidden]
    assert told.keys() == {one.opts[0] for one in options}
    for one in options:
        assert one.help, f"{path} {one.opts[0]} has no help"
        assert told[one.opts[0]][1] == one.help


# Words that only the code knows: addresses, statuses, outcomes.


def calls(folders: tuple[str, ...]) -> Iterator[tuple[str, str, ast.Call]]:
    """(module, name of what is called, call) in these rooms."""
    for path in sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                yield str(path.relative_to(ROOT)), ast.unparse(node.func).rpartition(".")[2], node


def constants(node: ast.AST, kind: type[str] | type[int]) -> list[Any]:
    """Constants of a type anywhere in an expression."""
    return [one.value for one in ast.walk(node) if isinstance(one, ast.Constant) and type(one.value) is kind]


def test_every_address_is_documented() -> None:
    """Each route of collector and console stands in endpoints.md."""
    routes = {call.args[0].value for _, name, call in calls(("collector", "console")) if name == "Route"}  # type: ignore[attr-defined]
    assert {"/e.gif", "/metrics"} <= routes
    text = page("endpoints")
    assert not {route for route in routes | {"/e"} if not re.search(rf"(GET|POST) {re.escape(route)}(?![\w/.])", text)}


def test_every_status_of_the_collector_is_documented() -> None:
    """Every number that a refusal can carry stands in endpoints.md."""
    found = {
        number
        for _, name, call in calls(("collector", "event_catalogue"))
        if name in ("problem", "Refused", "Verdict", "Answer", "Ready")
        for argument in call.args[:3]
        for number in constants(argument, int)
        if 200 <= number < 600
    }
    assert {202, 204, 400, 422, 429, 503} <= found
    text = page("endpoints")
    assert not {number for number in found if not re.search(rf"\b{number}\b", text)}


REASONS_AT: Final = {"Verdict": 1, "Tally": 3, "leave_out": 2, "refuse": 1, "_account": 3}
DEAD_AT: Final = {"give_up": 2, "dead_record": 0, "dead_row": 0, "DeadLetter": 0}
PASSED_ON: Final = frozenset(("reason", "tally.reason", "verdict.reason", "draft.tallies[0].reason"))
"""Expressions that only hand on a word that was counted elsewhere."""


def function(path: str, name: str) -> ast.FunctionDef:
    """A function of a module, as a tree."""
    tree = ast.parse((ROOT / path).read_text())
    return next(node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == name)


def returned(path: str, name: str) -> set[str]:
    """The words that a function returns as they are, or one of which it chooses."""
    values = [node.value for node in ast.walk(function(path, name)) if isinstance(node, ast.Return)]
    branches = [part for value in values if value for part in _branches(value)]
    return {one.value for one in branches if isinstance(one, ast.Constant) and isinstance(one.value, str)} - {""}


def _branches(value: ast.expr) -> list[ast.expr]:
    return [*_branches(value.body), *_branches(value.orelse)] if isinstance(value, ast.IfExp) else [value]


def written(places: dict[str, int]) -> tuple[set[str], set[str]]:
    """Words that stand in the calls at these places, and expressions there that hold none."""
    found: set[str] = set()
    others: set[str] = set()
    for path, name, call in calls(("collector", "loader")):
        place = places.get(name)
        named = {keyword.arg: keyword.value for keyword in call.keywords}
        argument = named.get("reason", call.args[place] if place is not None and len(call.args) > place else None)
        if place is None or argument is None or isinstance(argument, ast.Starred):
            continue
        chosen = [part for part in _branches(argument) if isinstance(part, ast.Constant)]
        found |= {str(part.value) for part in chosen}
        if not chosen:
            others.add(f"{path}: {ast.unparse(argument)}")
    return found - {""}, others


def test_every_reason_that_is_counted_is_documented() -> None:
    """No counted word is missing in outcomes.md, and none stands there that is never counted."""
    found, others = written(REASONS_AT)
    from_elsewhere = {
        "collector/steps.py: draft.ruling.reason": set(get_args(Reason)) - {""},
        "collector/steps.py: refused": returned("collector/consent.py", "refused_event"),
        "collector/steps.py: excluded_by": {"path:RULE", "host:RULE", "network", "country:CODE"},
    }
    unknown = {one for one in others if one.partition(": ")[2] not in PASSED_ON} - from_elsewhere.keys()
    assert not unknown, f"say in this test where these words come from: {unknown}"
    counted = found.union(*from_elsewhere.values())
    assert {"gpc", "too_old", "rate", "consent"} <= counted
    assert doc_words("outcomes", "## Reasons") == counted


def test_every_outcome_is_documented() -> None:
    """The outcomes of the catalogue, their sum, and what is under way."""
    told = {row[0] for row in table_rows(page("outcomes").partition("\n## ")[0])}
    assert told == {f"`{word}`" for word in (*get_args(Outcome), "received", "pending")}
    assert doc_words("outcomes", "## Reasons", 1) <= set(get_args(Outcome))


def test_every_word_of_an_import_is_documented() -> None:
    """Why a line of an access log is no event."""
    assert doc_words("outcomes", "## Lines of an access log") == returned(
        "collector/importers/accesslog.py", "read_line"
    )


def test_every_reason_of_a_dead_letter_is_documented() -> None:
    """Why an acknowledged row could not be loaded."""
    found, others = written(DEAD_AT)
    assert not {one for one in others if one.partition(": ")[2] not in PASSED_ON}
    assert doc_words("outcomes", "## Dead letters") == found


# Pages and links.


def test_generated_parts_are_up_to_date(monkeypatch: pytest.MonkeyPatch) -> None:
    """`make docs` is content."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    call = [sys.executable, str(ROOT / "scripts" / "make_docs.py"), "--check"]
    done = subprocess.run(call, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr


def test_a_page_that_is_out_of_date_is_named(tmp_path: Path) -> None:
    """The check fails for a changed part, an unknown one, an open marker and one that stands nowhere."""
    renew = runpy.run_path(str(ROOT / "scripts" / "make_docs.py"))["renew"]
    for one in PAGES:
        (tmp_path / one.name).write_text(one.read_text())
    assert renew(tmp_path, check=True) == []
    stale = tmp_path / "settings.md"
    stale.write_text(stale.read_text().replace("| `spool_max_mb` |", "| `spool_mb` |"))
    (tmp_path / "unknown.md").write_text("<!-- generated:nothing -->\n<!-- /generated -->\n")
    (tmp_path / "open.md").write_text("<!-- generated:settings -->\n")
    (tmp_path / "commands.md").unlink()
    faults = renew(tmp_path, check=True)
    assert [fault.split()[0].rpartition("/")[2] for fault in faults[:3]] == ["open.md", "settings.md", "unknown.md"]
    assert "scripts/make_docs.py" in faults[1]
    assert len(faults) == 4
    assert "'commands'" in faults[3]


def test_text_around_generated_parts_stays(tmp_path: Path) -> None:
    """Only what stands between markers is written, and writing twice changes nothing."""
    renew = runpy.run_path(str(ROOT / "scripts" / "make_docs.py"))["renew"]
    written_page = tmp_path / "page.md"
    written_page.write_text("Above.\n\n<!-- generated:settings -->\nold\n<!-- /generated -->\n\nBelow.\n")
    renew(tmp_path, check=False)
    text = written_page.read_text()
    assert text.startswith("Above.\n\n<!-- generated:settings -->\n")
    assert text.endswith("<!-- /generated -->\n\nBelow.\n")
    assert "old" not in text
    assert "| `data` | `FOOTFALL_DATA` |" in text
    renew(tmp_path, check=False)
    assert written_page.read_text() == text


def test_every_page_is_reached_from_the_index() -> None:
    """No page is lost."""
    assert set(re.findall(r"\]\(([\w-]+\.md)\)", page("index"))) == {one.name for one in PAGES} - {"index.md"}


@pytest.mark.parametrize(
    "path", [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *PAGES], ids=lambda path: path.name
)
def test_links_lead_to_files_that_exist(path: Path) -> None:
    """Relative links; a link to a heading leads to one."""
    broken = [link for link in re.findall(r"\]\(([^)\s]+)\)", path.read_text()) if not _leads(path, link)]
    assert not broken


def _leads(path: Path, link: str) -> bool:
    if re.match(r"[a-z]+:", link):
        return True
    target, _, anchor = link.partition("#")
    file = path.parent / target if target else path
    if not file.exists():
        return False
    headings = re.findall(r"^#+ (.*)$", file.read_text(), re.MULTILINE) if anchor else []
    return not anchor or anchor in {re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in headings}


# What no text of the product says.

FORBIDDEN: Final = re.compile(
    r"we\s+value\s+your\s+privacy|anonymous\s+data|100\s*%\s*GDPR[\s-]+compliant|necessary\s+analytics", re.IGNORECASE
)
_ANONYMOUS: Final = re.compile(r"\banonym\w*", re.IGNORECASE)
_OF_ROWS: Final = re.compile(r"\b(raw\s+rows?|hash\w*|pseudonym\w*|device\s+ids?)\b", re.IGNORECASE)
_DENIED: Final = re.compile(r"\b(not|never|no|nor|isn't|neither)\b[^.]*$", re.IGNORECASE)


def claims(text: str) -> list[str]:
    """Sayings that promise too much: fixed words, and rows or hashes of visitors called anonymous."""
    found = []
    for match in (*FORBIDDEN.finditer(text), *_ANONYMOUS.finditer(text)):
        around = text[max(0, match.start() - 150) : match.end() + 150]
        denied = _DENIED.search(text[max(0, match.start() - 60) : match.start()])
        if not denied and (match.re is FORBIDDEN or _OF_ROWS.search(around)):
            found.append(" ".join(around.split()))
    return found


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("We value\nyour privacy.", 1),
        ("It is 100 % GDPR compliant.", 1),
        ("Raw rows are anonymous.", 1),
        ("The hash anonymises visitors.", 1),
        ("A hash is a pseudonym, never anonymous.", 0),
        ("It is nowhere anonymous data.", 1),
        ("It is not\nanonymous data.", 0),
        ("Statistics are anonymous.", 0),
    ],
)
def test_claims_are_found(text: str, count: int) -> None:
    """The check below can fail, and lets a denial pass."""
    assert len(claims(text)) == count


def test_no_text_of_the_product_promises_too_much() -> None:
    """A hash is a pseudonym, and nobody's law is fulfilled by a tool alone."""
    kinds = (".py", ".html", ".ts", ".js", ".mjs", ".md", ".toml", ".json")
    folders = [ROOT / name for name in (*ROOMS, "js", "docs")]
    paths = [
        path
        for folder in folders
        for path in folder.rglob("*")
        if path.suffix in kinds and not {"node_modules", "dist", "test"} & set(path.relative_to(ROOT).parts)
    ]
    paths += [*ROOT.glob("*.md")]
    assert len(paths) > 50
    found = [f"{path.relative_to(ROOT)}: {claim}" for path in sorted(paths) for claim in claims(path.read_text())]
    assert not found, "\n".join(found)


def test_the_readmes_pictures_are_there_and_small() -> None:
    """Each is shown, and is no heavier than a page may be."""
    shown = set(re.findall(r"docs/pictures/[\w-]+\.png", (ROOT / "README.md").read_text()))
    assert shown == {str(path.relative_to(ROOT)) for path in (ROOT / "docs" / "pictures").iterdir()}
    assert len(shown) == 3
    assert not {name for name in shown if (ROOT / name).stat().st_size > 300_000}
