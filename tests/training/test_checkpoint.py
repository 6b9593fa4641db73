import pytest
import torch

from tests.training.helpers import fresh
from uticket.networks.network import build
from uticket.training.checkpoint import copy_state, load_state, save_state


def test_state_is_loaded_as_saved_and_damage_is_reported(small, tmp_path):
    one, other = (build(small, (1, 8, 8), 2, seed) for seed in (0, 1))
    save_state(copy_state(one), tmp_path / "state")
    load_state(other, tmp_path / "state")
    assert torch.equal(one.conv4.weight, other.conv4.weight)
    (tmp_path / "half").write_bytes((tmp_path / "state").read_bytes()[:2000])
    for path in (tmp_path / "half", tmp_path / "absent"):
        with pytest.raises(ValueError, match=f"{path.name}: expected a safetensors file, got"):
            load_state(one, path)
    flipped = bytearray((tmp_path / "state").read_bytes())
    flipped[-5] ^= 1
    (tmp_path / "flipped").write_bytes(flipped)
    with pytest.raises(ValueError, match="flipped: expected .*, got: other bytes in '.*' than were written"):
        load_state(one, tmp_path / "flipped")
    wider = fresh(small.model_copy(update={"width": 0.25}))
    with pytest.raises(
        ValueError,
        match=r"state: expected .* network, conv1.weight of shape \(8, 1, 3, 3\), got of shape \(4, 1, 3, 3\)$",
    ) as error:
        load_state(wider, tmp_path / "state")
    assert "\n" not in str(error.value)
    save_state({"odd": torch.ones(1), **copy_state(one)}, tmp_path / "more")
    with pytest.raises(ValueError, match="more: expected the weights of this network, got odd, too$"):
        load_state(one, tmp_path / "more")
    save_state({"conv1.weight": one.conv1.weight.detach()}, tmp_path / "few")
    with pytest.raises(ValueError, match="few: expected the weights of this network, .* of shape .*, got none$"):
        load_state(one, tmp_path / "few")
