"""Which parts of a checkpoint are taken, what is said about it, and what the file says about layers."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from tests.foreign.kinds import KINDS, OwnNetwork, optimizer
from uticket.base.errors import InputError
from uticket.foreign.contents import Contents, Operator, Skipped
from uticket.foreign.read import read_arrays

CONV = torch.ones(4, 2, 3, 3)


def read(folder: Path, content: Any) -> Contents:
    """What is read of a file of torch.save."""
    torch.save(content, folder / "w.pt")
    return read_arrays(folder / "w.pt")


def state(value: float = 1.0) -> dict[str, torch.Tensor]:
    return {"conv.weight": CONV * value, "fc.weight": torch.ones(3, 4) * value}


@pytest.mark.parametrize(
    ("content", "names", "skipped"),
    [
        ({"state_dict": state(), "state_dict_ema": state(2)}, ["conv.weight", "fc.weight"], ["state_dict_ema"]),
        ({"ema": state()}, ["conv.weight", "fc.weight"], []),
        ({"teacher": state(2), "model": {"state_dict": state()}}, ["conv.weight", "fc.weight"], ["teacher"]),
        ({"model": state(), "net": state(2)}, ["conv.weight", "fc.weight"], ["net"]),
        ({"checkpoint": {"weights": state()}, "loss": torch.ones(9)}, ["conv.weight", "fc.weight"], ["loss"]),
        ([7, state()], ["conv.weight", "fc.weight"], []),
        ({"encoder": state(), "head": state(), "optimizer": optimizer()},
         [f"{part}.{name}" for part in ("encoder", "head") for name in state()], ["optimizer"]),
        ({**state(), "optimizer": optimizer(), "rng_state": torch.ones(5)}, ["conv.weight", "fc.weight"],
         ["optimizer", "rng_state"]),
        ({"masks": {"conv": CONV, "fc": torch.ones(3, 4)}}, ["conv", "fc"], []),
        ({"optimizer": {"conv.weight": CONV}}, ["optimizer.conv.weight"], []),
        ({"model": {"weight": CONV}, "fc": {"weight": CONV}}, ["model.weight", "fc.weight"], []),
        ({"loss.weight": CONV, "conv.weight": CONV}, ["loss.weight", "conv.weight"], []),
    ],
)  # fmt: skip
def test_the_weights_are_taken_and_the_rest_is_reported(tmp_path, content, names, skipped):
    found = read(tmp_path, content)
    assert list(found.arrays) == names
    assert [part.name for part in found.skipped] == skipped
    assert all(values.max() == 1 for values in found.arrays.values())


def test_what_was_taken_is_said_with_what_is_beside_it(tmp_path):
    found = read(tmp_path, {"epoch": 3, "ema": state(2), "net": state(), "optimizer": optimizer()})
    assert found.notes == ("'net' was taken, beside 'ema', 'optimizer'",)
    assert found.skipped == (
        Skipped("ema", "'net' was taken", 84),
        Skipped("optimizer", "saved beside the weights", 73),
    )


def test_masks_beside_the_weights_are_paired_by_name(tmp_path):
    found = read(tmp_path, {"state_dict": state(), "masks": {"conv": CONV > 0, "fc.weight": CONV, "old": CONV}})
    assert list(found.arrays) == ["conv.weight", "fc.weight", "conv.weight_mask", "fc.weight_mask"]
    assert found.skipped == (Skipped("masks of 'old'", "no weights of that name", 72),)
    assert found.notes[1] == "the masks of conv.weight, fc.weight are saved beside the weights"


def test_numbers_of_what_is_left_out_are_not_read(tmp_path, monkeypatch):
    read_members = []
    monkeypatch.setattr("uticket.base.archive.Archive.read", _noting(read_members))
    read(tmp_path, {"state_dict": state(), "optimizer": {"m": state(), "v": state()}})
    assert sum("data/" in name for name in read_members) == 2


def _noting(names: list[str]) -> Any:
    from uticket.base.archive import Archive

    plain = Archive.read

    def read(archive: Archive, name: str) -> bytes:
        names.append(name)
        return plain(archive, name)

    return read


def test_modules_say_which_layer_an_array_belongs_to(tmp_path):
    model = OwnNetwork()
    model.up = nn.ConvTranspose2d(4, 2, 3, padding=1)
    found = read(tmp_path, {"net": model})
    conv = Operator("OwnLayer", stride=(2, 2), padding=(0, 0), dilation=(1, 1), groups=1, inputs_first=False)
    assert found.operators["features.0.weight"] == conv
    assert found.operators["up.weight"].kind == "ConvTranspose2d"
    assert found.operators["up.weight"].inputs_first
    assert found.operators["features.1.weight"].kind == "BatchNorm2d"
    assert found.arrays.keys() == found.operators.keys()


def test_graphs_say_the_order_and_the_shapes_of_layers(tmp_path):
    kinds = {kind.make.__name__: kind for kind in KINDS}
    found = read_arrays(kinds["nir_graph"].make(tmp_path)[0])
    assert [name for name in found.arrays if name.endswith("weight")] == ["z_conv.weight", "fc.weight"]
    conv = Operator("Conv2d", stride=(2, 2), padding=(1, 1), dilation=(1, 1), groups=1, input_size=(8, 8))
    assert found.operators["z_conv.weight"] == conv
    assert found.operators["lif.tau"].kind == "LIF"
    found = read_arrays(kinds["onnx_graph"].make(tmp_path)[0])
    assert list(found.arrays) == ["conv1.weight", "fc.weight"]  # as used, not as stored
    conv = Operator("Conv", stride=(2, 2), padding=(1, 1), groups=1, input_size=(8, 8), output_size=(4, 4))
    assert found.operators["conv1.weight"].inputs_first is False
    assert found.operators["conv1.weight"].kind == conv.kind
    assert found.operators["conv1.weight"].output_size == (4, 4)
    assert found.operators["fc.weight"].inputs_first is False  # transB


def test_an_array_in_columns_keeps_its_values(tmp_path):
    import pickle

    values = np.arange(24.0).reshape(2, 3, 4)
    for protocol in range(6):
        content = {"f": np.asfortranarray(values), "t": values.transpose(2, 0, 1), "part": values[:, ::2]}
        (tmp_path / "w.pkl").write_bytes(pickle.dumps(content, protocol))
        found = read_arrays(tmp_path / "w.pkl").arrays
        for name, expected in content.items():
            assert np.array_equal(found[name], expected), (protocol, name)


def test_two_arrays_of_one_name_are_an_error(tmp_path):
    with pytest.raises(InputError, match="got: two parts of one name"):
        read(tmp_path, {1: {"w": CONV}, "1": {"w": CONV}, "conv.weight": CONV})
    with pytest.raises(InputError, match=r"got: two arrays named 'a\.b'"):
        read(tmp_path, {"a.b": CONV, "a": {"b": CONV}})
