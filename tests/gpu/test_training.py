"""Training on a device: the same network on the CPU, mixed precision, resumed, captured, without waiting."""

import copy

import pytest
import torch

from tests.gpu.helpers import first_step, images_on, job_on, same, trained, without_waiting
from tests.helpers import BRIEF
from uticket.config.training import Augment
from uticket.networks.network import SpikingNetwork
from uticket.training.keep import Keep
from uticket.training.loss import per_step_loss
from uticket.training.state import TrainingState
from uticket.training.trainer import Trainer

NETWORKS = ["vgg7", "resnet19"]
STILL = Augment(crop=0, flip=False, cutout=0)
CPU = torch.device("cpu")


@pytest.mark.parametrize("name", NETWORKS)
def test_the_first_step_is_that_of_the_cpu(device, name):
    for found, expected in zip(first_step(job_on(device, name)), first_step(job_on(CPU, name)), strict=True):
        torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("name", NETWORKS)
def test_mixed_precision_is_near_and_keeps_weights_in_single(device, name):
    settings = BRIEF.model_copy(update={"precision": "bf16"})
    job = job_on(device, name, settings)
    mixed, exact = first_step(job), first_step(job_on(device, name))
    assert mixed[0].dtype == torch.float32
    assert (mixed[0] - exact[0]).abs().mean() < 0.2 * exact[0].abs().mean()
    assert {value.dtype for value in [*job.network.parameters(), *mixed]} == {torch.float32}
    assert all(value.isfinite().all() for value in mixed)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_training_has_the_same_bytes_again_and_after_it_was_stopped(device, precision, tmp_path, monkeypatch):
    settings = BRIEF.model_copy(update={"precision": precision})
    whole = trained(job_on(device, settings=settings), tmp_path)
    assert same(trained(job_on(device, settings=settings), tmp_path), whole)
    steps = []

    def due(keep: Keep) -> bool:
        steps.append(keep)
        keep._asked = 15 if len(steps) == 2 else 0
        return len(steps) == 2

    with monkeypatch.context() as patch:
        patch.setattr(Keep, "due", due)
        with pytest.raises(SystemExit):
            trained(job_on(device, settings=settings), tmp_path)
    assert same(trained(job_on(device, settings=settings), tmp_path), whole)


def test_pruned_weights_stay_zero(device, tmp_path):
    job = job_on(device)
    found = trained(job, tmp_path)
    for name, mask in job.masked.mask.items():
        assert not found[f"{name}.weight"][torch.from_numpy(~mask).reshape(found[f"{name}.weight"].shape)].any()


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_no_step_waits_for_the_device(device, precision):
    job = job_on(device, settings=BRIEF.model_copy(update={"precision": precision}))
    trainer, state = Trainer.of(job), TrainingState(job)
    batches = job.images.order(8, state.rng).split(8)
    trainer.step(state, batches[0])  # kernels are compiled
    with without_waiting(device):
        for chosen in batches[1:]:
            trainer.step(state, chosen)
    assert state.tally.means()[0] > 0


@pytest.mark.parametrize("name", NETWORKS)
def test_a_step_can_be_captured_as_a_graph(gpu, name):
    """Nothing in a forward or backward pass waits, allocates elsewhere or decides by values; a replay has its bytes."""
    network = job_on(gpu, name).network.train()
    images = images_on(gpu)
    batch, labels = images.normalized(images.images[:8]), images.labels[:8]
    other = copy.deepcopy(network)

    def step(of: SpikingNetwork) -> torch.Tensor:
        loss = per_step_loss(of(batch), labels)
        loss.backward()
        return loss

    aside = torch.cuda.Stream()
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):
        for _ in range(3):
            network.zero_grad()
            step(network)
    torch.cuda.current_stream().wait_stream(aside)
    network.load_state_dict(other.state_dict())
    network.zero_grad()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        loss = step(network)
    graph.replay()
    torch.testing.assert_close(loss, step(other))
    for found, expected in zip(network.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(found.grad, expected.grad)
