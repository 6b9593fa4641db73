"""How long a search will take: a few steps of each kind of training, measured and multiplied."""

import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from uticket.base.errors import InputError
from uticket.base.progress import bar
from uticket.base.seeds import generator
from uticket.capturing.axes import mask_shape
from uticket.config.lineage import DENSE
from uticket.config.params import Params
from uticket.config.paths import PREPARED
from uticket.data.prepared import Prepared, load
from uticket.networks.network import SpikingNetwork, build, weight_layers
from uticket.pipeline.rounds import training_of_round
from uticket.ticket.mask import Mask
from uticket.ticket.quantize import QUANTIZERS
from uticket.training.batches import Images, on_device
from uticket.training.device import choose_device
from uticket.training.evaluate import accuracy
from uticket.training.job import Job
from uticket.training.masking import MaskedWeights
from uticket.training.running import fastest_layout, running_in
from uticket.training.state import TrainingState
from uticket.training.trainer import Trainer

WARM_UP = 2  # steps in which loops are compiled and memory is fetched
MEASURED_ROUNDS = 4  # beside dense; the steps of the rounds between are interpolated by round


def estimate_stages(params: Params, steps: int) -> dict[str, float]:
    """Return the seconds of each stage that trains or tests a network, as if run from scratch by one process.

    steps: of training that are measured for each of a few densities, with masks drawn at random. Early tickets count
    as if they did not end early. Raises InputError if the images are not prepared, or others are.
    """
    prepared, lineage = load_images(params), params.lineage
    device = choose_device(params.train.device)
    images, test = on_device(prepared, device)
    chains = {method: lineage.chain(method) for method in lineage.methods}
    rounds = {ticket: lineage.round_of(ticket) for chain in chains.values() for ticket in chain[1:]}
    shown = sorted({0, *np.linspace(1, max(rounds.values()), MEASURED_ROUNDS).round().astype(int).tolist()})
    seconds = {}
    for number in bar(shown, "measuring", "rounds"):
        network = build(params.model, prepared.image_shape, len(prepared.classes), seed=0).to(device)
        mask = drawn(network, (1 - params.prune.fraction) ** number)
        seconds[number] = seconds_per_step(Job(MaskedWeights(network, mask), images, test, params.train, seed=0), steps)
    testing, starting = seconds_per_test(network, test), seconds_to_start()

    def training(number: int) -> float:
        step = float(np.interp(number, list(seconds), list(seconds.values())))
        epoch = images.num_batches(params.train.batch_size) * step + testing
        epochs = (training_of_round(params.train, params.prune) if number else params.train).epochs
        return starting + epochs * epoch + 2 * testing  # the activity is measured as long as a test

    tests = len(params.quantize.bits) * len(QUANTIZERS)
    on_training_images = len(images) / len(test) * testing
    imported = starting + on_training_images + 3 * testing
    dense = training(0) if params.dense.checkpoint is None else imported
    stages = {DENSE: dense} | {f"ticket@{ticket}": training(number) for ticket, number in rounds.items()}
    return stages | {f"quantize@{name}": starting + len(chain) * tests * testing for name, chain in chains.items()}


def load_images(params: Params) -> Prepared:
    """Read the prepared images. Raises InputError if there are none, or those of another data set."""
    prepared, name = load(PREPARED), params.data.name
    expected = Path(params.data.path).name if name in ("folder", "events_folder") else name
    if prepared.name != expected:
        raise InputError(f"{PREPARED}: expected the images {expected!r}, got {prepared.name!r}; run the stage data")
    return prepared


def drawn(network: SpikingNetwork, density: float) -> Mask:
    """Return a mask that keeps each weight with probability `density`."""
    rng = generator(0, "estimate")
    shapes = {name: mask_shape(layer) for name, layer in weight_layers(network).items()}
    return Mask({name: rng.random(shape) < density for name, shape in shapes.items()})


def seconds_per_step(job: Job, steps: int) -> float:
    """Train for a few steps; return the mean time of one after the first ones."""
    with running_in(job.network, fastest_layout(job)):
        trainer, state = Trainer.of(job), TrainingState(job)
        batches = job.images.order(job.settings.batch_size, state.rng).split(job.settings.batch_size)
        job.network.train()
        for step in range(-WARM_UP, steps):
            if step == 0:
                state.tally.means()  # waits for the GPU
                started = time.perf_counter()
            trainer.step(state, batches[step % len(batches)])
        state.tally.means()
    return (time.perf_counter() - started) / steps


def seconds_per_test(network: SpikingNetwork, test: Images) -> float:
    """Return the time of a test, from up to 1,024 images."""
    some = replace(test, images=test.images[:1024], labels=test.labels[:1024])
    accuracy(network, some)
    started = time.perf_counter()
    accuracy(network, some)
    return (time.perf_counter() - started) * len(test) / len(some)


def seconds_to_start() -> float:
    """Return the time in which a stage imports what it needs."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import uticket.training.train"], check=True)
    return time.perf_counter() - started
