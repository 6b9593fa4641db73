import json
import math
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from safetensors.numpy import save_file

from benchmarks.vgg16 import vgg16
from tests.test_cycles import LAYER, mask_of
from tests.test_events import layer_of
from uticket.base.seeds import generator
from uticket.cli import main
from uticket.config.paths import TicketFiles
from uticket.hardware.chip import DEFAULT_CHIP, read_chip
from uticket.hardware.cycles import layer_cycles
from uticket.hardware.events import Broadcast
from uticket.hardware.export import from_wsp
from uticket.hardware.simulate import Network, network_cost, simulate
from uticket.hardware.storage import unpack
from uticket.mapping.mapping import Array, contiguous, unit_nonzeros
from uticket.prune.balance import balance
from uticket.ticket.layer import write_layers
from uticket.ticket.mask import Mask
from uticket.ticket.spikes import save_spikes

RNG = np.random.default_rng(0)
SPIKES = {"conv2": RNG.random((2, 3, 2, 4, 5)) < 0.4, "conv3": RNG.random((2, 3, 2, 4, 5)) < 0.2}
MASKS = Mask({"conv2": mask_of(5, 1, 2, 0), "conv3": mask_of(3, 3, 3, 3)})
LAYERS = [LAYER, LAYER.model_copy(update={"name": "conv3"})]
CHIP = read_chip(DEFAULT_CHIP)


@pytest.fixture
def network() -> Network:
    sparsity = {name: float(1 - values.mean()) for name, values in SPIKES.items()}
    return Network(LAYERS, MASKS, 3, sparsity, SPIKES)


@pytest.fixture
def ticket(tmp_path) -> Path:
    """The folder of a ticket with two convolutions on the PEs and one in front of them."""
    files = TicketFiles(tmp_path / "ticket")
    files.folder.mkdir()
    write_layers(files.layers, [LAYER.model_copy(update={"name": "conv1", "reads": "image"}), *LAYERS], timesteps=3)
    MASKS.replace({"conv1": mask_of(1, 1, 1, 1)}).save(files.mask)
    weights = np.random.default_rng(1).normal(size=(4, 2, 3, 3)).astype(np.float32)
    save_file({f"{name}.weight": weights for name in ("conv1", "conv2", "conv3")}, files.weights)
    save_spikes(files.spikes, SPIKES)
    return files.folder


def invoke(*arguments: object, code: int = 0) -> str:
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert result.exit_code == code, result.output
    return result.output


def test_both_models_agree_on_a_network_of_dense_spikes_without_padding(network):
    layers = [layer_of(padding=(0, 0)).model_copy(update={"name": name}) for name in SPIKES]
    dense = {name: np.ones((1, 3, 2, 4, 5), dtype=bool) for name in SPIKES}
    network = Network(layers, MASKS, 3, dict.fromkeys(SPIKES, 0.0), dense)
    by_model = [simulate(network, Array(2), Broadcast(), CHIP, 0.21, model) for model in ("analytic", "events")]
    for analytic, events in zip(*by_model, strict=True):
        assert analytic.energy == pytest.approx(events.energy)
        assert analytic.energy_pj == pytest.approx(events.energy_pj)
        assert analytic.accesses == events.accesses
        one, other = asdict(analytic.course), asdict(events.course)
        differing = [name for name in one if one[name] != pytest.approx(other[name])]
        assert set(differing) <= {"fifo_mean", "fifo_max", "tokens", "dropped_tokens"}
        assert events.course.tokens + events.course.dropped_tokens == analytic.course.tokens


