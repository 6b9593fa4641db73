"""A captured ticket: packed spikes, and what was found out about the network beside them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import create_model

from uticket.base.files import is_file, write_bytes, write_json
from uticket.base.npz import load_npz, npz_bytes
from uticket.config.block import Block
from uticket.config.document import read_document
from uticket.ticket.ticket import Ticket

FILE, NONZEROS = "capture.json", "nonzeros.npz"


@dataclass(frozen=True)
class Packed:
    """The spikes or counts that arrived at one layer: rows as they were seen, and the order in which they belong."""

    rows: NDArray[np.uint8]  # (rows, bytes): bits, or counts
    order: NDArray[np.int64]  # (images, T, tokens): numbers of rows
    own: tuple[int, ...]  # the shape of a row: (channels, height, width), (channels, length) or (channels,)
    bits: bool  # whether rows are bits
    binary: bool  # whether no count exceeds 1

    def unpack(self) -> NDArray[Any]:
        """Return (images, T, channels, height, width): booleans, or counts as uint8."""
        images, timesteps, tokens = self.order.shape
        rows = self.rows[self.order.ravel()]
        size = int(np.prod(self.own))
        values = np.unpackbits(rows, axis=1, count=size) if self.bits else rows
        values = values.view(np.bool_) if self.binary else values
        if len(self.own) == 1:
            by_token = values.reshape(images, timesteps, 1, tokens, size)
            return np.ascontiguousarray(np.moveaxis(by_token, -1, 2))
        height_width = (1, *self.own[1:]) if len(self.own) == 2 else self.own[1:]
        return values.reshape(images, timesteps, self.own[0], *height_width)


class PackedSpikes(Mapping[str, NDArray[Any]]):
    """Layer -> what arrives there, (images, T, channels, height, width), unpacked each time that it is asked for."""

    def __init__(self, layers: Mapping[str, Packed]) -> None:
        self.packed = dict(layers)

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self.packed[name].unpack()

    def __iter__(self) -> Iterator[str]:
        return iter(self.packed)

    def __len__(self) -> int:
        return len(self.packed)

    @property
    def nbytes(self) -> int:
        """Bytes of the packed rows."""
        return sum(rows.nbytes for rows in {id(one.rows): one.rows for one in self.packed.values()}.values())


@dataclass(frozen=True)
class Findings:
    """What a capture found out about a network, and where it guessed."""

    timesteps_because: str
    guesses: tuple[str, ...] = ()
    never_called: tuple[str, ...] = ()  # layers that did not run
    not_seen: tuple[str, ...] = ()  # other modules and parameters that hold weights: transposed convolutions and so on
    remarks: tuple[str, ...] = ()
    factors: Mapping[str, float] = field(default_factory=dict)  # layer -> what a count of 1 stands for, if it is not 1
    images: int = 1
    once_an_image: tuple[str, ...] = ()  # layers that do not run at every timestep
    footprint_bytes: int = 0  # of all parameters and buffers of the model
    activation_sparsity: float | None = None  # share of the outputs of neurons that are zero; None: no neurons known
    # of layers without spikes: at each place of an input, in how many images and timesteps it was not zero
    nonzeros: Mapping[str, NDArray[np.int64]] = field(default_factory=dict)

    @property
    def notes(self) -> tuple[str, ...]:
        """What the numbers of the ticket rest on: the guesses."""
        return tuple(f"captured with the guess {guess}" for guess in self.guesses)

    def lines(self) -> list[str]:
        """Return what a user should know, a line each."""
        found = [f"timesteps: {self.timesteps_because}", *(f"guess: {guess}" for guess in self.guesses)]
        found += [f"never called: {name}" for name in self.never_called]
        found += [f"not seen: {name}" for name in self.not_seen]
        return found + list(self.remarks) + [f"{name}: counts of {factor:g}" for name, factor in self.factors.items()]


@dataclass(frozen=True, eq=False)
class Captured(Ticket):
    """A ticket with the findings of its capture."""

    findings: Findings = field(default_factory=lambda: Findings("unknown"))

    def write(self, folder: str | Path) -> None:
        """Write the files of the ticket, and capture.json and nonzeros.npz beside them."""
        super().write(folder)
        found = {name: value for name, value in vars(self.findings).items() if name != "nonzeros"}
        write_json(Path(folder) / FILE, found)
        write_bytes(Path(folder) / NONZEROS, npz_bytes(self.findings.nonzeros, compressed=True))


def read_findings(folder: Path) -> Findings | None:
    """Read what a capture found from a ticket's folder; None if it was not captured."""
    if not is_file(folder / FILE):
        return None
    kinds: Any = {
        one.name: (one.type, None) for one in fields(Findings) if one.name not in ("timesteps_because", "nonzeros")
    }
    record = create_model("capture.json", __base__=Block, timesteps_because=(str, ...), **kinds)
    found = read_document(folder / FILE, record, "what a capture found").model_dump(exclude_unset=True)
    return Findings(**found, nonzeros=load_npz(folder / NONZEROS, "the nonzeros of a capture"))
