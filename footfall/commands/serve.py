"""`footfall serve`, `collector`, `core`: the processes of an installation."""

import socket
import time
from typing import Any

import click

from footfall.commands.options import environment_of, sentences
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
def serve(**flags: Any) -> None:
    """Run collector and core on this machine, and restart what dies."""
    environment = environment_of(**flags)
    from footfall.supervisor import Child

    with sentences():
        public, private = _listen(environment, "collector"), _listen(environment, "console")
        children = [Child("core", ("core",), private), *_collectors(environment, public)]
        _supervise(environment, children, {"collector": public, "console": private})


@click.command()
@_common
@click.option("--collector", metavar="HOST:PORT", help="Public address.")
@click.option("--workers", type=int, metavar="N", help="Collector processes.")
def collector(**flags: Any) -> None:
    """Run collector processes alone; they acknowledge with core and warehouse down."""
    environment = environment_of(**flags)
    with sentences():
        public = _listen(environment, "collector")
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


def _collectors(environment: Environment, public: socket.socket) -> list[Any]:
    from footfall.supervisor import Child

    host = "".join(c if c.isalnum() else "-" for c in socket.gethostname())[:40] or "host"
    names = [f"{host}-{number}" for number in range(environment.workers)]
    return [Child(f"collector {number}", ("worker", "--name", name), public) for number, name in enumerate(names)]


def _listen(environment: Environment, name: str) -> socket.socket:
    from footfall.supervisor import listen

    address = environment.collector if name == "collector" else environment.console
    return listen(address, name, patience_s=6.0, sleep=time.sleep)


def _supervise(environment: Environment, children: list[Any], sockets: dict[str, socket.socket]) -> None:
    from footfall.assembly import make_directories
    from footfall.greeting import Greeting
    from footfall.supervisor import Supervisor

    make_directories(environment)
    greeting = Greeting({name: sock.getsockname()[:2] for name, sock in sockets.items()}, environment.data, click.echo)
    Supervisor(
        children,
        as_environ(environment),
        time.monotonic,
        lambda text: click.echo(text, err=True),
        greeting.look,
    ).run()
    click.echo("Stopped.")
