"""The Triton kernels, without a GPU: run by Triton's interpreter, and compiled for GPUs that are not there."""

import importlib
import sys

import pytest
import torch

import uticket.engine
from uticket.engine import lif_steps
from uticket.engine.lif import engine

triton = pytest.importorskip("triton")
LEAK, THRESHOLD, ALPHA = 0.25, 1.0, 2.0
NAME = "uticket.engine.lif_gpu"


def forget() -> None:
    """Let the next import make new kernels: they are interpreted, or compiled for the GPU they met, for good."""
    sys.modules.pop(NAME, None)
    vars(uticket.engine).pop("lif_gpu", None)


@pytest.fixture
def kernels():
    """What imports the module, used by no other test."""
    forget()
    yield lambda: importlib.import_module(NAME)
    forget()


@pytest.fixture
def interpreted(monkeypatch, kernels):
    """The module with its kernels interpreted."""
    monkeypatch.setenv("TRITON_INTERPRET", "1")
    return kernels()


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


class Driver:
    """That of a GPU which is not there."""

    def __init__(self, capability: int) -> None:
        self.get_current_target = lambda: triton.backends.compiler.GPUTarget("cuda", capability, 32)
        self.get_current_device = self.get_current_stream = lambda *_: 0


@pytest.mark.filterwarnings("ignore:TRITON_DEFAULT_FP_FUSION")
@pytest.mark.parametrize("capability", [80, 90])
@pytest.mark.parametrize(
    ("shape", "same"), [((1, 5), False), ((4, 1), False), ((4, 2, 3, 5, 5), True), ((16, 1024), False)]
)
def test_all_that_a_call_passes_compiles_for_gpus(tmp_path, monkeypatch, kernels, capability, shape, same):
    """Triton compiles a kernel anew for a stride of 0 or 1, a single neuron, or sizes that are multiples of 16."""
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(triton.runtime.driver, "_active", Driver(capability))
    gpu, run, compiled = kernels(), triton.JITFunction.run, []

    def compile_only(kernel, *arguments, grid, warmup, **options):
        compiled.append(run(kernel, *arguments, grid=grid, warmup=True, **options))

    monkeypatch.setattr(triton.JITFunction, "run", compile_only)
    current = torch.zeros(shape, dtype=torch.bfloat16)
    current = current[0].expand(shape) if same else current
    spikes, kept = gpu.forward(current, LEAK, THRESHOLD, 0)
    gpu.backward(spikes, kept, LEAK, THRESHOLD, ALPHA, 0)
    assert len(compiled) == 2
    assert all(kernel.asm["cubin"] and not kernel.metadata.enable_fp_fusion for kernel in compiled)


def test_each_tensor_has_its_engine():
    assert engine(torch.zeros(4, 2)).__name__ == "uticket.engine.lif_cpu"
    assert engine(torch.zeros(4, 2, dtype=torch.float64)).__name__ == "uticket.engine.lif_steps"
