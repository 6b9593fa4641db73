"""`uticket import`: somebody's trained network as the start of the chains."""

from pathlib import Path

import click

from uticket.base.progress import underway
from uticket.cli.options import Word


@click.command("import")
@click.argument("checkpoint", metavar="CHECKPOINT|TICKET_DIR", type=click.Path(path_type=Path))
@click.option("--as", "what", type=Word(["dense"]), default="dense", show_default=True, help="What it becomes.")
@click.option("--force", is_flag=True, help="Replace a file of this name in checkpoints/.")
def import_command(checkpoint: Path, what: str, force: bool) -> None:
    """Copy a trained network into checkpoints/, and let params.yaml start the chains from it.

    CHECKPOINT has the weights of the network that params.yaml names, by the names of its layers. Weights that are zero
    are pruned and stay so; tickets rewind to the imported weights.
    """
    from uticket.cli.project import PARAMS
    from uticket.config.params import read_params
    from uticket.config.rounds import set_value

    params = read_params(PARAMS)
    with underway(f"importing {checkpoint}"):
        from uticket.pipeline.checkpoint import import_checkpoint
        from uticket.pipeline.estimate import load_images

        found = import_checkpoint(checkpoint, params, load_images(params), force)
    set_value(PARAMS, what, "checkpoint", str(found.path))
    kept = f"{found.mask.num_kept:,} of {found.mask.num_weights:,} weights, {100 * found.mask.sparsity:.2f} % sparsity"
    click.echo(f"{found.path}: {kept}")
    if found.left_out:
        click.echo(f"left out: {', '.join(found.left_out)}")
    click.echo(
        f"{PARAMS}: {what}.checkpoint: {found.path}\nnext: dvc repro, which starts from it and trains no dense network"
    )
