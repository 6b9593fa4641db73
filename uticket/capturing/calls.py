"""Watch a network run: which layers are called, in which order, with what."""

import math
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from uticket.base.errors import InputError
from uticket.capturing.arrivals import Arrivals
from uticket.capturing.axes import Shape, Weighted, own_axes, weighted_layers
from uticket.capturing.libraries import Said, is_neuron, said_by
from uticket.capturing.sums import Sums


@dataclass
class Calls:
    """All calls of one layer with inputs of one shape."""

    name: str
    module: Weighted
    lead: Shape  # the axes before the layer's own: time, images, tokens
    inputs: Shape  # the own axes
    outputs: Shape
    first: Tensor | None  # its first input, if no layer before it reads spikes
    numbers: list[int] = field(default_factory=list)  # of its calls, among those of all layers
    arrivals: Arrivals = field(default_factory=Arrivals)
    repeats: bool = True  # whether all calls got the first input


@dataclass
class Watched:
    """What was seen of a network while it ran."""

    calls: list[Calls] = field(default_factory=list)  # in the order of their first call
    said: list[Said] = field(default_factory=list)
    num_calls: int = 0
    activations: int = 0  # outputs of neurons that the libraries know
    active: int = 0  # those that were not zero

    def see_layer(self, name: str, module: Weighted, values: Tensor, output: Tensor) -> None:
        """Add a call of a layer."""
        values, own = own_axes(name, module, values)
        shape, result = tuple(values.shape), own_axes(name, module, output)[0].shape[-own:]
        lead, inputs = shape[:-own], shape[-own:]
        calls = next((c for c in self.calls if c.name == name and (c.lead, c.inputs) == (lead, inputs)), None)
        if calls is None:
            early = not any(c.arrivals.binary and c.arrivals.factor for c in self.calls)
            calls = Calls(name, module, lead, inputs, tuple(result), values if early else None)
            self.calls.append(calls)
        elif calls.first is not None and not torch.equal(calls.first, values):
            calls.first, calls.repeats = None, False
        calls.numbers.append(self.num_calls)
        self.num_calls += 1
        calls.arrivals.see(values, math.prod(lead))

    def see_module(self, module: nn.Module, inputs: Any) -> None:
        """Ask a module where its input has time."""
        said = said_by(module, inputs[0]) if inputs and isinstance(inputs[0], Tensor) else None
        if said is not None:
            self.said.append(said)

    def see_neurons(self, outputs: Any) -> None:
        """Count the outputs of a layer of neurons."""
        spikes = outputs[0] if isinstance(outputs, tuple | list) else outputs
        if isinstance(spikes, Tensor):
            self.activations += spikes.numel()
            self.active += int(torch.count_nonzero(spikes))


@contextmanager
def watching(model: nn.Module, sums: Sums | None) -> Iterator[Watched]:
    """Watch the layers and neurons of `model`; sums follows the outputs of layers."""
    watched, layers = Watched(), weighted_layers(model)
    names: dict[nn.Module, str] = {module: name for name, module in layers.items()}

    def after_layer(module: Any, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        values = args[0] if args else next(iter(kwargs.values()), None)
        if not isinstance(values, Tensor) or not isinstance(output, Tensor):
            got = type(values).__name__, type(output).__name__
            raise InputError(f"{names[module]}: expected a tensor in, a tensor out, got {' and '.join(got)}")
        watched.see_layer(names[module], module, values, output)
        if sums is not None:
            sums.start(names[module], module.weight.shape[0], output)

    def after_other(module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        if is_neuron(module):
            watched.see_neurons(output)
        if sums is not None:
            sums.carry(args, output)

    with ExitStack() as stack:
        for module in model.modules():
            before = module.register_forward_pre_hook(lambda module, args: watched.see_module(module, args))
            stack.callback(before.remove)
            if module in names:
                stack.callback(module.register_forward_hook(after_layer, with_kwargs=True).remove)
            elif is_neuron(module) or not any(inner in names for inner in module.modules()):
                stack.callback(module.register_forward_hook(after_other).remove)
        if sums is not None:
            stack.enter_context(sums)
        yield watched