def test_cycles_add_up_by_pe_and_over_layers(network):
    costs = simulate(network, Array(3), Broadcast(fifo_depth=1, broadcast_width=1), CHIP, 0.21, "events")
    for cost in costs:
        course = cost.course
        assert 3 * course.latency_cycles == course.work_cycles + course.idle_cycles
        waiting = course.starved_cycles + course.blocked_cycles + course.tail_cycles
        assert waiting == pytest.approx(course.idle_cycles)
        for name, by_pe in cost.by_pe.items():
            assert sum(by_pe) == pytest.approx(getattr(course, name))
        assert cost.energy == pytest.approx(course.operations + 0.21 * 3 * course.latency_cycles)
    total = network_cost(costs)
    assert total.course.latency_cycles == sum(cost.course.latency_cycles for cost in costs)
    live, dead = costs[0], replace(costs[1], course=replace(costs[1].course, work_cycles=0.0, utilization=1.0))
    assert network_cost([live, dead]).course.utilization == pytest.approx(live.course.utilization)
    assert total.total_pj == pytest.approx(sum(cost.total_pj for cost in costs))
    assert total.course.busy_share == pytest.approx(
        total.course.work_cycles / (total.course.work_cycles + total.course.idle_cycles)
    )
    assert total.columns()["pe_pj"] < total.columns()["total_pj"]


def test_tickets_balanced_for_each_pe_count_have_latency_in_inverse_proportion():
    """Table III of the paper, in exact arithmetic on the masks of a VGG-16 at 98 %."""
    layers, masks, _ = vgg16()
    scaled = {}
    for pes in (2, 4, 8, 16, 32, 64):
        latency = 0
        for layer in layers:
            mapping = contiguous(unit_nonzeros(masks[layer.name]), pes)
            balanced = balance(masks[layer.name], mapping, rng=generator(0, "table III", pes))
            latency += layer_cycles(unit_nonzeros(balanced), mapping, layer.positions, 4).latency_cycles
        scaled[pes] = latency * pes
    assert max(scaled.values()) / min(scaled.values()) < 1.01


def test_simulate_prints_json_of_layers_and_network(ticket, network):
    result = json.loads(invoke("simulate", ticket, "--pes", 2, "--fifo-depth", 1, "--json"))
    assert (result["model"], result["pes"], result["fifo_depth"], result["images"]) == ("events", 2, 1, 2)
    expected = simulate(network, Array(2), Broadcast(fifo_depth=1), CHIP, 0.21, "events")
    assert [layer["name"] for layer in result["layers"]] == ["conv2", "conv3"]
    for layer, cost in zip(result["layers"], expected, strict=True):
        for name in ("latency_cycles", "work_cycles", "idle_cycles", "utilization", "tokens"):
            assert layer[name] == getattr(cost.course, name)
        assert layer["energy_pj"]["mac_dynamic_pj"] == cost.energy_pj["mac_dynamic_pj"]
        assert len(layer["by_pe"]["work_cycles"]) == 2
    assert result["network"]["latency_cycles"] == network_cost(expected).course.latency_cycles
    analytic = json.loads(invoke("simulate", ticket, "--pes", 2, "--model", "analytic", "--json"))
    audit = json.loads(invoke("audit", ticket, "--pes", 2, "--json"))
    for name in ("latency_cycles", "work_cycles", "idle_cycles", "utilization"):
        assert analytic["network"][name] == audit["network"][name]


def test_simulate_takes_every_option(ticket):
    options = ["--mapping", "sorted", "--fifo-depth", "inf", "--granularity", "channel", "--broadcast-width", 2]
    options += ["--token-cost", "spikes", "--accumulators", 4, "--send-unwanted", "--weight-bits", 8]
    result = json.loads(invoke("simulate", ticket, *options, "--chip", DEFAULT_CHIP, "--json"))
    told = ["mapping", "fifo_depth", "granularity", "broadcast_width", "token_cost", "accumulators", "skip_unwanted"]
    assert [result[name] for name in told] == ["sorted", "inf", "channel", 2, "spikes", 4, False]
    table = invoke("simulate", ticket, *options)
    assert "latency cycles" in table
    assert "network" in table


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--fifo-depth", "-1"], "expected a whole number from 0 on, or inf, came '-1'"),
        (["--broadcast-width", "0"], "expected a whole number from 1 on, or inf, came 0"),
        (["--leakage-ratio", "nan"], "expected a finite number, came nan"),
        (["--granularity", "bit"], "'bit' is not one of 'token', 'channel', 'tile'"),
        (["--chip", "absent.yaml"], "absent.yaml: expected a chip file, came: No such file"),
    ],
)
def test_wrong_option_is_told_in_one_line(ticket, options, told):
    output = invoke("simulate", ticket, *options, code=2)
    assert told in output
    assert output.count("\n") == 1


