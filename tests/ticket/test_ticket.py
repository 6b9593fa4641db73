"""A ticket cannot hold parts that do not fit each other."""

from dataclasses import replace

import numpy as np
import pytest

from tests.helpers import LAYER, mask_of
from uticket.base.errors import InputError
from uticket.config.array import Array
from uticket.ticket.layer import Layer
from uticket.ticket.mask import Mask
from uticket.ticket.ticket import Ticket

IMAGE = LAYER.model_copy(update={"name": "conv1", "reads": "image"})
OTHER = LAYER.model_copy(update={"name": "conv3"})
LINEAR = Layer.of_shape("fc", (3, 4))
MASKS = {"conv1": mask_of(1), "conv2": mask_of(2), "conv3": mask_of(3), "fc": np.ones((3, 4), dtype=bool)}
SHAPE = r"of shape \(4, 2, 3, 3\)"
SPIKES = {name: np.ones((2, 3, 2, 4, 5), dtype=bool) for name in ("conv2", "conv3")}


@pytest.fixture
def ticket() -> Ticket:
    """A layer that reads the image, two on the PEs and a linear one."""
    return Ticket((IMAGE, LAYER, OTHER, LINEAR), Mask(MASKS), timesteps=3)


def names(ticket: Ticket) -> list[str]:
    return [layer.name for layer in ticket.on_pes]


def test_layers_and_masks_may_be_given_as_lists_and_arrays():
    ticket = Ticket([LAYER], {"conv2": mask_of(2)})
    assert ticket.layers == (LAYER,)
    assert isinstance(ticket.mask, Mask)
    with pytest.raises(ValueError, match="layer 'conv2': expected a mask of 0 and 1"):
        Ticket([LAYER], {"conv2": np.full((4, 2, 3, 3), 0.5)})


def test_layers_have_names_of_their_own():
    with pytest.raises(InputError, match="layers: expected another name for each, got conv2, conv2"):
        Ticket([LAYER, LAYER], {"conv2": mask_of(2)})


@pytest.mark.parametrize("timesteps", [0, -1, 65536])
def test_timesteps_are_1_to_65535(ticket, timesteps):
    with pytest.raises(InputError, match=f"timesteps: expected 1 to 65535, got {timesteps}"):
        replace(ticket, timesteps=timesteps)
    assert replace(ticket, timesteps=65535).timesteps == 65535


@pytest.mark.parametrize(
    ("name", "values", "got"),
    [("conv2", np.ones((4, 2, 3, 2)), r"shape \(4, 2, 3, 2\)"), ("conv1", np.ones((4, 18)), r"shape \(4, 18\)")],
)
def test_mask_has_the_shape_of_each_layer(ticket, name, values, got):
    with pytest.raises(InputError, match=f"mask: expected the layer '{name}' {SHAPE}, got {got}"):
        replace(ticket, mask=Mask(MASKS | {name: values}))


def test_mask_is_of_all_layers_and_of_no_other(ticket):
    with pytest.raises(InputError, match=f"mask: expected the layer 'conv3' {SHAPE}, got none"):
        replace(ticket, mask=Mask({name: MASKS[name] for name in ("conv1", "conv2", "fc")}))
    expected = r"mask: expected layers of the ticket \(conv1, conv2, conv3, fc\), got 'conv4'"
    with pytest.raises(InputError, match=expected):
        replace(ticket, mask=Mask({**MASKS, "conv4": mask_of(1)}))


def test_layers_that_run_are_layers_of_the_ticket(ticket):
    assert names(replace(ticket, runs=frozenset({"conv1", "fc"}))) == ["conv1", "fc"]
    with pytest.raises(InputError, match=r"runs: expected layers of the ticket \(conv1, .*\), got 'conv4'"):
        replace(ticket, runs=frozenset({"conv4"}))


