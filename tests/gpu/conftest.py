"""The device of these tests: each runs on the CPU, and on a GPU where there is one (`pytest -m gpu`)."""

import pytest
import torch

from uticket.training.device import choose_device

GPU = pytest.param("cuda", marks=pytest.mark.gpu)


@pytest.fixture(params=["cpu", GPU])
def device(request) -> torch.device:
    """The device, set up as a stage sets it up."""
    return _chosen(request.param)


@pytest.fixture(params=[GPU])
def gpu(request) -> torch.device:
    """A GPU."""
    return _chosen(request.param)


def _chosen(name: str) -> torch.device:
    if name == "cuda" and not torch.cuda.is_available():
        pytest.skip("no GPU")
    return choose_device(name)
