"""What the stage `simulate` reads of a ticket, and the tables that it writes."""

import numpy as np
import pytest

from tests.helpers import LAYER, mask_of
from uticket.base.errors import InputError
from uticket.base.files import read_rows
from uticket.config.array import Array, Energy, Hardware
from uticket.config.params import Params
from uticket.config.paths import TicketFiles, simulation_files, ticket_files
from uticket.config.plan import ChainPlan
from uticket.hardware.chip import DEFAULT_CHIP, Chip
from uticket.hardware.simulation import simulate
from uticket.pipeline.simulate import num_runs, read_measured, rows_by_pe, simulate_chain, sweep
from uticket.ticket.spikes import save_spikes
from uticket.ticket.ticket import Ticket

SPIKES = {"conv2": np.random.default_rng(0).random((1, 2, 2, 4, 5)) < 0.4}


@pytest.fixture
def ticket() -> Ticket:
    return Ticket([LAYER], {"conv2": mask_of(3, 1)}, timesteps=2, spikes=SPIKES)


@pytest.fixture
def files(ticket, tmp_path) -> TicketFiles:
    files = TicketFiles(tmp_path)
    ticket.write(files.folder)
    files.activity.write_text("layer,spike_sparsity\nconv2,0.25\nfc,1\n")
    return files


def test_sparsity_is_read_by_layer(files):
    ticket = read_measured(files, spikes=True)
    assert ticket.spike_sparsity["conv2"] == 0.25
    assert np.array_equal(ticket.spikes["conv2"], SPIKES["conv2"])
    assert read_measured(files, spikes=False).spikes is None


@pytest.mark.parametrize(
    ("text", "got"),
    [
        ("layer,spike_sparsity\nconv2,5.0\n", "5.0"),
        ("layer,spike_sparsity\nconv2,-0.1\n", "-0.1"),
        ("layer,spike_sparsity\nconv2,nan\n", "nan"),
        ("layer,spike_sparsity\nconv2,\n", "none"),
        ("layer,spike_sparsity\nfc,0.5\n", "none"),
        ("layer,spike_sparsity\nconv2,much\n", "much"),
        ("layer,silent_share\nconv2,0.5\n", "none"),
    ],
)
def test_activity_without_a_sparsity_is_reported_by_file_and_layer(files, text, got):
    files.activity.write_text(text)
    expected = rf"activity.csv: expected a spike_sparsity in \[0, 1\] of the layer 'conv2', got {got}$"
    with pytest.raises(InputError, match=expected) as error:
        read_measured(files, spikes=False)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("text", ["", "layer,spike_sparsity\nconv2\n", "layer,spike_sparsity\nconv2,0\nconv2,0\n"])
def test_activity_that_is_no_table_of_layers_is_reported_by_file(files, text):
    files.activity.write_text(text)
    with pytest.raises(InputError, match=r"activity.csv: .*expected"):
        read_measured(files, spikes=False)


def test_missing_files_are_reported_by_name(files):
    files.spikes.unlink()
    with pytest.raises(InputError, match=r"activity.npz: expected the spikes of the ticket, got no file"):
        read_measured(files, spikes=True)
    assert read_measured(files, spikes=False).spike_sparsity == {"conv2": 0.25}
    files.activity.unlink()
    with pytest.raises(InputError, match=r"activity.csv: expected a table, got no file"):
        read_measured(files, spikes=False)


def test_spikes_that_do_not_fit_name_the_file(files):
    save_spikes(files.spikes, {"conv2": np.ones((1, 2, 2, 4, 4), bool)})
    expected = r"activity.npz: expected \(images, T, channels, height, width\) = \(1, 2, 2, 4, 5\) in the layer 'conv2'"
    with pytest.raises(InputError, match=expected):
        read_measured(files, spikes=True)


def test_rows_by_pe_have_the_cycles_of_each_pe(ticket):
    (cost,) = simulate(ticket, Array(pes=2)).layers
    rows = list(rows_by_pe(cost))
    assert [row["pe"] for row in rows] == [0, 1]
    assert [row["work_cycles"] for row in rows] == cost.by_pe["work_cycles"]
    names = ("work", "starved", "blocked", "tail", "swap", "drain", "memory")
    assert list(rows[0]) == ["pe", *(f"{name}_cycles" for name in names)]
    (analytic,) = simulate(ticket, Array(pes=2), model="analytic").layers
    assert list(rows_by_pe(analytic)) == []


