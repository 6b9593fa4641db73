import math

import pytest
import torch

from tests.training.helpers import fresh, made_up
from uticket.training import early_time
from uticket.training.batches import Images
from uticket.training.early_time import choose_timesteps, divergences, enough_timesteps


def test_divergence_of_the_classes_by_hand():
    # mean outputs of class 1 so far: 4, 3, 2, 1, with class 0 at 0: p = sigmoid(mean); p after all = sigmoid(1)
    outputs = torch.tensor([4.0, 2.0, 0.0, -2.0]).view(4, 1, 1) * torch.tensor([0.0, 1.0])
    whole = 1 / (1 + math.exp(-1))

    def apart(mean: float) -> float:
        p = 1 / (1 + math.exp(-mean))
        return whole * math.log(whole / p) + (1 - whole) * math.log((1 - whole) / (1 - p))

    assert divergences(outputs) == pytest.approx({2: 1.0, 3: apart(2) / apart(3)})


@pytest.mark.parametrize(("threshold", "timesteps"), [(0.9, 3), (0.6, 4), (0.5, 4), (0.2, 5)])
def test_first_number_of_timesteps_below_the_threshold_is_enough(threshold, timesteps):
    assert enough_timesteps({2: 1.0, 3: 0.6, 4: 0.3}, 5, threshold) == timesteps


def test_outputs_that_never_change_need_two_timesteps_and_two_need_no_choice():
    same = torch.ones(4, 3, 5)
    assert enough_timesteps(divergences(same), 4, 0.6) == 2
    assert divergences(torch.randn(2, 3, 5)) == {}
    assert enough_timesteps({}, 2, 0.6) == 2


@pytest.mark.parametrize(("threshold", "timesteps"), [(1.0, 3), (1.5, 2)])
def test_a_threshold_above_every_divergence_chooses_two_timesteps_and_says_so(
    small, monkeypatch, caplog, threshold, timesteps
):
    """As that of the published code, 1.5."""
    monkeypatch.setattr(early_time, "divergences", lambda outputs: {2: 1.0, 3: 0.9, 4: 0.1})
    with caplog.at_level("INFO", logger="uticket"):
        chosen, _ = choose_timesteps(fresh(small.model_copy(update={"timesteps": 5})), made_up(), threshold)
    line = "prune.early_time_threshold 1.5 is above 1, the largest divergence: it always chooses 2 timesteps"
    assert (chosen, caplog.messages) == (timesteps, [line] if timesteps == 2 else [])


def test_images_of_all_classes_are_used(small, monkeypatch):
    """Images in the order of their classes, as a folder gives them."""
    seen = []
    monkeypatch.setattr(early_time, "IMAGES", 8)
    monkeypatch.setattr(early_time, "divergences", lambda outputs: seen.append(outputs.shape) or {})
    images = made_up()
    order = images.labels.argsort(stable=True)
    in_order = Images(images.images[order], images.labels[order], images.mean, images.deviation)
    network = fresh(small)
    network.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    choose_timesteps(network, in_order, 0.6)
    bright_above = seen[0][:, 0, :4].mean((1, 2)) > seen[0][:, 0, 4:].mean((1, 2))
    assert bright_above.tolist() == [True] * 4 + [False] * 4
    assert seen[1] == (3, 8, 2)


def test_a_network_with_fewer_timesteps_gives_the_outputs_of_the_first_ones(small):
    """So that one pass over all timesteps is enough."""
    network = fresh(small.model_copy(update={"timesteps": 5})).eval()
    images = made_up()
    with torch.no_grad():
        whole = network(images.normalized(images.images))
        timesteps, by_timesteps = choose_timesteps(network, images, 0.6)
        assert by_timesteps == pytest.approx(divergences(whole))
        network.timesteps = 3
        torch.testing.assert_close(network(images.normalized(images.images)), whole[:3])
    assert timesteps == enough_timesteps(by_timesteps, 5, 0.6)
