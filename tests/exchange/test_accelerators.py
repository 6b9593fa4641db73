"""scalesim, sata, prosperity: files as those simulators read them, by the rules that their readers have."""

import math
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from tests.exchange.helpers import dilated, linear_of, source_of, strided
from tests.helpers import layer_of, mask_of
from uticket.base.errors import InputError
from uticket.base.files import write_rows
from uticket.config.paths import TicketFiles
from uticket.exchange.format import Source
from uticket.exchange.prosperity import write_prosperity
from uticket.exchange.sata import input_size, operations, write_sata
from uticket.exchange.scalesim import write_scalesim
from uticket.ticket.ticket import Ticket


def read_topology(path):
    """Name -> numbers, as SCALE-Sim v3 has them: no padding, the last cell of a row dropped, the stride twice."""
    found = {}
    for line in path.read_text().splitlines()[1:]:
        cells = [cell.strip() for cell in line.split(",")[:-1]]
        assert "DP" not in cells[0]
        height, width, side, other, channels, filters, stride = map(int, cells[1:8])
        assert side <= height
        assert other <= width
        outputs = [math.ceil((size - k + stride) / stride) for size, k in ((height, side), (width, other))]
        found[cells[0]] = (*outputs, side * other * channels, filters, *map(int, cells[8].split(":")))
    return found


def test_scalesim_computes_the_outputs_of_each_layer(tmp_path):
    """By hand: 9 of 4 times 18 weights are kept, 2.25 in the mean, 3 rounded up."""
    layers = [layer_of(), strided(), strided("short", kernel=(1, 1), padding=(0, 0)), linear_of(3, 4, tokens=7)]
    masks = {layer.name: np.ones(layer.weight_shape) for layer in layers} | {"conv2": mask_of(5, 1, 3, 0)}
    write_scalesim(Source(TicketFiles(tmp_path), Ticket(layers, masks)), tmp_path / "out.csv")
    assert read_topology(tmp_path / "out.csv") == {
        "conv2": (4, 5, 18, 4, 3, 18),
        "conv3": (4, 4, 36, 4, 36, 36),
        "short": (4, 4, 4, 4, 4, 4),
        "fc": (1, 7, 4, 3, 4, 4),
    }
    text = (tmp_path / "out.csv").read_text()
    assert "conv2, 6, 7, 3, 3, 2, 4, 1, 3:18,\n" in text
    assert "conv3, 9, 9, " in text  # the tenth row and column of the padded input meet no filter


def test_scalesim_has_a_row_for_each_group_and_at_least_one_weight(tmp_path):
    layer = layer_of(4, 4, name="DP,1", groups=2)
    masks = {"DP,1": np.concatenate([np.zeros((2, 2, 3, 3)), np.ones((2, 2, 3, 3))])}
    write_scalesim(Source(TicketFiles(tmp_path), Ticket([layer], masks)), tmp_path / "out.csv")
    expected = {"dp_1.group0": (4, 5, 18, 2, 1, 18), "dp_1.group1": (4, 5, 18, 2, 18, 18)}
    assert read_topology(tmp_path / "out.csv") == expected


def test_scalesim_leaves_out_what_it_cannot_have(tmp_path):
    layers = [layer_of(), layer_of(name="wide", stride=(1, 2)), dilated()]
    source = source_of(tmp_path / "ticket", *layers, spikes=False)
    written = write_scalesim(source, tmp_path / "out.csv")
    assert written.left_out == {"wide": "strides (1, 2)", "far": "dilation (2, 2)"}
    assert list(read_topology(tmp_path / "out.csv")) == ["conv2"]


