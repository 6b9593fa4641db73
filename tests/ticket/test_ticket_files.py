"""Tickets in files: the folder of a ticket, and anybody's masks and weights."""

import json

import numpy as np
import pytest
from safetensors.numpy import save_file

from tests.helpers import LAYER, mask_of
from uticket.base.errors import InputError
from uticket.config.paths import TicketFiles
from uticket.ticket.layer import write_layers
from uticket.ticket.mask import Mask
from uticket.ticket.reading import Reading
from uticket.ticket.spikes import save_spikes
from uticket.ticket.ticket import Ticket

RNG = np.random.default_rng(0)
LAYERS = (LAYER.model_copy(update={"name": "conv1", "reads": "image"}), LAYER)
MASK = Mask({"conv1": mask_of(1), "conv2": mask_of(3, 1)})
WEIGHTS = {name: RNG.normal(size=(4, 2, 3, 3)) for name in ("conv1", "conv2")}
SPIKES = {"conv2": RNG.random((3, 2, 2, 4, 5)) < 0.4}


@pytest.fixture
def files(tmp_path) -> TicketFiles:
    """The folder of a ticket with all its files."""
    files = TicketFiles(tmp_path)
    Ticket(LAYERS, MASK, WEIGHTS, 2, SPIKES).write(files.folder)
    return files


