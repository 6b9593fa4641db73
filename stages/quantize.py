"""Test every ticket of a method with its weights rounded to a few bits; no training depends on it."""

import click
import pandas as pd
import torch

from uticket.base.progress import bar, log, start_logging
from uticket.config.names import QUANTIZERS
from uticket.config.params import read_params
from uticket.config.paths import PREPARED, quantization_file, ticket_files
from uticket.data.prepared import load
from uticket.networks.models import build, weight_layers
from uticket.ticket.layer import read_layers
from uticket.ticket.mask import Mask
from uticket.ticket.quantize import quantize
from uticket.training.batches import on_device
from uticket.training.checkpoint import load_state
from uticket.training.device import choose_device
from uticket.training.evaluate import accuracy


@click.command(help=__doc__)
@click.argument("method")
def main(method: str) -> None:
    """METHOD is a key of the block `tickets` in params.yaml."""
    start_logging()
    params = read_params()
    device = choose_device(params.train.device)
    prepared = load(PREPARED)
    _, test = on_device(prepared, device)
    network = build(params.model, prepared.image_shape, len(prepared.classes), seed=0).to(device)
    rows = []
    for ticket in bar(params.chain(method), f"rounding {method}", "tickets"):
        files = ticket_files(ticket)
        layers, network.timesteps = read_layers(files.layers)
        mask = Mask.load(files.mask, [layer.name for layer in layers])
        for bits in params.quantize.bits:
            for quantizer in QUANTIZERS:
                load_state(network, files.weights)
                for name, layer in weight_layers(network).items():
                    levels, step = quantize(layer.weight.detach().cpu().numpy(), mask[name], bits, quantizer)
                    with torch.no_grad():
                        layer.weight.copy_(torch.from_numpy(levels * step))
                key = {"ticket": ticket, "weight_bits": bits, "quantizer": quantizer}
                rows.append({**key, "accuracy": accuracy(network, test)})
    path = quantization_file(method)
    path.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(rows, columns=["ticket", "weight_bits", "quantizer", "accuracy"]).to_csv(path, index=False)
    log.info("quantize  %s: %d tickets at %s bits", method, len(params.chain(method)), params.quantize.bits)


if __name__ == "__main__":
    main()
