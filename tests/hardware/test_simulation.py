import math
from dataclasses import fields, replace

import numpy as np
import pytest

from benchmarks.vgg16 import vgg16
from tests.hardware.plain_events import IDEAL
from tests.helpers import LAYER, layer_of, mask_of
from uticket.base.errors import InputError
from uticket.config.array import Array, Broadcast, Energy
from uticket.hardware.audit import audit
from uticket.hardware.chip import Chip
from uticket.hardware.cost import network_cost
from uticket.hardware.simulation import simulate
from uticket.hardware.timing import Timing
from uticket.pruning.balance import balance
from uticket.ticket.mask import Mask
from uticket.ticket.ticket import Ticket

RNG = np.random.default_rng(0)
SPIKES = {"conv2": RNG.random((2, 3, 2, 4, 5)) < 0.4, "conv3": RNG.random((2, 3, 2, 4, 5)) < 0.2}
MASKS = Mask({"conv2": mask_of(5, 1, 2, 0), "conv3": mask_of(3, 3, 3, 3)})
LAYERS = (LAYER, LAYER.model_copy(update={"name": "conv3"}))
CHIP = Chip.read()


@pytest.fixture
def ticket() -> Ticket:
    return Ticket(LAYERS, MASKS, timesteps=3, spikes=SPIKES)


def test_both_models_agree_on_a_network_of_dense_spikes_without_padding():
    layers = [layer_of(padding=(0, 0), name=name) for name in SPIKES]
    dense = {name: np.ones((1, 3, 2, 4, 5), dtype=bool) for name in SPIKES}
    ticket = Ticket(layers, MASKS, timesteps=3, spikes=dense)
    by_model = [simulate(ticket, Array(pes=2), IDEAL, CHIP, model=model).layers for model in ("analytic", "events")]
    for analytic, events in zip(*by_model, strict=True):
        assert analytic.energy == pytest.approx(events.energy)
        without_fifo = {name: value for name, value in events.energy_pj.items() if not name.startswith("fifo")}
        assert {name: analytic.energy_pj[name] for name in without_fifo} == pytest.approx(without_fifo)
        assert analytic.accesses == events.accesses
        one, other = analytic.timing(), events.timing()
        differing = [name for name in one if one[name] != pytest.approx(other[name])]
        assert set(differing) <= {"fifo_mean", "fifo_max", "fifo_pushes", "tokens", "dropped_tokens"}
        assert events.tokens + events.dropped_tokens == analytic.tokens


def test_cycles_add_up_by_pe_and_over_layers(ticket):
    found = simulate(ticket, Array(pes=3), Broadcast(fifo_depth=1, width=1), CHIP)
    for cost in found.layers:
        assert 3 * cost.latency_cycles == cost.work_cycles + cost.idle_cycles
        waiting = cost.starved_cycles + cost.blocked_cycles + cost.tail_cycles
        assert waiting == pytest.approx(cost.idle_cycles)
        for name, by_pe in cost.by_pe.items():
            assert sum(by_pe) == pytest.approx(getattr(cost, name))
        assert cost.energy == pytest.approx(cost.operations + 0.21 * 3 * cost.latency_cycles)
    total = found.network
    assert total.latency_cycles == sum(cost.latency_cycles for cost in found.layers)
    live, dead = found.layers[0], replace(found.layers[1], work_cycles=0.0, utilization=1.0)
    assert network_cost([live, dead]).utilization == pytest.approx(live.utilization)
    assert total.total_pj == pytest.approx(sum(cost.total_pj for cost in found.layers))
    assert total.busy_share == pytest.approx(total.work_cycles / (total.work_cycles + total.idle_cycles))
    assert total.columns()["pe_pj"] < total.columns()["total_pj"]


def test_network_sums_sizes_energies_and_accesses_and_weights_fifos_by_latency(ticket):
    found = simulate(ticket, Array(pes=2), Broadcast(fifo_depth=3), CHIP)
    layers, total = found.layers, found.network
    for name in ("filters", "weights", "nonzeros", "groups", "tokens", "dropped_tokens", "operations", "energy"):
        assert getattr(total, name) == pytest.approx(sum(getattr(cost, name) for cost in layers))
    for name in ("energy_pj", "accesses"):
        sums = {key: sum(getattr(cost, name)[key] for cost in layers) for key in getattr(total, name)}
        assert getattr(total, name) == pytest.approx(sums)
    mean = np.average([cost.fifo_mean for cost in layers], weights=[cost.latency_cycles for cost in layers])
    assert total.fifo_mean == pytest.approx(mean)
    assert total.fifo_max == max(cost.fifo_max for cost in layers)
    assert (total.name, total.by_pe, [cost.name for cost in layers]) == ("network", {}, ["conv2", "conv3"])


def test_columns_are_those_of_a_table(ticket):
    cost = simulate(ticket, Array(pes=2), chip=CHIP).network
    columns = cost.columns()
    assert [name for name in columns if name in cost.timing()] == [part.name for part in fields(Timing)]
    assert columns["pe_pj"] == sum(cost.energy_pj[name] for name in cost.energy_pj if not name.startswith(("s", "d")))
    assert columns["total_pj"] == sum(cost.energy_pj.values())
    assert list(cost.accesses) == [name for name in columns if name.endswith(("_reads", "_writes"))]
    frame = simulate(ticket, Array(pes=2), chip=CHIP).frame()
    assert frame["layer"].tolist() == ["conv2", "conv3"]
    assert list(frame.columns) == ["layer", *columns]


