"""Training and testing of one network."""

import math
from dataclasses import dataclass

from uticket.base.errors import InputError
from uticket.base.progress import bar, log
from uticket.capturing.axes import mask_shape
from uticket.networks.network import weight_layers
from uticket.training.checkpoint import State
from uticket.training.cost import TrainingCost
from uticket.training.early_time import AFTER_EPOCH, choose_timesteps
from uticket.training.evaluate import accuracy
from uticket.training.job import Job
from uticket.training.keep import Keep
from uticket.training.key import key_of
from uticket.training.pace import Pace
from uticket.training.ranks import Ranks
from uticket.training.running import fastest_layout, running_in
from uticket.training.saved import restore, saved
from uticket.training.state import TrainingState
from uticket.training.tally import Epoch
from uticket.training.trainer import Trainer

__all__ = ["Epoch", "Job", "Trained", "train"]


@dataclass(frozen=True)
class Trained:
    """What a training leaves beside the trained network."""

    epochs: list[Epoch]
    rewind: State | None  # of the network at the end of the job's rewind_epoch
    divergences: dict[int, float]  # by timesteps, if they were chosen (`uticket.training.early_time`)
    cost: TrainingCost | None  # None: it was not trained here


def train(job: Job, keep: Keep) -> Trained:
    """Train the network of a job in place: SGD with momentum, weight decay and a cosine schedule over all steps.

    keep: names the training, knows the processes that share it, and keeps its state. Resumes from a saved state of the
    same training; bit-identical on the CPU.
    Raises InputError if the loss becomes infinite or NaN, if a batch is too small for the number of processes, or if
    another run of the same training has not ended.
    """
    check_batch_size(job, keep.ranks)
    settings, early_stop = job.settings, job.search.early_stop
    with running_in(job.network, fastest_layout(job)):
        trainer, state = Trainer.of(job, keep.ranks), TrainingState(job)
        found = keep.open(key_of(job, keep.ranks))
        if found is not None:
            restore(state, found, early_stop, keep.ranks)
            log.info("%s  resumes in epoch %d, at batch %d", keep.what, len(state.epochs) + 1, state.batch + 1)
        total = job.images_per_epoch * settings.epochs
        seen = job.images_per_epoch * len(state.epochs) + job.batch_size * state.batch
        with bar(None, keep.what, "images", total=total, initial=seen) as progress:
            while not state.ended(settings.epochs):
                train_epoch(trainer, state, keep, Pace(progress, f"{len(state.epochs) + 1}/{settings.epochs}"))
                if keep.due():
                    keep.save(*saved(state, early_stop, keep.ranks))
    cost = TrainingCost.of(state.stopwatch.seconds, job.images_per_epoch, job.device, keep.ranks)
    return Trained(state.epochs, state.rewind, state.divergences, cost)


def check_batch_size(job: Job, ranks: Ranks) -> None:
    """Raise InputError if a process would get a single image, of which batch norm has no variance."""
    if job.batch_size // ranks.world < 2 <= ranks.world:
        expected = f"at least 2 images in a batch for each of {ranks.world} processes"
        raise InputError(f"train.batch_size: expected {expected}, got {job.batch_size}")


def train_epoch(trainer: Trainer, state: TrainingState, keep: Keep, pace: Pace) -> None:
    """Train for an epoch, or for what is left of one that was resumed, and test the network."""
    job, ranks = trainer.job, trainer.ranks
    train_steps(trainer, state, keep, pace)
    rate = pace.images_per_second()
    ranks.level(job.network)
    means = state.tally.total(ranks).means()
    ended = Epoch(len(state.epochs) + 1, *means, accuracy(job.network, job.test, ranks))
    if not math.isfinite(ended.loss):
        got = f"{ended.loss} in epoch {ended.epoch}; lower train.learning_rate"
        raise InputError(f"{keep.what}: expected a finite loss, got {got}")
    state.end_epoch(ended, job.rewind_epoch)
    figures = f"loss {ended.loss:.4f}, accuracy {ended.train_accuracy:.4f}, test {ended.test_accuracy:.4f}"
    if pace.is_worth_a_line:
        log.info("%s  epoch %d/%d: %s, %.0f images/s", keep.what, ended.epoch, job.settings.epochs, figures, rate)
    shorten(trainer, state, keep.what)


def train_steps(trainer: Trainer, state: TrainingState, keep: Keep, pace: Pace) -> None:
    """Take the steps of an epoch that are left; keep the state between two of them when it is due."""
    job = trainer.job
    job.network.train()
    if state.order is None:
        state.begin_epoch(job.images.order(job.settings.batch_size, state.rng))
    for chosen in state.batches_left(job.settings.batch_size):
        trainer.step(state, chosen)
        pace.update(len(chosen), state.tally)
        if state.batch < job.num_batches and keep.due():
            keep.save(*saved(state, job.search.early_stop, trainer.ranks))


def shorten(trainer: Trainer, state: TrainingState, what: str) -> None:
    """Choose the timesteps of a search after an epoch, and note whether it may end; the first process decides."""
    job, ranks = trainer.job, trainer.ranks
    early_time, early_stop = job.search.early_time, job.search.early_stop
    if early_time is not None and len(state.epochs) == AFTER_EPOCH < job.settings.epochs:
        job.network.timesteps, state.divergences = ranks.from_first(
            lambda: choose_timesteps(job.network, job.images, early_time)
        )
        log.info("%s  continues with %d timesteps", what, job.network.timesteps)
    if early_stop is not None:
        layers = weight_layers(job.network).items()
        early_stop.see({name: layer.weight.detach().cpu().numpy().reshape(mask_shape(layer)) for name, layer in layers})
        state.settled = ranks.from_first(lambda: early_stop.settled)
