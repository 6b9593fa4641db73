"""Write the report: metrics, tidy tables, figures and the page."""

import click

from uticket.base.progress import log_end, start_logging, underway
from uticket.cli.oneline import OneLine
from uticket.config.params import Params, read_params
from uticket.config.paths import REPORT
from uticket.config.plan import ChainPlan, read_chain


@click.command(cls=OneLine, help=__doc__)
@click.option("--finished", is_flag=True, help="Leave out methods with a missing result, such as of a failed ticket.")
def main(finished: bool) -> None:
    """Gather what all stages wrote into report/."""
    start_logging()
    params = read_params()
    chains = [read_chain(method) for method in params.balance]
    with underway("writing the report"):
        _write(params, chains, finished)
    log_end("report", f"{len(chains)} methods; `uticket results` prints the numbers", REPORT.page)


def _write(params: Params, chains: list[ChainPlan], finished: bool) -> None:
    from uticket.report.write import write_report  # imported here: takes seconds

    data, network = {"seed": params.seed, "data": params.data}, {"model": params.model, "train": params.train}
    rounds = {"dense": params.dense, "rewind": params.rewind, "prune": params.prune}
    methods = {"balance": params.balance, "tickets": params.tickets}
    hardware = {"hw": params.hw, "quantize": params.quantize, "energy": params.energy}
    write_report({**data, **network, **rounds, **methods, **hardware, "report": params.report}, chains, finished)


if __name__ == "__main__":
    main()
