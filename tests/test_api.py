"""The public API, as the README shows it."""

import re
import subprocess
import sys

import numpy as np
import pytest

import uticket as ut
from tests.helpers import ROOT, layer_of


@pytest.fixture
def ticket() -> ut.Ticket:
    rng = np.random.default_rng(0)
    layers = [layer_of(32, 8, (8, 8), name="conv2"), layer_of(32, 32, (8, 8), name="conv3")]
    weights = {n.name: rng.normal(size=n.weight_shape) * (rng.random(n.weight_shape) < 0.1) for n in layers}
    spikes = {n.name: rng.random((2, 4, n.channels, *n.input_size)) < 0.2 for n in layers}
    return ut.Ticket(layers, {name: values != 0 for name, values in weights.items()}, weights, 4, spikes)


def test_every_name_is_there_and_documented():
    for name in ut.__all__:
        value = getattr(ut, name)
        assert isinstance(value, str) or value.__doc__
    assert set(ut.__all__) <= set(dir(ut))
    with pytest.raises(AttributeError, match="module 'uticket' has no attribute 'Tickets'"):
        ut.Tickets  # noqa: B018


def test_audit_balance_and_simulate_take_and_return_tickets(ticket):
    array = ut.Array(pes=16)
    assert ut.audit(ticket, array).utilization < 1
    balanced = ut.balance(ticket, array, seed=0)
    assert ut.audit(balanced, array).utilization == 1.0
    result = ut.simulate(balanced, array, ut.Broadcast(fifo_depth=8))
    assert result.network.latency_cycles == sum(layer.latency_cycles for layer in result.layers)
    assert result.network.total_pj == pytest.approx(sum(result.network.energy_pj.values()))
    frame = result.frame()
    assert frame["layer"].tolist() == ["conv2", "conv3"]
    assert frame["latency_cycles"].sum() == result.network.latency_cycles
    assert ut.audit(balanced, array).frame()["idle_cycles"].tolist() == [0, 0]
    lth = ut.prune(ticket, 0.5)
    assert lth.mask.num_kept == ticket.mask.num_kept - round(0.5 * ticket.mask.num_kept)
    assert ticket.mask.num_kept > lth.mask.num_kept  # the first is unchanged


def test_a_chip_and_an_energy_ratio_of_ones_own_count(ticket):
    chip = ut.Chip.read()
    dearer = chip.model_copy(update={"dram": chip.dram.model_copy(update={"read": chip.memories.weights.read})})
    one, other = (ut.simulate(ticket, chip=used, model="analytic") for used in (chip, dearer))
    assert other.network.energy_pj["dram_pj"] < one.network.energy_pj["dram_pj"]
    leaky = ut.simulate(ticket, energy=ut.Energy(leakage_ratio=0.5), model="analytic")
    assert leaky.network.energy > one.network.energy


def test_the_lines_of_python_in_the_readme_run(tmp_path, ticket):
    """They read a ticket of the project and print what audit, balance and simulate say."""
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert len(code.strip().splitlines()) <= 8
    (folder,) = re.findall(r'Ticket\.read\("(.*?)"\)', code)
    ticket.write(tmp_path / folder)
    result = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert result.stdout


def test_wrong_arguments_are_reported_by_name(ticket, tmp_path):
    with pytest.raises(ut.InputError, match="model: expected one of analytic, events, got 'spice'"):
        ut.simulate(ticket, model="spice")
    with pytest.raises(ut.InputError, match="score: expected one of magnitude, filter_norm, got 'gradient'"):
        ut.prune(ticket, 0.5, "gradient")
    with pytest.raises(ut.InputError, match=r"fraction: expected a share of the kept weights in \[0, 1\), got 1.5"):
        ut.prune(ticket, 1.5)
    with pytest.raises(ut.InputError, match="expected a file, or the folder of a ticket, got none"):
        ut.Ticket.read(tmp_path / "absent")
    assert "0 layers" in repr(ut.Ticket.from_arrays({"fc": np.ones((2, 2))}))
    ticket.write(str(tmp_path / "there"))
    assert ut.Ticket.read(str(tmp_path / "there")).num_images == 2
