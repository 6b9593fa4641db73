"""The chip file: parts of a PE and the memories beside it, each number with its unit and source."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, ValidationError

from uticket.base.errors import InputError
from uticket.config.block import Block
from uticket.config.params import read_yaml
from uticket.config.wording import describe

DEFAULT_CHIP = Path(__file__).parent / "chips" / "uticket-32nm-lstp.yaml"


def _in_a_pe(component: str) -> str:
    if component.startswith(("SRAM", "DRAM")):
        raise ValueError(f"expected another name than SRAM and DRAM, which are beside the PEs, got {component!r}")
    if component == "FIFO":
        raise ValueError(f"expected another name than that of the block fifo, got {component!r}")
    return component


# more than any chip has; a larger number is a mistake, which cycles as 64-bit numbers would not hold
MOST_BITS, MOST_BANKS, MOST_MHZ = 2**20, 2**20, 10**6
MOST_OF_A_PART = 1e15  # area, energy, power, bandwidth: sums and products of them stay finite
LEAST_MB_PER_S = 0.001

# by which energy is summed up; the default chip has those of Fig. 8 of the paper: MAC, LIF and MEM (scratchpad)
Component = Annotated[str, Field(pattern="^[A-Z][A-Z0-9]*$"), AfterValidator(_in_a_pe)]
Action = Literal["operation", "work_cycle", "update"]  # `uticket.hardware.energy`


class Quantity(Block):
    """A number with its unit and source."""

    value: Annotated[float, Field(ge=0, le=MOST_OF_A_PART, allow_inf_nan=False)]
    unit: str
    source: Annotated[str, Field(min_length=1)]


class ActionEnergy(Quantity):
    """For one action or access."""

    unit: Literal["pJ"]


class Power(Quantity):
    """Leakage."""

    unit: Literal["mW"]


class Area(Quantity):
    """Of one part."""

    unit: Literal["um2"]


class Clock(Quantity):
    """Frequency."""

    value: Annotated[float, Field(gt=0, le=MOST_MHZ, allow_inf_nan=False)]
    unit: Literal["MHz"]


class Bytes(Quantity):
    """Capacity of a memory."""

    unit: Literal["bytes"]


class AccessWidth(Quantity):
    """What one access moves."""

    value: Annotated[int, Field(ge=1, le=MOST_BITS)]
    unit: Literal["bits"]


class Words(Quantity):
    """Capacity of the scratchpad of a PE."""

    value: Annotated[int, Field(ge=2)]
    unit: Literal["words of 16 bit"]


class Part(Block):
    """One kind of part of a PE."""

    part: str
    component: Component
    count: Annotated[int, Field(ge=1, le=2**31)]
    actions: dict[
        Action, Annotated[float, Field(ge=0, le=MOST_OF_A_PART, allow_inf_nan=False)]
    ]  # times that the part is used for each
    energy: ActionEnergy
    leakage: Power
    area: Area


class Fifo(Block):
    """The FIFO of a PE, in which tokens wait: for each of its entries, and for each token."""

    area: Area  # of an entry
    leakage: Power  # of an entry
    push: ActionEnergy
    pop: ActionEnergy


class Banks(Quantity):
    """Parts of a memory that each make one read and one write in a cycle."""

    value: Annotated[int, Field(ge=1, le=MOST_BANKS)]
    unit: Literal["banks"]


class Rate(Quantity):
    """Bandwidth."""

    value: Annotated[float, Field(ge=LEAST_MB_PER_S, le=MOST_OF_A_PART, allow_inf_nan=False)]
    unit: Literal["MB/s"]


class Channel(Block):
    """What moves bits: a memory."""

    width: AccessWidth
    read: ActionEnergy
    write: ActionEnergy


class Dram(Channel):
    """Memory beside the chip, which reads or writes."""

    bandwidth: Rate


class Memory(Channel):
    """An on-chip memory."""

    banks: Banks
    capacity: Bytes
    leakage: Power
    area: Area


class Memories(Block):
    """The on-chip memories beside the PEs."""

    weights: Memory
    spikes: Memory


class Chip(Block):
    """A chip file."""

    name: str
    clock: Clock
    pe: Annotated[tuple[Part, ...], Field(min_length=1, strict=False)]
    fifo: Fifo | None = None  # None: costs nothing
    scratchpad_words: Words
    scratchpad_write: ActionEnergy | None = None  # of a word when weights are loaded; None: costs nothing
    memories: Memories
    dram: Dram

    def leakage_pj(self, milliwatts: float) -> float:
        """Return the energy that leaks in one cycle, in pJ."""
        return milliwatts * 1000 / self.clock.value  # mW * ns = pJ

    @property
    def leakage_ratio(self) -> float:
        """E_l / E_d of Eq. 3: leakage of a PE in a cycle / its dynamic energy for an operation; inf without any."""
        leakage = self.leakage_pj(sum(part.count * part.leakage.value for part in self.pe))
        dynamic = sum(part.actions.get("operation", 0) * part.energy.value for part in self.pe)
        return leakage / dynamic if dynamic else float("inf")

    @property
    def pe_area_um2(self) -> float:
        """Area of one PE without its FIFO."""
        return sum(part.count * part.area.value for part in self.pe)

    def fifo_area_um2(self, depth: float) -> float:
        """Return the area of the FIFO of a PE; depth: entries, maybe inf."""
        return depth * self.fifo.area.value if self.fifo is not None and depth else 0.0

    @property
    def dram_bits_per_cycle(self) -> float:
        """Bits that DRAM reads or writes in a cycle."""
        return 8 * self.dram.bandwidth.value / self.clock.value  # MB/s / MHz = bytes a cycle

    @property
    def components(self) -> list[str]:
        """The names of the components, in the order of the file."""
        return list(dict.fromkeys(part.component for part in self.pe))

    @classmethod
    def read(cls, path: str | Path = DEFAULT_CHIP) -> Self:
        """Read a chip file, or the default one. Raises InputError: file, key, what was expected, what it got."""
        try:
            return cls.model_validate(read_yaml(path))
        except ValidationError as error:
            raise InputError(f"{path}: {describe(error, cls)}") from None