def hardware(params: Params, **changes: object) -> Hardware:
    """The settings of the tests with another chip's path and sweeps."""
    sweeps = {"pes": [1, 2], "broadcast": {"fifo_depth": [0, 8]}}
    return Hardware.model_validate(params.hw.model_dump() | {"chip": str(DEFAULT_CHIP), "sweeps": sweeps} | changes)


def test_sweep_changes_one_setting_and_the_analytic_model_skips_the_broadcast(ticket, params):
    hw, chip = hardware(params, pes=3), Chip.read()
    points = list(sweep(ticket, hw, chip, Energy(), "events"))
    expected = [("pes", 1), ("pes", 2), ("broadcast.fifo_depth", 0), ("broadcast.fifo_depth", 8)]
    assert [(point["knob"], point["value"]) for point in points] == expected
    narrow = hw.broadcast.model_copy(update={"fifo_depth": 0})
    found = simulate(ticket, hw.array, narrow, chip, model="events")
    area = {"pe_area_um2": found.pe_area_um2}
    assert points[2] == {"knob": "broadcast.fifo_depth", "value": 0, **found.network.columns(), **area}
    one = simulate(ticket, hw.array.model_copy(update={"pes": 1}), hw.broadcast, chip, model="events")
    area = {"pe_area_um2": one.pe_area_um2}
    assert points[0] == {"knob": "pes", "value": 1, **one.network.columns(), **area}
    assert area["pe_area_um2"] > points[2]["pe_area_um2"]  # FIFOs of 64 entries
    analytic = list(sweep(ticket, hw, chip, Energy(), "analytic"))
    assert [(point["knob"], point["value"]) for point in analytic] == expected[:2]


def test_sweep_has_the_same_rows_by_any_number_of_threads(ticket, params, monkeypatch):
    hw, chip = hardware(params, sweeps={"pes": [4, 1, 2, 3], "broadcast": {"fifo_depth": [8, 0]}}), Chip.read()
    found = []
    for threads in ("1", "3"):
        monkeypatch.setenv("OMP_NUM_THREADS", threads)
        found.append(list(sweep(ticket, hw, chip, Energy(), "events")))
    assert found[0] == found[1]
    assert [row["value"] for row in found[1]] == [4, 1, 2, 3, 8, 0]


@pytest.mark.parametrize(("events_on", "events"), [("last", ["lth/r02"]), ("all", ["lth/r01", "lth/r02"])])
def test_all_tickets_of_a_chain_are_simulated_and_the_last_one_is_swept(
    ticket, params, tmp_path, monkeypatch, caplog, events_on, events
):
    monkeypatch.chdir(tmp_path)
    for name in ("lth/r01", "lth/r02"):
        ticket.write(ticket_files(name).folder)
        ticket_files(name).activity.write_text("layer,spike_sparsity\nconv2,0.25\n")
    hw = hardware(params, events_on=events_on, models=["analytic", "events"])
    chain = ChainPlan(method="lth", rounds={"lth/r01": 1, "lth/r02": 2})
    with caplog.at_level("INFO", logger="uticket"):
        simulate_chain(chain, hw, Energy())
    files = simulation_files("lth")
    tickets, layers, pes, sweeps = (read_rows(path) for path in (files.tickets, files.layers, files.pes, files.sweeps))
    by_model = {model: [row["ticket"] for row in tickets if row["model"] == model] for model in ("analytic", "events")}
    assert by_model == {"analytic": ["lth/r01", "lth/r02"], "events": events}
    assert [(row["ticket"], row["model"]) for row in layers] == [(row["ticket"], row["model"]) for row in tickets]
    assert {row["layer"] for row in layers} == {"conv2"}
    assert [row["ticket"] for row in pes] == [name for name in events for _ in range(hw.pes)]
    assert {row["ticket"] for row in sweeps} == {"lth/r02"}
    assert [row["model"] for row in sweeps] == ["analytic"] * 2 + ["events"] * 4
    assert num_runs(chain, hw) == len(tickets) + len(sweeps)  # which the bar counts
    (message,) = caplog.messages
    assert message.startswith("simulate  lth/r02; analytic utilization ")
    assert "; events utilization " in message
    assert "; simulation/lth in " in message