def same(one: dict[str, np.ndarray] | None, other: dict[str, np.ndarray] | None) -> bool:
    if one is None or other is None:
        return one is other
    return list(one) == list(other) and all(np.array_equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("weights", [None, WEIGHTS])
@pytest.mark.parametrize("spikes", [None, SPIKES])
def test_what_is_written_is_what_is_read(tmp_path, weights, spikes):
    Ticket(LAYERS, MASK, weights, 2, spikes).write(tmp_path / "ticket")
    ticket = Ticket.read(tmp_path / "ticket")
    assert (ticket.layers, ticket.timesteps) == (LAYERS, 2)
    assert same(ticket.mask, MASK)
    assert same(ticket.weights, weights)
    assert same(ticket.spikes, spikes)
    assert [layer.name for layer in ticket.on_pes] == ["conv2"]


def test_ticket_of_arrays_is_read_as_written(tmp_path):
    arrays = {"conv": mask_of(1, 2), "fc.weight": np.eye(4)}
    ticket = Ticket.from_arrays(arrays, linear=True).with_positions({"conv": 7})
    ticket.write(tmp_path)
    again = Ticket.read(tmp_path)
    assert again.layers == ticket.layers
    assert same(again.mask, ticket.mask)


def test_notes_stay_with_a_ticket(files):
    assert Ticket.read(files.folder).notes == ()
    assert not files.notes.exists()
    noted = Ticket(LAYERS, MASK, reading=Reading(notes=("one", "two")))
    noted.write(files.folder / "noted")
    assert Ticket.read(files.folder / "noted").notes == ("one", "two")
    for other in ("{}", "[1]"):
        files.notes.write_text(other)
        with pytest.raises(InputError, match=r"notes.json: expected a list of notes, got other JSON"):
            Ticket.read(files.folder)


def test_weights_and_spikes_are_read_where_they_are_wanted_and_there(files):
    ticket = Ticket.read(files.folder, weights=False, spikes=False)
    assert (ticket.weights, ticket.spikes) == (None, None)
    files.weights.write_bytes(b"damaged")
    files.spikes.write_bytes(b"damaged")
    assert Ticket.read(files.folder, weights=False, spikes=False).mask.num_kept == 5
    with pytest.raises(InputError, match=r"weights.safetensors: expected a safetensors file"):
        Ticket.read(files.folder)
    with pytest.raises(InputError, match=r"activity.npz: expected packed spikes"):
        Ticket.read(files.folder, weights=False)
    files.weights.unlink()
    files.spikes.unlink()
    assert (Ticket.read(files.folder).weights, Ticket.read(files.folder).spikes) == (None, None)


def test_weights_have_names_with_or_without_weight_and_others_are_ignored(files):
    save_file({"conv1": WEIGHTS["conv1"], "conv2.weight": WEIGHTS["conv2"], "bn.bias": np.ones(3)}, files.weights)
    assert same(Ticket.read(files.folder).weights, WEIGHTS)
    save_file({"conv2.weight": WEIGHTS["conv2"].astype(np.int8)}, files.weights)
    assert Ticket.read(files.folder).weights["conv2"].dtype == np.float32


def test_missing_parts_of_a_folder_are_reported_by_name(files, tmp_path):
    files.mask.unlink()
    with pytest.raises(InputError, match=r"mask.safetensors: expected a file, got no file"):
        Ticket.read(files.folder)
    files.layers.unlink()
    with pytest.raises(InputError, match=r"layers.json: expected the layers of a ticket, got no file"):
        Ticket.read(files.folder)
    with pytest.raises(InputError, match=r"absent.npz: expected a file, got no file"):
        Ticket.read(tmp_path / "absent.npz")


def test_parts_of_a_folder_that_do_not_fit_its_layers_are_reported_by_file(files):
    Mask({"conv1": mask_of(1), "conv2": np.ones((4, 2, 3, 2))}).save(files.mask)
    with pytest.raises(
        InputError,
        match=r"mask.safetensors: expected the layer 'conv2' of shape \(4, 2, 3, 3\), got shape \(4, 2, 3, 2\)",
    ):
        Ticket.read(files.folder)
    Mask({"conv1": mask_of(1)}).save(files.mask)
    with pytest.raises(InputError, match=r"mask.safetensors: expected the layer 'conv2' of shape .*, got none"):
        Ticket.read(files.folder)
    MASK.save(files.mask)
    save_file({"conv2.weight": np.ones((4, 2, 9))}, files.weights)
    with pytest.raises(InputError, match=r"weights.safetensors: expected the layer 'conv2' of shape \(4, 2, 3, 3\)"):
        Ticket.read(files.folder)
    save_file({"conv1.weight": WEIGHTS["conv1"]}, files.weights)
    with pytest.raises(InputError, match=r"weights.safetensors: expected the layer 'conv2' of shape .*, got none"):
        Ticket.read(files.folder)
    save_file({"conv2.weight": np.full((4, 2, 3, 3), np.nan)}, files.weights)
    expected = "weights.safetensors: expected finite weights in 'conv2', got NaN or infinity"
    with pytest.raises(InputError, match=expected):
        Ticket.read(files.folder)


def test_spikes_that_do_not_fit_the_layers_are_reported_by_file_layer_and_shapes(files):
    save_spikes(files.spikes, {"conv2": np.ones((1, 2, 2, 4, 4), dtype=bool)})
    expected = r"\(images, T, channels, height, width\) = \(1, 2, 2, 4, 5\) in the layer 'conv2', got \(1, 2, 2, 4, 4\)"
    with pytest.raises(InputError, match=f"activity.npz: expected {expected}"):
        Ticket.read(files.folder)
    save_spikes(files.spikes, {"conv1": np.ones((1, 2, 2, 4, 5), dtype=bool)})
    with pytest.raises(InputError, match="activity.npz: expected spikes of the layer 'conv2', got none"):
        Ticket.read(files.folder)


def test_masks_may_be_numpy_archives_and_are_reported_as_such(files):
    files.mask.unlink()
    path = files.mask.with_suffix(".npz")
    np.savez(path, **{"conv1.weight": mask_of(2) * 0.5, "conv2": mask_of(7)})
    assert Ticket.read(files.folder).mask["conv1"].sum() == 2
    np.savez(path, conv1=mask_of(2))
    with pytest.raises(InputError, match=r"mask.npz: expected the layer 'conv2' of shape .*, got none"):
        Ticket.read(files.folder)
    np.savez(path, conv1=mask_of(2), conv2=np.full((4, 2, 3, 3), np.nan))
    with pytest.raises(InputError, match=r"mask.npz: expected a mask of finite numbers in 'conv2', got NaN"):
        Ticket.read(files.folder)
    MASK.save(files.mask)
    assert same(Ticket.read(files.folder).mask, MASK)


def test_file_is_read_with_the_layers_that_describe_it(files, tmp_path):
    path = tmp_path / "w.npz"
    np.savez(path, **{"conv2.weight": WEIGHTS["conv2"], "conv9": mask_of(1)})
    assert [layer.positions for layer in Ticket.read(path).layers] == [1, 1]
    ticket = Ticket.read(path, files.layers)
    assert [(layer.name, layer.positions) for layer in ticket.layers] == [("conv2.weight", 20), ("conv9", 1)]
    assert ticket.timesteps == 2
    assert list(ticket.weights) == ["conv2.weight", "conv9"]


def test_layers_that_describe_nothing_or_something_else_are_reported(files, tmp_path):
    path = tmp_path / "w.npz"
    np.savez(path, first=mask_of(1))
    with pytest.raises(InputError, match=r"layers.json: expected layers of .*w.npz \(first\), got conv1, conv2"):
        Ticket.read(path, files.layers)
    np.savez(path, conv2=np.ones((4, 2, 1, 1)))
    with pytest.raises(InputError, match=r"w.npz: expected the layer 'conv2' of shape .*, got shape \(4, 2, 1, 1\)"):
        Ticket.read(path, files.layers)
    with pytest.raises(InputError, match="--layers: expected it with a file only, got the folder"):
        Ticket.read(files.folder, files.layers)
    with pytest.raises(
        InputError, match="--linear: expected it with a file only, got the folder .*; --on-pes all runs"
    ):
        Ticket.read(files.folder, linear=True)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_of_a_file_are_finite(tmp_path, value):
    np.savez(tmp_path / "w.npz", conv1=np.full((2, 2, 3, 3), value))
    with pytest.raises(InputError, match=r"w.npz: expected finite weights in 'conv1', got NaN or infinity"):
        Ticket.read(tmp_path / "w.npz")


def test_wrong_layers_of_a_folder_are_reported_by_file_and_key(files):
    write_layers(files.layers, [LAYER, LAYER], timesteps=2)
    with pytest.raises(InputError, match=r"layers.json: layers.1.name: expected another name"):
        Ticket.read(files.folder)
    document = json.loads(files.layers.read_text())
    files.layers.write_text(json.dumps(document | {"timesteps": 0}))
    with pytest.raises(InputError, match=r"layers.json: timesteps: expected greater than or equal to 1, got 0"):
        Ticket.read(files.folder)


def test_same_ticket_gives_the_same_bytes(files, tmp_path):
    other = TicketFiles(tmp_path / "other")
    Ticket.read(files.folder).write(other.folder)
    for name in ("mask", "layers", "weights", "spikes"):
        assert getattr(files, name).read_bytes() == getattr(other, name).read_bytes()
