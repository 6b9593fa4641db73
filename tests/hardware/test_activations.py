from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.hardware.networks import chains, conv, shortcut, ticket_of, used_bits
from tests.helpers import SMALL
from uticket.hardware.activations import Activations, Bits, choose_near, place_activations
from uticket.hardware.kept import Kept
from uticket.ticket.layer import Layer

PLENTY = 2**40


def total(bits: Bits) -> int:
    return bits.sram + bits.dram


def in_chain(layers: list[Layer], timesteps: int, capacity: int) -> list[Activations]:
    return list(place_activations(ticket_of(*layers, timesteps=timesteps), capacity).values())


def test_spikes_between_layers_stay_near_if_they_fit_and_else_go_to_dram():
    layers = [conv("a", 3, 4, 8, reads="image"), conv("b", 4, 2, 8), conv("c", 2, 5, 4), conv("d", 5, 1, 4)]
    b, c, d = in_chain(layers, 2, PLENTY)
    assert b == Activations(True, Bits(dram=2 * 4 * 64), written=Bits(sram=2 * 2 * 16))  # pooled to 4 x 4
    assert c == Activations(True, Bits(sram=64), written=Bits(sram=2 * 5 * 16))
    assert d == Activations(True, Bits(sram=160), written=Bits(dram=2 * 16))
    b, c, d = in_chain(layers, 2, 512 + 63)  # the 64 spikes of b do not fit beside its input
    assert (b.written, c.used, c.written) == (Bits(dram=64), Bits(dram=64), Bits(sram=160))
    assert (c.held, d.used) == (True, Bits(sram=160))
    b, c, d = in_chain(layers, 2, 159)
    assert (b.held, c.held, d.held) == (False, True, False)
    assert (b.written, c.written) == (Bits(sram=64), Bits(dram=160))


def test_spikes_are_written_once_for_readers_of_a_shape_and_again_for_those_of_another():
    block = [conv("b", 2, 3, 4, stride=(2, 2)), conv("c", 3, 3, 2, adds_to="s")]
    layers = [conv("a", 1, 2, 8), *block, shortcut("s", 2, 3, 4, stride=2, adds_to="s")]
    a, b, _, s = in_chain(layers, 1, PLENTY)
    assert a.written == Bits(sram=2 * 16)  # pooled, for both
    assert (b.used, s.used) == (Bits(sram=2 * 16), Bits(sram=2 * 4))  # a stride of 2 passes over three of four
    apart = [*layers[:3], shortcut("s", 2, 3, 8, stride=4, adds_to="s")]
    assert in_chain(apart, 1, PLENTY)[0].written == Bits(sram=2 * 16 + 2 * 4)


def test_counts_take_the_bits_of_the_largest_and_a_dilated_kernel_passes_positions_over():
    layers = [conv("a", 1, 2, 8), conv("b", 2, 3, 8, reads="counts", kernel=(1, 3), padding=(0, 0), dilation=(1, 3))]
    layers += [conv("c", 2, 3, 8, kernel=(2, 2), padding=(0, 0), dilation=(7, 7))]
    spikes = {"b": np.full((1, 2, 2, 8, 8), 5, dtype=np.uint8)}
    moved = place_activations(replace(ticket_of(*layers, timesteps=2), spikes=spikes), PLENTY)
    assert (moved["b"].value_bits, moved["b"].used) == (3, Bits(sram=3 * 2 * 2 * 48))  # 6 columns of 8
    assert (moved["c"].value_bits, total(moved["c"].used)) == (1, 2 * 2 * 4)  # the corners


def test_sums_wait_near_or_in_dram_from_their_first_layer_to_their_last():
    layers = [conv("a", 1, 2, 4), conv("b", 2, 3, 4, adds_to="s"), shortcut("s", 2, 3, 4, adds_to="s")]
    bits = 24 * 2 * 3 * 16
    for capacity, where in ((PLENTY, Bits(sram=bits)), (bits, Bits(dram=bits))):
        _, b, s = in_chain(layers, 2, capacity)
        assert (b.sums_written, b.sums_read, b.written) == (where, Bits(), Bits())
        assert (s.sums_read, s.sums_written, total(s.written)) == (where, Bits(), 2 * 3 * 16)
    three = [*layers[:2], conv("c", 2, 3, 4, adds_to="s"), layers[2]]
    _, b, c, s = in_chain(three, 2, PLENTY)
    assert (b.sums_written, c.sums_read, c.sums_written, s.sums_read) == (Bits(sram=bits),) * 4


def test_spikes_around_a_block_have_a_second_reader_and_no_sum_waits():
    layers = [conv("a", 1, 2, 4, adds_to="s"), conv("b", 2, 2, 4), conv("c", 2, 2, 4, adds_to="s")]
    _, b, c = in_chain(layers, 1, PLENTY)
    assert (c.shortcut, c.sums_read, b.sums_written) == (Bits(sram=32), Bits(), Bits())
    a, b, c, _ = in_chain([*layers, conv("d", 2, 1, 4)], 1, 64)  # room for the input and the output of c, no more
    assert (a.written, b.used, b.written, c.shortcut) == (Bits(dram=32), Bits(dram=32), Bits(sram=32), Bits(dram=32))


