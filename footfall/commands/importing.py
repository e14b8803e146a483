"""`footfall import`: histories from elsewhere. Works with the server stopped; a running one loads it at once."""

import gzip
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from footfall.commands.options import installation, open_control, say_json
from footfall.environment import Environment


@click.group("import")
def import_() -> None:
    """Bring in what was recorded elsewhere."""


@import_.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--site", "name", required=True, help="Id, key or domain of the site.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@installation
def accesslog(files: tuple[str, ...], name: str, as_json: bool, environment: Environment) -> None:
    """Import access logs in the combined format; gzip is recognised, - is standard input.

    The same log again changes nothing; one that has grown goes on where the last import ended.
    """
    from collector.importers.staging import AccessLogImport, ImportBusy, importing
    from collector.registry import ServedSite
    from control_store.sites import find_site
    from footfall.importing import import_settings

    paths = [_existing(file) for file in files]
    with open_control(environment) as store:
        settings = import_settings(environment)
        served = ServedSite(find_site(store, name))
        try:
            with importing(store, settings):
                for path in paths:
                    with _progress(path) as on_line:
                        report = AccessLogImport(store, served, settings).run(
                            _lines(path), on_line, twice=path is not None
                        )
                    _say(path, report, as_json)
        except ImportBusy as busy:
            raise click.ClickException(str(busy)) from None
        except (OSError, EOFError) as error:
            raise click.ClickException(f"The log can't be read ({error}); nothing of it was imported.") from None


def _existing(file: str) -> Path | None:
    if file == "-":
        return None
    path = Path(file)
    if not path.is_file():
        raise click.UsageError(f"There is no file {file}.")
    return path


def _lines(path: Path | None) -> Callable[[], Iterable[bytes]]:
    return lambda: _read(sys.stdin.buffer) if path is None else _open(path)


def _open(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        if file.peek(2)[:2] != b"\x1f\x8b":
            yield from _read(file)
            return
        with gzip.open(file) as unpacked:
            yield from _read(unpacked)


def _read(file: IO[bytes] | gzip.GzipFile) -> Iterator[bytes]:
    """Lines, each cut at 64 KiB so that a file without line ends can't fill the memory."""
    while line := file.readline(65536):
        yield line


@contextmanager
def _progress(path: Path | None) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal, a plain line every 100,000 lines elsewhere."""
    console = Console(stderr=True)
    total = path.stat().st_size if path and not path.name.endswith(".gz") else None
    if not console.is_terminal:
        yield _plain()
        return
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[lines]} lines"),
        TimeRemainingColumn(),
        console=console,
    ) as bar:
        task = bar.add_task(path.name if path else "standard input", total=total, lines=0)
        count = 0

        def on_line(size: int) -> None:
            nonlocal count
            count += 1
            if count % 500 == 0:
                bar.update(task, lines=count)
            bar.advance(task, size)

        yield on_line


def _plain() -> Callable[[int], None]:
    count = 0

    def on_line(_size: int) -> None:
        nonlocal count
        count += 1
        if count % 100_000 == 0:
            click.echo(f"{count} lines read", err=True)

    return on_line


def _say(path: Path | None, report: Any, as_json: bool) -> None:
    name = path.name if path else "standard input"
    left_out = dict(sorted(report.left_out.items()))
    if as_json:
        say_json(
            {
                "file": name,
                "lines": report.lines,
                "known": report.known,
                "skipped": report.skipped,
                "events": report.stored,
                "left_out": left_out,
            }
        )
    elif report.known:
        click.echo(f"{name}: imported before, nothing changed.")
    else:
        reasons = ", ".join(f"{count} {word}" for word, count in left_out.items()) or "none"
        again = f" ({report.skipped} lines were imported before)" if report.skipped else ""
        click.echo(f"{name}: {report.lines} lines{again}, {report.stored} events; left out: {reasons}.")
