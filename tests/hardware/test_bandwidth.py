import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.hardware.chips import write_chip
from tests.hardware.plain_events import cases, layers_of_every_kind, placed_on
from tests.hardware.plain_memories import plain_steps, step_through
from tests.helpers import layer_of
from uticket.config.array import Array, Broadcast
from uticket.hardware.activations import Activations, Bits
from uticket.hardware.analytic import analytic
from uticket.hardware.bandwidth import bound_of, cycles_of_steps, end_of_steps, layer_transfers, memory_cycles
from uticket.hardware.chip import Chip
from uticket.hardware.events import events
from uticket.hardware.moves import layer_moves
from uticket.hardware.simulation import simulate
from uticket.hardware.timing import Timing
from uticket.ticket.ticket import Ticket

cell = st.integers(0, 6)
steps = st.lists(st.tuples(cell, cell, cell), min_size=1, max_size=8)
bits = st.builds(Bits, st.integers(0, 300), st.integers(0, 300))


def test_steps_by_hand():
    loads, runs, stores = [5, 5, 5], [10, 1, 10], [2, 2, 2]
    # loads end at 5, 10 and, waiting for the first run, 20; runs at 15, 16 and, waiting for the first store, 32;
    # stores at 22, 24, 34
    assert end_of_steps(loads, runs, stores, 2) == 34
    assert end_of_steps(loads, runs, stores, 1) == 3 * (5 + 2) + 21
    assert end_of_steps([0] * 3, runs, [0] * 3, 2) == 21
    assert end_of_steps(loads, [0] * 3, [0] * 3, 2) == 15
    assert end_of_steps([7], [3], [4], 2) == 14


@settings(max_examples=300, deadline=None)
@given(steps, st.integers(1, 3))
def test_steps_end_as_in_an_array_that_is_stepped_through(case, buffers):
    loads, runs, stores = (list(part) for part in zip(*case, strict=True))
    end = end_of_steps(loads, runs, stores, buffers)
    assert end == step_through(loads, runs, stores, buffers)
    assert max(sum(runs), sum(loads) + sum(stores)) <= end <= sum(loads) + sum(runs) + sum(stores)
    assert end_of_steps(loads, runs, stores, buffers + 1) <= end
    slower = [load + 1 for load in loads]
    assert end <= end_of_steps(slower, runs, stores, buffers) <= end + len(loads)


def chip_of(**values: int) -> Chip:
    """The default chip with other bandwidths (bits a cycle) and capacities (bytes)."""
    chip = Chip.read()
    with_value = lambda record, value: record.model_copy(update={"value": value})  # noqa: E731
    memories = {}
    for name in ("weights", "spikes"):
        memory = getattr(chip.memories, name)
        changed = {"width": values[f"{name}_width"], "banks": values["banks"], "capacity": values[f"{name}_capacity"]}
        changed = {key: with_value(getattr(memory, key), value) for key, value in changed.items()}
        memories[name] = memory.model_copy(update=changed)
    bandwidth = with_value(chip.dram.bandwidth, values["dram"] * chip.clock.value / 8)
    words = with_value(chip.scratchpad_words, values["scratchpad_words"])
    update = {"memories": chip.memories.model_copy(update=memories), "scratchpad_words": words}
    return chip.model_copy(update={**update, "dram": chip.dram.model_copy(update={"bandwidth": bandwidth})})


chips = st.builds(
    chip_of,
    weights_width=st.integers(1, 9),
    spikes_width=st.integers(1, 9),
    banks=st.integers(1, 3),
    weights_capacity=st.integers(1, 40),
    spikes_capacity=st.just(64),
    dram=st.integers(1, 40),
    scratchpad_words=st.integers(2, 30),
)
one_bit = st.just(Bits(dram=1)) | st.just(Bits(sram=1))
kept = st.builds(Activations, st.booleans(), one_bit, bits, bits, bits, bits, st.integers(1, 3))


@settings(max_examples=300, deadline=None)
@given(
    st.one_of(cases(), cases(layers=layers_of_every_kind())),
    kept,
    chips,
    st.integers(1, 2),
    st.sampled_from([events, analytic]),
)
def test_layer_waits_for_memories_as_in_plain_loops(case, activations, chip, buffers, model):
    layer, mask, spikes, array, broadcast = case
    if not activations.held:
        activations = replace(activations, used=Bits(dram=1))
    placed = placed_on(layer, mask, array)
    ran = model(placed, Ticket([layer], {layer.name: mask}, timesteps=3, spikes={layer.name: spikes}), array, broadcast)
    moves = layer_moves(placed, activations, 3, array, chip)
    transfers = layer_transfers(moves, chip)
    expected = plain_steps(placed, activations, 3, array, chip)
    assert transfers.loads.tolist() == [step.load for step in expected]
    assert transfers.reads.tolist() == [step.read for step in expected]
    assert transfers.stores.tolist() == [step.store for step in expected]
    ends = []
    for image in cycles_of_steps(ran.cycles, moves).tolist():
        runs = [max(cycles, step.read) for cycles, step in zip(image, expected, strict=True)]
        ends.append(step_through(*(transfers.loads.tolist(), runs, transfers.stores.tolist()), buffers))
    alone = ran.timing.latency_cycles
    assert ran.cycles.sum(axis=(1, 2)).mean() == pytest.approx(alone)
    waited = memory_cycles(ran.cycles, moves, transfers, buffers)
    assert alone + waited == pytest.approx(np.mean(ends))
    assert waited >= 0
    assert alone + waited >= max(transfers.needed.values()) - 1e-9


