"""Orders of the axes of weights: read as asked for, written back the same way, and doubted where they look odd."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import uticket as ut
from tests.helpers import mask_of
from uticket.base.errors import InputError
from uticket.ticket.layouts import LAYOUTS, stored_as
from uticket.ticket.ticket import Ticket

RNG = np.random.default_rng(0)


def values_of(*shape: int) -> np.ndarray:
    return (RNG.normal(size=shape) * (RNG.random(shape) < 0.3)).astype(np.float32)


@given(st.lists(st.integers(1, 4), min_size=2, max_size=4), st.sampled_from(LAYOUTS), st.sampled_from([None, 2, -1]))
def test_what_is_read_is_written_as_it_was(shape, layout, flat):
    if flat is not None and len(shape) == 4:
        shape = [*shape[:2], 1, *shape[2:]] if flat == 2 else [*shape, 1]
    values = np.arange(np.prod(shape)).reshape(shape)
    stored = stored_as("conv", values, layout if len(shape) < 5 else "oihw")
    assert np.array_equal(stored.write(stored.read(values)), values)


def test_axes_are_those_of_the_frameworks():
    """Keras and Flax have (height, width, inputs, outputs), PyTorch's transposed convolutions inputs first."""
    kernel = values_of(3, 3, 4, 16)
    ticket = Ticket.from_arrays({"kernel": kernel, "Conv1D/kernel": values_of(5, 4, 8)}, layout="hwio")
    assert np.array_equal(ticket.weights["kernel"], kernel.transpose(3, 2, 0, 1))
    assert ticket.layers[1].weight_shape == (8, 4, 1, 5)
    dense = values_of(6, 2)
    linear = Ticket.from_arrays({"Dense_0/kernel": dense}, linear=True, layout="hwio")
    assert np.array_equal(linear.weights["Dense_0/kernel"], dense.T)
    up = values_of(8, 4, 2, 2)
    turned = Ticket.from_arrays({"up.weight": up, "fc.weight": dense}, linear=True, layout="iohw")
    assert np.array_equal(turned.weights["up.weight"], up.swapaxes(0, 1))
    assert np.array_equal(turned.weights["fc.weight"], dense)
    by_channel = values_of(3, 3, 4, 1)
    depthwise = Ticket.from_arrays({"a/kernel": kernel, "b/depthwise_kernel": by_channel}, layout="hwio")
    assert np.array_equal(depthwise.weights["b/depthwise_kernel"], by_channel.transpose(2, 3, 0, 1))
    assert depthwise.layers[1].groups == 4


def test_utilization_is_that_of_the_filters():
    """Pruned by filters, which stand last: read as OIHW the same file gives another answer."""
    counts = np.array([5, 1] * 8)
    kernel = np.zeros((3, 3, 4, 16), bool)
    for number, count in enumerate(counts):
        kernel[..., number].flat[:count] = True
    right = ut.audit(Ticket.from_arrays({"kernel": kernel}, layout="hwio"), ut.Array(pes=16))
    assert right.network.latency_cycles == 5
    assert right.utilization == pytest.approx(1 - (5 - 3) / 5 * 16 / 15)
    assert ut.audit(Ticket.from_arrays({"kernel": kernel}), ut.Array(pes=16)).utilization != right.utilization


def test_layers_may_have_layouts_of_their_own():
    arrays = {"a.weight": values_of(8, 4, 3, 3), "up.weight": values_of(8, 2, 3, 3)}
    for layout in ({"up": "iohw"}, {"": "iohw", "a.weight": "oihw"}):
        ticket = Ticket.from_arrays(arrays, layout=layout)
        assert [layer.filters for layer in ticket.layers] == [8, 2]
    with pytest.raises(InputError, match=r"layout: expected the name of a layer \(a.weight, up.weight\), got 'down'"):
        Ticket.from_arrays(arrays, layout={"down": "iohw"})
    with pytest.raises(InputError, match="layout: expected one of oihw, hwio, iohw, got 'nchw'"):
        Ticket.from_arrays(arrays, layout="nchw")


def suspected(arrays: dict[str, np.ndarray], layout: str = "oihw") -> dict[str, str]:
    """The layouts that the notes on arrays suggest, by the name at the start of the note."""
    notes = Ticket.from_arrays(arrays, linear=True, layout=layout).notes
    return {note.split(":")[0]: note.split(", see")[0].split()[-1] for note in notes if "see --layout" in note}


def test_shapes_names_and_biases_that_suggest_another_layout_are_reported():
    keras = {"c1": values_of(3, 3, 3, 64), "c2": values_of(3, 3, 64, 128), "c3": values_of(1, 1, 128, 16)}
    assert suspected(keras) == {"c1, c2, c3": "HWIO"}
    assert suspected(keras, "hwio") == {}
    flax = {"Conv_0/kernel": values_of(3, 3, 3, 5), "Dense_0/kernel": values_of(6, 2)}
    assert suspected(flax) == {"Conv_0/kernel, Dense_0/kernel": "HWIO"}
    torch_like = {
        "a.weight": values_of(64, 3, 7, 7),
        "b.weight": values_of(10, 64, 1, 5),
        "c.weight": values_of(3, 3, 3, 3),
    }
    assert suspected(torch_like) == {}
    assert suspected(torch_like, "hwio") == {"a.weight, b.weight": "OIHW"}
    assert suspected({"up.weight": values_of(8, 4, 2, 2), "up.bias": np.ones(4)}) == {"up.weight": "IOHW"}
    assert suspected({"fc.weight": values_of(8, 4), "fc.bias": np.ones(4)}) == {"fc.weight": "HWIO"}
    assert suspected({"net.deconv1.weight": values_of(8, 4, 2, 2)}) == {"net.deconv1.weight": "IOHW"}
    assert suspected({"net.deconv1.weight": values_of(8, 4, 2, 2), "net.deconv1.bias": np.ones(8)}) == {}


def test_transposed_convolutions_are_found_by_their_neighbours():
    shapes = [(16, 3), (32, 16), (32, 16), (16, 8), (8, 1)]  # two convolutions, then three transposed ones
    arrays = {f"{n}.weight": values_of(*shape, 3, 3) for n, shape in enumerate(shapes)}
    assert suspected(arrays) == {"2.weight, 3.weight, 4.weight": "IOHW"}
    generator = {f"{n}.weight": values_of(*shape, 4, 4) for n, shape in enumerate([(100, 64), (64, 32), (32, 3)])}
    assert suspected(generator) == {"0.weight, 1.weight, 2.weight": "IOHW"}


def test_networks_with_branches_are_not_doubted():
    residual = [(64, 64, 3), (128, 64, 3), (128, 128, 3), (128, 64, 1), (256, 128, 3), (256, 256, 3), (256, 128, 1)]
    squeeze = [(96, 3, 7), (16, 96, 1), (64, 16, 1), (64, 16, 3), (16, 128, 1), (64, 16, 1), (64, 16, 3), (10, 128, 1)]
    u_net = [(8, 3, 3), (16, 8, 3), (32, 16, 3), (16, 48, 3), (8, 24, 3), (2, 8, 1)]
    bottleneck, ends_in_a_branch = (
        [(8, 3, 3), (16, 8, 3), (8, 16, 3), (16, 8, 3)],
        [(64, 3, 3), (32, 64, 1), (64, 16, 3)],
    )
    for shapes in (residual, squeeze, u_net, bottleneck, ends_in_a_branch):
        arrays = {f"{n}.weight": values_of(a, b, k, k) for n, (a, b, k) in enumerate(shapes)}
        assert suspected(arrays) == {}
    assert suspected({"conv": mask_of(1)}) == {}
