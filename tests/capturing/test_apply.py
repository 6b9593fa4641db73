"""A ticket's mask and weights in the module that they belong to."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations, prune

import uticket as ut


@pytest.fixture
def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv1d(4, 6, 3), nn.Flatten(), nn.Linear(24, 3))


def ticket_of(network: nn.Module) -> ut.Ticket:
    return ut.prune(ut.capture(network, (torch.rand(2, 4, 6) < 0.5).float(), timesteps=1), 0.5)


def test_mask_and_weights_are_put_in_and_survive_training(network):
    ticket = ticket_of(network)
    values = {name: weights + 1 for name, weights in ticket.weights.items()}
    changed = ut.Ticket(ticket.layers, ticket.mask, values)
    assert ut.apply(changed, network) is network
    optimizer = torch.optim.SGD(network.parameters(), 0.1)
    network(torch.rand(2, 4, 6)).sum().backward()
    optimizer.step()
    network(torch.rand(2, 4, 6))
    for layer in ticket.layers:
        weight = network.get_submodule(layer.name).weight.detach().numpy().reshape(layer.weight_shape)
        assert np.array_equal(weight != 0, ticket.mask[layer.name])
    again = ut.capture(network, torch.rand(2, 4, 6), timesteps=1)
    assert np.array_equal(again.mask["0"], ticket.mask["0"])


def test_weights_are_those_of_the_ticket_under_its_mask(network):
    ticket = ticket_of(network)
    zeroed = nn.Sequential(nn.Conv1d(4, 6, 3), nn.Flatten(), nn.Linear(24, 3))
    ut.apply(ticket, zeroed)
    expected = ticket.weights["0"] * ticket.mask["0"]
    assert np.array_equal(zeroed[0].weight.detach().numpy()[:, :, None], expected)
    only_mask = ut.Ticket(ticket.layers, ticket.mask)
    before = network[2].weight.detach().clone()
    ut.apply(only_mask, network)
    assert torch.equal(network[2].weight, before * torch.from_numpy(ticket.mask["2"].copy()))


def test_a_mask_that_is_there_is_replaced_so_that_weights_come_back(network):
    dense = network[0].weight.detach().clone()
    prune.random_unstructured(network[0], "weight", 0.9)
    ticket = ut.capture(network, torch.rand(2, 4, 6), timesteps=1)
    whole = ut.Ticket(ticket.layers, {name: np.ones_like(mask) for name, mask in ticket.mask.items()}, ticket.weights)
    ut.apply(whole, network)
    assert torch.equal(network[0].weight, dense)
    network(torch.rand(2, 4, 6))
    assert torch.equal(network[0].weight, dense)


def test_what_does_not_fit_is_named_and_changes_nothing(network):
    ticket = ticket_of(network)
    before = {name: values.clone() for name, values in network.state_dict().items()}
    other = nn.Sequential(nn.Conv1d(4, 6, 3), nn.Flatten(), nn.Linear(25, 3))
    with pytest.raises(ut.InputError, match=r"2: expected weights of shape \(3, 25\) as in the model, got \(3, 24\)"):
        ut.apply(ticket, other)
    assert "weight_mask" not in dict(other[0].named_buffers())
    renamed = nn.ModuleDict({"conv": network[0], "fc": network[2]})
    with pytest.raises(ut.InputError, match=r"model: expected a layer '0', got conv, fc"):
        ut.apply(ticket, renamed)
    parametrizations.weight_norm(other[0])
    with pytest.raises(ut.InputError, match="0: expected a plain weight, or one pruned by torch.nn.utils.prune"):
        ut.apply(ticket, other)
    assert all(torch.equal(values, before[name]) for name, values in network.state_dict().items())


def test_names_may_end_with_weight():
    network = nn.Sequential(nn.Conv2d(2, 3, 1))
    ticket = ut.Ticket.from_arrays({"0.weight": np.eye(3)[:, :2, None, None]})
    ut.apply(ticket, network)
    assert np.array_equal(network[0].weight_mask[:, :, 0, 0].numpy(), np.eye(3)[:, :2])


def test_two_masks_of_one_layer_are_refused():
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(2, 2, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.conv((self.conv(x) > 0).float())

    ticket = ut.capture(Twice(), (torch.rand(1, 2, 4, 4) < 0.5).float(), timesteps=1)
    ut.apply(ticket, Twice())
    one = ut.Ticket(ticket.layers, ticket.mask.replace({"conv@2": np.zeros((2, 2, 1, 1))}))
    with pytest.raises(ut.InputError, match="conv: expected one mask for all its calls in a timestep, got another for"):
        ut.apply(one, Twice())