def test_transfers_of_a_layer_by_hand():
    layer, mask = layer_of(filters=4, channels=4, size=(8, 8)), np.ones((4, 4, 3, 3), dtype=bool)
    mask[range(4), range(4), 0, 0] = False  # filters with the same pattern would share it
    array, chip = Array(pes=2, accumulators=32), Chip.read()  # 5 x 5 of 8 x 8 outputs: four tiles of two groups
    placed = placed_on(layer, mask, array)
    moved = Activations(True, Bits(dram=2 * 4 * 64), written=Bits(sram=2 * 4 * 64))
    moves = layer_moves(placed, moved, 2, array, chip)
    weight_bits = 2 * 16 * (35 + math.ceil(36 / 16))
    assert moves.weight_reads.tolist() == moves.weight_writes.tolist() == [[weight_bits, 0, 0, 0]] * 2
    assert moves.spike_reads.tolist() == [[8 * 36, 8 * 24, 8 * 24, 8 * 16]] * 2
    assert moves.copied.tolist() == [[8 * 36, 8 * 12, 8 * 12, 8 * 4], [0] * 4]
    assert moves.spike_writes.tolist() == [[4 * 25, 4 * 15, 4 * 15, 4 * 9]] * 2
    transfers = layer_transfers(moves, chip)
    dram = [weight_bits + 8 * 36, 8 * 12, 8 * 12, 8 * 4, weight_bits, 0, 0, 0]
    assert transfers.needed["dram_cycles"] == sum(math.ceil(n / 256) for n in dram)
    assert transfers.loads[0] == math.ceil(weight_bits / 128)  # 16 banks of 8 bit
    assert transfers.needed["weight_sram_cycles"] == 2 * math.ceil(weight_bits / 128)
    assert transfers.stores.tolist() == [1] * 8
    assert transfers.needed["spike_sram_cycles"] == 2 * (3 + 2 + 2 + 1)
    more = layer_transfers(replace(moves, spike_writes=100 * moves.spike_writes), chip)
    written = [math.ceil(n / 128) for n in (10000, 6000, 6000, 3600)]
    assert more.needed["spike_sram_cycles"] == 2 * sum(written) + 3 + 1 + 1 + 1  # and the copies, through the same port


def test_analytic_cycles_of_a_group_are_split_by_outputs():
    layer, array = layer_of(filters=4, channels=4, size=(8, 8)), Array(pes=2, accumulators=32, drain_width=5)
    placed = placed_on(layer, np.ones((4, 4, 3, 3), dtype=bool), array)
    ran = analytic(placed, Ticket([layer], {"conv2": placed.mask}, spike_sparsity={"conv2": 0.5}), array, Broadcast())
    assert ran.cycles.tolist() == [[[36 * 25 + 5, 36 * 15 + 3, 36 * 15 + 3, 36 * 9 + 2]] * 2]


def ticket_of_two(density: float = 0.3) -> Ticket:
    rng = np.random.default_rng(0)
    layers = [layer_of(8, 4, (8, 8), name="conv2"), layer_of(8, 8, (8, 8), name="conv3")]
    masks = {layer.name: rng.random(layer.weight_shape) < density for layer in layers}
    spikes = {layer.name: rng.random((2, 3, layer.channels, 8, 8)) < 0.3 for layer in layers}
    return Ticket(layers, masks, timesteps=3, spikes=spikes)


