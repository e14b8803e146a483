"""Writes the generated parts of docs/: tables of catalogue, settings, commands, jobs and stores, from the code itself.

A generated part stands between `<!-- generated:NAME -->` and `<!-- /generated -->`; what stands around it is written by
hand and stays. `--check` writes nothing and ends with 1, naming each page that is not up to date. A marker of a part
that does not exist, or a part that stands on no page, is an error too.
"""

import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final, cast

import click

from control_store.site_settings import PRESETS, SiteSettings
from control_store.site_settings import SETTINGS as SITE_SETTINGS
from control_store.tables import METADATA
from event_catalogue.choice import COOKIES
from event_catalogue.dimensions import DIMENSIONS, PROPS
from event_catalogue.events import CUSTOM, EVENTS, Prop
from event_catalogue.fields import FIELD, FIELDS
from event_catalogue.metrics import MEASURES, METRICS, Metric
from footfall.__main__ import main as footfall
from footfall.environment import PREFIX, SETTINGS
from footfall.jobs import Rooms, jobs
from footfall.periods import PERIODS
from warehouse.tables import EVENT_COLUMNS

ROOT: Final = Path(__file__).parent.parent
_PART: Final = re.compile(r"(<!-- generated:(?P<name>[a-z-]+) -->\n)(?P<body>.*?)(<!-- /generated -->)", re.DOTALL)
_MARKER: Final = re.compile(r"<!-- /?generated\b")


class BadPage(ValueError):
    """A page whose markers do not fit; the text is one sentence."""


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A Markdown table; bars in cells are escaped."""
    titles = list(head)
    lines = [_line(titles), _line("---" for _ in titles), *(_line(row) for row in rows)]
    return "\n".join(lines) + "\n"


def _line(cells: Iterable[object]) -> str:
    return "| " + " | ".join(str(cell).replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def code(text: object) -> str:
    """A word of code; nothing for an empty text."""
    return f"`{text}`" if str(text) else ""


def listed(texts: Iterable[object]) -> str:
    """Words of code, separated by commas."""
    return ", ".join(code(text) for text in texts)


def fields_table() -> str:
    """Every field of a stored event."""
    kept = {"no": "–", "sum": "sum", "buckets": "counts in buckets", "count": "count", "dimension": "dimension"}
    rows = (
        (
            code(field.name),
            field.field_class,
            field.origin,
            field.purpose,
            field.ccpa.replace("_", " "),
            kept[field.aggregated],
            field.limit or "–",
        )
        for field in FIELDS
    )
    return table(
        ("field", "class", "comes from", "what for", "CCPA category", "what stays of it", "longest text"), rows
    )


def events_table() -> str:
    """Every declared event with its properties; custom events last."""
    rows = [
        (code(kind.name), kind.field_class, kind.meaning, "yes" if kind.interaction else "no", _props(kind.props))
        for kind in (*EVENTS, CUSTOM)
    ]
    rows[-1] = ("any other name", *rows[-1][1:])
    return table(("event", "class", "what happened", "act of the visitor", "properties"), rows)


def _props(props: tuple[Prop, ...]) -> str:
    return "; ".join(
        f"`{prop.name}` ({prop.kind}{', required' if prop.required else ''})"
        + (f" → `{prop.field}`" if prop.field != prop.name else "")
        for prop in props
    )


def dimensions_table() -> str:
    """Every dimension with the names it answers to."""
    rows = [
        (
            code(one.name),
            listed(one.aliases),
            one.scope,
            one.pick if one.scope == "visit" else "",
            one.definition,
            code(FIELD[one.field].column) if one.field else "",
            "yes" if one.free_text else "",
        )
        for one in DIMENSIONS
    ]
    rows.append((code(f"{PROPS}NAME"), "", "event", "", "A property of the site's own events.", "`String`", "yes"))
    return table(("dimension", "also called", "scope", "value of a visit", "what it is", "type", "free text"), rows)


def metrics_table() -> str:
    """Every metric with its formula."""
    rows = (
        (code(one.name), one.unit, _formula(one), one.definition, "down" if one.down_is_good else "") for one in METRICS
    )
    return table(("metric", "unit", "made of", "what it is", "better when"), rows)


def _formula(metric: Metric) -> str:
    if metric.timing:
        return code(metric.timing)
    if metric.under is None:
        return code(metric.over)
    factor = "" if metric.factor == 1 else f"{metric.factor:g} × "
    return f"{factor}`{metric.over}` / `{metric.under}`"


def measures_table() -> str:
    """Every whole number that metrics are made of."""
    return table(
        ("measure", "counts over", "what it is"),
        ((code(one.name), f"{one.scope}s", one.definition) for one in MEASURES.values()),
    )


def settings_table() -> str:
    """Every setting of an installation, under each of its names."""
    rows = (
        (code(one.name), code(PREFIX + one.name.upper()), one.form, code(one.default) or "empty", one.meaning)
        for one in SETTINGS
    )
    return table(("in footfall.toml", "in the environment", "form", "default", "meaning"), rows)


def site_settings_table() -> str:
    """Every setting of a site."""
    defaults = SiteSettings()
    rows = (
        (code(name), told.form, code(_as_typed(getattr(defaults, name))) or "none", told.meaning)
        for name, told in SITE_SETTINGS.items()
    )
    return table(("setting", "form", "default", "meaning"), rows)


def presets_table() -> str:
    """What each preset sets; an empty cell is left as it is."""
    names = [name for name in SITE_SETTINGS if any(name in preset for preset in PRESETS.values())]
    rows = (
        (code(name), *(code(_as_typed(values[name])) if name in values else "" for values in PRESETS.values()))
        for name in names
    )
    return table(("setting", *(code(name) for name in PRESETS)), rows)


def cookies_table() -> str:
    """What may lie on a visitor's device, and after which choice."""
    rows = ((code(one.name), one.after, f"{one.days} days", one.holds) for one in COOKIES)
    return table(("cookie", "after", "for at most", "holds"), rows)


