"""Training and testing of one network."""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn
from tqdm import tqdm

from uticket.base.errors import InputError
from uticket.base.progress import bar, log
from uticket.config.params import Train
from uticket.engine.layout import BatchFirst, Layout, choose_layout
from uticket.networks.models import SpikingNetwork, weight_layers
from uticket.networks.shapes import describe_layers
from uticket.ticket.mask import Mask
from uticket.training.batches import Images
from uticket.training.checkpoint import State
from uticket.training.cost import Cost
from uticket.training.early_time import AFTER_EPOCH, choose_timesteps
from uticket.training.evaluate import accuracy
from uticket.training.keep import Keep
from uticket.training.masking import MaskedWeights
from uticket.training.run import Epoch, Run, Tally, in_bfloat16
from uticket.training.search import WHOLE, Search

SECONDS_BETWEEN_FIGURES = 0.5  # reading a loss makes a GPU wait, so the bar does not get one in every step


@dataclass(frozen=True)
class Trained:
    """What a training leaves beside the trained network."""

    epochs: list[Epoch]
    rewind: State | None  # of the network at the end of the epoch that was asked for
    divergences: dict[int, float]  # by timesteps, if they were chosen (`uticket.training.early_time`)
    cost: Cost


def train(
    network: SpikingNetwork,
    masked: MaskedWeights,
    images: Images,
    test: Images,
    settings: Train,
    seed: int,
    keep: Keep,
    rewind_epoch: int | None = None,
    search: Search = WHOLE,
) -> Trained:
    """Train `network` in place.

    SGD with momentum, weight decay and a cosine schedule over all steps. masked: the weights held at zero.
    seed: decides the order and the augmentation of the images.
    keep: names the training, knows the processes that share it, and keeps its state; a state of the same training is
    taken up, and ends with the same bytes (CPU).
    rewind_epoch: of which a copy of the network is returned; 0 is before training.
    search: how the training is made shorter.
    Raises InputError if the loss becomes infinite or NaN, or if a batch is too small for so many processes.
    """
    smallest = min(settings.batch_size, len(images)) // keep.ranks.world
    if smallest < 2 <= keep.ranks.world:  # batch norm needs two images
        expected = f"at least 2 images in a batch for each of {keep.ranks.world} processes"
        raise InputError(f"train.batch_size: expected {expected}, came {min(settings.batch_size, len(images))}")
    with running_in(network, fastest_layout(network, masked.mask, images, settings)):
        run = Run(network, images, settings, seed, rewind_epoch, search, keep.ranks)
        state = keep.open(run.key(seed, images, test, masked))
        if state is not None:
            run.restore(*state)
            log.info("%s  goes on in epoch %d, at batch %d", keep.what, len(run.epochs) + 1, run.batch + 1)
        in_epoch = images.num_batches(settings.batch_size) * min(settings.batch_size, len(images))
        total, seen = in_epoch * settings.epochs, run.images_seen(in_epoch)
        with bar(None, keep.what, "images", total=total, initial=seen) as progress:
            while not run.ended:
                train_epoch(run, masked, images, test, keep, Pace(progress, f"{len(run.epochs) + 1}/{settings.epochs}"))
                if keep.due():
                    keep.save(*run.state())
    cost = Cost.of(run.seconds, in_epoch, run.device, keep.ranks)
    return Trained(run.epochs, run.rewind, run.divergences, cost)


def train_epoch(run: Run, masked: MaskedWeights, images: Images, test: Images, keep: Keep, pace: "Pace") -> None:
    """Train for an epoch, or for what is left of one that was kept, and test the network."""
    train_steps(run, masked, images, keep, pace)
    rate = pace.images_per_second()
    run.ranks.level(run.network)
    means = run.tally.total(run.ranks).means()
    ended = Epoch(len(run.epochs) + 1, *means, accuracy(run.network, test, run.ranks))
    if not math.isfinite(ended.loss):
        came = f"{ended.loss} in epoch {ended.epoch}; lower train.learning_rate"
        raise InputError(f"{keep.what}: expected a finite loss, came {came}")
    run.end_epoch(ended)
    figures = f"loss {ended.loss:.4f}  accuracy {ended.train_accuracy:.4f}  test {ended.test_accuracy:.4f}"
    log.info("%s  epoch %d/%d  %s  %.0f images/s", keep.what, ended.epoch, run.settings.epochs, figures, rate)
    shorten(run, images, keep.what)


