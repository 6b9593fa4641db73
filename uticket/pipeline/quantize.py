"""The stage `quantize`: accuracy of the tickets with their weights rounded to a few bits; no training depends on it."""

from collections.abc import Sequence
from itertools import product

import torch

from uticket.base.files import write_rows
from uticket.base.progress import bar, log_end
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
from uticket.training.checkpoint import State, copy_state, load_state
from uticket.training.device import choose_device
from uticket.training.evaluate import accuracy


def quantize_chain(chain: ChainPlan, model: Model, device_name: str, bits: Sequence[int], prepared: Prepared) -> None:
    """Test all tickets of a method at each number of bits, with each quantizer. device_name: as `train.device`.

    Roundings that give a ticket the same weights are tested once: where none is lost, both quantizers are one.
    """
    device = choose_device(device_name)
    _, test = on_device(prepared, device)
    network = build(model, prepared.image_shape, len(prepared.classes), seed=0).to(device)
    rows = []
    ways = list(product(bits, QUANTIZERS))
    num_tests = len(chain.tickets) * len(ways)
    with bar(None, f"testing rounded {chain.method}", "tests", total=num_tests) as progress:
        for ticket in chain.tickets:
            files = ticket_files(ticket)
            layers, network.timesteps = read_layers(files.layers)
            mask = Mask.load(files.mask, [layer.name for layer in layers])
            load_state(network, files.weights)
            trained, tested = copy_state(network), list[tuple[State, float]]()
            for weight_bits, quantizer in ways:
                network.load_state_dict(trained)
                rounded = round_weights(network, mask, weight_bits, quantizer)
                share = next((share for weights, share in tested if _same(weights, rounded)), None)
                if share is None:
                    share = accuracy(network, test)
                    tested.append((rounded, share))
                key = {"ticket": ticket, "weight_bits": weight_bits, "quantizer": quantizer}
                rows.append({**key, "accuracy": share})
                progress.update()
    header = ["ticket", "weight_bits", "quantizer", "accuracy"]
    out = quantization_file(chain.method)
    write_rows(out, rows, header=header)
    tried = ", ".join(str(number) for number in bits) or "no"
    log_end("quantize", f"{chain.method}, {len(chain.tickets)} tickets at {tried} bits", out)


@torch.no_grad()
def round_weights(network: SpikingNetwork, mask: Mask, bits: int, quantizer: Quantizer) -> State:
    """Round the weights of a network in place, layer by layer, and return them, on the CPU."""
    found = {}
    for name, layer in weight_layers(network).items():
        weights = layer.weight.detach().cpu().numpy().reshape(mask_shape(layer))
        levels, step = quantize(weights, mask[name], bits, quantizer)
        found[name] = torch.from_numpy((levels * step).astype(weights.dtype)).reshape(layer.weight.shape)
        layer.weight.copy_(found[name])
    return found


def _same(one: State, other: State) -> bool:
    return all(torch.equal(weights, other[name]) for name, weights in one.items())
