"""onnx: the network of a ticket with its timesteps unrolled, in standard operators: one call runs all of them.

Source: github.com/onnx/onnx, operator set 18.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from uticket.base.files import write_bytes
from uticket.exchange.format import Format, Source, Written
from uticket.exchange.wiring import Step, trained_network, wire

OPERATORS, FORMAT = 18, 10  # versions of the operators and of the file, which runtimes since 2024 read


def write_onnx(source: Source, out: Path) -> Written:
    """Write a model. Raises InputError as `trained_network` and `wire` do."""
    network, first = trained_network(source), source.ticket.layers[0]
    steps = wire(network, (first.channels, *first.input_size))
    model = to_onnx(steps, source.ticket.timesteps, frames=first.reads != "image")
    write_bytes(out, model.SerializeToString())
    return Written(f"{len(model.graph.node)} nodes, {source.ticket.timesteps} timesteps unrolled")


def to_onnx(steps: Sequence[Step], timesteps: int, frames: bool = False) -> onnx.ModelProto:
    """Return the model: images (B, channels, height, width) -> outputs (T, B, classes), one for each timestep.

    frames: the input is (B, T, channels, height, width), of which each timestep reads one. Every layer is one node that
    sees T x B images, T first, except what comes before the first neurons, which sees each image once; only neurons
    are unrolled. Weights are those of the layers, by their names.
    """
    graph, (image, *others) = Unrolled(timesteps), steps
    given, shape = image.name, list[str | int](["B", *image.shape])
    if frames:
        given, shape = "frames", ["B", timesteps, *image.shape]
        first = graph.node("Transpose", [given], "frames.by_timestep", perm=[1, 0, 2, 3, 4])
        graph.node("Reshape", [first, graph.constant("frames.folded", [-1, *image.shape])], image.name)
    else:
        graph.once.add(image.name)
    for step in others:
        graph.step(step)
    last = steps[-1]
    unfolded = graph.constant("outputs.shape", [timesteps, -1, *last.shape])
    graph.node("Reshape", [graph.in_all_timesteps(last.name), unfolded], "outputs")
    inputs = [helper.make_tensor_value_info(given, TensorProto.FLOAT, shape)]
    outputs = [helper.make_tensor_value_info("outputs", TensorProto.FLOAT, [timesteps, "B", *last.shape])]
    made = helper.make_graph(graph.nodes, "ticket", inputs, outputs, graph.constants)
    operators = [helper.make_opsetid("", OPERATORS)]
    return helper.make_model(made, producer_name="uticket", opset_imports=operators, ir_version=FORMAT)


class Unrolled:
    """Nodes and constants of a model while it is made; values have the names of their steps.

    once: values that are the same in all timesteps, and have B images, not T x B.
    """

    def __init__(self, timesteps: int) -> None:
        self.timesteps = timesteps
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.once: set[str] = set()

    def node(self, operator: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        """Add an operator; return the name of its output."""
        self.nodes.append(helper.make_node(operator, inputs, [output], name=f"{output}.{operator}", **attributes))
        return output

    def constant(self, name: str, values: Any) -> str:
        """Add a constant, float32, or int64 for a list; return its name."""
        array = np.array(values, dtype=np.int64 if isinstance(values, list) else np.float32)
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    def parameters(self, step: Step, *names: str) -> list[str]:
        """Add those parameters of a module that it has; return their names."""
        held = [(name, getattr(step.module, name)) for name in names]
        return [
            self.constant(f"{step.name}.{name}", of.detach().contiguous().numpy())
            for name, of in held
            if of is not None
        ]

    def in_all_timesteps(self, name: str) -> str:
        """Return the name of a value that has T x B images."""
        if name not in self.once:
            return name
        return self.node("Concat", [name] * self.timesteps, f"{name}.in_all_timesteps", axis=0)

    def step(self, step: Step) -> None:
        """Add what a step does."""
        if step.kind == "fire":
            self.fire(step)
            return
        inputs = list(step.inputs)
        if self.once.issuperset(inputs):
            self.once.add(step.name)
        else:
            inputs = [self.in_all_timesteps(name) for name in inputs]
        of = step.module
        match step.kind:
            case "conv":
                inputs += self.parameters(step, "weight", "bias")
                sides = {"strides": of.stride, "pads": [*of.padding, *of.padding], "dilations": of.dilation}
                self.node("Conv", inputs, step.name, group=of.groups, **sides)
            case "norm":
                inputs += self.parameters(step, "weight", "bias", "running_mean", "running_var")
                self.node("BatchNormalization", inputs, step.name, epsilon=of.eps)
            case "linear":
                self.node("Gemm", inputs + self.parameters(step, "weight", "bias"), step.name, transB=1)
            case "pool":
                self.node("MaxPool", inputs, step.name, kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1)
            case "mean":
                axes = self.constant(f"{step.name}.axes", [2, 3])
                self.node("ReduceMean", [*inputs, axes], step.name, keepdims=0)
            case "add":
                self.node("Add", inputs, step.name)

    def fire(self, step: Step) -> None:
        """Add the neurons of all timesteps (`uticket.engine.lif`), with the same operations in the same order."""
        (current,), name = step.inputs, step.name
        leak, spike_threshold, _ = step.module.constants
        kept, share = self.constant(f"{name}.leak", leak), self.constant(f"{name}.share", 1 - leak)
        threshold, zero = self.constant(f"{name}.spike_threshold", spike_threshold), self.constant(f"{name}.zero", 0)
        arriving = self.node("Mul", [current, share], f"{name}.arriving")
        parts = [arriving] * self.timesteps
        if current not in self.once:
            parts = [f"{name}.arriving.{t}" for t in range(self.timesteps)]
            split = helper.make_node(
                "Split", [arriving], parts, name=f"{name}.Split", axis=0, num_outputs=self.timesteps
            )
            self.nodes.append(split)
        rest, spikes = "", []
        for t, membrane in enumerate(parts):
            if rest:
                leaked = self.node("Mul", [rest, kept], f"{name}.leaked.{t}")
                membrane = self.node("Add", [leaked, membrane], f"{name}.membrane.{t}")
            fired = self.node("GreaterOrEqual", [membrane, threshold], f"{name}.fired.{t}")
            spikes.append(self.node("Cast", [fired], f"{name}.spikes.{t}", to=TensorProto.FLOAT))
            if t + 1 < self.timesteps:
                rest = self.node("Where", [fired, zero, membrane], f"{name}.rest.{t}")
        self.node("Concat", spikes, name, axis=0)


FORMATS = {"onnx": Format((".onnx",), write_onnx)}