def test_defaults_are_16_pes_fifos_of_64_and_the_chip_and_leakage_of_the_paper(ticket):
    spelled = simulate(ticket, Array(pes=16), Broadcast(fifo_depth=64), CHIP, Energy(leakage_ratio=0.21), "events")
    assert simulate(ticket) == spelled
    assert simulate(ticket, energy=Energy(leakage_ratio=0.5)).network.energy > spelled.network.energy


def test_analytic_model_takes_measured_sparsity_before_that_of_the_spikes(ticket):
    def operations(ticket: Ticket) -> list[float]:
        return [cost.operations for cost in simulate(ticket, chip=CHIP, model="analytic").layers]

    work = [cost.work_cycles for cost in simulate(ticket, chip=CHIP, model="analytic").layers]
    rates = [SPIKES[name].mean() for name in ("conv2", "conv3")]
    assert operations(ticket) == pytest.approx([n * rate for n, rate in zip(work, rates, strict=True)])
    measured = replace(ticket, spike_sparsity={"conv2": 0.75})
    assert operations(measured) == pytest.approx([work[0] * 0.25, work[1] * rates[1]])
    alone = replace(ticket, spikes=None, spike_sparsity={"conv2": 0.75, "conv3": 1.0})
    assert operations(alone) == pytest.approx([work[0] * 0.25, 0])


@pytest.mark.parametrize(
    ("model", "expected"), [("analytic", "its spikes or its spike sparsity"), ("events", "spikes of")]
)
def test_missing_spikes_are_reported_by_layer(ticket, model, expected):
    known = replace(ticket, spikes={"conv2": SPIKES["conv2"]})
    with pytest.raises(InputError, match=f"layer 'conv3': expected {expected}.*, got none"):
        simulate(known, chip=CHIP, model=model)


def test_ticket_without_a_layer_on_the_pes_cannot_be_simulated():
    image = LAYER.model_copy(update={"reads": "image"})
    with pytest.raises(InputError, match="layers: expected a layer that runs on the PEs, got none"):
        simulate(Ticket([image], {"conv2": mask_of(1)}), chip=CHIP)


def test_rounded_weights_cost_what_the_array_holds(ticket):
    weights = {name: np.where(MASKS[name], np.linspace(0.01, 1, 72).reshape(4, 2, 3, 3), 0) for name in MASKS}
    array = Array(pes=2, weight_bits=3)
    rounded = simulate(replace(ticket, weights=weights), array, chip=CHIP)
    held = {name: np.rint(weights[name] / (weights[name].max() / 3)) != 0 for name in MASKS}
    plain = simulate(replace(ticket, mask=Mask(held)), Array(pes=2), chip=CHIP)
    assert rounded.network == plain.network
    assert rounded.network.nonzeros < MASKS.num_kept


def test_tickets_balanced_for_each_pe_count_have_latency_in_inverse_proportion():
    """Table III of the paper, in exact arithmetic on the masks of a VGG-16 at 98 %."""
    ticket, scaled = vgg16(), {}
    for pes in (2, 4, 8, 16, 32, 64):
        array = Array(pes=pes)
        balanced = balance(ticket, array, purpose=("table III", pes))
        scaled[pes] = audit(balanced, array, timesteps=4).network.latency_cycles * pes
    assert max(scaled.values()) / min(scaled.values()) < 1.01


def test_vgg16_of_the_benchmark_is_what_it_says():
    ticket = vgg16()
    assert len(ticket.on_pes) == len(ticket.layers) == 12
    assert ticket.mask.density == pytest.approx(0.02, abs=1e-3)
    for layer in ticket.layers:
        assert ticket.spikes[layer.name].shape == (1, 4, layer.channels, *layer.input_size)
        assert math.prod(layer.output_size) == layer.positions
        assert ticket.spike_sparsity[layer.name] == pytest.approx(1 - ticket.spikes[layer.name].mean())


def test_fifos_are_paid_for_by_their_depth(ticket):
    by_depth = {depth: simulate(ticket, Array(pes=2), Broadcast(fifo_depth=depth)) for depth in (0, 8, math.inf)}
    none, some, unlimited = by_depth.values()
    assert none.pe_area_um2 == pytest.approx(CHIP.pe_area_um2)
    assert some.pe_area_um2 == pytest.approx(CHIP.pe_area_um2 + 8 * 67.515)
    assert unlimited.pe_area_um2 == math.inf
    assert none.network.energy_pj["fifo_dynamic_pj"] == none.network.energy_pj["fifo_leakage_pj"] == 0
    assert some.network.fifo_pushes == unlimited.network.fifo_pushes > 0
    leak = 2.5 * 3.8625e-5 * 2  # of an entry of both PEs in a cycle
    for cost in some.layers:
        assert cost.energy_pj["fifo_leakage_pj"] == pytest.approx(leak * 8 * cost.latency_cycles)
    for cost in unlimited.layers:  # those entries that were in use
        assert cost.energy_pj["fifo_leakage_pj"] == pytest.approx(leak * cost.fifo_max * cost.latency_cycles)
    analytic = simulate(ticket, Array(pes=2), Broadcast(fifo_depth=8), model="analytic")
    assert analytic.pe_area_um2 == pytest.approx(CHIP.pe_area_um2)
    assert analytic.network.energy_pj["fifo_leakage_pj"] == 0
