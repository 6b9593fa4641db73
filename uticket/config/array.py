"""The array of processing elements (PEs): its own settings, its broadcast, and what is simulated on it (block `hw`)."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator

from uticket.config.block import AtLeastOne, Bits, Block, Depth, NotNegative, Width
from uticket.config.tables import Dataflow, MappingPolicy, TimingModel
from uticket.config.wording import describe

MOST_PES = 65536  # more than any chip has; a larger number is a mistake
Cycles = Annotated[int, Field(ge=0, le=2**16 - 1)]  # of one token-like event
Pes = Annotated[int, Field(ge=1, le=MOST_PES)]
SparePes = Literal["split_outputs", "idle"]
Quantizer = Literal["plain", "keep_mask"]
Granularity = Literal["token", "channel", "tile"]
TokenCost = Literal["timesteps", "spikes", "one"]
Order = Literal["position", "activation"]
Buffers = Annotated[int, Field(ge=1, le=2)]
Bandwidth = Literal["unlimited", "chip"]
RunLayers = Literal["spiking_convolutions", "all"]
WeightFormat = Literal["wsp", "csr", "bitmap", "dense", "run_length", "best"]


class Array(Block):
    """An array of PEs, and how layers are put on it."""

    pes: Pes = Field(16, description="Processing elements.")
    layers: RunLayers = Field(
        "spiking_convolutions", description="On the PEs: convolutions that read spikes (paper), or all layers that do."
    )
    dataflow: Dataflow = Field("filters", description="What a PE takes of a layer.")
    mapping: MappingPolicy = Field("contiguous", description="How filters are put into groups.")
    spare_pes: SparePes = Field("split_outputs", description="What PEs without a filter do.")
    accumulators: AtLeastOne = Field(256, description="Outputs that a PE works on at a time (a tile).")
    weight_swap_cycles: Cycles = Field(0, description="Cycles in which a PE changes to the weights of a channel.")
    drain_width: Width = Field(float("inf"), description="Accumulators that a PE empties in a cycle; inf: at once.")
    weight_bits: Bits | None = Field(None, description="Round the weights to this many bits; default: as trained.")
    quantizer: Quantizer = Field("plain", description="Small weights round to zero (plain) or to one step (keep_mask).")
    bandwidth: Bandwidth = Field("unlimited", description="Whether memories take the time that the chip file says.")
    buffers: Buffers = Field(2, description="2: the next tile is loaded while one runs; 1: after it.")
    weight_format: WeightFormat = Field("wsp", description="Of weights in DRAM and SRAM; best: the smallest by layer.")


class Broadcast(Block):
    """How activations reach the PEs in the event model."""

    granularity: Granularity = Field("token", description="What is sent at a time.")
    order: Order = Field("position", description="Tokens of a channel by kernel position, or activation by activation.")
    fifo_depth: Depth = Field(64, description="Tokens (or channels) that wait at a PE; inf.")
    width: Width = Field(float("inf"), description="Tokens sent in a cycle at most; inf: an ideal broadcaster.")
    token_cost: TokenCost = Field("timesteps", description="Cycles that a token takes a PE for each weight.")
    skip_unwanted: bool = Field(True, description="Tokens for which no PE of the group has a weight are not sent.")


KNOBS = (*Array.model_fields, *(f"broadcast.{name}" for name in Broadcast.model_fields))  # in `hw` of params.yaml


def by_knob(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is arranged as the settings of `hw` by the name of each setting, such as `broadcast.fifo_depth`."""
    flat: dict[str, Any] = {}
    for name, values in settings.items():
        inner = values if isinstance(values, dict) else {}
        flat |= {f"{name}.{key}": value for key, value in inner.items()} or {name: values}
    return flat


def with_setting(array: Array, broadcast: Broadcast, knob: str, value: Any) -> tuple[Array, Broadcast]:
    """Return both with one of KNOBS changed. Raises ValueError, which begins with the knob, if it has no such value."""
    block, _, key = knob.rpartition(".")
    record: Array | Broadcast = broadcast if block else array
    try:
        changed = type(record).model_validate(record.model_dump() | {key: value})
    except ValidationError as error:
        _, _, reason = describe(error, type(record)).partition(": ")
        raise ValueError(f"{knob}: {reason}") from None
    return (array, changed) if isinstance(changed, Broadcast) else (changed, broadcast)


class Energy(Block):
    """The energy model of the paper, Eq. 3."""

    leakage_ratio: NotNegative = Field(0.21, description="E_l / E_d of Eq. 3.")


class Hardware(Array):
    """The block `hw`: an array, and what is simulated on it.

    sweeps: setting -> values at which the last tickets are simulated too, arranged as the settings themselves are:
    {pes: [8, 16], broadcast: {fifo_depth: [0, 8]}}.
    """

    broadcast: Broadcast
    chip: Annotated[str, Field(min_length=1)]  # file of what the parts of the array cost
    models: Annotated[tuple[TimingModel, ...], Field(strict=False)]
    events_on: Literal["last", "all"]  # tickets of a chain that the event model simulates
    sweeps: dict[str, Any]

    @field_validator("models")
    @classmethod
    def _check_models(cls, models: tuple[str, ...]) -> tuple[str, ...]:
        if "analytic" not in models or len(set(models)) < len(models):
            got = ", ".join(models) or "none"
            raise ValueError(f"expected analytic, on which the report builds, and maybe events, once each, got {got}")
        return models

    @model_validator(mode="after")
    def _check_sweeps(self) -> Self:
        for knob, values in self.knobs().items():
            if not isinstance(values, list | tuple) or not values:
                raise ValueError(f"sweeps.{knob}: expected a list of values, got {values!r}")
            twice = next((value for n, value in enumerate(values) if value in values[:n]), None)
            if twice is not None:
                raise ValueError(f"sweeps.{knob}: expected each value once, got {twice!r} twice")
            for value in values:
                self.at(knob, value)
        return self

    @property
    def array(self) -> Array:
        """The array alone."""
        return Array.model_validate(self.model_dump(include=set(Array.model_fields)))

    def knobs(self) -> dict[str, Any]:
        """Return the values of each sweep by the setting's name, such as `broadcast.fifo_depth`."""
        return by_knob(self.sweeps)

    def at(self, knob: str, value: Any) -> tuple[Array, Broadcast]:
        """Return array and broadcast with one setting changed. Raises ValueError if there is none, or no such value."""
        if knob not in KNOBS:
            raise ValueError(f"sweeps: expected settings of hw ({', '.join(KNOBS)}), got {knob!r}")
        try:
            return with_setting(self.array, self.broadcast, knob, value)
        except ValueError as error:
            raise ValueError(f"sweeps.{error}") from None
