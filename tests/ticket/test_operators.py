"""What graphs and whole modules say about layers goes before names and shapes."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import uticket as ut
from tests.exchange.networks import lively, saved
from tests.helpers import SMALL, layer_of
from uticket.base.errors import InputError
from uticket.config.paths import TicketFiles
from uticket.exchange.nir import write_nir
from uticket.foreign.contents import Contents, Operator
from uticket.ticket.operators import layer_by
from uticket.ticket.reader import parts_of_arrays
from uticket.ticket.ticket import Ticket

RNG = np.random.default_rng(0)
CONV = Operator("Conv2d", (1, 1), (1, 1), (1, 1), 1, inputs_first=False)


def values_of(*shape: int) -> np.ndarray:
    return (RNG.normal(size=shape) * (RNG.random(shape) < 0.5)).astype(np.float32)


def ticket_of(arrays: dict[str, np.ndarray], operators: dict[str, Operator], linear: bool = True) -> Ticket:
    return Ticket(**parts_of_arrays(Contents(arrays, operators=operators), linear, (), "oihw", 0.0))


def test_weights_of_a_graph_may_have_any_name():
    arrays = {"onnx::Conv_45": values_of(4, 3, 3, 3), "val_7": values_of(6, 2), "shape.const": values_of(2, 2, 2, 2)}
    operators = {"onnx::Conv_45": Operator("Conv"), "val_7": Operator("Gemm", inputs_first=True)}
    ticket = ticket_of(arrays | {"fc.weight": values_of(2, 2)}, operators)
    assert list(ticket.mask) == ["onnx::Conv_45", "val_7", "fc.weight"]
    assert np.array_equal(ticket.weights["val_7"], arrays["val_7"].T)
    assert [part.name for part in ticket.skipped] == ["shape.const"]
    assert ticket.notes == ()


def test_parameters_of_neurons_and_norms_are_skipped_by_the_kind():
    arrays = {"a.weight": values_of(4, 3, 3, 3), "b.weight": values_of(4, 3, 3, 3), "c.weight": values_of(5, 4)}
    operators = {"a.weight": CONV, "b.weight": Operator("LIF"), "c.weight": Operator("Embedding")}
    ticket = ticket_of(arrays, operators)
    assert list(ticket.mask) == ["a.weight"]
    assert [part.reason for part in ticket.skipped] == ["parameters of LIF", "parameters of Embedding"]
    mine = ticket_of(arrays, {"b.weight": Operator("MyMasked")})  # of an unknown kind: by name and shape
    assert len(mine.mask) == 3


def test_sizes_of_a_graph_give_the_layer():
    shape = (8, 3, 3, 3)
    for size, stride, padding, dilation in [((9, 7), (2, 1), (1, 0), (1, 1)), ((9, 9), (1, 1), (2, 2), (2, 2))]:
        operator = Operator("Conv", stride, padding, dilation, 1, input_size=size)
        out = tuple(
            (n + 2 * p - d * 2 - 1) // s + 1 for n, p, s, d in zip(size, padding, stride, dilation, strict=True)
        )
        layer = layer_by("conv", shape, operator)
        assert (layer.output_size, layer.stride, layer.dilation) == (out, stride, dilation)
        assert layer.positions_known
    flat = layer_by("conv", (8, 3, 1, 3), Operator("Conv1d", (2,), (1,), (1,), 1, input_size=(10,)))
    assert (flat.stride, flat.padding, flat.input_size, flat.output_size) == ((1, 2), (0, 1), (1, 10), (1, 5))


def test_sizes_that_say_too_little_or_do_not_fit_leave_the_positions_or_nothing():
    shape = (8, 3, 3, 3)
    uneven = layer_by("conv", shape, Operator("Conv", (2, 2), input_size=(8, 8), output_size=(4, 4)))  # padding unknown
    assert (uneven.positions, uneven.positions_known) == (16, True)
    turned = layer_by("up", shape, Operator("ConvTranspose", input_size=(4, 4), output_size=(8, 8), inputs_first=True))
    assert turned.positions == 64
    for operator in (
        CONV,
        Operator("Conv", padding=None, input_size=(8, 8)),
        Operator("Conv", (0, 0), (1, 1), input_size=(8, 8)),
    ):
        assert not layer_by("conv", shape, operator).positions_known
    assert layer_by("fc", (4, 2), Operator("Gemm")).positions_known
    assert not layer_by("fc", (4, 2), Operator("Linear")).positions_known  # of how many tokens?


@example(operator=Operator("Conv", padding=(1, 1), input_size=(0,)))
@given(
    st.builds(
        Operator,
        st.just("Conv"),
        *[st.none() | st.lists(st.integers(-2, 9), max_size=3).map(tuple)] * 3,
        st.none() | st.integers(-1, 9),
        *[st.none() | st.lists(st.integers(-2, 9), max_size=3).map(tuple)] * 2,
        st.none() | st.booleans(),
    )
)
def test_any_sizes_give_a_layer_that_can_be_written(tmp_path_factory, operator):
    folder = tmp_path_factory.mktemp("ticket")
    ticket = ticket_of({"conv": np.ones((4, 2, 2, 2), bool)}, {"conv": operator})
    if ticket.layers:
        ticket.write(folder)
        assert Ticket.read(folder).layers == ticket.layers
        assert ticket.layers[0].positions >= 1


def test_groups_and_order_of_channels_are_those_of_the_file():
    arrays = {"a.weight": values_of(8, 2, 3, 3), "b.weight": values_of(8, 1, 3, 3), "up.weight": values_of(8, 4, 2, 2)}
    arrays["two.weight"] = values_of(8, 2, 2, 2)
    operators = {
        "a.weight": Operator("Conv2d", groups=4),
        "b.weight": Operator("Conv2d", groups=1),
        "up.weight": Operator("ConvTranspose2d", groups=1, inputs_first=True),
        "two.weight": Operator("ConvTranspose2d", groups=2, inputs_first=True),
    }
    ticket = ticket_of(arrays, operators)
    assert [(layer.groups, layer.channels, layer.filters) for layer in ticket.layers] == [
        (4, 8, 8),
        (1, 1, 8),
        (1, 8, 4),
    ]
    assert np.array_equal(ticket.weights["up.weight"], arrays["up.weight"].swapaxes(0, 1))
    assert [part.reason for part in ticket.skipped] == ["grouped transposed convolutions"]
    assert ticket.notes == ()


def test_what_is_said_about_a_part_holds_for_the_whole():
    arrays = {"x.weight_orig": values_of(8, 4, 2, 2), "x.weight_mask": np.ones((8, 4, 2, 2))}
    (layer,) = ticket_of(arrays, {"x.weight_orig": Operator("ConvTranspose2d", inputs_first=True)}).layers
    assert (layer.name, layer.filters) == ("x.weight", 4)


def test_graph_of_a_ticket_is_read_with_the_sizes_and_masks_of_the_ticket(tmp_path):
    source = saved(tmp_path / "ticket", lively(SMALL, (1, 7, 9)), SMALL, (1, 7, 9))
    write_nir(source, tmp_path / "net.nir")
    ticket = Ticket.read(tmp_path / "net.nir")
    found = {layer.name.removesuffix(".weight"): layer for layer in ticket.layers}
    convolutions = [layer for layer in source.ticket.layers if layer.kind == "conv"]
    assert len(convolutions) == 6
    for layer in convolutions:
        same = {"name": f"{layer.name}.weight", "reads": "spikes"}
        assert found[layer.name] == layer.model_copy(update=same)
        assert np.array_equal(ticket.mask[f"{layer.name}.weight"], source.ticket.mask[layer.name])
    assert {part.reason for part in ticket.skipped} > {"parameters of LIF", "biases"}


def test_axes_longer_than_those_of_a_layer_are_an_error_of_one_line():
    with pytest.raises(InputError, match="conv: filters: expected less than or equal to 1048576, got 1048577"):
        Ticket.from_arrays({"conv": np.zeros((2**20 + 1, 1, 1, 1), bool)})


def test_options_of_files_are_refused_for_folders(tmp_path):
    ut.Ticket([layer_of()], {"conv2": np.ones((4, 2, 3, 3), bool)}).write(tmp_path)
    assert TicketFiles(tmp_path).mask.exists()
    for options in ({"layout": "hwio"}, {"threshold": 0.1}, {"layout": {"conv2": "iohw"}}):
        with pytest.raises(InputError, match="--layout, --threshold: expected them with a file only, got the folder"):
            ut.Ticket.read(tmp_path, **options)