@pytest.mark.parametrize("model", ["events", "analytic"])
def test_waiting_for_memories_is_part_of_each_pe_and_leaks(model, tmp_path):
    ticket, bandwidth = ticket_of_two(), {"value": 10, "unit": "MB/s", "source": "made up"}
    chip, broadcast = Chip.read(write_chip(tmp_path, dram__bandwidth=bandwidth)), Broadcast(fifo_depth=2, width=1)
    array = Array(pes=4, weight_swap_cycles=1, drain_width=1)
    free, limited = (
        simulate(ticket, array.model_copy(update={"bandwidth": name}), broadcast, chip, model=model)
        for name in ("unlimited", "chip")
    )
    for one, other in zip((*free.layers, free.network), (*limited.layers, limited.network), strict=True):
        assert one.memory_cycles == 0
        assert other.memory_cycles > 0
        assert other.latency_cycles == pytest.approx(one.latency_cycles + other.memory_cycles)
        assert other.busy_share == pytest.approx(other.work_cycles / (4 * other.latency_cycles))
        assert other.bound == one.bound == "DRAM"
        assert other.needed_cycles == one.needed_cycles
        assert other.latency_cycles >= other.needed_cycles["dram_cycles"]
        assert other.energy - one.energy == pytest.approx(0.21 * 4 * other.memory_cycles)
        leakage = one.energy_pj["lif_leakage_pj"] / one.latency_cycles
        assert other.energy_pj["lif_leakage_pj"] == pytest.approx(leakage * other.latency_cycles)
        assert (one.accesses, one.utilization) == (other.accesses, other.utilization)
        for pe in zip(*other.by_pe.values(), strict=True):
            assert sum(pe) == pytest.approx(other.latency_cycles)
    serial = simulate(
        ticket, array.model_copy(update={"bandwidth": "chip", "buffers": 1}), broadcast, chip, model=model
    )
    assert serial.network.latency_cycles > limited.network.latency_cycles


def test_loads_of_the_scratchpads_cost_energy_with_the_bandwidth_of_the_chip():
    ticket, chip = ticket_of_two(), Chip.read()
    free, limited = (simulate(ticket, Array(pes=4, bandwidth=name), chip=chip) for name in ("unlimited", "chip"))
    words = sum(int(ticket.mask[n.name].sum()) + n.filters * math.ceil(n.channels * 9 / 16) for n in ticket.layers)
    assert free.network.energy_pj["load_pj"] == 0
    assert limited.network.energy_pj["load_pj"] == pytest.approx(words * chip.scratchpad_write.value)
    without = chip.model_copy(update={"scratchpad_write": None})
    assert "load_pj" not in simulate(ticket, Array(pes=4), chip=without).network.energy_pj


def timing(latency: float, waiting: float) -> Timing:
    nothing = dict.fromkeys(("utilization", "busy_share", "idle_cycles", "tail_cycles", "fifo_mean", "fifo_max"), 0)
    nothing |= dict.fromkeys(("tokens", "dropped_tokens", "operations", "work_cycles", "starved_cycles"), 0)
    return Timing(**nothing, latency_cycles=latency, blocked_cycles=waiting)


def test_bound_is_what_takes_most_cycles():
    needed = {"weight_sram_cycles": 5, "spike_sram_cycles": 9, "dram_cycles": 7}
    assert bound_of(timing(8, 0), 2, needed) == "spike SRAM"
    assert bound_of(timing(9, 9), 2, needed) == "compute"
    assert bound_of(timing(9, 10), 2, needed) == "broadcast"
    assert bound_of(timing(9, 10), 2, {**needed, "dram_cycles": 10}) == "DRAM"


def test_bound_of_a_network_is_that_of_its_layers_for_the_longest_time():
    from uticket.hardware.cost import network_cost

    layer = simulate(ticket_of_two(), Array(pes=4)).layers[0]

    def bound(*layers: tuple[str, int, int]) -> str:
        needed = ({"weight_sram_cycles": 1, "dram_cycles": needed} for *_, needed in layers)
        costs = [
            replace(layer, bound=name, latency_cycles=latency, needed_cycles=of_memories)
            for (name, latency, _), of_memories in zip(layers, needed, strict=True)
        ]
        return network_cost(costs).bound

    compute, dram = ("compute", 5, 0), ("DRAM", 4, 4)
    assert bound(compute, dram) == "compute"
    assert bound(compute, dram, ("DRAM", 2, 2)) == "DRAM"
    assert bound(compute, ("DRAM", 4, 6)) == "DRAM"  # bandwidth is unlimited, and the memory would need more


def test_network_that_only_waits_for_memories_is_never_busy():
    ticket = ticket_of_two(density=0)
    for bandwidth, share in (("unlimited", 1.0), ("chip", 0.0)):
        found = simulate(ticket, Array(pes=4, bandwidth=bandwidth))
        assert [cost.busy_share for cost in (*found.layers, found.network)] == [share] * 3


def test_cycles_without_barriers_are_split_by_outputs():
    layer = layer_of(filters=4, channels=4, size=(8, 8))
    array = Array(pes=2, accumulators=32)
    placed = placed_on(layer, np.ones((4, 4, 3, 3), dtype=bool), array)
    moves = layer_moves(placed, Activations(True), 1, array, Chip.read())
    whole = cycles_of_steps(np.array([[[256]], [[128]]]), moves)
    assert whole.tolist() == [[50, 30, 30, 18] * 2, [25, 15, 15, 9] * 2]
    assert cycles_of_steps(np.array([[[128], [64]]]), moves).tolist() == [[50, 30, 30, 18, 25, 15, 15, 9]]