def read_workload(path):
    """Operations of all timesteps without sparsity, timesteps and sparsity, as SATA_Sim counts them."""
    workload = YAML(typ="safe").load(path)
    steps, total = workload["General"]["timestep"], 0
    for layer in workload["Layers"]:
        of, name = layer["attributes"], layer["name"]
        weights = of["Num Filter"] * of["Channels"]
        if "Conv" in name:
            for side in ("Height", "Width"):
                assert of[f"Filter {side}"] <= of[f"IFMAP {side}"]
                weights *= of[f"Filter {side}"]
                weights *= math.floor((of[f"IFMAP {side}"] + 2 - of[f"Filter {side}"]) / of["Strides"]) + 1
        else:
            assert "FC" in name
        total += weights * steps
    return total, steps, workload["General"]["sparsity"]


def test_sata_counts_the_operations_that_the_array_has(tmp_path):
    layers = [layer_of(name="conv1", reads="image"), layer_of(), strided(), linear_of(3, 4)]
    layers += [strided("grouped", groups=2), strided("shortcut", kernel=(1, 1), padding=(0, 0))]
    source = source_of(tmp_path / "ticket", *layers)
    assert not write_sata(source, tmp_path / "out.yaml").left_out
    total, steps, sparsity = read_workload(tmp_path / "out.yaml")
    mask, spikes = source.ticket.mask, source.ticket.spikes
    assert (total, steps) == (3 * sum(layer.num_weights * layer.positions for layer in layers), 3)
    rates = {layer.name: spikes[layer.name].mean() if layer.name in spikes else 1 for layer in layers}
    done = sum(3 * mask[n.name].sum() * n.positions * rates[n.name] for n in layers)
    assert total * (1 - sparsity) == pytest.approx(done)
    assert "  - name: Conv2  # conv2\n" in (tmp_path / "out.yaml").read_text()
    assert "  - name: FC1  # fc\n" in (tmp_path / "out.yaml").read_text()


def test_sata_takes_the_spike_sparsity_that_was_measured(tmp_path):
    source = source_of(tmp_path / "ticket", layer_of(), spikes=False)
    with pytest.raises(InputError, match=r"layers.json: expected a layer .* can have, got conv2 \(unknown spikes\)"):
        write_sata(source, tmp_path / "out.yaml")
    assert not (tmp_path / "out.yaml").exists()
    write_rows(source.files.activity, [{"layer": "conv2", "spike_sparsity": 0.75}])
    write_sata(source, tmp_path / "out.yaml")
    assert read_workload(tmp_path / "out.yaml")[2] == pytest.approx(1 - source.ticket.mask.density * 0.25)


def test_sata_enlarges_small_inputs_and_keeps_the_operations(tmp_path):
    """A 3 x 3 kernel on 2 x 2 positions counts as 3 x 3 positions."""
    source = source_of(tmp_path / "ticket", layer_of(2, 2, (2, 2)))
    assert "1 layers, 1 of them enlarged" in write_sata(source, tmp_path / "out.yaml").contents
    total, steps, sparsity = read_workload(tmp_path / "out.yaml")
    assert (total, steps) == (3 * 36 * 9, 3)
    kept, spikes = source.ticket.mask["conv2"].sum(), source.ticket.spikes["conv2"]
    assert total * (1 - sparsity) == pytest.approx(3 * kept * 4 * spikes.mean())


def test_sata_leaves_out_what_it_would_count_wrongly(tmp_path):
    layers = [layer_of(), layer_of(name="wide", stride=(1, 2)), linear_of(3, 4, "tokens", tokens=7)]
    written = write_sata(source_of(tmp_path / "ticket", *layers), tmp_path / "out.yaml")
    assert written.left_out == {"wide": "strides (1, 2)", "tokens": "applied at 7 tokens"}


@given(st.integers(1, 20), st.integers(1, 3), st.sampled_from([1, 3, 5]), st.integers(0, 2))
def test_sata_never_counts_fewer_operations_than_the_layer_has(size, stride, side, padding):
    """And just as many unless the input is enlarged; with padding 1 and stride 1 it is the input of the layer."""
    sizes = (size + side, size + side + 1)
    layer = layer_of(2, 3, sizes, (side, side), (stride, stride), (padding, padding))
    counted, true = operations(layer), layer.num_weights * layer.positions
    assert counted >= true
    small = any((out - 1) * stride < 2 for out in layer.output_size)
    assert (counted > true) <= small
    if padding == stride == 1 and not small:
        assert input_size(layer) == layer.input_size


