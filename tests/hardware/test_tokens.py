import numpy as np

from tests.helpers import layer_of
from uticket.hardware.tiles import cut
from uticket.hardware.tokens import tokens_of


def test_tokens_of_one_spike():
    layer = layer_of(channels=1, size=(3, 3))
    spikes = np.zeros((4, 1, 3, 3), dtype=bool)
    spikes[1:3, 0, 0, 0] = True  # in the corner, in two of four timesteps
    tokens = tokens_of(layer, spikes, cut((3, 3), 256), "spikes")
    # it adds to the outputs (0, 0), (0, 1), (1, 0), (1, 1) through the kernel positions 4, 3, 1 and 0
    assert tokens.num[:, 0].tolist() == [1, 1, 0, 1, 1, 0, 0, 0, 0]
    assert tokens.cost.tolist() == [2, 2, 2, 2]
    assert tokens.spikes.tolist() == [2, 2, 0, 2, 2, 0, 0, 0, 0]


def test_token_costs_its_timesteps_its_spikes_or_one_cycle():
    layer = layer_of(channels=1, size=(3, 3))
    spikes = np.zeros((4, 1, 3, 3), dtype=bool)
    spikes[1:3, 0, 0, 0] = True
    costs = {cost: tokens_of(layer, spikes, cut((3, 3), 256), cost) for cost in ("timesteps", "spikes", "one")}
    assert {cost: tokens.cost.tolist() for cost, tokens in costs.items()} == {
        "timesteps": [4] * 4,
        "spikes": [2] * 4,
        "one": [1] * 4,
    }
    assert costs["timesteps"].cycles[:, 0].tolist() == [4, 4, 0, 4, 4, 0, 0, 0, 0]


def test_tokens_go_to_the_tile_of_their_output():
    layer = layer_of(channels=1, size=(2, 2), kernel=(1, 1), padding=(0, 0))
    spikes = np.array([[[[1, 1], [0, 1]]]], dtype=bool)
    assert tokens_of(layer, spikes, cut((2, 2), 1), "one").num.tolist() == [[1, 1, 0, 1]]
    assert tokens_of(layer, spikes, cut((2, 2), 2, copies=2), "one").num.tolist() == [[2, 1]]
