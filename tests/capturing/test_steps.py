"""Where time lies, in networks of plain PyTorch."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import uticket as ut

T, B = 4, 3


def events(*shape: int) -> Tensor:
    return (torch.rand(*shape, generator=torch.Generator().manual_seed(0)) < 0.5).float()


class Time(nn.Module):
    """Two layers that run in one of several ways on events (T, B, ...), and give their inputs away."""

    def __init__(self, way: str, linear: bool = False) -> None:
        super().__init__()
        self.way = way
        self.one = nn.Linear(5, 5) if linear else nn.Conv2d(2, 2, 3, padding=1)
        self.two = nn.Linear(5, 3) if linear else nn.Conv2d(2, 3, 1)

    def step(self, x: Tensor) -> Tensor:
        return self.two((self.one(x) > 0).float())

    def forward(self, x: Tensor) -> Tensor:
        if self.way == "steps":
            return torch.stack([self.step(frame) for frame in x])
        if self.way == "layers":
            spikes = torch.stack([self.one(frame) > 0 for frame in x]).float()
            return torch.stack([self.two(frame) for frame in spikes])
        if self.way == "time first":
            return self.step(x.flatten(0, 1))
        if self.way == "images first":
            return self.step(x.transpose(0, 1).flatten(0, 1))
        if self.way == "inputs are images first":
            return self.step(x.flatten(0, 1))
        return self.step(x.repeat(T, 1, 1, 1) if self.way == "repeated" else x.repeat_interleave(T, 0))


def expected(ticket: ut.Ticket, frames: Tensor) -> bool:
    """Whether the first layer got the frames, by image."""
    return np.array_equal(ticket.spikes["one"], frames.transpose(0, 1).numpy())


@pytest.mark.parametrize("way", ["steps", "layers"])
def test_loops_over_steps_or_layer_by_layer(way):
    frames = events(T, B, 2, 6, 6)
    ticket = ut.capture(Time(way), frames)
    assert ticket.timesteps == T
    assert expected(ticket, frames)
    assert ticket.findings.guesses == ()


def test_two_leading_axes_are_a_choice():
    frames = events(T, B, 2, 6, 6)
    expected_line = r"timesteps: expected it for inputs with two leading axes \(4, 3\), got none: pass timesteps=4, "
    with pytest.raises(ut.InputError, match=expected_line + r"batch_first=False or timesteps=3, batch_first=True"):
        ut.capture(Time("time first"), frames)
    for options in ({"timesteps": T}, {"batch_first": False}):
        assert expected(ut.capture(Time("time first"), frames, **options), frames)
    by_image = frames.transpose(0, 1)
    for options in ({"timesteps": T}, {"batch_first": True}):
        assert expected(ut.capture(Time("inputs are images first"), by_image, **options), frames)
    assert expected(ut.capture(Time("images first"), frames, T, batch_first=True), frames)


def test_of_two_equal_axes_the_order_is_a_guess_unless_it_is_given():
    frames = events(T, T, 2, 6, 6)
    guess = ut.capture(Time("time first"), frames, T)
    assert expected(guess, frames)
    assert "time is the outer axis" in guess.findings.guesses[0]
    sure = ut.capture(Time("images first"), frames, T, batch_first=True)
    assert expected(sure, frames)
    assert sure.findings.guesses == ()


@pytest.mark.parametrize("way", ["repeated", "interleaved"])
def test_repeated_images_show_the_order(way):
    images = torch.rand(B, 2, 6, 6)
    ticket = ut.capture(Time(way), images)
    assert ticket.timesteps == T
    assert ticket.findings.guesses == ()
    assert ticket.layers[0].reads == "image"
    spikes = ticket.spikes["two"]
    assert all(np.array_equal(spikes[:, 0], spikes[:, step]) for step in range(T))
    assert not np.array_equal(spikes[0], spikes[1])


def test_a_loop_on_images_may_call_each_layer_several_times_so_that_its_timesteps_are_a_guess():
    class Still(Time):
        def forward(self, x: Tensor) -> list[Tensor]:
            return [self.step(x) for _ in range(T)]

    images = events(T, 2, 6, 6)  # as many images as timesteps
    ticket = ut.capture(Still(""), images)
    assert ticket.timesteps == T
    assert ticket.findings.guesses == ("that layers called 4 times run once in each timestep",)
    sure = ut.capture(Still(""), images, timesteps=2)
    assert [layer.name for layer in sure.layers] == ["one", "two", "one@2", "two@2"]
    assert sure.findings.guesses == ()
    alone = ut.capture(Time("steps"), events(T, 2, 6, 6))  # frames of one image, without an axis of images
    assert (alone.timesteps, alone.num_images, alone.findings.guesses) == (T, 1, ())


@pytest.mark.parametrize("way", ["steps", "time first"])
def test_frames_that_change_are_no_image(way):
    frames = torch.rand(T, B, 2, 6, 6)
    assert ut.capture(Time(way), frames, timesteps=T).layers[0].reads == "analog"
    still = frames[:1].repeat(T, 1, 1, 1, 1)
    assert ut.capture(Time(way), still, timesteps=T).layers[0].reads == "image"


def test_events_folded_by_the_network_are_a_guess():
    class Encoded(Time):
        def forward(self, x: Tensor) -> Tensor:
            return self.step((x > torch.linspace(0, 0.9, T)[:, None, None, None, None]).float().flatten(0, 1))

    images = torch.rand(B, 2, 6, 6)
    ticket = ut.capture(Encoded("encoded"), images)
    assert ticket.timesteps == T
    assert "time is the outer axis" in ticket.findings.guesses[0]
    assert np.array_equal(ticket.spikes["one"][:, 0], images.numpy() > 0)


def test_rows_without_time_are_images_by_a_guess():
    ticket = ut.capture(Time("time first"), events(1, 6, 2, 6, 6), batch_first=False)
    assert (ticket.timesteps, ticket.num_images) == (1, 6)

    class Plain(Time):
        def forward(self, x: Tensor) -> Tensor:
            return self.step(x)

    ticket = ut.capture(Plain(""), events(8, 2, 6, 6))
    assert (ticket.timesteps, ticket.num_images) == (1, 8)
    assert "that rows are images" in ticket.findings.guesses[0]
    given = ut.capture(Plain(""), events(8, 2, 6, 6), timesteps=4)
    assert (given.timesteps, given.num_images) == (4, 2)
    assert ut.capture(Plain(""), events(2, 6, 6)).num_images == 1  # without an axis of images


def test_tokens_are_positions_of_a_linear_layer():
    frames = events(T, B, 7, 5)
    ticket = ut.capture(Time("steps", linear=True), frames)
    assert ticket.layers[0].input_size == ticket.layers[0].output_size == (1, 7)
    assert np.array_equal(ticket.spikes["one"], frames.permute(1, 0, 3, 2)[:, :, :, None].numpy())


def test_a_loop_of_the_caller_is_run():
    frames, network = events(T, B, 2, 6, 6), Time("")
    ticket = ut.capture(network, frames, run=lambda twin, x: [twin.step(frame) for frame in x])
    assert expected(ticket, frames)


def test_shared_layers_have_an_entry_for_each_use():
    class Shared(Time):
        def step(self, x: Tensor) -> Tensor:
            return self.two((self.one((self.one(x) > 0).float()) > 0).float())

    class LayerAfterLayer(Time):
        def forward(self, x: Tensor) -> Tensor:
            once = [(self.one(frame) > 0).float() for frame in x]
            between = [self.two(frame) for frame in once]
            twice = [(self.one(frame) > 0).float() for frame in once]
            return between, twice

    frames = events(T, B, 2, 6, 6)
    for network in (Shared("steps"), LayerAfterLayer("")):
        ticket = ut.capture(network, frames)
        assert [layer.name for layer in ticket.layers] == [
            "one",
            *(["one@2", "two"] if network.way else ["two", "one@2"]),
        ]
        assert expected(ticket, frames)
        second = (network.one(frames.flatten(0, 1)) > 0).unflatten(0, (T, B)).transpose(0, 1)
        assert np.array_equal(ticket.spikes["one@2"], second.numpy())


def test_calls_that_fit_no_number_of_timesteps_are_reported():
    class Uneven(Time):
        def forward(self, x: Tensor) -> Tensor:
            self.one(x[0]), self.one(x[1])
            return [self.two(frame) for frame in x[:3]]

    expected_line = r"timesteps: expected a number that fits the calls .*, got one: 2 x \(3,\), two: 3 x \(3,\)"
    with pytest.raises(ut.InputError, match=expected_line):
        ut.capture(Uneven(""), events(T, B, 2, 6, 6))
    with pytest.raises(ut.InputError, match="timesteps: expected 5 timesteps in the calls"):
        ut.capture(Time("steps"), events(T, B, 2, 6, 6), timesteps=5)
    with pytest.raises(ut.InputError, match="timesteps: expected 1 to 65535, got 0"):
        ut.capture(Time("steps"), events(T, B, 2, 6, 6), timesteps=0)
