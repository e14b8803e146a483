"""The command line. Exit codes: 0 done, 1 failed with one clear sentence, 2 usage."""

import click

from footfall.commands.attack import attack
from footfall.commands.backup import backup
from footfall.commands.demo import demo
from footfall.commands.funnel import funnel
from footfall.commands.geo import geo
from footfall.commands.goal import goal
from footfall.commands.hold import hold
from footfall.commands.importing import import_
from footfall.commands.key import key
from footfall.commands.ledger import ledger
from footfall.commands.periods import periods
from footfall.commands.purge import purge
from footfall.commands.reconcile import reconcile
from footfall.commands.seal import seal
from footfall.commands.serve import collector, core, demo_site, serve, worker
from footfall.commands.site import site
from footfall.commands.status import spool, status
from footfall.commands.user import user
from footfall.limits import limit_process

_HELP = {"help_option_names": ["-h", "--help"]}


@click.group(context_settings=_HELP)
@click.version_option(package_name="footfall")
def main() -> None:
    """footfall: web analytics that never loses an acknowledged event, obeys the visitor, and forgets on time."""
    limit_process()


for command in (
    serve,
    collector,
    core,
    worker,
    demo_site,
    demo,
    site,
    user,
    key,
    goal,
    funnel,
    geo,
    ledger,
    import_,
    seal,
    attack,
    purge,
    periods,
    hold,
    backup,
    reconcile,
    status,
    spool,
):
    main.add_command(command)


if __name__ == "__main__":
    main(prog_name="footfall")