def test_weights_are_those_of_the_layers_on_the_pes_at_least(ticket):
    on_pes = {name: np.ones((4, 2, 3, 3)) for name in ("conv2", "conv3")}
    assert replace(ticket, weights=on_pes).weights == on_pes
    with pytest.raises(InputError, match=f"weights: expected the layer 'conv3' {SHAPE}, got none"):
        replace(ticket, weights={"conv2": on_pes["conv2"]})
    with pytest.raises(InputError, match=f"weights: expected the layer 'conv2' {SHAPE}, got none"):
        replace(ticket, weights={})
    with pytest.raises(InputError, match=rf"weights: expected the layer 'conv2' {SHAPE}, got shape \(4, 2, 9\)"):
        replace(ticket, weights=on_pes | {"conv2": np.ones((4, 2, 9))})
    with pytest.raises(InputError, match=rf"weights: expected the layer 'conv1' {SHAPE}, got shape \(4,\)"):
        replace(ticket, weights=on_pes | {"conv1": np.ones(4)})


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weights_are_finite(ticket, value):
    weights = {name: np.ones((4, 2, 3, 3)) for name in ("conv2", "conv3")}
    weights["conv3"][3, 1, 2, 2] = value
    with pytest.raises(InputError, match="weights: expected finite weights in 'conv3', got NaN or infinity"):
        replace(ticket, weights=weights)


@pytest.mark.parametrize("wrong", [(2, 3, 2, 4, 4), (2, 2, 2, 4, 5), (2, 3, 1, 4, 5), (1, 3, 2, 4, 5), (3, 2, 4, 5)])
def test_spikes_have_images_timesteps_and_the_inputs_of_their_layer(ticket, wrong):
    expected = r"expected \(images, T, channels, height, width\) = \(2, 3, 2, 4, 5\) in the layer 'conv3', got "
    got = str(wrong).replace("(", r"\(").replace(")", r"\)")
    with pytest.raises(InputError, match=f"spikes: {expected}{got}"):
        replace(ticket, spikes=SPIKES | {"conv3": np.ones(wrong, dtype=bool)})


@pytest.mark.parametrize("wrong", [(0, 3, 2, 4, 5), (3, 2, 4, 5), ()])
def test_first_layer_tells_the_images_of_which_there_is_at_least_one(ticket, wrong):
    with pytest.raises(InputError, match=r"spikes: expected .* = \([1-9], 3, 2, 4, 5\) in the layer 'conv2', got \("):
        replace(ticket, spikes={"conv2": np.ones(wrong, dtype=bool)})


def test_spikes_are_booleans_or_numbers_of_spikes_where_a_layer_reads_counts(ticket):
    counts = {name: values.astype(np.uint8) for name, values in SPIKES.items()}
    with pytest.raises(InputError, match="spikes: expected booleans in the layer 'conv3', got uint8"):
        replace(ticket, spikes=SPIKES | {"conv3": counts["conv3"]})
    counting = [IMAGE, LAYER, OTHER.model_copy(update={"reads": "counts"}), LINEAR]
    held = replace(ticket, layers=counting, spikes=SPIKES | {"conv3": counts["conv3"]})
    assert names(held) == ["conv2", "conv3"]
    with pytest.raises(InputError, match=r"spikes: expected uint8 \(reads: counts\) in the layer 'conv3', got bool"):
        replace(held, spikes=SPIKES)
    with pytest.raises(InputError, match=r"in the layer 'conv3', got float64"):
        replace(held, spikes=SPIKES | {"conv3": counts["conv3"] / 2})


def test_spikes_may_be_known_of_some_layers(ticket):
    assert (ticket.num_images, replace(ticket, spikes={}).num_images) == (0, 0)
    assert replace(ticket, spikes={"conv3": SPIKES["conv3"]}).num_images == 2


@pytest.mark.parametrize("share", [-0.1, 1.1, np.nan])
def test_spike_sparsity_is_a_share(ticket, share):
    assert replace(ticket, spike_sparsity={"conv2": 0, "conv3": 1}).spike_sparsity == {"conv2": 0, "conv3": 1}
    with pytest.raises(
        InputError, match=rf"spike_sparsity: expected a share in \[0, 1\] of the layer 'conv3', got {share}"
    ):
        replace(ticket, spike_sparsity={"conv2": 0.5, "conv3": share})


def test_convolutions_that_read_spikes_run_unless_others_are_chosen(ticket):
    assert names(ticket) == ["conv2", "conv3"]
    assert names(ticket.choose("all")) == ["conv2", "conv3", "fc"]
    assert names(ticket.choose(skip_first=True)) == ["conv3"]
    assert names(ticket.choose("all", skip_first=True)) == ["conv3", "fc"]
    assert names(ticket.choose("all").choose()) == ["conv2", "conv3"]
    assert names(ticket) == ["conv2", "conv3"]


