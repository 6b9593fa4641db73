"""`uticket export`: a ticket as a file of another tool."""

from pathlib import Path

import click

from uticket.base.progress import underway
from uticket.cli.hardware import read_ticket
from uticket.cli.options import SIMULATED, Setting, Word, force_option, free_to_write, options_of
from uticket.config.array import Array
from uticket.config.block import Seed
from uticket.config.paths import TicketFiles
from uticket.config.tables import FORMATS

PARAMS = "nir, onnx: its block model is the network."


@click.command()
@click.argument("folder", metavar="TICKET_DIR", type=click.Path(path_type=Path))
@click.argument("out", metavar="OUT", type=click.Path(path_type=Path))
@click.option("--format", "form", type=Word(list(FORMATS)), default="wsp", show_default=True, help="See above.")
@click.option("--params", type=click.Path(path_type=Path), default="params.yaml", show_default=True, help=PARAMS)
@click.option("--image", type=Setting(Seed), default=0, show_default=True, help="prosperity: whose spikes.")
@options_of(Array, "array", leave_out=SIMULATED)
@force_option
def export(folder: Path, out: Path, form: str, params: Path, image: int, array: Array, force: bool) -> None:
    """Write a ticket for another tool.

    \b
    nir         network with its neurons, for NIR readers                  .nir
    onnx        network unrolled over its timesteps, for ONNX runtimes     .onnx
    npz         masks, and weights with masks applied                      .npz
    torch       state_dict in the form of torch.nn.utils.prune             .pt .pth
    wsp         compressed weights as the PEs read them                    .npz
    scalesim    topology of SCALE-Sim v3, with N:M sparsity                .csv
    prosperity  spikes and shapes for the simulator of Prosperity          .pkl
    sata        workload of SATA_Sim                                       .yaml .yml

    The options of the array matter to wsp only, whose weights take 16 bits unless --weight-bits says otherwise.
    """  # noqa: D301, click keeps the lines after \b as they are
    from uticket.exchange.format import Source

    chosen = FORMATS[form]
    free_to_write(out, chosen.endings, force)
    with underway(f"exporting {folder}"):
        ticket = read_ticket(folder)
        written = chosen.write(Source(TicketFiles(folder), ticket, array, params, image), out)
    click.echo(f"written: {out} ({form}, {written.line(ticket)})")
