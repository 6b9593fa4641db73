"""Networks of one's own while they are trained and measured."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import uticket as ut
from tests.helpers import BRIEF, SMALL
from tests.training.helpers import drawn_mask, job_of, made_up, run
from uticket.base.errors import InputError
from uticket.engine.layout import BatchFirst
from uticket.engine.lif import LIF
from uticket.networks.own import OwnNetwork
from uticket.networks.shapes import describe_layers
from uticket.networks.trial import try_out
from uticket.training.activity import measure_activity, sample_spikes
from uticket.training.checkpoint import State, copy_state
from uticket.training.keep import Keep
from uticket.training.key import key_of
from uticket.training.ranks import ALONE
from uticket.training.reads import with_reads
from uticket.training.running import fastest_layout
from uticket.training.train import train

T, IMAGE = SMALL.timesteps, (1, 8, 8)


class Rows(nn.Module):
    """A 1-D convolution over the rows of an image, spikes that are sums of two, dropout, and a mean before the end.

    way: how the timesteps run: in a loop, folded into the batch, or along an axis before it.
    """

    def __init__(self, way: str = "loop", dropout: float = 0.0) -> None:
        super().__init__()
        self.way = way
        self.rows = nn.Conv1d(8, 6, 3, padding="same", bias=False)
        self.norm = nn.BatchNorm1d(6)
        self.mix = nn.Conv1d(6, 6, 3, padding=1, groups=3, bias=False)
        self.tokens = nn.Linear(8, 4)
        self.end = nn.Linear(6, 2)
        self.dropout = nn.Dropout(dropout)
        self.lif = LIF(0.25, 0.4, 2.0)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        current = self.norm(self.rows(images[:, 0]))  # each image once
        x = self.lif(current.expand(T, *current.shape))
        x = x + self.lif(self.over_time(self.mix, x))
        x = self.lif(self.over_time(self.tokens, x))
        return self.over_time(self.end, self.dropout(x.mean(3)))

    def over_time(self, layer: nn.Module, x: torch.Tensor) -> torch.Tensor:
        if self.way == "loop":
            return torch.stack([layer(step) for step in x])
        if self.way == "axis" and isinstance(layer, nn.Linear):
            return layer(x)
        return layer(x.flatten(0, 1)).unflatten(0, x.shape[:2])


def own(module: nn.Module) -> OwnNetwork:
    network = OwnNetwork(SMALL, module)
    try_out(network, IMAGE, 2)
    return network


def rows(way: str = "loop", dropout: float = 0.0) -> OwnNetwork:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return own(Rows(way, dropout))


@pytest.mark.parametrize("way", ["loop", "folded", "axis"])
def test_what_arrives_is_the_same_however_time_runs(way):
    network, images = rows(way), made_up(10)
    layers, factors = with_reads(network, describe_layers(network, IMAGE), images)
    shapes = {layer.name: (layer.reads, layer.groups, layer.kernel, layer.input_size) for layer in layers}
    assert shapes == {
        "rows": ("image", 1, (1, 3), (1, 8)),
        "mix": ("spikes", 3, (1, 3), (1, 8)),
        "tokens": ("counts", 1, (1, 1), (1, 6)),
        "end": ("counts", 1, (1, 1), (1, 1)),  # of 1/4
    }
    assert all(layer.weight_shape == drawn_mask(network)[layer.name].shape for layer in layers)
    activity = {a.layer: a for a in measure_activity(network, layers, images)}
    assert list(activity) == ["mix", "tokens", "end"]
    assert factors == {"mix": 1.0, "tokens": 1.0, "end": 0.25}
    spikes = sample_spikes(network, layers, images, 10, factors)
    assert {name: (values.dtype, values.shape) for name, values in spikes.items()} == {
        "mix": (np.bool_, (10, T, 6, 1, 8)),
        "tokens": (np.uint8, (10, T, 8, 1, 6)),
        "end": (np.uint8, (10, T, 6, 1, 1)),
    }
    expected = inputs_by_hand(images.normalized(images.images))
    assert np.array_equal(spikes["mix"][:, :, :, 0], expected["mix"].numpy())
    assert np.array_equal(spikes["tokens"][:, :, :, 0], expected["tokens"].transpose(2, 3).numpy())
    assert spikes["tokens"].max() == 2
    assert np.array_equal(spikes["end"][..., 0, 0], (4 * expected["end"]).numpy())
    for name, values in spikes.items():
        assert activity[name].spike_sparsity == pytest.approx((values == 0).mean())
        assert activity[name].silent_share == pytest.approx((values == 0).all(1).mean())


class Tokens(Rows):
    """As many tokens in a loop as there are timesteps."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        spikes = self.lif(self.norm(self.rows(images[:, 0])).expand(T, -1, -1, -1))  # (T, B, 6, 8)
        return torch.stack([self.end(self.tokens(step[:, :T]).mean(2)) for step in spikes])


