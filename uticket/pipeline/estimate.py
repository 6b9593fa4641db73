"""How long a search will take: a few steps of each kind of training, measured and multiplied."""

import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from uticket.base.errors import InputError
from uticket.base.progress import bar
from uticket.base.seeds import generator
from uticket.config.names import QUANTIZERS
from uticket.config.params import DENSE, Params, Train
from uticket.config.paths import PREPARED
from uticket.data.prepared import load
from uticket.networks.models import SpikingNetwork, build, weight_layers
from uticket.ticket.mask import Mask
from uticket.training.batches import Images, on_device
from uticket.training.device import choose_device
from uticket.training.evaluate import accuracy
from uticket.training.masking import MaskedWeights
from uticket.training.ranks import ALONE
from uticket.training.run import Run
from uticket.training.search import WHOLE
from uticket.training.train import fastest_layout, running_in, train_step

WARM_UP = 2  # steps in which loops are compiled and memory is fetched
MEASURED_ROUNDS = 4  # beside dense; the steps of the rounds between are interpolated by round


def estimate_stages(params: Params, steps: int) -> dict[str, float]:
    """Return the seconds of each stage that trains or tests a network, as if run from scratch by one process.

    steps: of training that are measured for each of a few densities, with masks drawn at random. Early tickets count
    as if they did not end early. Raises InputError if the images are not prepared, or others are.
    """
    prepared, name = load(PREPARED), params.data.name
    expected = Path(params.data.path).name if name == "folder" else name
    if prepared.name != expected:
        raise InputError(f"{PREPARED}: expected the images {expected!r}, came {prepared.name!r}; run the stage data")
    device = choose_device(params.train.device)
    images, test = on_device(prepared, device)
    rounds = {ticket: params.round_of(ticket) for method in params.tickets for ticket in params.chain(method)[1:]}
    shown = sorted({0, *np.linspace(1, max(rounds.values()), MEASURED_ROUNDS).round().astype(int).tolist()})
    seconds = {}
    for number in bar(shown, "measuring", "rounds"):
        network = build(params.model, prepared.image_shape, len(prepared.classes), seed=0).to(device)
        mask = drawn(network, (1 - params.prune.fraction) ** number)
        seconds[number] = seconds_per_step(network, mask, images, params.train, steps)
    testing, starting = seconds_per_test(network, test), seconds_to_start()

    def training(number: int) -> float:
        step = float(np.interp(number, list(seconds), list(seconds.values())))
        epoch = images.num_batches(params.train.batch_size) * step + testing
        return starting + params.train.epochs * epoch + 2 * testing  # the activity is measured as long as a test

    tests = len(params.quantize.bits) * len(QUANTIZERS)
    stages = {DENSE: training(0)} | {ticket.replace("/", "@"): training(number) for ticket, number in rounds.items()}
    return stages | {
        f"quantize@{method}": starting + len(params.chain(method)) * tests * testing for method in params.tickets
    }


def drawn(network: SpikingNetwork, density: float) -> Mask:
    """Return a mask that keeps each weight with probability `density`."""
    rng = generator(0, "estimate")
    shapes = {name: tuple(layer.weight.shape) for name, layer in weight_layers(network).items()}
    return Mask({name: rng.random(shape) < density for name, shape in shapes.items()})


def seconds_per_step(network: SpikingNetwork, mask: Mask, images: Images, settings: Train, steps: int) -> float:
    """Train for a few steps; return the mean time of one after the first ones."""
    masked = MaskedWeights(network, mask)
    with running_in(network, fastest_layout(network, mask, images, settings)):
        run = Run(network, images, settings, 0, None, WHOLE, ALONE)
        batches = images.order(settings.batch_size, run.rng).split(settings.batch_size)
        network.train()
        for step in range(-WARM_UP, steps):
            if step == 0:
                run.tally.means()  # waits for the GPU
                started = time.perf_counter()
            train_step(run, masked, images, batches[step % len(batches)])
        run.tally.means()
    return (time.perf_counter() - started) / steps


def seconds_per_test(network: SpikingNetwork, test: Images) -> float:
    """Return the time of a test, from up to 1,024 images."""
    some = Images(test.images[:1024], test.labels[:1024], test.mean, test.deviation)
    accuracy(network, some)
    started = time.perf_counter()
    accuracy(network, some)
    return (time.perf_counter() - started) * len(test) / len(some)


def seconds_to_start() -> float:
    """Return the time in which a stage imports what it needs."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import uticket.training.train"], check=True)
    return time.perf_counter() - started
