"""The command `uticket`."""

import click

from uticket import __version__
from uticket.base.progress import start_logging
from uticket.cli.capture import capture
from uticket.cli.cluster import cluster
from uticket.cli.compare import compare
from uticket.cli.exchange import export
from uticket.cli.explore import explore
from uticket.cli.hardware import simulate_command
from uticket.cli.imported import import_command
from uticket.cli.init import init, version
from uticket.cli.masks import audit, balance_command
from uticket.cli.oneline import OneLineGroup
from uticket.cli.project import check, compile_command, estimate, preset, readme, results, rounds
from uticket.cli.rivals import rivals
from uticket.cli.seeds import seeds


@click.group(cls=OneLineGroup)
@click.version_option(__version__)
def main() -> None:
    """Sparse spiking networks that keep every processing element busy."""
    start_logging()


for command in (
    init,
    import_command,
    audit,
    balance_command,
    capture,
    simulate_command,
    rivals,
    explore,
    compare,
    export,
    rounds,
    preset,
    check,
    estimate,
    results,
    seeds,
    cluster,
    compile_command,
    readme,
    version,
):
    main.add_command(command)
