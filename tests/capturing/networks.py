"""Small networks of other libraries, as their users write them: what the table in `docs/networks.md` lists.

`python -m tests.capturing.networks` writes that table.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import norse.torch as norse
import numpy as np
import sinabs.layers as sinabs
import snntorch as snn
import torch
from spikingjelly.activation_based import functional, layer, neuron
from spikingjelly.activation_based.layer import SpikingSelfAttention
from spikingjelly.activation_based.model.spiking_resnet import BasicBlock
from torch import Tensor, nn

import uticket as ut
from uticket.capturing.captured import Captured
from uticket.report.readme import write_between

T, B = 4, 2


@dataclass(frozen=True)
class Case:
    """A network, its inputs, and where the rows of each call of a layer belong."""

    library: str
    network: str
    build: Callable[[], nn.Module]
    inputs: Callable[[], Tensor]
    batch_first: bool = False  # in the axes of the inputs of layers


def drawn(case: Case) -> tuple[nn.Module, Tensor]:
    """The network of a case, whose neurons fire, and its inputs."""
    torch.manual_seed(0)
    network = case.build().eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            nn.init.uniform_(module.bias, 0, 2)
    return network, case.inputs()


def events(*shape: int) -> Tensor:
    return (torch.rand(*shape) < 0.3).float()


class Looped(nn.Module):
    """snnTorch: a loop over timesteps, membranes handed on by hand; direct encoding."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 4, 3, padding=1)
        self.lif1 = snn.Leaky(beta=0.9, threshold=0.3)
        self.conv2 = nn.Conv2d(4, 6, 3, stride=2, bias=False)
        self.lif2 = snn.Leaky(beta=0.9, threshold=0.3)
        self.fc = nn.Linear(54, 5)
        self.unused = nn.Linear(3, 3)

    def forward(self, images: Tensor) -> Tensor:
        mem1, mem2 = self.lif1.init_leaky(), self.lif2.init_leaky()
        outputs = []
        for _ in range(T):
            spikes, mem1 = self.lif1(self.conv1(images), mem1)
            spikes, mem2 = self.lif2(self.conv2(spikes), mem2)
            outputs.append(self.fc(spikes.flatten(1)))
        return torch.stack(outputs)


class Residual(nn.Module):
    """snnTorch: hidden membranes, a residual sum of spikes, a convolution that runs twice in each timestep."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(2, 4, 3, padding=1, bias=False)
        self.shared = nn.Conv2d(4, 4, 3, padding=1, bias=False)
        self.fc = nn.Linear(4, 3)
        self.neurons = nn.ModuleList(snn.Leaky(beta=0.9, threshold=0.3, init_hidden=True) for _ in range(3))

    def forward(self, frames: Tensor) -> Tensor:
        first, second, third = self.neurons
        outputs = []
        for frame in frames:
            x = first(self.conv1(frame))
            x = x + second(self.shared(x))  # 0, 1 or 2
            x = third(self.shared(x))
            outputs.append(self.fc(nn.functional.avg_pool2d(x, 8).flatten(1)))
        return torch.stack(outputs)


class ResNet(nn.Module):
    """SpikingJelly: a stem and two of its residual blocks, one with a strided shortcut, single-step or multi-step."""

    def __init__(self, step_mode: str) -> None:
        super().__init__()
        lif = neuron.LIFNode
        settings = {"spiking_neuron": lif, "tau": 1.2, "v_threshold": 0.4}
        self.conv1 = layer.Conv2d(2, 4, 3, padding=1, bias=False)
        self.sn1 = lif(tau=1.2, v_threshold=0.4)
        self.block1 = BasicBlock(4, 4, **settings)
        down = nn.Sequential(layer.Conv2d(4, 8, 1, stride=2, bias=False), layer.BatchNorm2d(8))
        self.block2 = BasicBlock(4, 8, stride=2, downsample=down, **settings)
        self.fc = layer.Linear(8, 3)
        functional.set_step_mode(self, step_mode)

    def forward(self, frames: Tensor) -> Tensor:
        if self.fc.step_mode == "m":
            return self.run(frames)
        return torch.stack([self.run(frame) for frame in frames])

    def run(self, x: Tensor) -> Tensor:
        x = self.block2(self.block1(self.sn1(self.conv1(x))))
        return self.fc(x.mean((-2, -1)))


class Attention(nn.Module):
    """SpikingJelly: patches of the image, its spiking self-attention around a residual sum, an MLP."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = layer.SeqToANNContainer(nn.Conv2d(1, 8, 2, stride=2), nn.BatchNorm2d(8))
        self.lif = neuron.LIFNode(tau=1.2, v_threshold=0.3, step_mode="m")
        self.attention = SpikingSelfAttention(8, num_heads=2)
        self.mlp = layer.SeqToANNContainer(nn.Conv1d(8, 16, 1), nn.BatchNorm1d(16))
        self.head = nn.Linear(16, 3)

    def forward(self, images: Tensor) -> Tensor:
        x = self.patches(images.repeat(T, 1, 1, 1, 1))
        x = self.lif(x).flatten(-2)
        x = x + self.attention(x)
        return self.head(self.mlp(x).mean(-1))


