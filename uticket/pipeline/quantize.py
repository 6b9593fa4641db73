"""The stage `quantize`: accuracy of the tickets with their weights rounded to a few bits; no training depends on it."""

from collections.abc import Sequence

import torch

from uticket.base.files import write_rows
from uticket.base.progress import bar, log
from uticket.capturing.axes import mask_shape
from uticket.config.array import Quantizer
from uticket.config.paths import quantization_file, ticket_files
from uticket.config.plan import ChainPlan
from uticket.config.training import Model
from uticket.data.prepared import Prepared
from uticket.networks.network import SpikingNetwork, build, weight_layers
from uticket.ticket.layer import read_layers
from uticket.ticket.mask import Mask
from uticket.ticket.quantize import QUANTIZERS, quantize
from uticket.training.batches import on_device
from uticket.training.checkpoint import copy_state, load_state
from uticket.training.device import choose_device
from uticket.training.evaluate import accuracy


def quantize_chain(chain: ChainPlan, model: Model, device_name: str, bits: Sequence[int], prepared: Prepared) -> None:
    """Test all tickets of a method at each number of bits, with each quantizer. device_name: as `train.device`."""
    device = choose_device(device_name)
    _, test = on_device(prepared, device)
    network = build(model, prepared.image_shape, len(prepared.classes), seed=0).to(device)
    rows = []
    for ticket in bar(chain.tickets, f"rounding {chain.method}", "tickets"):
        files = ticket_files(ticket)
        layers, network.timesteps = read_layers(files.layers)
        mask = Mask.load(files.mask, [layer.name for layer in layers])
        load_state(network, files.weights)
        trained = copy_state(network)
        for weight_bits in bits:
            for quantizer in QUANTIZERS:
                network.load_state_dict(trained)
                round_weights(network, mask, weight_bits, quantizer)
                key = {"ticket": ticket, "weight_bits": weight_bits, "quantizer": quantizer}
                rows.append({**key, "accuracy": accuracy(network, test)})
    header = ["ticket", "weight_bits", "quantizer", "accuracy"]
    write_rows(quantization_file(chain.method), rows, header=header)
    log.info("quantize  %s: %d tickets at %s bits", chain.method, len(chain.tickets), list(bits))


@torch.no_grad()
def round_weights(network: SpikingNetwork, mask: Mask, bits: int, quantizer: Quantizer) -> None:
    """Round the weights of a network in place, layer by layer."""
    for name, layer in weight_layers(network).items():
        weights = layer.weight.detach().cpu().numpy().reshape(mask_shape(layer))
        levels, step = quantize(weights, mask[name], bits, quantizer)
        layer.weight.copy_(torch.from_numpy(levels * step).reshape(layer.weight.shape))
