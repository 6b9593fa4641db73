"""`train.compile` on a GPU: minutes of compiling, so a file of its own."""

import pytest
import torch

from tests.gpu.helpers import first_step, job_on, trained
from tests.helpers import BRIEF

NETWORKS = ["vgg7", "resnet19"]


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("name", NETWORKS)
def test_a_compiled_step_is_that_of_the_layers(gpu, name, precision):
    settings = BRIEF.model_copy(update={"precision": precision})
    eager = first_step(job_on(gpu, name, settings))
    job = job_on(gpu, name, settings.model_copy(update={"compile": True}))
    compiled = first_step(job)
    if precision == "fp32":
        for found, expected in zip(compiled, eager, strict=True):
            torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-2)
    assert (compiled[0] - eager[0]).abs().mean() < 0.2 * eager[0].abs().mean()


def test_a_compiled_training_runs_to_its_end(gpu, tmp_path):
    settings = BRIEF.model_copy(update={"compile": True, "precision": "bf16"})
    assert all(value.isfinite().all() for value in trained(job_on(gpu, settings=settings), tmp_path).values())