def test_activity_that_does_not_fit_names_file_layer_and_shapes(ticket):
    path = TicketFiles(ticket).spikes
    whole = path.read_bytes()
    save_spikes(path, {**SPIKES, "conv3": SPIKES["conv3"][:, :, :, :2]})
    told = f"{path}: layer 'conv3': expected spikes of shape (2, 3, 2, 4, 5), came (2, 3, 2, 2, 5)"
    assert invoke("simulate", ticket, code=2) == f"Error: {told}\n"
    save_spikes(path, {"conv2": SPIKES["conv2"]})
    assert "layer 'conv3': expected spikes of shape (2, 3, 2, 4, 5), came none" in invoke("simulate", ticket, code=2)
    path.write_bytes(whole[: len(whole) // 2])
    assert f"Error: {path}: expected packed spikes, came:" in invoke("simulate", ticket, code=2)
    bits = np.packbits(SPIKES["conv2"])
    np.savez(path, conv2=bits[:-1], conv2_shape=np.array(SPIKES["conv2"].shape))
    assert "expected packed spikes, came: 29 values of uint8 for the shape (2, 3, 2, 4, 5)" in invoke(
        "simulate", ticket, code=2
    )
    path.unlink()
    assert f"Error: {path}: expected packed spikes, came:" in invoke("simulate", ticket, code=2)


def test_folder_that_is_no_ticket_is_told_in_one_line(tmp_path):
    assert "expected the folder of a ticket, came none" in invoke("simulate", tmp_path / "absent", code=2)
    (tmp_path / "file").write_text("x")
    assert "expected the folder of a ticket, came a file" in invoke("export", tmp_path / "file", "o.npz", code=2)
    assert "layers.json: expected a readable file" in invoke("simulate", tmp_path, code=2)


def test_export_writes_streams_that_unpack_to_the_rounded_weights(ticket, tmp_path):
    out = tmp_path / "out.npz"
    assert "2 layers, 20 words" in invoke("export", ticket, out, "--pes", 2, "--quantizer", "keep_mask")
    first = out.read_bytes()
    with np.load(out, allow_pickle=False) as arrays:
        levels = unpack(from_wsp(arrays, "conv3"))
        step = float(arrays["conv3.step"])
        assert arrays["conv3.pe"].tolist() == [0, 0, 1, 1]
        assert arrays["conv3.unit"].tolist() == [0, 2, 1, 3]
    weights = np.random.default_rng(1).normal(size=(4, 2, 3, 3)).astype(np.float32) * MASKS["conv3"]
    assert np.allclose(levels * step, weights, atol=step)
    assert np.array_equal(levels != 0, MASKS["conv3"])
    assert "expected no such file, came one" in invoke("export", ticket, out, code=2)
    invoke("export", ticket, out, "--pes", 2, "--quantizer", "keep_mask", "--force")
    assert out.read_bytes() == first
    assert "expected an ending of .npz" in invoke("export", ticket, tmp_path / "out.bin", code=2)
    TicketFiles(ticket).weights.unlink()
    assert "expected the weights of the ticket, came none" in invoke("export", ticket, tmp_path / "new.npz", code=2)
    assert not (tmp_path / "new.npz").exists()


def test_vgg16_of_the_benchmark_is_what_it_says():
    layers, masks, spikes = vgg16()
    assert len(layers) == 12
    kept, size = sum(mask.sum() for mask in masks.values()), sum(mask.size for mask in masks.values())
    assert kept / size == pytest.approx(0.02, abs=1e-3)
    for layer in layers:
        assert spikes[layer.name].shape == (1, 4, layer.channels, *layer.input_size)
        assert math.prod(layer.output_size) == layer.positions
