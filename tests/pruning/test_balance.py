"""Balancing a whole ticket."""

from dataclasses import replace

import numpy as np
import pytest

from tests.helpers import LAYER, nonzeros, rows
from uticket.base.errors import InputError
from uticket.config.array import Array
from uticket.config.pruning import Balance
from uticket.pruning.balance import balance
from uticket.ticket.layer import Layer
from uticket.ticket.mask import Mask
from uticket.ticket.ticket import Ticket

KEPT = np.random.default_rng(0).random((4, 2, 3, 3)) < 0.3
NAMES = ("conv1", "conv2", "conv3")


@pytest.fixture
def ticket() -> Ticket:
    """A layer that reads the image, two with the same mask on the PEs, and a linear one."""
    layers = [LAYER.model_copy(update={"name": name}) for name in NAMES]
    layers[0] = layers[0].model_copy(update={"reads": "image"})
    return Ticket([*layers, Layer.of_shape("fc", (4, 4))], Mask({**dict.fromkeys(NAMES, KEPT), "fc": np.eye(4)}))


def test_only_layers_on_the_pes_are_balanced_each_with_its_own_draws(ticket):
    before = {name: values.copy() for name, values in ticket.mask.items()}

    def run(seed: int, number: int, scope: str = "layer", pes: int = 16) -> Mask:
        return balance(ticket, Array(pes=pes), Balance(scope=scope), seed, purpose=("balance", number)).mask

    balanced = run(seed=0, number=1)
    assert list(balanced) == [*NAMES, "fc"]
    assert np.array_equal(balanced["conv1"], KEPT)
    assert np.array_equal(balanced["fc"], np.eye(4))
    assert len(set(nonzeros(balanced["conv2"]))) == 1
    assert not np.array_equal(balanced["conv2"], balanced["conv3"])
    assert all(np.array_equal(balanced[name], run(0, 1)[name]) for name in balanced)
    assert not all(np.array_equal(balanced[name], run(1, 1)[name]) for name in balanced)
    assert not all(np.array_equal(balanced[name], run(0, 2)[name]) for name in balanced)
    by_group = nonzeros(run(0, 1, "group", pes=2)["conv2"])
    assert by_group[0] == by_group[1]
    assert by_group[2] == by_group[3]
    assert len(set(by_group)) == 2
    assert all(np.array_equal(ticket.mask[name], before[name]) for name in before)


def test_scope_layer_does_not_look_at_the_array(ticket):
    arrays = [Array(), Array(pes=2, mapping="sorted"), Array(pes=3, dataflow="input-channels")]
    masks = [balance(ticket, array, Balance(scope="layer")).mask for array in arrays]
    assert all(np.array_equal(masks[0][name], mask[name]) for mask in masks[1:] for name in mask)


def test_balance_is_that_of_the_paper_by_default(ticket):
    plain = balance(ticket).mask
    spelled = balance(ticket, Array(pes=16), Balance(scope="group", mode="both", select="random"), seed=0).mask
    assert all(np.array_equal(plain[name], spelled[name]) for name in plain)


def test_chosen_layers_are_balanced(ticket):
    chosen = balance(replace(ticket, mask=ticket.mask.replace({"fc": np.tri(4)})).choose("all", skip_first=True))
    assert np.array_equal(chosen.mask["conv2"], KEPT)
    assert len(set(nonzeros(chosen.mask["conv3"]))) == 1
    assert nonzeros(chosen.mask["fc"]) == [3, 3, 3, 3]  # of 1, 2, 3 and 4
    assert chosen.runs == {"conv3", "fc"}


