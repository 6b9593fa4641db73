"""What the records of settings have in common: checked when made, never changed."""

import math
from functools import partial
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, PlainValidator

# Upper bounds are far above what anyone uses: a larger value is a mistake, which would end a stage in the middle.
MOST = 10**6  # epochs, steps, images, minutes; also of learning rates, thresholds and the like
MOST_PIXELS = 2**12  # of a side
Positive = Annotated[float, Field(gt=0, le=MOST, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, le=MOST, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0, le=MOST)]
AtLeastOne = Annotated[int, Field(ge=1, le=MOST)]
Pixels = Annotated[int, Field(ge=0, le=MOST_PIXELS)]
Timesteps = Annotated[int, Field(ge=1, le=2**16 - 1)]
Seed = Annotated[int, Field(ge=0, lt=2**63)]  # as the random generators take it
Bits = Annotated[int, Field(ge=2, le=16)]


MOST_WAITING = 2**31 - 1  # tokens or accumulators; what is larger may as well be inf
MOST_CHARACTERS = 80  # of a wrong value


def shown(value: Any) -> str:
    """Return a wrong value as an error shows it, cut where it is long."""
    try:
        text = repr(value)
    except ValueError:  # Python writes no whole number of over 4,300 digits
        text = "a very large number"
    return text if len(text) <= MOST_CHARACTERS else text[:MOST_CHARACTERS] + "..."


class Block(BaseModel):
    """A block of settings: no unknown keys, no silent conversions, no changes after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def whole_or_inf(value: Any, least: int) -> float:
    """Return a whole number from `least` on, or inf, which YAML also writes as .inf. Raises ValueError otherwise."""
    whole = type(value) is int and least <= value <= MOST_WAITING
    if not whole and value not in ("inf", math.inf):
        raise ValueError(f"expected a whole number from {least} to {MOST_WAITING}, or inf, got {shown(value)}")
    return value if whole else math.inf


Depth = Annotated[float, PlainValidator(partial(whole_or_inf, least=0))]
Width = Annotated[float, PlainValidator(partial(whole_or_inf, least=1))]
