"""The Triton kernels, without a GPU: run by Triton's interpreter, and compiled for GPUs that are not there."""

import importlib
import sys

import pytest
import torch

from uticket.engine import lif_steps
from uticket.engine.lif import engine

triton = pytest.importorskip("triton")
LEAK, THRESHOLD, ALPHA = 0.25, 1.0, 2.0
NAME = "uticket.engine.lif_gpu"


@pytest.fixture
def interpreted(monkeypatch):
    """The module with its kernels interpreted."""
    monkeypatch.setenv("TRITON_INTERPRET", "1")
    monkeypatch.delitem(sys.modules, NAME, raising=False)
    yield importlib.import_module(NAME)
    sys.modules.pop(NAME, None)


def compare(gpu, current: torch.Tensor) -> None:
    grad_spikes = torch.randn(current.shape).to(current.dtype)
    spikes, kept = gpu.forward(current, LEAK, THRESHOLD, 0)
    expected, membrane = lif_steps.forward(current, LEAK, THRESHOLD, 0)
    assert torch.equal(spikes, expected)
    assert 0 < spikes.float().mean() < 1
    constants = LEAK, THRESHOLD, ALPHA, 0
    grad = gpu.backward(grad_spikes, kept, *constants)
    close = {"rtol": 1e-5, "atol": 1e-6} if current.dtype == torch.float32 else {"rtol": 0.01, "atol": 1e-3}
    torch.testing.assert_close(grad, lif_steps.backward(grad_spikes, membrane, *constants), **close)
    assert grad.dtype == current.dtype


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("shape", [(1, 5), (4, 6), (4, 2, 3, 9, 5), (3, 2100), (9, 3, 2)])
def test_spikes_and_gradients_are_those_of_the_plain_steps(interpreted, shape, dtype):
    torch.manual_seed(0)
    compare(interpreted, (2 * torch.randn(shape) + 0.5).to(dtype))


def test_any_layout_and_a_current_that_is_the_same_in_all_timesteps(interpreted):
    torch.manual_seed(0)
    images = 2 * torch.randn(8, 3, 5, 5) + 0.5
    last = images.contiguous(memory_format=torch.channels_last)
    compare(interpreted, last.unflatten(0, (4, 2)))
    compare(interpreted, last.expand(4, *last.shape))
    compare(interpreted, images.unflatten(0, (2, 4)).transpose(0, 1))
    compare(interpreted, images.unflatten(0, (4, 2)).transpose(2, 3))


@pytest.mark.filterwarnings("ignore:TRITON_DEFAULT_FP_FUSION")
@pytest.mark.parametrize("capability", [80, 90])
@pytest.mark.parametrize("timesteps", [1, 4, 16])
def test_kernels_compile_for_gpus(tmp_path, monkeypatch, capability, timesteps):
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    gpu = importlib.import_module(NAME)
    target = triton.backends.compiler.GPUTarget("cuda", capability, 32)
    sizes = {"neurons": "i32", "stride": "i32", "leak": "fp32", "spike_threshold": "fp32"}
    fixed = {"T": "constexpr", "BLOCK": "constexpr"}
    tensors = {"current": "*bf16", "spikes": "*bf16"}, {"grad_spikes": "*bf16", "current": "*bf16", "grad": "*bf16"}
    for kernel, arrays, more in ((gpu._forward, tensors[0], {}), (gpu._backward, tensors[1], {"alpha": "fp32"})):
        constants = {"T": timesteps, "BLOCK": gpu.BLOCK}
        source = triton.compiler.ASTSource(kernel, arrays | sizes | more | fixed, constexprs=constants)
        assert triton.compile(source, target=target).asm["cubin"]


def test_each_tensor_has_its_engine():
    assert engine(torch.zeros(4, 2)).__name__ == "uticket.engine.lif_cpu"
    assert engine(torch.zeros(4, 2, dtype=torch.float64)).__name__ == "uticket.engine.lif_steps"
