"""The leaky integrate-and-fire (LIF) neuron over all timesteps at once."""

from importlib.util import find_spec
from typing import Any

import snntorch
import torch
from snntorch import surrogate
from torch import Tensor
from torch.autograd.function import once_differentiable

from uticket.engine import lif_steps

HAS_TRITON = find_spec("triton") is not None
ON_GPU = torch.float32, torch.bfloat16, torch.float16
ON_CPU = torch.float32, torch.bfloat16


class LIFSteps(torch.autograd.Function):
    """Spikes of LIF neurons over T timesteps, and their gradient, without a graph node per timestep.

    The membrane before the reset is u[t] = leak * r[t-1] + (1 - leak) * current[t], with r = u where there was no
    spike and 0 where there was one (hard reset); the spike is 1 where u[t] >= spike_threshold. The gradient of the
    spike is the ATan surrogate alpha/2 / (1 + (pi/2 * alpha * (u - spike_threshold))^2); the reset is detached.
    Membranes are float32, or float64 for currents that are. Source: the paper's network facts;
    `snntorch.Leaky(reset_mechanism="zero")` is the reference in the tests.
    """

    @staticmethod
    def forward(ctx: Any, current: Tensor, leak: float, spike_threshold: float, alpha: float, dim: int = 0) -> Tensor:
        """current: floating, timesteps along `dim`. Returns spikes, 0 or 1, of the same shape and type."""
        ctx.constants, ctx.engine = (leak, spike_threshold, alpha, dim), engine(current)
        spikes: Tensor
        spikes, kept = ctx.engine.forward(current, leak, spike_threshold, dim)
        ctx.save_for_backward(kept)
        return spikes

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_spikes: Tensor) -> tuple[Tensor, None, None, None, None]:
        """Walk back over the timesteps; the gradient passes the leak only where there was no spike."""
        return ctx.engine.backward(grad_spikes, *ctx.saved_tensors, *ctx.constants), None, None, None, None


def engine(current: Tensor) -> Any:
    """Return the module that runs neurons on `current` fastest: `lif_cpu`, `lif_gpu`, or `lif_steps` for any tensor."""
    if torch.compiler.is_compiling():  # the compiler fuses the operations of `lif_steps` with those around them
        return lif_steps
    if current.is_cuda and HAS_TRITON and current.dtype in ON_GPU:
        from uticket.engine import lif_gpu  # imported here: Triton only where there is a GPU

        return lif_gpu
    if current.device.type == "cpu" and current.dtype in ON_CPU:
        from uticket.engine import lif_cpu  # imported here: numba only where neurons run on a CPU

        return lif_cpu
    return lif_steps


class LIF(snntorch.Leaky):
    """`snntorch.Leaky` whose forward takes all timesteps: (timesteps, ...) -> spikes of the same shape.

    The membrane starts at 0 in every call. leak, spike_threshold, alpha: as in `LIFSteps`. A subclass, so that
    snnTorch's tools (NIR export, probes) find the neurons they know.
    """

    def __init__(self, leak: float, spike_threshold: float, alpha: float) -> None:
        super().__init__(
            beta=leak,
            threshold=spike_threshold,
            spike_grad=surrogate.atan(alpha),
            reset_mechanism="zero",
            reset_delay=False,
            init_hidden=True,
        )
        self.constants = leak, spike_threshold, alpha

    def extra_repr(self) -> str:
        """Name the constants: the text of a network then says all that its weights do not."""
        leak, spike_threshold, alpha = self.constants
        return f"leak={leak}, spike_threshold={spike_threshold}, alpha={alpha}"

    def forward(self, current: Tensor) -> Tensor:
        """current: (timesteps, ...), floating. Returns spikes, 0 or 1."""
        return self.steps(current, dim=0)

    def steps(self, current: Tensor, dim: int) -> Tensor:
        """As `forward`, with the timesteps along `dim`."""
        spikes: Tensor = LIFSteps.apply(current, *self.constants, dim)
        return spikes