def test_an_array_says_which_layers_run_unless_the_ticket_does(ticket):
    every, paper = Array(layers="all"), Array()
    assert names(ticket.on_array(every)) == ["conv2", "conv3", "fc"]
    assert names(ticket.on_array(paper)) == ["conv2", "conv3"]
    assert names(ticket.choose().on_array(every)) == ["conv2", "conv3"]
    weights = {name: np.ones((4, 2, 3, 3)) for name in ("conv2", "conv3")}
    with pytest.raises(InputError, match=r"weights: expected the layer 'fc' of shape \(3, 4\), got none"):
        replace(ticket, weights=weights).on_array(every)


def test_layers_that_read_no_spikes_never_run():
    reading = {name: LAYER.model_copy(update={"name": name, "reads": name}) for name in ("image", "analog", "counts")}
    ticket = Ticket([*reading.values()], dict.fromkeys(reading, mask_of(1)))
    assert names(ticket) == names(ticket.choose("all")) == ["counts"]


def test_what_is_left_out_is_listed_with_its_share_of_the_weights(ticket):
    assert ticket.left_out.by_reason == {"reads the image": ["conv1"], "linear": ["fc"]}
    assert ticket.left_out.weights_share == (72 + 12) / (3 * 72 + 12)
    assert str(ticket.left_out) == "left out: reads the image: conv1; linear: fc; 36.8 % of the weights"
    assert ticket.left_out.columns() == {"left_out": "reads the image: conv1; linear: fc", "left_out_share": 84 / 228}
    left = ticket.choose(skip_first=True).left_out.record()
    assert left["layers"][1] == {"name": "conv2", "why": "not chosen", "weights": 72}
    none = replace(ticket, runs=frozenset(ticket.mask)).left_out
    assert (str(none), none.columns()) == ("no layer is left out", {"left_out": "", "left_out_share": 0.0})
    many = [LINEAR.model_copy(update={"name": f"fc{n}"}) for n in range(5)]
    line = str(Ticket(many, {layer.name: np.ones((3, 4)) for layer in many}).left_out)
    assert line == "left out: linear: fc0, fc1, fc2 and 2 more; 100.0 % of the weights"
    analog = Ticket([LAYER.model_copy(update={"reads": "analog"})], {"conv2": mask_of(1)})
    assert analog.left_out.by_reason == {"reads analog values": ["conv2"]}


def test_skipping_the_first_convolution_skips_no_linear_layer():
    ticket = Ticket([LINEAR, LAYER], {"fc": np.ones((3, 4)), "conv2": mask_of(1)})
    assert names(ticket.choose("all", skip_first=True)) == ["fc"]


def test_positions_are_set_by_the_name_of_a_layer_or_of_its_weight():
    ticket = Ticket.from_arrays({"conv.weight": mask_of(1), "other": mask_of(2)})
    for name in ("conv", "conv.weight"):
        assert [layer.positions for layer in ticket.with_positions({name: 9}).layers] == [9, 1]
    assert [layer.positions for layer in ticket.with_positions({"conv": 9, "other": 4}).layers] == [9, 4]
    with pytest.raises(InputError, match=r"positions: expected a layer on the PEs \(conv.weight, other\), got 'conv9'"):
        ticket.with_positions({"conv9": 3})


def test_positions_of_a_layer_that_does_not_run_are_refused(ticket):
    with pytest.raises(InputError, match=r"positions: expected a layer on the PEs \(conv2, conv3\), got 'fc'"):
        ticket.with_positions({"fc": 3})
    chosen = ticket.choose("all").with_positions({"fc": 3})
    assert chosen.layers[-1].positions == 3
    assert names(chosen) == ["conv2", "conv3", "fc"]


def test_positions_of_a_layer_whose_spikes_are_known_are_refused(ticket):
    with pytest.raises(InputError, match=r"spikes: expected .* = \(2, 3, 2, 3, 11\) in the layer 'conv2'"):
        replace(ticket, spikes=SPIKES).with_positions({"conv2": 9})
