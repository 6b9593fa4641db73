"""The shape of each convolution and linear layer, and layers.json, where a ticket keeps them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from uticket.base.files import write_json
from uticket.config.block import Block
from uticket.config.document import read_document

MOST_TIMESTEPS = 2**16 - 1
Size = Annotated[int, Field(ge=1, le=2**20)]
Pair = tuple[Size, Size]
Padding = Annotated[int, Field(ge=0, le=2**20)]


# What arrives at a layer: the image, the same at every timestep; spikes (after average pooling, their mean); small
# whole numbers of spikes, such as a residual sum; or anything else.
Reads = Literal["image", "spikes", "counts", "analog"]


class Layer(BaseModel):
    """One layer with weights. Sizes are (height, width).

    A one-dimensional convolution has height 1. A linear layer has kernel, stride and height 1; its width is how often
    it is applied in one timestep (the tokens of a transformer; mostly 1). Group g of a grouped convolution connects
    the g-th part of the channels to the g-th part of the filters; with as many groups as channels it is depthwise.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    kind: Literal["conv", "linear"]
    filters: Size  # output channels
    channels: Size  # input channels
    kernel: Pair
    stride: Pair
    padding: tuple[Padding, Padding]
    input_size: Pair
    output_size: Pair
    dilation: Pair = (1, 1)
    groups: Size = 1  # divides filters and channels
    adds_to: str | None = None  # the residual sum that its output is part of: all parts have the same filter order
    reads: Reads = "spikes"
    positions_known: bool = True  # False: nothing but the shape of the weights is known, one position is assumed

    @model_validator(mode="after")
    def _check_kind(self) -> Self:
        if self.filters % self.groups or self.channels % self.groups:
            sizes = f"filters {self.filters} and channels {self.channels}"
            raise ValueError(f"groups: expected a divisor of {sizes}, got {self.groups}")
        if self.kind == "linear" and self.kernel != (1, 1):
            raise ValueError(f"kernel: expected (1, 1) of a linear layer, got {self.kernel}")
        return self

    @classmethod
    def of_shape(cls, name: str, shape: Sequence[int], depthwise: bool = False) -> "Layer":
        """Return a layer of which nothing but the shape of its weights is known: one output position is assumed."""
        one = (1, 1)
        kernel, kind = ((shape[2], shape[3]), "conv") if len(shape) == 4 else (one, "linear")
        sizes: Any = {"kernel": kernel, "stride": one, "padding": (0, 0), "input_size": kernel, "output_size": one}
        groups = shape[0] if depthwise else 1
        known: Any = {"groups": groups, "positions_known": False}
        return cls(name=name, kind=kind, filters=shape[0], channels=shape[1] * groups, **sizes, **known)

    def in_one_row(self, positions: int) -> "Layer":
        """Return the layer with that many output positions in one row, stride 1, no padding and an input that fits."""
        height, width = self.kernel
        sizes = {"input_size": (height, width + positions - 1), "output_size": (1, positions)}
        steps = {"stride": (1, 1), "padding": (0, 0), "dilation": (1, 1)}
        return self.model_copy(update={**steps, **sizes, "positions_known": True})

    @property
    def weight_shape(self) -> tuple[int, ...]:
        """Shape of its weights, and of its mask."""
        return (self.filters, self.group_channels, *(self.kernel if self.kind == "conv" else ()))

    @property
    def group_channels(self) -> int:
        """Input channels that each filter reads: those of its group, without groups all."""
        return self.channels // self.groups

    @property
    def group_filters(self) -> int:
        """Filters that read the same channels."""
        return self.filters // self.groups

    @property
    def num_weights(self) -> int:
        """Weights of the layer, kept or not."""
        return self.filters * self.group_channels * self.kernel[0] * self.kernel[1]

    @property
    def positions(self) -> int:
        """Output positions: how often each weight is used in one timestep, padding included."""
        return self.output_size[0] * self.output_size[1]

    @property
    def reads_spikes(self) -> bool:
        """Whether spikes arrive, one or several at a time."""
        return self.reads in ("spikes", "counts")

    @property
    def on_pes(self) -> bool:
        """Whether the layer runs on the PEs by default (`hw.layers`): convolutions that read spikes.

        A first convolution that reads the image (direct encoding) and the linear layers do not, as in the paper.
        """
        return self.kind == "conv" and self.reads_spikes


def write_layers(path: Path, layers: Sequence[Layer], timesteps: int) -> None:
    """Write layers.json: the timesteps and the layers in the order of the network."""
    document = {"timesteps": timesteps, "layers": [layer.model_dump() for layer in layers]}
    write_json(path, document)


class _Document(Block):
    timesteps: Annotated[int, Field(ge=1, le=MOST_TIMESTEPS)]
    layers: list[Layer]

    @model_validator(mode="after")
    def _check_across_layers(self) -> "_Document":
        filters: dict[str, int] = {}
        names: set[str] = set()
        for place, layer in enumerate(self.layers):
            if layer.name in names:
                raise ValueError(f"layers.{place}.name: expected another name for each layer, got {layer.name!r} twice")
            names.add(layer.name)
            sizes = zip(layer.input_size, layer.padding, layer.kernel, layer.stride, layer.dilation, strict=True)
            output = tuple(
                (size + 2 * pad - far * (kernel - 1) - 1) // step + 1 for size, pad, kernel, step, far in sizes
            )
            if output != layer.output_size:
                expected = f"{output}, which input_size, padding, kernel, stride and dilation give"
                raise ValueError(f"layers.{place}.output_size: expected {expected}, got {layer.output_size}")
            if layer.adds_to and filters.setdefault(layer.adds_to, layer.filters) != layer.filters:
                expected = f"{filters[layer.adds_to]} as in the other parts of {layer.adds_to!r}"
                raise ValueError(f"layers.{place}.filters: expected {expected}, got {layer.filters}")
        return self


def read_layers(path: Path) -> tuple[list[Layer], int]:
    """Read layers.json; return the layers and the timesteps. Raises InputError if the file is not one."""
    document = read_document(path, _Document, "the layers of a ticket")
    return document.layers, document.timesteps
