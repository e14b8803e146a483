"""`footfall serve`, `collector`, `core`: the processes of an installation."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import click

from footfall.apart import apart
from footfall.commands.options import environment_of, open_control, sentences
from footfall.environment import Environment, as_environ, supervisor_pid


def _common(command: Any) -> Any:
    for option in (
        click.option("--data", metavar="DIR", help="Directory of everything that is kept."),
        click.option("--clickhouse", metavar="DSN", help="ClickHouse server instead of the embedded warehouse."),
    ):
        command = option(command)
    return command


@click.command()
@_common
@click.option("--collector", metavar="HOST:PORT", help="Public address.")
@click.option("--console", metavar="HOST:PORT", help="Private address.")
@click.option("--workers", type=int, metavar="N", help="Collector processes.")
@click.option(
    "--demo",
    is_flag=False,
    flag_value="",
    metavar="[HOST:PORT]",
    help="Run the demo shop too, and count its visits.",
)
def serve(demo: str | None, **flags: Any) -> None:
    """Run collector and core on this machine, and restart what dies."""
    environment = environment_of(demo=demo or None, **flags)
    from footfall.supervisor import Child

    with _spoken():
        sockets = {name: _listen(environment, name) for name in ("collector", "console")}
        apart(lambda: _check(environment, with_core=True))
        children = [Child("core", ("core",), sockets["console"]), *_collectors(environment, sockets["collector"])]
        if demo is not None:
            sockets["demo"] = _listen(environment, "demo")
            children.append(Child("demo", ("demo-site", *apart(lambda: _demo_snippets(environment))), sockets["demo"]))
        _supervise(environment, children, sockets)


@click.command()
@_common
@click.option("--collector", metavar="HOST:PORT", help="Public address.")
@click.option("--workers", type=int, metavar="N", help="Collector processes.")
def collector(**flags: Any) -> None:
    """Run collector processes alone; they acknowledge with core and warehouse down."""
    environment = environment_of(**flags)
    with _spoken():
        public = _listen(environment, "collector")
        apart(lambda: _check(environment, with_core=False))
        _supervise(environment, _collectors(environment, public), {"collector": public})


@click.command()
@_common
@click.option("--console", metavar="HOST:PORT", help="Private address.")
@click.option("--fd", type=int, hidden=True)
def core(fd: int | None, **flags: Any) -> None:
    """Run the core: warehouse, loader, jobs and console."""
    environment = environment_of(**flags)
    from footfall.core import run_core
    from footfall.supervisor import die_with_parent

    die_with_parent(supervisor_pid())
    with sentences():
        sock = socket.socket(fileno=fd) if fd is not None else _listen(environment, "console")
        if fd is None:  # nobody above it says where it is
            _greet(environment, sock)
        run_core(environment, sock)


@click.command(hidden=True)
@click.option("--name", required=True)
@click.option("--fd", type=int, required=True)
def worker(name: str, fd: int) -> None:
    """Run one collector process on an inherited socket."""
    environment = environment_of()
    from footfall.collecting import run_worker
    from footfall.supervisor import die_with_parent

    die_with_parent(supervisor_pid())
    with sentences():
        run_worker(environment, name, socket.socket(fileno=fd))


@click.command("demo-site", hidden=True)
@click.option("--snippet", required=True)
@click.option("--variant", "variants", nargs=2, multiple=True)
@click.option("--fd", type=int, required=True)
def demo_site(snippet: str, variants: tuple[tuple[str, str], ...], fd: int) -> None:
    """Run the demo shop on an inherited socket."""
    from footfall.demo import run_demo
    from footfall.supervisor import die_with_parent

    die_with_parent(supervisor_pid())
    run_demo(snippet, dict(variants), socket.socket(fileno=fd))


def _greet(environment: Environment, sock: socket.socket) -> None:
    """Greet once the console answers, as the supervisor does for its children."""
    from footfall.greeting import Greeting

    console = sock.getsockname()[:2]
    greeting = Greeting({"console": console}, environment.data, click.echo, lambda: _notes(environment, console))

    def wait() -> None:
        while not greeting.done:
            time.sleep(0.25)
            greeting.look()

    threading.Thread(target=wait, name="greeting", daemon=True).start()


@contextmanager
def _spoken() -> Iterator[None]:
    """The one error of the supervisor's own as a sentence; it loads none of the rooms to know theirs."""
    from footfall.supervisor import PortBusyError

    try:
        yield
    except PortBusyError as error:
        raise click.ClickException(str(error)) from None


def _check(environment: Environment, *, with_core: bool) -> None:
    from footfall.first_run import check_collector, check_installation

    with sentences():
        (check_installation if with_core else check_collector)(environment)


def _notes(environment: Environment, console: tuple[str, int] | None) -> list[tuple[str, str]]:
    from footfall.first_run import notes

    return notes(environment, console) if console else []


def _demo_snippets(environment: Environment) -> list[str]:
    """The addresses of the demo's snippets, as `demo-site` takes them; sites that are missing are made."""
    from footfall.assembly import clock
    from footfall.demo import ensure_site, ensure_variants
    from footfall.publishing import public_url

    with open_control(environment) as store:
        site = ensure_site(store, environment.demo[0], now=clock())
        variants = ensure_variants(store, now=clock())
    folder = f"{public_url(environment)}/js"
    told = ["--snippet", f"{folder}/{site.key}.js"]
    for host, key in variants.items():
        told += ["--variant", host, f"{folder}/{key}.js"]
    return told


def _collectors(environment: Environment, public: socket.socket) -> list[Any]:
    from footfall.supervisor import Child

    host = "".join(c if c.isalnum() else "-" for c in socket.gethostname())[:40] or "host"
    names = [f"{host}-{number}" for number in range(environment.workers)]
    return [Child(f"collector {number}", ("worker", "--name", name), public) for number, name in enumerate(names)]


def _listen(environment: Environment, name: str) -> socket.socket:
    from footfall.supervisor import listen

    address = {"collector": environment.collector, "console": environment.console, "demo": environment.demo}[name]
    return listen(address, name, patience_s=6.0, sleep=time.sleep)


def _supervise(environment: Environment, children: list[Any], sockets: dict[str, socket.socket]) -> None:
    from footfall.greeting import Greeting
    from footfall.supervisor import Supervisor

    addresses = {name: sock.getsockname()[:2] for name, sock in sockets.items()}
    console = addresses.get("console")

    def tell() -> list[list[str]]:
        with suppress(SystemExit):  # what went wrong was shown; everything runs and goes on
            return list(apart(lambda: _notes(environment, console)))
        return []

    greeting = Greeting(addresses, environment.data, click.echo, tell)
    Supervisor(
        children,
        as_environ(environment),
        time.monotonic,
        lambda text: click.echo(text, err=True),
        greeting.look,
    ).run()
    click.echo("Stopped.")
