"""Networks too large to hold as booleans or floats: bits, mapped files and arrays one by one give the same answers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from uticket.base.arrays import Lazy, safetensors_bytes
from uticket.base.errors import InputError
from uticket.config.array import Array
from uticket.config.pruning import Balance
from uticket.foreign.read import read_arrays
from uticket.foreign.write import write_arrays
from uticket.hardware.audit import audit, compare
from uticket.hardware.simulation import simulate
from uticket.pruning.balance import balance
from uticket.ticket import mask as masks
from uticket.ticket.hints import _few_values, same_values
from uticket.ticket.mask import Mask
from uticket.ticket.ticket import Ticket

SHAPES = {"conv1.weight": (6, 4, 3, 3), "conv2.weight": (7, 6, 3, 3), "conv10.weight": (5, 7, 1, 1)}


def network() -> dict[str, np.ndarray]:
    """Weights of three convolutions, a third of them kept."""
    rng = np.random.default_rng(0)
    return {name: rng.normal(size=shape) * (rng.random(shape) < 0.3) for name, shape in SHAPES.items()}


@pytest.fixture
def large(monkeypatch):
    """Every network counts as large."""
    monkeypatch.setattr("uticket.ticket.mask.MOST_BYTES", 0)
    monkeypatch.setattr("uticket.foreign.safetensors_file.MAPPED", 0)


@given(layers=st.lists(hnp.arrays(bool, hnp.array_shapes(min_dims=1, max_side=5)), max_size=4), most=st.integers(0, 99))
def test_a_mask_of_bits_is_the_mask(layers, most):
    named = {f"conv{n}": values for n, values in enumerate(layers)}
    before, masks.MOST_BYTES = masks.MOST_BYTES, most
    try:
        held = Mask(named)
    finally:
        masks.MOST_BYTES = before
    packed = [name for name, kept in held._layers.items() if not isinstance(kept, np.ndarray)]
    assert packed == (list(named) if sum(values.size for values in layers) > most else [])
    assert list(held) == list(named)
    assert held.num_weights == sum(values.size for values in layers)
    assert held.num_kept == sum(int(values.sum()) for values in layers)
    for name, values in named.items():
        assert np.array_equal(held[name], values)
        assert held[name].dtype == np.bool_
        assert held[name].shape == held.shapes[name] == values.shape
        assert not held[name].flags.writeable
    other = held.replace({"conv0": np.ones((2, 3), bool), "new": np.zeros(3)})
    assert other["conv0"].all()
    assert list(other) == list(dict.fromkeys([*named, "conv0", "new"]))


@pytest.mark.parametrize("suffix", [".safetensors", ".npz"])
@pytest.mark.parametrize("bits", [None, 4])
def test_large_networks_have_the_results_of_small_ones(tmp_path, monkeypatch, suffix, bits):
    array, how = Array(pes=4, weight_bits=bits), Balance(select="magnitude")
    write_arrays(tmp_path / "w.safetensors", network())

    def results() -> list[object]:
        ticket = Ticket.read(tmp_path / "w.safetensors", threshold=0.01)
        balanced = balance(ticket, array, how)
        write_arrays(tmp_path / f"out{suffix}", ticket.reading.as_in_file(balanced.mask))
        content = (tmp_path / f"out{suffix}").read_bytes()
        return [audit(ticket, array), compare(ticket, balanced, array), content]

    small = results()
    monkeypatch.setattr("uticket.ticket.mask.MOST_BYTES", 0)
    monkeypatch.setattr("uticket.foreign.safetensors_file.MAPPED", 0)
    assert results() == small


def test_folder_of_a_large_ticket_is_simulated_as_that_of_a_small_one(tmp_path, request):
    rng = np.random.default_rng(1)
    ticket = Ticket.from_arrays(network(), timesteps=2)
    spikes = {n.name: rng.random((1, 2, n.channels, *n.input_size)) < 0.5 for n in ticket.layers}
    Ticket(ticket.layers, ticket.mask, ticket.weights, 2, spikes).write(tmp_path / "ticket")
    small = simulate(Ticket.read(tmp_path / "ticket"), model="analytic")
    request.getfixturevalue("large")
    found = Ticket.read(tmp_path / "ticket")
    assert simulate(found, model="analytic") == small
    assert found.weights is not None
    assert all(np.array_equal(found.weights[name], values) for name, values in (ticket.weights or {}).items())


def test_a_large_file_is_mapped_and_takes_no_room(tmp_path, monkeypatch):
    write_arrays(tmp_path / "w.safetensors", network())

    class Full:
        available = 0

    monkeypatch.setattr("psutil.virtual_memory", Full)
    with pytest.raises(InputError, match="with room for 0.0 GiB"):
        read_arrays(tmp_path / "w.safetensors")
    monkeypatch.setattr("uticket.foreign.safetensors_file.MAPPED", 0)
    arrays = read_arrays(tmp_path / "w.safetensors").arrays
    assert all(np.array_equal(arrays[name], values) for name, values in network().items())
    write_arrays(tmp_path / "half.safetensors", {name: values.astype(np.float16) for name, values in network().items()})
    with pytest.raises(InputError, match="with room for 0.0 GiB"):  # they become float32
        read_arrays(tmp_path / "half.safetensors")


def test_flipped_bits_of_a_mapped_file_are_found(tmp_path, large):
    write_arrays(tmp_path / "w.safetensors", network())
    content = bytearray((tmp_path / "w.safetensors").read_bytes())
    content[-9] ^= 4
    (tmp_path / "w.safetensors").write_bytes(content)
    with pytest.raises(InputError, match="other bytes in"):
        read_arrays(tmp_path / "w.safetensors")


def test_arrays_are_made_one_by_one():
    made: list[str] = []

    def maker(name: str):
        def make() -> np.ndarray:
            made.append(name)
            return np.ones(2)

        return make

    arrays = Lazy({name: maker(name) for name in "abc"})
    assert list(arrays) == ["a", "b", "c"]
    assert len(arrays) == 3
    assert "a" in arrays
    assert "d" not in arrays
    assert arrays.get("d") is None
    assert not made
    assert arrays["b"].sum() == 2
    assert made == ["b"]


@settings(deadline=None)
@given(values=hnp.arrays(np.int8, st.integers(1, 40), elements=st.integers(-2, 2)), first=st.integers(1, 9))
def test_few_values_are_found_without_sorting_all(values, first):
    from uticket.ticket import hints

    before, hints.SOME = hints.SOME, first
    try:
        assert _few_values(values) == (len(np.unique(values)) <= 3)
        assert _few_values(values.astype(np.float32)) == (len(np.unique(values)) <= 3)
    finally:
        hints.SOME = before


def test_arrays_that_differ_late_are_not_the_same():
    one = np.random.default_rng(0).normal(size=(8, 1024))
    other = one.copy()
    other[-1, -1] = 9
    weights = {"a": one, "b": other, "c": one.copy(), "d": one.reshape(1024, 8), "e": other.copy()}
    assert same_values(weights) == {"c": "a", "e": "b"}
    assert _few_values(np.full(9000, np.nan))


TYPES = [bool, *(f"{kind}{size}" for kind in "ui" for size in (1, 2, 4, 8)), "f2", "f4", "f8"]


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(
        st.text(st.characters(codec="utf-8"), max_size=6).filter(lambda name: name != "__metadata__"),
        st.sampled_from(TYPES).flatmap(lambda kind: hnp.arrays(kind, hnp.array_shapes(min_dims=0, min_side=0))),
        max_size=5,
    )
)
def test_a_safetensors_file_has_the_bytes_of_its_library(arrays):
    import json

    from safetensors.numpy import load, save

    content = safetensors_bytes(arrays)
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    whole = {name: np.ascontiguousarray(values).reshape(values.shape) for name, values in arrays.items()}
    assert content == save(whole, header["__metadata__"])
    assert sorted(load(content)) == sorted(arrays)