class Depthwise(nn.Module):
    """Norse: depthwise and dilated convolutions under Lift, layer after layer."""

    def __init__(self) -> None:
        super().__init__()
        cells = norse.LIFParameters(v_th=torch.tensor(0.05))
        self.layers = norse.SequentialState(
            norse.Lift(nn.Conv2d(2, 6, 3, padding=1, groups=2, bias=False)),
            norse.LIF(cells),
            norse.Lift(nn.Conv2d(6, 6, 3, padding=2, dilation=2, groups=6, bias=False)),
            norse.LIF(cells),
            norse.Lift(nn.Conv2d(6, 8, 1, bias=False)),
        )

    def forward(self, frames: Tensor) -> Tensor:
        return self.layers(frames)[0]


class Cells(nn.Module):
    """Norse: cells in a loop over events."""

    def __init__(self) -> None:
        super().__init__()
        cells = norse.LIFParameters(v_th=torch.tensor(0.05))
        self.layers = norse.SequentialState(
            nn.Conv2d(2, 4, 3, bias=False), norse.LIFCell(cells), nn.Flatten(), nn.Linear(144, 6), norse.LIFCell(cells)
        )
        self.out = nn.Linear(6, 3)

    def forward(self, frames: Tensor) -> Tensor:
        state, outputs = None, []
        for frame in frames:
            spikes, state = self.layers(frame, state)
            outputs.append(self.out(spikes))
        return torch.stack(outputs)


def sinabs_events() -> nn.Module:
    """sinabs: events folded into the batch, images first; neurons that fire several spikes a timestep; sum pooling."""
    return nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1, bias=False),
        sinabs.IAFSqueeze(batch_size=B, spike_threshold=torch.tensor(0.1)),
        sinabs.SumPool2d(2),
        nn.Conv2d(4, 4, 3, bias=False),
        sinabs.IAFSqueeze(batch_size=B, spike_threshold=torch.tensor(0.1)),
        nn.Flatten(),
        nn.Linear(16, 3),
    )


def sinabs_linear() -> nn.Module:
    """sinabs: inputs (images, T, features)."""
    return nn.Sequential(nn.Linear(6, 8), sinabs.LIF(tau_mem=5.0, spike_threshold=torch.tensor(0.1)), nn.Linear(8, 3))