def read_prosperity(path):
    """The operations by `create_network` of Prosperity: what a layer takes, and whether its spikes have that shape."""
    spikes = pickle.loads(path.read_bytes())  # our own file
    config = spikes.pop("config")
    for name, shape in config.items():
        if name.startswith("conv2d"):
            size, channels, _, _, _, _, batch, steps = shape
            assert spikes[name].shape == (batch * steps, channels, size, size)
        elif name.startswith("fc"):
            channels, _, tokens, batch, steps = shape
            assert spikes[name].numel() == batch * steps * tokens * channels
        else:
            assert name.startswith("lif")
    assert {name for name in config if not name.startswith("lif")} == set(spikes)
    return config, spikes


def test_prosperity_gets_spikes_and_shapes(tmp_path):
    layers = [layer_of(4, 2, (8, 8)), strided(), linear_of(3, 5, tokens=7), linear_of(6, 3, "last")]
    source = source_of(tmp_path / "ticket", *layers, image=1)
    written = write_prosperity(source, tmp_path / "out.pkl")
    assert (written.contents, written.left_out) == ("spikes of image 1 in 4 layers", {})
    config, spikes = read_prosperity(tmp_path / "out.pkl")
    assert list(config.items()) == [
        ("conv2d_conv2", [8, 2, 4, 3, 1, 1, 1, 3]),
        ("lif_conv2", [256, 1, 3]),
        ("conv2d_conv3", [8, 4, 4, 3, 1, 2, 1, 3]),
        ("lif_conv3", [64, 1, 3]),
        ("fc_fc", [5, 3, 7, 1, 3]),
        ("lif_fc", [21, 1, 3]),
        ("fc_last", [3, 6, 1, 1, 3]),
    ]
    assert spikes["conv2d_conv2"].dtype == torch.bool
    assert np.array_equal(spikes["conv2d_conv2"].numpy(), source.ticket.spikes["conv2"][1])
    assert spikes["fc_fc"].is_contiguous()
    tokens = source.ticket.spikes["fc"][1, :, :, 0]  # (T, channels, tokens)
    assert np.array_equal(spikes["fc_fc"].numpy(), tokens.transpose(0, 2, 1))


def test_prosperity_has_neurons_once_for_a_residual_sum(tmp_path):
    parts = [strided("a", adds_to="sum"), strided("b", adds_to="sum"), strided("c"), strided("d", adds_to="sum")]
    write_prosperity(source_of(tmp_path / "ticket", *parts, strided("e")), tmp_path / "out.pkl")
    config, _ = read_prosperity(tmp_path / "out.pkl")
    assert [name for name in config if name.startswith("lif")] == ["lif_b", "lif_c", "lif_d"]


def test_prosperity_leaves_out_what_it_cannot_run(tmp_path):
    layers = [layer_of(name="conv1", reads="image"), layer_of(), layer_of(4, 2, (8, 8), name="square")]
    layers += [layer_of(4, 4, (8, 8), name="grouped", groups=2)]
    source = source_of(tmp_path / "ticket", *layers)
    expected = {"conv1": "no spikes in the ticket", "conv2": "not square", "grouped": "2 groups, dilation (1, 1)"}
    assert write_prosperity(source, tmp_path / "out.pkl").left_out == expected


def test_prosperity_wants_spikes_of_that_image(tmp_path):
    with pytest.raises(InputError, match=r"activity.npz: expected the spikes of the ticket, got no file"):
        write_prosperity(source_of(tmp_path / "a", layer_of(), spikes=False), tmp_path / "out.pkl")
    with pytest.raises(InputError, match="--image: expected less than 2, the images of the ticket, got 2"):
        write_prosperity(source_of(tmp_path / "b", layer_of(), image=2), tmp_path / "out.pkl")
    assert not (tmp_path / "out.pkl").exists()