def _as_typed(value: object) -> str:
    """A value as it is written on the command line."""
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def commands_text() -> str:
    """Every command that a person runs, with usage, help and options."""
    root = click.Context(footfall, info_name="footfall")
    return "\n".join(_command(footfall.commands[name], name, root) for name in footfall.commands)


def _command(command: click.Command, name: str, parent: click.Context) -> str:
    if command.hidden:
        return ""
    context = click.Context(command, info_name=name, parent=parent)
    help_text = "\n\n".join(" ".join(block.split()) for block in (command.help or "").split("\n\n"))
    if isinstance(command, click.Group):
        inner = [_command(command.commands[word], word, context) for word in command.commands]
        return "\n".join([f"## {context.command_path}\n\n{help_text}\n", *inner])
    level = "##" if parent.parent is None else "###"
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    return f"{level} {context.command_path}\n\n{help_text}\n\n```\n{usage}\n```\n\n{_options(command, context)}"


def _options(command: click.Command, context: click.Context) -> str:
    options = [one for one in command.get_params(context) if isinstance(one, click.Option) and not one.hidden]
    rows = [
        (code(one.get_help_record(context)[0]), one.help, "yes" if one.required else "")  # type: ignore[index]
        for one in options
        if one.get_help_record(context) and "--help" not in one.opts
    ]
    return table(("option", "meaning", "required"), rows) if rows else ""


def jobs_table() -> str:
    """What runs by itself. The table of jobs holds closures over the stores; only names and intervals are read here."""
    rows = ((code(job.name), f"{job.every_s:g} s", job.meaning) for job in jobs(cast("Rooms", None)))
    return table(("job", "every", "what it does"), rows)


def periods_table() -> str:
    """How long every store keeps what it holds."""
    return table(("store", "holds", "kept", "ended by"), (one[1:] for one in PERIODS))


def control_tables_text() -> str:
    """The control store's tables with their columns, in the order of their dependence."""
    parts = []
    for one in METADATA.sorted_tables:
        rows = ((code(column.name), column.type, _column_notes(column)) for column in one.columns)
        parts.append(f"### {one.name}\n\n{table(('column', 'type', 'notes'), rows)}")
    return "\n".join(parts)


def _column_notes(column: Any) -> str:
    notes = ["primary key"] if column.primary_key else []
    notes += ["unique"] if column.unique else []
    notes += [f"of {code(key.target_fullname)}" for key in column.foreign_keys]
    notes += ["may be empty"] if column.nullable else []
    return ", ".join(notes)


def warehouse_columns_table() -> str:
    """The columns of `events`, in the order in which they stand."""
    rows = ((number, code(name), code(kind)) for number, (name, kind) in enumerate(EVENT_COLUMNS.items(), start=1))
    return table(("", "column", "type"), rows)


PARTS: Final[dict[str, Callable[[], str]]] = {
    "fields": fields_table,
    "events": events_table,
    "dimensions": dimensions_table,
    "metrics": metrics_table,
    "measures": measures_table,
    "settings": settings_table,
    "site-settings": site_settings_table,
    "presets": presets_table,
    "cookies": cookies_table,
    "commands": commands_text,
    "jobs": jobs_table,
    "periods": periods_table,
    "control-tables": control_tables_text,
    "warehouse-columns": warehouse_columns_table,
}


def rendered(text: str, parts: dict[str, Callable[[], str]] = PARTS) -> tuple[str, set[str]]:
    """The page with its generated parts renewed, and the names of these. Raises BadPage."""
    found: set[str] = set()

    def fill(match: re.Match[str]) -> str:
        name = match["name"]
        if name not in parts or _MARKER.search(match["body"]):
            raise BadPage(f"has a marker 'generated:{name}' that is not closed, or names no part that there is")
        found.add(name)
        return f"{match[1]}\n{parts[name]()}\n{match[4]}"

    page = _PART.sub(fill, text)
    if len(_MARKER.findall(page)) != 2 * len(_PART.findall(page)):
        raise BadPage("has a marker of a generated part without its other half")
    return page, found


def renew(folder: Path, *, check: bool) -> list[str]:
    """Renew every page of a folder, or only look. Returns one sentence for each fault."""
    faults, placed = [], set()
    for path in sorted(folder.glob("*.md")):
        name = f"{folder.name}/{path.name}"
        text = path.read_text()
        try:
            page, found = rendered(text)
        except BadPage as error:
            faults.append(f"{name} {error}.")
            continue
        placed |= found
        if page != text and check:
            faults.append(f"{name} is not up to date; run: .venv/bin/python scripts/make_docs.py")
        elif page != text:
            path.write_text(page)
            print(f"{name} renewed")
    missing = [f"The part '{name}' stands on no page of {folder.name}/." for name in PARTS if name not in placed]
    return [*faults, *missing]


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; end with 1 if a page is not up to date.")
def make_docs(check: bool) -> None:
    """Renew the generated parts of docs/."""
    faults = renew(ROOT / "docs", check=check)
    for fault in faults:
        click.echo(fault, err=True)
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    make_docs()