def test_as_many_tokens_as_images_and_timesteps_are_told_apart():
    module = Tokens()
    module.mix, module.end = nn.Identity(), nn.Linear(T, 2)
    network = own(module)
    assert network.stacked == frozenset()
    layers, _ = with_reads(network, describe_layers(network, IMAGE), made_up())
    (tokens,) = (layer for layer in layers if layer.name == "tokens")
    assert tokens.input_size == (1, T)
    few, one = sample_spikes(network, layers, made_up(T), T), sample_spikes(network, layers, made_up(T), 1)
    assert few["tokens"].any()
    assert np.array_equal(few["tokens"][:1], one["tokens"])
    assert own(Rows("axis")).stacked == {"tokens", "end"}


def test_a_capture_sees_the_same():
    network, images = rows("folded"), made_up(10)
    layers, factors = with_reads(network, describe_layers(network, IMAGE), images)
    captured = ut.capture(network.module, images.normalized(images.images), timesteps=T, batch_first=False)
    assert list(captured.layers) == layers
    assert captured.findings.factors == {"end": factors["end"]}
    spikes = sample_spikes(network, layers, images, 10, factors)
    assert all(np.array_equal(captured.spikes[name], values) for name, values in spikes.items())


def test_counts_of_a_few_images_have_the_factor_of_all():
    network, images = rows(), made_up(10)
    layers, factors = with_reads(network, describe_layers(network, IMAGE), images)
    end = sample_spikes(network, layers, images, 10, factors)["end"]
    halved = {**factors, "end": factors["end"] / 2}
    assert np.array_equal(sample_spikes(network, layers, images, 10, halved)["end"], 2 * end)


class Unlike(Rows):
    """Whose last layer reads what is no multiple of one number."""

    def over_time(self, layer: nn.Module, x: torch.Tensor) -> torch.Tensor:
        return super().over_time(layer, x * self.end.weight[0] if layer is self.end else x)


def test_what_is_no_count_is_analog():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = own(Unlike())
    layers, factors = with_reads(network, describe_layers(network, IMAGE), made_up())
    assert layers[-1].reads == "analog"
    assert "end" not in factors


def inputs_by_hand(images: torch.Tensor) -> dict[str, torch.Tensor]:
    """The inputs (images, T, ...) that a hook on the folded network sees."""
    module, seen = rows("folded").module.eval(), {}
    for name in ("mix", "tokens", "end"):
        hook = lambda _, inputs, name=name: seen.update({name: inputs[0].unflatten(0, (T, -1)).transpose(0, 1)})  # noqa: E731
        module.get_submodule(name).register_forward_pre_hook(hook)
    with torch.no_grad():
        module(images)
    return seen


@pytest.mark.parametrize("name", ["rows", "mix", "tokens"])
def test_pruned_weights_stay_zero_in_any_kind_of_layer(name, tmp_path):
    network = rows()
    before = copy_state(network)[f"{name}.weight"]
    mask = drawn_mask(network)
    run(job_of(network, mask, BRIEF.model_copy(update={"save_minutes": 0.0})), tmp_path)
    after, kept = copy_state(network)[f"{name}.weight"], torch.from_numpy(mask[name].copy()).reshape(before.shape)
    assert not after[~kept].any()
    assert (after != before)[kept].any()


def test_training_is_dense_and_its_key_has_the_code():
    network = rows()
    job = job_of(network, drawn_mask(network, 0.01), BRIEF)
    assert isinstance(fastest_layout(job), BatchFirst)
    before = key_of(job, ALONE)
    network.code = ("other",)
    assert key_of(job, ALONE) != before


class Stopped(Exception):  # noqa: N818
    """In place of a kill."""


class Stopping(Keep):
    """Stops after some saved steps."""

    def save(self, *given) -> None:
        super().save(*given)
        self.left = getattr(self, "left", 5) - 1
        if not self.left:
            raise Stopped


def trained(folder: Path, kind: type[Keep]) -> State:
    network = rows(dropout=0.5)
    settings = BRIEF.model_copy(update={"save_minutes": 0.0})
    with kind("own", 0.0, root=folder) as keep:
        train(job_of(network, drawn_mask(network), settings), keep)
    return copy_state(network)


def test_a_run_with_dropout_that_stops_ends_with_the_same_bytes(tmp_path):
    undisturbed = trained(tmp_path / "one", Keep)
    with pytest.raises(Stopped):
        trained(tmp_path / "two", Stopping)
    torch.rand(3)  # what else was drawn meanwhile
    resumed = trained(tmp_path / "two", Keep)
    assert all(torch.equal(undisturbed[name], resumed[name]) for name in undisturbed)
    with torch.random.fork_rng():
        torch.manual_seed(1)
        assert torch.equal(trained(tmp_path / "three", Keep)["end.weight"], undisturbed["end.weight"])


class Odd(Rows):
    """Its last layer runs in some timesteps only."""

    def over_time(self, layer: nn.Module, x: torch.Tensor) -> torch.Tensor:
        if layer is self.end:
            return torch.stack([layer(step) for step in x[1:]]).mean(0)
        return super().over_time(layer, x)


def test_a_layer_that_runs_in_some_timesteps_is_named():
    expected = r"model.name: expected 'end' to run once in each timestep or once in all, got 3 times on 2 images"
    with pytest.raises(InputError, match=expected):
        own(Odd())