CASES = [
    Case("snnTorch", "loop, direct encoding", Looped, lambda: torch.rand(B, 1, 8, 8)),
    Case("snnTorch", "residual sum, shared convolution, events", Residual, lambda: events(T, B, 2, 8, 8)),
    Case("SpikingJelly", "ResNet, single-step, events", lambda: ResNet("s"), lambda: events(T, B, 2, 8, 8)),
    Case("SpikingJelly", "ResNet, multi-step, events", lambda: ResNet("m"), lambda: events(T, B, 2, 8, 8)),
    Case("SpikingJelly", "self-attention with Conv1d", Attention, lambda: torch.rand(B, 1, 8, 8)),
    Case("Norse", "depthwise and dilated, Lift", Depthwise, lambda: events(T, B, 2, 8, 8)),
    Case("Norse", "cells in a loop, events", Cells, lambda: events(T, B, 2, 8, 8)),
    Case("sinabs", "events folded into the batch", sinabs_events, lambda: events(B * T, 2, 8, 8), batch_first=True),
    Case("sinabs", "linear layers, events", sinabs_linear, lambda: events(B, T, 6), batch_first=True),
]


def hooked(network: nn.Module, inputs: Tensor) -> dict[str, list[Tensor]]:
    """The inputs of all calls of each layer, as a hook sees them."""
    seen: dict[str, list[Tensor]] = {}
    layers = {n: m for n, m in network.named_modules() if isinstance(m, nn.Conv1d | nn.Conv2d | nn.Linear)}
    for name, module in layers.items():
        module.register_forward_pre_hook(lambda _, given, name=name: seen.setdefault(name, []).append(given[0].clone()))
    with torch.no_grad():
        network(inputs)
    return seen


def by_image(case: Case, module: nn.Module, calls: list[Tensor], use: int) -> np.ndarray | None:
    """What a hook saw of one use of a layer, (images, T, channels, height, width); None if it ran once an image."""
    if len(calls) > 1:
        values = torch.stack(calls[use :: len(calls) // T])
    elif len(calls[0]) == B * T:
        values = calls[0].unflatten(0, (B, T) if case.batch_first else (T, B))
    else:
        values = calls[0]
    values = values if case.batch_first and len(calls) == 1 else values.transpose(0, 1)
    if values.shape[:2] != (B, T):
        return None
    if isinstance(module, nn.Linear):
        return values.reshape(B, T, -1, 1, 1).numpy()
    return (values.unsqueeze(3) if isinstance(module, nn.Conv1d) else values).numpy()


def compared(case: Case) -> tuple[Captured, dict[str, bool]]:
    """The captured ticket of a case, and of each layer with spikes or counts whether they are those of a hook."""
    network, inputs = drawn(case)
    ticket = ut.capture(network, inputs)
    again, inputs = drawn(case)
    seen, equal = hooked(again, inputs), {}
    for name, values in ticket.spikes.items():
        module, _, use = name.partition("@")
        expected = by_image(case, again.get_submodule(module), seen[module], int(use or 1) - 1)
        factor = ticket.findings.factors.get(name, 1.0)
        equal[name] = expected is not None and np.array_equal(values * np.float32(factor), expected)
    return ticket, equal


def table() -> str:
    """The table of docs/networks.md."""
    rows = ["| framework | network | layers | spikes | counts | image | analog | T from | spikes equal |"]
    rows.append("| --- | --- | ---: | ---: | ---: | ---: | ---: | --- | --- |")
    for case in CASES:
        ticket, equal = compared(case)
        reads = [layer.reads for layer in ticket.layers]
        numbers = [len(reads), *(reads.count(kind) for kind in ("spikes", "counts", "image", "analog"))]
        because = ticket.findings.timesteps_because.partition(", ")[2]
        yes = "yes" if all(equal.values()) and len(equal) == numbers[1] + numbers[2] else "no"
        rows.append(f"| {' | '.join([case.library, case.network, *map(str, numbers), because, yes])} |")
    return "\n".join(rows)


DOCS = Path(__file__).parent.parent.parent / "docs" / "networks.md"
BEGIN, END = "<!-- captured: written by `python -m tests.capturing.networks` -->", "<!-- end of captured -->"

if __name__ == "__main__":
    write_between(DOCS, BEGIN, END, table())
