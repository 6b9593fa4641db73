"""Map the tickets of a method to the PEs: which filter runs in which group, on which PE, with how much work."""

import click
import pandas as pd

from uticket.layers import read_layers
from uticket.mapping import POLICIES
from uticket.mask import Mask, filter_nonzeros
from uticket.params import read_params
from uticket.paths import mapping_file, ticket_files
from uticket.progress import log, start_logging


@click.command(help=__doc__)
@click.argument("method")
def main(method: str) -> None:
    """METHOD is a key of the block `tickets` in params.yaml."""
    start_logging()
    params = read_params()
    tables = []
    for ticket in params.chain(method):
        files = ticket_files(ticket)
        layers, _ = read_layers(files.layers)
        on_pes = [layer for layer in layers if layer.on_pes]
        mask = Mask.load(files.mask, [layer.name for layer in on_pes])
        for layer in on_pes:
            mapping = POLICIES[params.hw.mapping](layer.filters, params.hw.pes)
            columns = {"filter": range(layer.filters), "group": mapping.group, "pe": mapping.pe}
            workload = filter_nonzeros(mask[layer.name])
            tables.append(pd.DataFrame({"ticket": ticket, "layer": layer.name, **columns, "workload": workload}))
    path = mapping_file(method)
    path.parent.mkdir(parents=True, exist_ok=True)
    pd.concat(tables).to_csv(path, index=False)
    log.info("map  %s: %d tickets on %d PEs", method, len(params.chain(method)), params.hw.pes)


if __name__ == "__main__":
    main()
