"""Make one ticket: prune its parent, balance the mask, rewind the weights that are left, train and test them."""

import click

from uticket.base.progress import start_logging
from uticket.cli.oneline import OneLine
from uticket.config.lineage import DENSE
from uticket.config.params import read_params
from uticket.config.paths import PREPARED, ticket_files
from uticket.config.plan import read_plan
from uticket.data.prepared import load
from uticket.ticket.ticket import Ticket


@click.command(cls=OneLine, help=__doc__)
@click.argument("ticket")
def main(ticket: str) -> None:
    """TICKET is METHOD/NAME of the block `tickets` in params.yaml."""
    start_logging()
    params, plan, prepared = read_params(), read_plan(ticket), load(PREPARED)
    parent = Ticket.read(ticket_files(plan.parent).folder, spikes=False)
    from uticket.pipeline.rounds import next_ticket

    next_ticket(parent, ticket_files(DENSE), plan, params, prepared, ticket_files(ticket))


if __name__ == "__main__":
    main()
