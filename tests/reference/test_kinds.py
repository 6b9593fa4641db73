from typing import Annotated, Literal

from pydantic import BaseModel, Field

from reference.comments import meanings
from reference.kinds import kind_of
from uticket.config.array import Array
from uticket.config.block import Depth
from uticket.config.pruning import BalancePath
from uticket.config.training import Model, Quantize

YAML = """\
seed: 0  # of all draws

# What is drawn
draws:
  # How many
  number:
    least: 1      # at least,
                  # never none
    most: 2
  names: {a: 1}   # a letter each

# Another block
other: "text"
"""


def test_a_comment_stands_beside_a_setting_and_below_or_above_a_block():
    assert meanings(YAML) == {
        "seed": "of all draws",
        "draws": "What is drawn",
        "draws.number": "How many",
        "draws.number.least": "at least, never none",
        "draws.number.most": "",
        "draws.names": "a letter each",
        "other": "Another block",
    }


class Example(BaseModel):
    share: Annotated[float, Field(gt=0, le=10**6), Field(le=1000)]
    count: Annotated[int, Field(ge=2)] | None
    word: Literal["a", "b"] = Field("a", description="A word.")
    pair: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]]
    depth: Depth
    flag: bool


def test_values_are_said_in_words():
    assert {name: kind_of(field) for name, field in Example.model_fields.items()} == {
        "share": "number above 0 to 1,000",
        "count": "whole number from 2, or `null`",
        "word": "`a`, `b`",
        "pair": "list of 2: whole number from 1",
        "depth": "whole number from 0, or `inf`",
        "flag": "`true`, `false`",
    }


def test_values_of_settings_with_names_from_a_table():
    assert kind_of(Array.model_fields["mapping"]) == "`contiguous`, `patterns`, `sorted`, `paired`"
    assert kind_of(Model.model_fields["name"]).endswith(", MODULE:FUNCTION")
    assert kind_of(Quantize.model_fields["bits"]) == "list: whole number from 2 to 16"
    assert kind_of(BalancePath.model_fields["team"]) == "`consecutive`, `alike`, or a list of these by round"
    assert kind_of(BalancePath.model_fields["share"]) == "whole number, or block, or a list of these by round"
