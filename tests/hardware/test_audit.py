import numpy as np
import pytest

from tests.helpers import LAYER, layer_of, mask_of
from uticket.base.errors import InputError
from uticket.config.array import Array
from uticket.hardware.audit import audit, compare
from uticket.ticket.ticket import Ticket


def ticket(*nonzeros: int, timesteps: int = 1) -> Ticket:
    return Ticket([LAYER], {"conv2": mask_of(*nonzeros)}, timesteps=timesteps)


def test_layer_costs_cycles_at_all_positions():
    (layer,) = audit(ticket(2, 2, 1, 1, timesteps=3), Array(pes=2)).layers
    assert (layer.name, layer.nonzeros, layer.groups, layer.positions) == ("conv2", 6, 2, 20)
    assert (layer.weights, layer.filters, layer.sparsity) == (72, 4, 66 / 72)
    assert (layer.work_cycles, layer.idle_cycles, layer.latency_cycles) == (360, 0, 180)


def test_timesteps_are_those_of_the_ticket_unless_others_are_given():
    assert audit(ticket(2, timesteps=3)).network.work_cycles == 2 * 20 * 3
    assert audit(ticket(2, timesteps=3), timesteps=1).network.work_cycles == 2 * 20


def test_array_decides_dataflow_mapping_and_spare_pes():
    def latency(**array: object) -> int:
        return audit(ticket(4, 1, 4, 1), Array(**array)).network.latency_cycles

    assert latency(pes=2) == 8 * 20
    assert latency(pes=2, mapping="sorted") == latency(pes=2, mapping="paired") == 5 * 20
    assert latency(pes=2, dataflow="input-channels") == 10 * 20  # all weights are in the first channel
    assert latency(pes=8) == 4 * 10
    assert latency(pes=8, spare_pes="idle") == 4 * 20
    assert latency() == latency(pes=16)


def test_network_sums_its_layers_and_weights_their_utilization():
    big, empty = layer_of(channels=6, name="b"), layer_of(channels=9, name="c")
    mask = np.zeros((4, 6, 3, 3), dtype=bool)
    for f, count in enumerate([9, 8, 2, 2]):
        mask[f].flat[:count] = True
    masks = {"conv2": mask_of(3, 1), "b": mask, "c": np.zeros((4, 9, 3, 3), dtype=bool)}
    found = audit(Ticket([LAYER, big, empty], masks), Array(pes=2))
    one, other, nothing = found.layers
    assert (one.utilization, other.utilization, nothing.utilization) == pytest.approx((1 / 3, (8 / 9 + 1) / 2, 1.0))
    network = found.network
    assert network.utilization == found.utilization == pytest.approx((one.utilization + 3 * other.utilization) / 4)
    assert network.utilization_ceil == pytest.approx((one.utilization_ceil + 3 * other.utilization_ceil) / 4)
    assert (network.name, network.filters, network.groups, network.positions) == ("network", 12, 6, 60)
    assert (network.weights, network.nonzeros, network.work_cycles) == (17 * 36, 25, 25 * 20)
    for name in ("work_cycles", "idle_cycles", "latency_cycles"):
        assert getattr(network, name) == sum(getattr(layer, name) for layer in found.layers)
    alone = audit(Ticket([empty], {"c": masks["c"]}), Array(pes=2))
    assert (alone.utilization, alone.network.latency_cycles) == (1.0, 0)


def test_ticket_without_a_layer_on_the_pes_cannot_be_audited():
    image = LAYER.model_copy(update={"reads": "image"})
    with pytest.raises(InputError, match=r"layers: expected a convolution .*that reads spikes, got none"):
        audit(Ticket([image], {"conv2": mask_of(1)}))


def test_rounded_weights_are_audited_as_the_array_holds_them():
    weights = {"conv2": np.where(mask_of(3, 1), np.linspace(0.01, 1, 72).reshape(4, 2, 3, 3), 0)}
    rounded = Ticket([LAYER], {"conv2": mask_of(3, 1)}, weights)
    plain, kept = (audit(rounded, Array(weight_bits=4, quantizer=q)).network for q in ("plain", "keep_mask"))
    assert (plain.nonzeros, kept.nonzeros, audit(rounded).network.nonzeros) == (3, 4, 4)


def test_frame_has_a_row_for_each_layer():
    frame = audit(ticket(2, 2, 1, 1), Array(pes=2)).frame()
    assert frame["layer"].tolist() == ["conv2"]
    assert frame["latency_cycles"].tolist() == [3 * 20]
    assert frame["sparsity"].tolist() == [66 / 72]


def test_comparison_counts_added_and_removed_weights_and_both_utilizations():
    before = Ticket([LAYER, LAYER.model_copy(update={"name": "b"})], {"conv2": mask_of(3, 1), "b": mask_of(2, 2)})
    after = Ticket(before.layers, {"conv2": mask_of(2, 2), "b": mask_of(3, 3, 1)})
    changes = compare(before, after, Array(pes=2))
    conv2, b = changes["layers"]
    assert (conv2["name"], conv2["added"], conv2["removed"]) == ("conv2", 1, 1)
    assert (b["name"], b["added"], b["removed"]) == ("b", 3, 0)
    assert (conv2["overlap"], b["overlap"], changes["network"]["overlap"]) == (3 / 4, 1.0, 7 / 8)
    assert (conv2["nonzeros_before"], conv2["nonzeros_after"]) == (4, 4)
    assert (conv2["utilization_before"], conv2["utilization_after"]) == pytest.approx((1 / 3, 1.0))
    network = changes["network"]
    assert (network["name"], network["added"], network["removed"]) == ("network", 4, 1)
    assert (network["nonzeros_before"], network["nonzeros_after"]) == (8, 11)
    assert network["utilization_before"] == audit(before, Array(pes=2)).utilization
    assert network["utilization_after"] == audit(after, Array(pes=2)).utilization


@pytest.mark.parametrize(("channels", "notes"), [(1, 1), (2, 0), (3, 1), (4, 0)])
def test_a_first_convolution_that_may_read_an_image_is_reported(channels, notes):
    arrays = {"a": np.ones((16, channels, 3, 3), bool), "b": np.ones((16, 3, 3, 3), bool)}
    found = Ticket.from_arrays(arrays).with_positions({"a": 4, "b": 4})
    note = (
        f"a counts as reading spikes, but has as many channels as images have ({channels}); --skip-first leaves it out"
    )
    assert audit(found).notes == (note,) * notes
    assert compare(found, found)["notes"] == [note] * notes
    assert audit(found.choose(skip_first=True)).notes == ()
    said = Ticket.from_arrays(arrays, layers=found.layers)
    assert audit(said).notes == ()
