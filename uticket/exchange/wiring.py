"""The steps of a trained network in one timestep, and how they are connected: for formats that hold networks."""

import operator
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, fx, nn
from torch.fx.passes.shape_prop import ShapeProp

from uticket.base.errors import InputError, one_line
from uticket.base.files import is_file
from uticket.config.params import read_params
from uticket.engine.layout import BatchFirst
from uticket.engine.lif import LIF
from uticket.exchange.format import Source
from uticket.networks.network import IMAGES, SpikingNetwork, build
from uticket.networks.own import OwnNetwork
from uticket.ticket.mask import Mask
from uticket.training.checkpoint import load_state
from uticket.training.masking import MaskedWeights

Kind = Literal["input", "conv", "norm", "fire", "pool", "mean", "linear", "add"]
KINDS: dict[type[nn.Module], Kind] = {nn.Conv2d: "conv", nn.BatchNorm2d: "norm", LIF: "fire", nn.Linear: "linear"}
# what folds timesteps and batch, which changes nothing in one timestep: method, arguments
FOLDING = (("unflatten", (0, (1, -1))), ("flatten", (0, 1)))


@dataclass(frozen=True)
class Step:
    """What computes one value: a layer, a batch norm, neurons, or what lies between.

    pool: the largest of each 2 x 2, sizes rounded up. mean: over all positions. inputs: names of the steps before.
    shape: of its output for one image, (channels, height, width) or (features,). module: of conv, norm, fire, linear.
    """

    name: str
    kind: Kind
    inputs: tuple[str, ...]
    shape: tuple[int, ...]
    module: Any = None


def trained_network(source: Source) -> SpikingNetwork:
    """Return the network of a ticket with its trained state, masked, ready to be evaluated.

    The folder has all that a network computes with but the wiring of its layers: block `model` of `source.params` names
    it. Raises InputError, naming the file, if that is not the network of the ticket, or leak or threshold are others.
    """
    layers, path = source.ticket.layers, source.files.weights
    if not layers:
        raise InputError(f"{source.files.layers}: expected the layers of a network, got none")
    if not is_file(source.params):
        expected = f"expected the settings whose block model names the network of {source.files.folder}"
        raise InputError(f"{source.params}: {expected}, got no file (--params)")
    settings = read_params(source.params).model.model_copy(update={"timesteps": source.ticket.timesteps})
    image_shape = (layers[0].channels, *layers[0].input_size)
    network = build(settings, image_shape, layers[-1].filters, seed=0)
    try:
        load_state(network, path)
    except InputError as error:
        expected = f"a block model that names the network of {source.files.folder}"
        raise InputError(f"{source.params}: expected {expected}, got another: {error}") from None
    for neurons in [module for _, module in network.named_modules() if isinstance(module, LIF)]:
        given, trained = neurons.constants[:2], torch.stack([neurons.beta, neurons.threshold])
        if not torch.equal(trained, torch.tensor(given, dtype=trained.dtype)):
            expected = f"leak and spike_threshold {tuple(trained.tolist())} as in {path}"
            raise InputError(f"{source.params}: expected {expected}, got {given[0]} and {given[1]}")
    try:
        MaskedWeights(network, Mask(source.ticket.mask))
    except ValueError as error:
        raise InputError(f"{source.files.mask}: {error}") from None
    return network.eval()


def wire(network: SpikingNetwork, image_shape: tuple[int, ...]) -> list[Step]:
    """Return the steps of a network in one timestep, in order; the first is the input, the last the output.

    image_shape: (channels, height, width). Raises InputError if the network does anything that is none of `Kind`, or is
    one whose layers do not run through its layout.
    """
    if isinstance(network, OwnNetwork):
        got = type(network.module).__name__
        raise InputError(f"model.name: expected a SpikingNetwork of uticket, whose steps can be followed, got {got}")
    layout, timesteps = network.layout, network.timesteps
    network.layout, network.timesteps = OneTimestep(), 1
    try:
        graph = Tracer().trace(network)
        with torch.no_grad():
            ShapeProp(fx.GraphModule(network, graph)).propagate(torch.zeros(1, *image_shape))
        return list(_steps(graph, network))
    except InputError:
        raise
    except Exception as error:  # a network of one's own may do anything
        expected = "a network whose steps do not depend on values"
        raise InputError(f"model.name: expected {expected}, got: {one_line(error)}") from None
    finally:
        network.layout, network.timesteps = layout, timesteps


@fx.wrap
def pool(x: Tensor) -> Tensor:
    """Pool as `BatchFirst` does, as one step."""
    return BatchFirst().pool(x)


@fx.wrap
def mean(x: Tensor) -> Tensor:
    """Take the mean over positions as `BatchFirst` does, as one step."""
    return BatchFirst().features(x)


FUNCTIONS: dict[Any, Kind] = {operator.add: "add", pool: "pool", mean: "mean"}


class OneTimestep(BatchFirst):
    """The layers on one timestep, written as single steps."""

    def encode(self, neurons: LIF, current: Tensor, timesteps: int) -> Tensor:
        """Run the neurons."""
        spikes: Tensor = neurons(current)
        return spikes

    def fire(self, neurons: LIF, current: Tensor, timesteps: int) -> Tensor:
        """Run the neurons."""
        return self.encode(neurons, current, timesteps)

    def pool(self, x: Tensor) -> Tensor:
        """Pool."""
        return pool(x)

    def features(self, x: Tensor) -> Tensor:
        """Take the mean."""
        return mean(x)


class Image(fx.Proxy):
    """Stands for the input while a network is traced: one image in each timestep."""

    def dim(self) -> int:
        """Say that it is a batch of images, not of frames."""
        return IMAGES


class Tracer(fx.Tracer):
    """Follows the forward pass of a network down to the modules of `KINDS`."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        """Return whether a module is a step."""
        return isinstance(m, tuple(KINDS))

    def proxy(self, node: fx.Node) -> fx.Proxy:
        """Return what stands for a value."""
        return Image(node, self) if node.op == "placeholder" else super().proxy(node)


def _steps(graph: fx.Graph, network: nn.Module) -> Iterator[Step]:
    names: dict[fx.Node, str] = {}
    shapes: dict[str, tuple[int, ...]] = {}
    for node in graph.nodes:
        if node.op == "output":
            return
        before = tuple(names[one] for one in node.all_input_nodes)
        if (node.target, node.args[1:]) in FOLDING:
            names[node] = before[0]
            continue
        module = network.get_submodule(node.target) if node.op == "call_module" else None
        kind, name = _kind(node, module), str(node.target) if module is not None else node.name
        names[node] = name
        shapes[name] = shapes[before[0]] if kind == "fire" else tuple(node.meta["tensor_meta"].shape[1:])
        yield Step(name, kind, before, shapes[name], module)


def _kind(node: fx.Node, module: nn.Module | None) -> Kind:
    if node.op == "placeholder":
        return "input"
    found = next((kind for of, kind in KINDS.items() if isinstance(module, of)), FUNCTIONS.get(node.target))
    summed = len(set(node.all_input_nodes)) == 2
    padded = isinstance(module, nn.Conv2d) and module.padding_mode != "zeros"
    if found is None or padded or (found == "add" and not summed):
        kinds = ", ".join(sorted({*KINDS.values(), *FUNCTIONS.values()}))
        raise InputError(f"model.name: expected steps that are one of {kinds}, got {node.format_node()}")
    return found
