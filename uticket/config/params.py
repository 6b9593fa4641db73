"""Typed, frozen, checked records for the blocks of params.yaml; a wrong key or value is one clear line."""

import math
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, ValidationError, field_validator, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from uticket.base.errors import InputError
from uticket.config.names import (
    MOST_PES,
    CostModel,
    Dataflow,
    EventsOn,
    Granularity,
    Mode,
    Policy,
    Quantizer,
    Scope,
    Select,
    SparePes,
    TokenCost,
)
from uticket.config.wording import describe

DENSE = "dense"  # the ticket of round 0, which every chain of tickets ends at

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]
Pes = Annotated[int, Field(ge=1, le=MOST_PES)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$")]


def whole_or_inf(value: Any, least: int) -> float:
    """Return a whole number from `least` on, or inf, which YAML also writes as .inf. Raises ValueError otherwise."""
    whole = type(value) is int and value >= least
    if not whole and value not in ("inf", math.inf):
        raise ValueError(f"expected a whole number from {least} on, or inf, came {value!r}")
    return value if whole else math.inf


Depth = Annotated[float, PlainValidator(partial(whole_or_inf, least=0))]
Width = Annotated[float, PlainValidator(partial(whole_or_inf, least=1))]


class Block(BaseModel):
    """A block of params.yaml: no unknown keys, no silent conversions, no changes after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Data(Block):
    """Which images the networks learn."""

    name: Literal["digits", "cifar10", "cifar100", "fashion_mnist", "svhn", "folder"]
    path: Annotated[str, Field(min_length=1)]  # folder: an ImageFolder tree, with or without train/ and test/
    size: Count  # folder: side to which images are resized, in pixels
    channels: Literal[1, 3]  # folder: 1 is grey, 3 is RGB
    test_share: Annotated[float, Field(gt=0, lt=1)]  # folder without test/: share of images held out


class Model(Block):
    """Which network, and the neuron of all its layers."""

    name: Literal["vgg7", "vgg16", "resnet19"]
    width: Positive  # factor on the number of filters of every layer
    timesteps: Count
    leak: Annotated[float, Field(ge=0, lt=1)]  # share of the membrane potential that the next timestep keeps
    spike_threshold: Positive
    surrogate_alpha: Positive  # steepness of the ATan surrogate gradient


class Augment(Block):
    """Random changes of each training image, made in batches on the device."""

    crop: Annotated[int, Field(ge=0)]  # pixels of zero padding around the image before the random crop
    flip: bool  # mirror left-right with probability 0.5
    cutout: Annotated[int, Field(ge=0)]  # side of the square that is blanked, in pixels


class Train(Block):
    """How every network is trained, the dense one and each ticket."""

    epochs: Count
    batch_size: Annotated[int, Field(ge=2)]  # batch norm needs two images
    learning_rate: Positive  # at the start; cosine down to 0
    momentum: Annotated[float, Field(ge=0, lt=1)]
    weight_decay: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    loss: Literal["per_step", "mean"]
    augment: Augment
    device: Literal["auto", "cpu", "cuda"]
    sparse: Literal["auto", "off"]  # on CPUs, whether pruned convolutions run by their kept weights
    precision: Literal["auto", "fp32", "bf16"]  # auto: bf16 on GPUs, fp32 on CPUs
    compile: bool  # on GPUs, by torch.compile
    save_minutes: Annotated[float, Field(ge=0, allow_inf_nan=False)]  # between two states of a training; 0: every step


class Rewind(Block):
    """Where the weights of a ticket restart."""

    epoch: Annotated[int, Field(ge=0)]  # of the dense training; 0 is the initialization


class Prune(Block):
    """What a round removes."""

    fraction: Annotated[float, Field(gt=0, lt=1)]  # of the weights that are left
    scope: Literal["global", "layer"]
    early_time: bool  # search with fewer timesteps; the last ticket of a chain trains with all
    early_time_threshold: Annotated[float, Field(gt=0, le=1)]  # divergence of the classes, 1 the largest
    early_bird: bool  # end the search of a round when its mask settles; the last ticket of a chain trains to the end

    @property
    def early(self) -> bool:
        """Whether tickets that only lead to others are trained less than the last ones."""
        return self.early_time or self.early_bird


class Balance(Block):
    """How a chain of tickets is balanced in each round (`uticket.prune.balance`)."""

    scope: Scope
    mode: Mode
    select: Select


class Hardware(Block):
    """The array of processing elements (PEs)."""

    pes: Pes
    dataflow: Dataflow
    mapping: Policy
    spare_pes: SparePes
    weight_bits: Annotated[int, Field(ge=2, le=16)] | None  # None: the weights as they were trained
    quantizer: Quantizer
    sweep: Annotated[tuple[Pes, ...], Field(min_length=1, strict=False)]  # PE counts at which `simulate` runs too
    models: Annotated[tuple[CostModel, ...], Field(strict=False)]  # analytic, on which the report builds, and events
    events_on: EventsOn  # tickets of a chain that the event model simulates
    granularity: Granularity
    fifo_depth: Depth  # tokens, or channels, that wait at a PE
    broadcast_width: Width  # tokens in a cycle
    token_cost: TokenCost
    accumulators: Count  # outputs that a PE works on at a time
    skip_unwanted: bool  # tokens for which no PE of the group has a weight are not sent
    chip: Annotated[str, Field(min_length=1)]  # file of what the parts of the array cost
    fifo_sweep: Annotated[tuple[Depth, ...], Field(strict=False)]
    width_sweep: Annotated[tuple[Width, ...], Field(strict=False)]

    @field_validator("models")
    @classmethod
    def _check_models(cls, models: tuple[CostModel, ...]) -> tuple[CostModel, ...]:
        if "analytic" not in models or len(set(models)) < len(models):
            came = ", ".join(models) or "none"
            raise ValueError(f"expected analytic, on which the report builds, and maybe events, once each, came {came}")
        return models


class Quantize(Block):
    """At how many bits the accuracy of every ticket is tested, with each quantizer."""

    bits: Annotated[tuple[Annotated[int, Field(ge=2, le=16)], ...], Field(strict=False)]


class Energy(Block):
    """The energy model, Eq. 3 of the paper."""

    leakage_ratio: Annotated[float, Field(ge=0, allow_inf_nan=False)]  # E_l / E_d


class Report(Block):
    """What the report shows."""

    title: str
    sample_images: Annotated[int, Field(ge=0)]  # test images whose spikes are kept with each ticket


class Params(Block):
    """All of params.yaml.

    `tickets` maps method -> ticket -> the ticket it is pruned from: `dense`, or METHOD/TICKET of any method. A method
    may be without tickets.
    `balance` maps each method -> its settings, or null for a method that is pruned only.
    """

    seed: Annotated[int, Field(ge=0)]
    data: Data
    model: Model
    train: Train
    rewind: Rewind
    prune: Prune
    balance: dict[Name, Balance | None]
    tickets: Annotated[dict[Name, dict[Name, str]], Field(min_length=1)]
    hw: Hardware
    quantize: Quantize
    energy: Energy
    report: Report

    @model_validator(mode="after")
    def _check_across_blocks(self) -> "Params":
        if self.rewind.epoch > self.train.epochs:
            raise ValueError(
                f"rewind.epoch: expected at most train.epochs = {self.train.epochs}, came {self.rewind.epoch}"
            )
        if DENSE in self.tickets:
            raise ValueError(f"tickets: expected another name for a method, came {DENSE!r}, which is round 0 of each")
        if set(self.balance) != set(self.tickets):
            methods, came = ", ".join(self.tickets), ", ".join(self.balance) or "none"
            raise ValueError(f"balance: expected an entry for each method of tickets ({methods}), came {came}")
        if not any(self.tickets.values()):
            raise ValueError("tickets: expected a ticket in one of the methods, came none")
        if "events" in self.hw.models and self.report.sample_images == 0:
            raise ValueError("report.sample_images: expected at least 1 for the event model (hw.models), came 0")
        for method, chain in self.tickets.items():
            for ticket in chain:
                self.lineage(f"{method}/{ticket}")
        if self.prune.early_time and (self.train.epochs < 3 or self.model.timesteps < 3):
            came = f"{self.train.epochs} and {self.model.timesteps}"
            raise ValueError(f"prune.early_time: expected at least 3 train.epochs and 3 model.timesteps, came {came}")
        for method in self.tickets if self.prune.early else ():
            last = self.last(method)
            if last != DENSE and not self.is_final(last):
                expected = "no ticket pruned from the last one of a method, which trains to the end (prune.early_*)"
                raise ValueError(f"tickets: expected {expected}, came one pruned from {last!r}")
        return self

    def parent(self, ticket: str) -> str:
        """Return the ticket that METHOD/TICKET is pruned from. Raises InputError if params.yaml has no such ticket."""
        parents = self._parents()
        if ticket not in parents:
            raise InputError(f"ticket: expected one of params.yaml ({', '.join(parents)}), came {ticket!r}")
        return parents[ticket]

    def _parents(self) -> dict[str, str]:
        return {f"{method}/{name}": parent for method, chain in self.tickets.items() for name, parent in chain.items()}

    def lineage(self, ticket: str) -> list[str]:
        """Return the tickets from `dense` to `ticket`; the round of a ticket is its place in this list.

        Raises ValueError if a parent does not exist or the parents go round in a circle.
        """
        parents = self._parents()
        line = [ticket]
        while line[-1] != DENSE:
            key = f"tickets.{line[-1].replace('/', '.')}"
            parent = parents[line[-1]]
            if parent != DENSE and parent not in parents:
                raise ValueError(f"{key}: expected {DENSE} or a ticket ({', '.join(parents)}), came {parent!r}")
            if parent in line:
                circle = " <- ".join([*line[line.index(parent) :], parent])
                raise ValueError(f"{key}: expected parents that lead to {DENSE}, came the circle {circle}")
            line.append(parent)
        return line[::-1]

    def chain(self, method: str) -> list[str]:
        """Return `dense` and the tickets of a method, by name: DVC does not see the order of keys in params.yaml."""
        if method not in self.tickets:
            raise InputError(f"method: expected one of {', '.join(self.tickets)}, came {method!r}")
        return [DENSE, *(f"{method}/{ticket}" for ticket in sorted(self.tickets[method]))]

    def round_of(self, ticket: str) -> int:
        """Return the round of a ticket; `dense` is round 0."""
        return len(self.lineage(ticket)) - 1

    def is_final(self, ticket: str) -> bool:
        """Say whether no other ticket is pruned from `ticket`."""
        return ticket not in self._parents().values()

    def by_round(self, method: str) -> list[str]:
        """Return the tickets of a chain in the order of their rounds, those of the same round by name."""
        return sorted(self.chain(method), key=lambda ticket: (self.round_of(ticket), ticket))

    def last(self, method: str) -> str:
        """Return the ticket of a chain's highest round; of several, the one whose name comes last."""
        return self.by_round(method)[-1]


def read_params(path: str | Path = "params.yaml") -> Params:
    """Read and check params.yaml. Raises InputError with one line that names the key, what was expected, what came."""
    try:
        try:
            values: Any = YAML(typ="safe").load(Path(path))
        except (ValueError, IndexError) as error:  # of a date or a number that cannot be
            raise YAMLError(str(error)) from None
        return Params.model_validate(values)
    except OSError as error:
        raise InputError(f"{path}: expected a readable file, came: {error.strerror}") from None
    except (YAMLError, RecursionError, OverflowError) as error:
        raise InputError(f"{path}: expected YAML, came: {' '.join(str(error).split())}") from None
    except ValidationError as error:
        raise InputError(f"{path}: {describe(error, Params)}") from None