def test_magnitude_takes_the_weights_of_each_layer_and_the_mask_before_pruning():
    weights = np.array([[5, 4, 3, 2, 1, 0], [1, 2, 3, -4, 5, 0]], dtype=float)[:, :, None, None]
    ticket = Ticket.from_arrays({"a": weights, "b": -weights})
    before, after = rows("111110", "111110"), rows("111000", "000010")
    pruned = replace(ticket, mask=Mask({"a": after, "b": after}))
    how = Balance(select="magnitude")
    balanced = balance(pruned, Array(pes=2), how, trained=Mask({"a": before, "b": before}))
    assert all(np.array_equal(balanced.mask[name], rows("110000", "000110")) for name in "ab")
    assert balanced.weights is pruned.weights
    untrained = balance(pruned, Array(pes=2), how).mask  # what was kept is all that has a trained value
    assert np.array_equal(untrained["a"][0], rows("110000")[0])
    assert untrained["a"][1, 4]
    assert untrained["a"][1].sum() == 2


def test_magnitude_needs_weights(ticket):
    with pytest.raises(InputError, match="select: expected weights, by which magnitude selects, got 0/1 masks"):
        balance(ticket, how=Balance(select="magnitude"))


def test_rounding_of_the_array_is_not_looked_at(ticket):
    weights = {name: np.where(KEPT, np.linspace(0.001, 1, 72).reshape(KEPT.shape), 0) for name in NAMES}
    trained = replace(ticket, weights=weights)
    one, other = (balance(trained, Array(pes=2, weight_bits=bits)).mask for bits in (None, 2))
    assert all(np.array_equal(one[name], other[name]) for name in one)


def test_layers_whose_outputs_are_added_are_balanced_in_the_groups_that_they_share():
    layers = [LAYER.model_copy(update={"name": name, "adds_to": "sum"}) for name in ("one", "two")]
    masks = {name: np.zeros((4, 2, 3, 3), dtype=bool) for name in ("one", "two")}
    for name, counts in (("one", [1, 8, 3, 4]), ("two", [17, 1, 1, 1])):
        for f, count in enumerate(counts):
            masks[name][f].flat[:count] = True
    balanced = balance(Ticket(layers, masks), Array(pes=2, mapping="sorted")).mask
    assert nonzeros(balanced["one"]) == [5, 5, 4, 4]  # filters 0 and 1 have the largest sums: ceil(9 / 2), ceil(7 / 2)
    assert nonzeros(balanced["two"]) == [9, 9, 1, 1]


@pytest.mark.parametrize(
    ("share", "array", "error"),
    [
        (3, Array(), "share: expected a divisor of the 16 PEs, got 3"),
        ({"conv3": 2}, Array(pes=3), "share: expected a divisor of the 3 PEs, got 2"),
        (2, Array(dataflow="input-channels"), "share: expected 1 with the dataflow input-channels, in which .*, got 2"),
        ({"conv1": 2}, Array(), r"share: expected layers on the PEs \(conv2, conv3\), got 'conv1'"),
    ],
)
def test_positions_are_shared_by_teams_that_fill_the_groups_of_layers_on_the_pes(ticket, share, array, error):
    with pytest.raises(InputError, match=error):
        balance(ticket, array, Balance(share=share))


def test_layers_share_by_name_and_in_the_scope_layer_on_any_array(ticket):
    by_name = balance(ticket, Array(pes=4), Balance(share={"conv3": 2})).mask
    assert np.array_equal(by_name["conv2"], balance(ticket, Array(pes=4)).mask["conv2"])
    assert np.array_equal(by_name["conv3"], balance(ticket, Array(pes=4), Balance(share=2)).mask["conv3"])
    assert np.array_equal(by_name["conv3"][::2], by_name["conv3"][1::2])
    whole = balance(ticket, Array(pes=3, dataflow="input-channels"), Balance(share=4, scope="layer")).mask
    assert (whole["conv2"] == whole["conv2"][0]).all()


@pytest.mark.parametrize("mode", ["both", "recover", "remove"])
@pytest.mark.parametrize("dataflow", ["outputs", "gustavson"])
def test_pes_with_the_same_weights_are_balanced_already(ticket, mode, dataflow):
    array = Array(pes=2, dataflow=dataflow)
    mask = balance(ticket, array, Balance(mode=mode)).mask
    assert all(np.array_equal(mask[name], ticket.mask[name]) for name in mask)
    assert len(set(nonzeros(balance(ticket, array, Balance(scope="layer", mode=mode)).mask["conv2"]))) == 1