def shorten(run: Run, images: Images, what: str) -> None:
    """Choose the timesteps of a search after an epoch, and say whether it is over; the first process decides."""
    early_time, early_stop = run.search.early_time, run.search.early_stop
    if early_time is not None and len(run.epochs) == AFTER_EPOCH < run.settings.epochs:
        chosen = run.ranks.from_first(lambda: choose_timesteps(run.network, images, early_time))
        run.network.timesteps, run.divergences = chosen
        log.info("%s  goes on with %d timesteps; divergence %s", what, *chosen)
    if early_stop is not None:
        layers = weight_layers(run.network).items()
        early_stop.see({name: layer.weight.detach().cpu().numpy() for name, layer in layers})
        run.settled = run.ranks.from_first(lambda: early_stop.settled)


def train_steps(run: Run, masked: MaskedWeights, images: Images, keep: Keep, pace: "Pace") -> None:
    """Take the steps of an epoch that are left; keep the state between two when it is due."""
    batch_size = run.settings.batch_size
    batches = images.num_batches(batch_size)
    run.network.train()
    if run.order is None:
        run.begin_epoch(images.order(batch_size, run.rng))
    for chosen in run.batches_left(batch_size):
        train_step(run, masked, images, chosen)
        pace.update(len(chosen), run.tally)
        if run.batch < batches and keep.due():
            keep.save(*run.state())


def train_step(run: Run, masked: MaskedWeights, images: Images, chosen: Tensor) -> None:
    """Take one step on the images `chosen`, of which each process takes its share."""
    augmented = images.augmented(images.images[chosen], run.settings.augment, run.rng)
    batch, labels = run.ranks.share(augmented), run.ranks.share(images.labels[chosen])
    outputs = run.outputs(batch)
    loss = LOSSES[run.settings.loss](outputs, labels)
    run.optimizer.zero_grad()
    (loss * (len(labels) * run.ranks.world / len(chosen))).backward()  # the mean over processes is that over images
    masked.zero_gradients()
    run.optimizer.step()
    run.tally.add(loss.detach(), outputs.detach(), labels)


@contextmanager
def running_in(network: SpikingNetwork, layout: Layout) -> Iterator[None]:
    """Run a network in another layout for a while."""
    before, network.layout = network.layout, layout
    try:
        yield
    finally:
        network.layout = before


def fastest_layout(network: SpikingNetwork, mask: Mask, images: Images, settings: Train) -> Layout:
    """Return the layout in which the network trains fastest; GPUs stay dense, and so does bfloat16."""
    device = images.images.device
    if settings.sparse == "off" or device.type != "cpu" or in_bfloat16(settings, device):
        return BatchFirst()
    layers = weight_layers(network)
    convolutions = {name: layer for name, layer in layers.items() if isinstance(layer, nn.Conv2d)}
    positions = {layer.name: layer.positions for layer in describe_layers(network, images.images.shape[1:])}
    return choose_layout(convolutions, mask, positions)


def per_step_loss(outputs: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of each timestep's output, averaged. outputs: (T, B, classes); labels: (B,)."""
    return nn.functional.cross_entropy(outputs.flatten(0, 1), labels.repeat(len(outputs)))


def mean_loss(outputs: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of the output averaged over the timesteps. outputs: (T, B, classes); labels: (B,)."""
    return nn.functional.cross_entropy(outputs.mean(0), labels)


LOSSES = {"per_step": per_step_loss, "mean": mean_loss}


class Pace:
    """Speed of an epoch, shown on the bar now and then."""

    def __init__(self, progress: "tqdm[Any]", epoch: str) -> None:
        self._progress, self._epoch, self._count = progress, epoch, 0
        self._started = self._shown = time.monotonic()

    def update(self, count: int, tally: Tally) -> None:
        """Go on by `count` images."""
        self._count += count
        self._progress.update(count)
        if not self._progress.disable and time.monotonic() - self._shown > SECONDS_BETWEEN_FIGURES:
            self._shown = time.monotonic()
            loss, accuracy_so_far = tally.means()
            self._progress.set_postfix_str(f"epoch {self._epoch}, loss {loss:.3f}, accuracy {accuracy_so_far:.3f}")

    def images_per_second(self) -> float:
        """Return the speed of training since the epoch began, or was taken up again."""
        return self._count / (time.monotonic() - self._started)
