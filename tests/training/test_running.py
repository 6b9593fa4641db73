"""How a network runs while it is trained."""

import pytest
import torch

from tests.training.helpers import drawn_mask, fresh, job_of, run
from uticket.base.errors import InputError
from uticket.engine.batch_last import BatchLast
from uticket.training.loss import per_step_loss
from uticket.training.running import running_in


def test_network_is_in_its_own_layout_again_after_a_training_that_failed(small):
    network = fresh(small)
    before, seen = network.layout, []

    def fail() -> None:
        with running_in(network, BatchLast({})):
            seen.append(type(network.layout))
            raise InputError("diverged")

    with pytest.raises(InputError, match="diverged"):
        fail()
    assert seen == [BatchLast]
    assert network.layout is before


def test_compiled_training_is_for_gpus(small, brief, tmp_path):
    network = fresh(small)
    job = job_of(network, drawn_mask(network), brief.model_copy(update={"compile": True}))
    with pytest.raises(InputError, match="train.compile: expected false on a CPU"):
        run(job, tmp_path)


@pytest.mark.parametrize("name", ["vgg7", "resnet19"])
def test_networks_are_traced_as_a_whole_when_they_are_compiled(small, name):
    """What `train.compile` hands to the compiler: no part of a forward or backward pass is left to Python."""
    torch.manual_seed(0)
    network = fresh(small.model_copy(update={"name": name, "width": 0.0625}))
    images, labels = torch.randn(4, 1, 8, 8), torch.tensor([0, 1, 0, 1])
    found = []
    for forward in (network, torch.compile(network, backend="aot_eager", fullgraph=True)):
        network.zero_grad()
        outputs = forward(images)
        per_step_loss(outputs, labels).backward()
        found.append([outputs.detach(), *(p.grad.clone() for p in network.parameters())])
    for eager, compiled in zip(*found, strict=True):
        torch.testing.assert_close(eager, compiled, atol=1e-5, rtol=1e-3)
