"""All of params.yaml as one checked record; a wrong key or value is one clear line."""

import os
import re
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, Field, ValidationError, model_validator
from ruamel.yaml import YAML

from uticket.base.errors import InputError, one_line
from uticket.base.files import read_text
from uticket.config.array import Energy, Hardware
from uticket.config.block import Block, Count, Seed
from uticket.config.lineage import DENSE, Lineage
from uticket.config.pruning import BalancePath, Prune
from uticket.config.training import Data, Dense, Model, Quantize, Rewind, Train
from uticket.config.wording import describe


def _check_name(form: str, pattern: str, name: str) -> str:
    if not re.fullmatch(pattern, name):
        raise ValueError(f"expected {form} of letters, digits, - and _, a letter or digit first, got {name!r}")
    return name


NAME = "[A-Za-z0-9][A-Za-z0-9_-]*"  # figures leave out what begins with _, and commands take a first - for an option
Name = Annotated[str, AfterValidator(partial(_check_name, "a name", NAME))]
TicketName = Annotated[str, AfterValidator(partial(_check_name, "METHOD/NAME", f"{NAME}/{NAME}"))]


class Report(Block):
    """What the report shows."""

    title: str
    baseline: str  # the method that the others are compared with
    sample_images: Count  # test images whose spikes are kept with each ticket


MOST_VALUES = 100_000  # of a YAML file
MOST_LEVELS = 100


class Params(Block):
    """All of params.yaml.

    balance: method -> its settings, or null for a method that is pruned only.
    tickets: METHOD/NAME -> the ticket it is pruned from: `dense`, or METHOD/NAME of any method.
    """

    seed: Seed
    data: Data
    model: Model
    train: Train
    dense: Dense
    rewind: Rewind
    prune: Prune
    balance: dict[Name, BalancePath | None]
    tickets: Annotated[dict[TicketName, str], Field(min_length=1)]
    hw: Hardware
    quantize: Quantize
    energy: Energy
    report: Report

    @property
    def lineage(self) -> Lineage:
        """Which ticket is pruned from which."""
        return Lineage(self.tickets)

    @model_validator(mode="after")
    def _check_across_blocks(self) -> "Params":
        lineage = self.lineage
        if self.rewind.epoch > self.train.epochs:
            raise ValueError(
                f"rewind.epoch: expected at most train.epochs = {self.train.epochs}, got {self.rewind.epoch}"
            )
        for block, methods in (("balance", list(self.balance)), ("tickets", lineage.methods)):
            if DENSE in methods:
                got = f"{DENSE!r}, which is round 0 of each"
                raise ValueError(f"{block}: expected another name for a method, got {got}")
        if set(self.balance) != set(lineage.methods):
            known, got = ", ".join(lineage.methods), ", ".join(self.balance) or "none"
            raise ValueError(f"balance: expected an entry for each method of tickets ({known}), got {got}")
        for method, path in self.balance.items():
            for of_round in path.in_each_round() if path else ():
                of_round.check_on(self.hw, f"balance.{method}.")
        if self.report.baseline not in self.balance:
            known = ", ".join(self.balance)
            raise ValueError(f"report.baseline: expected one of {known}, got {self.report.baseline!r}")
        if "events" in self.hw.models and self.report.sample_images == 0:
            raise ValueError("report.sample_images: expected at least 1 for the event model (hw.models), got 0")
        if self.prune.early_time and (self.train.epochs < 3 or self.model.timesteps < 3):
            got = f"{self.train.epochs} and {self.model.timesteps}"
            raise ValueError(f"prune.early_time: expected at least 3 train.epochs and 3 model.timesteps, got {got}")
        for method in self.balance if self.prune.early else ():
            last = lineage.chain(method)[-1]
            if not lineage.is_final(last):
                expected = "no ticket pruned from the last one of a method, which trains to the end (prune.early_*)"
                raise ValueError(f"tickets: expected {expected}, got one pruned from {last!r}")
        return self


def read_params(path: str | Path = "params.yaml") -> Params:
    """Read and check params.yaml. Raises InputError with one line: the key, what was expected, what it got."""
    return checked_params(read_settings(path), path)


def read_settings(path: str | Path) -> Any:
    """Read params.yaml unchecked. Raises InputError as `read_yaml` does; for a missing one, it says how to make one."""
    if not os.path.lexists(path):
        raise InputError(f"{path}: expected YAML, got no file; `uticket init DIR` makes a project with one")
    return read_yaml(path)


def read_yaml(path: str | Path) -> Any:
    """Read a YAML file. Raises InputError, naming it, if it is none, deeply nested or grows by its aliases."""
    return parse_yaml(path, read_text(Path(path), "YAML"))


def parse_yaml(path: str | Path, text: str, most: int = MOST_VALUES) -> Any:
    """Return the values of YAML that was read from `path`. most: values, aliases followed. Errors as in `read_yaml`."""
    try:
        _check_growth(text, most)
        return YAML(typ="safe").load(text)
    except Exception as error:  # one guard: ruamel raises KeyError, AttributeError and more on odd dates, tags, numbers
        raise InputError(f"{path}: expected YAML, got: {one_line(error, 1000)}") from None


def _check_growth(text: str, most: int) -> None:
    """Raise ValueError if YAML nests deeply, or holds many values once its aliases are followed; none are built."""
    sizes: dict[str | None, int] = {}  # anchor -> values of its node
    open_nodes: list[tuple[str | None, int]] = [(None, 0)]  # anchor, and values so far
    for event in YAML(typ="safe").parse(text):
        kind = type(event).__name__
        anchor, size = getattr(event, "anchor", None), 1
        if kind in ("MappingStartEvent", "SequenceStartEvent"):
            open_nodes.append((anchor, 1))
            if len(open_nodes) > MOST_LEVELS:
                raise ValueError(f"over {MOST_LEVELS} levels of blocks and lists")
            continue
        if kind == "AliasEvent":
            size = sizes.get(anchor, most)  # one to what is not closed holds itself
        elif kind in ("MappingEndEvent", "SequenceEndEvent"):
            anchor, size = open_nodes.pop()
        elif kind != "ScalarEvent":
            continue
        if kind != "AliasEvent" and anchor is not None:
            sizes[anchor] = size
        open_nodes[-1] = (open_nodes[-1][0], open_nodes[-1][1] + size)
        if open_nodes[-1][1] > most:
            raise ValueError(f"over {most:,} values, aliases followed")


def checked_params(values: Any, path: str | Path) -> Params:
    """Check what was read from `path`.

    Every key must be there, since DVC tracks them one by one, and sees no default. Only a method (`balance.METHOD`) may
    leave some to theirs, which its plans spell out.
    """
    try:
        params = Params.model_validate(values)
    except ValidationError as error:
        raise InputError(f"{path}: {describe(error, Params)}") from None
    for key in _absent(params):
        raise InputError(f"{path}: {key}: expected a value, got nothing")
    return params


def _absent(record: BaseModel) -> list[str]:
    """Return the settings below `record` that were left to their defaults."""
    absent = [name for name in type(record).model_fields if name not in record.model_fields_set]
    for name in type(record).model_fields:
        value = getattr(record, name)
        inner = value.items() if isinstance(value, dict) else [("", value)]
        for key, block in inner:
            if isinstance(block, BaseModel) and not isinstance(block, BalancePath):
                absent += [".".join(part for part in (name, key, deeper) if part) for deeper in _absent(block)]
    return absent
