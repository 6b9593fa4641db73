"""What the records of settings have in common: checked when made, never changed."""

import math
from functools import partial
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, PlainValidator

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
AtLeastOne = Annotated[int, Field(ge=1)]
Timesteps = Annotated[int, Field(ge=1, le=2**16 - 1)]
Seed = Annotated[int, Field(ge=0)]
Bits = Annotated[int, Field(ge=2, le=16)]


class Block(BaseModel):
    """A block of settings: no unknown keys, no silent conversions, no changes after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def whole_or_inf(value: Any, least: int) -> float:
    """Return a whole number from `least` on, or inf, which YAML also writes as .inf. Raises ValueError otherwise."""
    whole = type(value) is int and value >= least
    if not whole and value not in ("inf", math.inf):
        raise ValueError(f"expected a whole number from {least} on, or inf, got {value!r}")
    return value if whole else math.inf


Depth = Annotated[float, PlainValidator(partial(whole_or_inf, least=0))]
Width = Annotated[float, PlainValidator(partial(whole_or_inf, least=1))]