@settings(max_examples=200, deadline=None)
@given(chains(), st.integers(1, 3), st.integers(1, 3000))
def test_over_a_chain_spikes_read_once_are_those_written_and_the_input(layers, timesteps, capacity):
    moved = place_activations(ticket_of(*layers, timesteps=timesteps), capacity)
    running = [layer for layer in layers if layer.on_pes]
    for layer in running:
        assert total(moved[layer.name].used) == used_bits(layer, timesteps)
        assert moved[layer.name].held == (used_bits(layer, timesteps) <= capacity)
    leaving = timesteps * running[-1].filters * running[-1].positions
    read, written = ([total(getattr(one, name)) for one in moved.values()] for name in ("used", "written"))
    assert sum(read) == sum(written) - leaving + used_bits(running[0], timesteps)
    for writer, reader in pairwise(running):
        assert moved[writer.name].written == moved[reader.name].used  # in the same memory


@pytest.mark.parametrize("name", ["vgg16", "resnet19"])
@pytest.mark.parametrize("capacity", [1, 4096, PLENTY])
def test_over_our_networks_spikes_read_once_are_those_written_and_the_input(name, capacity):
    from uticket.networks.network import build  # imported here: takes seconds
    from uticket.networks.shapes import describe_layers

    layers = describe_layers(build(SMALL.model_copy(update={"name": name}), (3, 32, 32), 10, seed=0), (3, 32, 32))
    ticket = ticket_of(*layers, timesteps=2)
    moved = place_activations(ticket, capacity)
    first, last = ticket.on_pes[0], ticket.on_pes[-1]
    read = sum(total(one.used) for layer, one in moved.items() if not layer.endswith("shortcut"))  # they read again
    written = sum(total(one.written) for one in moved.values())
    assert read == written - 2 * last.filters * last.positions + used_bits(first, 2)
    sums = {name: total(one.sums_written) for name, one in moved.items() if total(one.sums_written)}
    waiting = [layer for layer in layers if layer.name.endswith("block1.conv2")]
    assert sums == {layer.name: 2 * 24 * layer.filters * layer.positions for layer in waiting}
    assert sum(total(one.sums_read) for one in moved.values()) == sum(sums.values())
    around = [layer for layer in layers if layer.adds_to and "block1" not in layer.name]
    added = {name: total(one.shortcut) for name, one in moved.items() if total(one.shortcut)}
    assert added == {layer.name: 2 * layer.filters * layer.positions for layer in around}


def test_wide_resnet19_moves_172_032_words_of_sums_through_dram():
    from uticket.networks.network import build  # imported here: takes seconds
    from uticket.networks.shapes import describe_layers

    network = build(SMALL.model_copy(update={"name": "resnet19", "width": 1.0}), (3, 32, 32), 10, seed=0)
    ticket = ticket_of(*describe_layers(network, (3, 32, 32)), timesteps=4)
    moved = place_activations(ticket, 8 * 32768)
    assert sum(one.sums_read.dram + one.sums_written.dram for one in moved.values()) == 64 * 172_032
    assert not any(one.sums_read.sram + one.sums_written.sram for one in moved.values())
    assert total(moved["stage1.block1.shortcut"].used) == 65_536


@st.composite
def waiting(draw) -> tuple[list[Kept], np.ndarray, int]:
    """Things that are kept over some layers, what each layer holds of its input, and the capacity."""
    layers, capacity = draw(st.integers(2, 6)), draw(st.integers(1, 30))
    kept, inputs = [], np.zeros(layers, dtype=np.int64)
    for reader in range(1, layers):
        writer = draw(st.integers(0, reader - 1))
        bits = draw(st.integers(1, 20))
        kept.append(Kept(bits, np.ones((1, 1), bool), [writer], inputs={reader: bits}))
        inputs[reader] = bits if bits <= capacity else 0
    for _ in range(draw(st.integers(0, 3))):
        first = draw(st.integers(0, layers - 2))
        last = draw(st.integers(first + 1, layers - 1))
        kept.append(Kept(draw(st.integers(1, 20)), np.ones((1, 1), bool), [first], read=[last]))
    return kept, inputs, capacity


@settings(max_examples=300, deadline=None)
@given(waiting())
def test_what_is_near_fits_at_every_layer_and_what_is_not_finds_no_room(case):
    kept, held, capacity = case
    near = choose_near(kept, held, capacity)

    def occupied(chosen: set[Kept]) -> np.ndarray:
        bits = held.copy()
        for one in chosen:
            for layer in range(one.span.start, one.span.stop):
                bits[layer] += 0 if one.inputs and layer in one.inputs and held[layer] else one.bits
        return bits

    assert (occupied(near) <= capacity).all()
    for one in set(kept) - near:
        assert (occupied(near | {one}) > capacity).any()


def test_shorter_waits_have_the_first_claim():
    one = np.ones((1, 1), bool)
    long, short = Kept(3, one, [0], read=[3]), Kept(5, one, [1], inputs={2: 5})
    held = np.array([0, 0, 5, 0])
    assert choose_near([long, short], held, 7) == {short}
    assert choose_near([long, short], held, 8) == {long, short}
    small = replace(short, position_bits=3, inputs={2: 3})
    assert choose_near([short, small], np.array([0, 0, 3, 0]), 7) == {small}
