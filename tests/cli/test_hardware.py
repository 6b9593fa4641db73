"""`uticket simulate`."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from tests.helpers import LAYER, mask_of
from uticket.cli.main import main
from uticket.config.array import Array, Broadcast
from uticket.config.paths import TicketFiles
from uticket.config.tables import DATAFLOWS
from uticket.exchange.wsp import from_wsp
from uticket.hardware.chip import DEFAULT_CHIP
from uticket.hardware.simulation import simulate
from uticket.hardware.storage import unpack
from uticket.ticket.layer import write_layers
from uticket.ticket.mask import Mask
from uticket.ticket.spikes import save_spikes
from uticket.ticket.ticket import Ticket

RNG = np.random.default_rng(0)
SPIKES = {"conv2": RNG.random((2, 3, 2, 4, 5)) < 0.4, "conv3": RNG.random((2, 3, 2, 4, 5)) < 0.2}
MASKS = Mask({"conv1": mask_of(1, 1, 1, 1), "conv2": mask_of(5, 1, 2, 0), "conv3": mask_of(3, 3, 3, 3)})
IMAGE = LAYER.model_copy(update={"name": "conv1", "reads": "image"})
LAYERS = (IMAGE, LAYER, LAYER.model_copy(update={"name": "conv3"}))
WEIGHTS = np.random.default_rng(1).normal(size=(4, 2, 3, 3)).astype(np.float32)


@pytest.fixture
def ticket() -> Ticket:
    """A ticket with two convolutions on the PEs and one before them."""
    return Ticket(LAYERS, MASKS, dict.fromkeys(MASKS, WEIGHTS), 3, SPIKES)


@pytest.fixture
def folder(ticket, tmp_path) -> Path:
    ticket.write(tmp_path / "ticket")
    return tmp_path / "ticket"


def invoke(*arguments: object, code: int = 0) -> str:
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert result.exit_code == code, result.output
    return result.output


def test_simulate_prints_json_of_layers_and_network(ticket, folder):
    result = json.loads(invoke("simulate", folder, "--pes", 2, "--fifo-depth", 1, "--json"))
    assert (result["model"], result["pes"], result["broadcast"]["fifo_depth"], result["images"]) == ("events", 2, 1, 2)
    assert result["timesteps"] == 3
    expected = simulate(ticket, Array(pes=2), Broadcast(fifo_depth=1))
    assert [layer["name"] for layer in result["layers"]] == ["conv2", "conv3"]
    for layer, cost in zip(result["layers"], expected.layers, strict=True):
        for name in ("latency_cycles", "work_cycles", "idle_cycles", "utilization", "tokens"):
            assert layer[name] == getattr(cost, name)
        assert layer["energy_pj"]["mac_dynamic_pj"] == cost.energy_pj["mac_dynamic_pj"]
        assert layer["energy_pj"]["total"] == layer["total_pj"] == cost.total_pj
        assert layer["accesses"] == cost.accesses
        assert len(layer["by_pe"]["work_cycles"]) == 2
    assert result["network"]["latency_cycles"] == expected.network.latency_cycles
    analytic = json.loads(invoke("simulate", folder, "--pes", 2, "--model", "analytic", "--json"))
    audit = json.loads(invoke("audit", folder, "--pes", 2, "--json"))
    for name in ("latency_cycles", "work_cycles", "idle_cycles", "utilization"):
        assert analytic["network"][name] == audit["network"][name]


def test_simulate_takes_every_option(folder):
    options = ["--mapping", "sorted", "--fifo-depth", "inf", "--granularity", "channel", "--broadcast-width", 2]
    options += ["--token-cost", "spikes", "--accumulators", 4, "--no-skip-unwanted", "--weight-bits", 8]
    options += ["--quantizer", "keep_mask", "--dataflow", "filters", "--spare-pes", "idle", "--leakage-ratio", 0.5]
    result = json.loads(invoke("simulate", folder, *options, "--chip", DEFAULT_CHIP, "--json"))
    of_array = ["mapping", "accumulators", "weight_bits", "quantizer", "dataflow", "spare_pes", "leakage_ratio"]
    assert [result[name] for name in of_array] == ["sorted", 4, 8, "keep_mask", "filters", "idle", 0.5]
    of_broadcast = ["fifo_depth", "granularity", "width", "token_cost", "skip_unwanted"]
    assert [result["broadcast"][name] for name in of_broadcast] == ["inf", "channel", 2, "spikes", False]
    assert result["chip"]["name"]
    table = invoke("simulate", folder, *options)
    assert "latency cycles" in table
    assert "network" in table


def test_the_table_shows_what_else_takes_time(folder):
    assert not {"swap", "drain", "memory"} & set(invoke("simulate", folder).split())
    slow = ["--weight-swap-cycles", 1, "--drain-width", 1, "--bandwidth", "chip"]
    assert {"swap", "drain", "memory"} <= set(invoke("simulate", folder, *slow).split())


@pytest.mark.parametrize("dataflow", DATAFLOWS)
def test_every_command_takes_every_dataflow(folder, tmp_path, dataflow):
    way, out = ["--dataflow", dataflow, "--pes", 3], tmp_path / "out.npz"
    network = json.loads(invoke("simulate", folder, *way, "--mapping", "paired", "--json"))["network"]
    waiting = network["idle_cycles"] + network["swap_cycles"] + network["drain_cycles"]
    assert network["work_cycles"] + waiting == pytest.approx(3 * network["latency_cycles"])
    assert network["operations"] == json.loads(invoke("simulate", folder, "--json"))["network"]["operations"]
    analytic = json.loads(invoke("simulate", folder, *way, "--model", "analytic", "--json"))["network"]
    assert analytic["work_cycles"] == json.loads(invoke("audit", folder, *way, "--json"))["network"]["work_cycles"]
    invoke("balance", folder, tmp_path / "balanced.npz", *way)
    invoke("export", folder, out, *way, "--quantizer", "keep_mask")
    with np.load(out, allow_pickle=False) as arrays:
        assert np.array_equal(unpack(from_wsp(arrays, "conv3")) != 0, MASKS["conv3"])


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--fifo-depth", "-1"], "expected a whole number from 0 to 2147483647, or inf, got -1"),
        (["--fifo-depth", "1.5"], "expected a whole number from 0 to 2147483647, or inf, got 1.5"),
        (["--broadcast-width", "0"], "expected a whole number from 1 to 2147483647, or inf, got 0"),
        (["--leakage-ratio", "nan"], "expected a finite number, got 'nan'"),
        (["--leakage-ratio", "-1"], "expected greater than or equal to 0, got '-1'"),
        (["--granularity", "bit"], "expected one of token, channel, tile, got 'bit'"),
        (["--mapping", "random"], "expected one of contiguous, patterns, sorted, paired, got 'random'"),
        (["--accumulators", "0"], "expected greater than or equal to 1, got '0'"),
        (["--chip", "absent.yaml"], "absent.yaml: expected YAML, got no file"),
    ],
)
def test_wrong_option_is_reported_in_one_line(folder, options, expected):
    output = invoke("simulate", folder, *options, code=2)
    assert expected in output
    assert output.count("\n") == 1
    assert options[0] in output or options[0] == "--chip"


def test_activity_that_does_not_fit_names_file_layer_and_shapes(folder):
    path = TicketFiles(folder).spikes
    whole = path.read_bytes()
    save_spikes(path, {**SPIKES, "conv3": SPIKES["conv3"][:, :, :, :2]})
    shapes = "(images, T, channels, height, width) = (2, 3, 2, 4, 5) in the layer 'conv3', got (2, 3, 2, 2, 5)"
    assert invoke("simulate", folder, code=2) == f"Error: {path}: expected {shapes}\n"
    save_spikes(path, {"conv2": SPIKES["conv2"]})
    missing = f"Error: {path}: expected spikes of the layer 'conv3', got none\n"
    assert invoke("simulate", folder, code=2) == missing
    path.write_bytes(whole[: len(whole) // 2])
    assert f"Error: {path}: expected packed spikes, got:" in invoke("simulate", folder, code=2)
    bits = np.packbits(SPIKES["conv2"])
    np.savez(path, conv2=bits[:-1], conv2_shape=np.array(SPIKES["conv2"].shape))
    assert "expected packed spikes, got: 29 values of uint8 for the shape (2, 3, 2, 4, 5)" in invoke(
        "simulate", folder, code=2
    )
    path.unlink()
    missing = f"Error: {path}: expected the spikes of the ticket, got no file\n"
    assert invoke("simulate", folder, code=2) == missing


def test_folder_that_is_no_ticket_is_reported_in_one_line(tmp_path):
    absent = tmp_path / "absent"
    assert f"{absent}: expected the folder of a ticket, got none" in invoke("simulate", absent, code=2)
    (tmp_path / "file").write_text("x")
    assert "expected the folder of a ticket, got a file" in invoke("export", tmp_path / "file", "o.npz", code=2)
    assert "layers.json: expected the layers of a ticket, got no file" in invoke("simulate", tmp_path, code=2)


def test_ticket_without_a_layer_on_the_pes_is_reported_by_file(folder):
    write_layers(TicketFiles(folder).layers, [IMAGE], timesteps=3)
    expected = f"Error: {TicketFiles(folder).layers}: expected a convolution that reads spikes, got none\n"
    assert invoke("simulate", folder, code=2) == expected
