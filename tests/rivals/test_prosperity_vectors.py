"""What the public simulator of Prosperity counts on small layers, with the published number of adders.

tests/fixtures/prosperity.json says where its code is from and how the numbers were made. It has no count for LoAS: its
function of that name counts operations with dense weights.
"""

import json
from typing import Any

import numpy as np
import pytest

from tests.helpers import FIXTURES, layer_of
from uticket.config.tables import RIVALS
from uticket.rivals.lowered import Lowered, lower

CASES = json.loads((FIXTURES / "prosperity.json").read_text())["cases"]


def lowered(case: dict[str, Any]) -> Lowered:
    size, kernel, stride, padding = ((case[name],) * 2 for name in ("size", "kernel", "stride", "padding"))
    layer = layer_of(case["filters"], case["channels"], size, kernel, stride, padding)
    shape = case["timesteps"], layer.channels, *size
    packed = np.frombuffer(bytes.fromhex(case["spikes"]), dtype=np.uint8)
    spikes = np.unpackbits(packed, count=np.prod(shape)).reshape(shape).astype(bool)
    return lower(layer, spikes, np.ones(layer.weight_shape, dtype=bool))


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(("name", "theirs"), [("spinalflow", "mint"), ("sato", "sato"), ("prosperity", "prosperity")])
def test_cycles_are_those_of_the_public_simulator(case, name, theirs):
    assert RIVALS[name].cycles(lowered(case), 128) == case["cycles"][theirs]


@pytest.mark.parametrize("case", [case for case in CASES if case["cycles"]["ptb"] is not None])
def test_ptb_is_that_of_the_public_simulator_without_the_filling_of_the_grid(case):
    layer = lowered(case)
    filling = layer.positions * 16 * 2
    assert RIVALS["ptb"].cycles(layer, 128) == case["cycles"]["ptb"] - filling


def test_ptb_takes_layers_that_do_not_fill_the_columns():
    (case,) = [case for case in CASES if case["cycles"]["ptb"] is None]
    layer = lowered(case)
    assert layer.positions * 2 % 8
    assert RIVALS["ptb"].cycles(layer, 128) > 0


@pytest.mark.parametrize("case", CASES)
def test_dense_differs_from_the_public_simulator_at_the_edges_only(case):
    layer = lowered(case)
    found, theirs = RIVALS["dense"].cycles(layer, 168), case["cycles"]["eyeriss"]
    whole = -(-layer.inputs // 14) * 14
    assert theirs == -(-layer.filters // 12) * (layer.inputs * layer.positions * layer.timesteps // 14)
    assert found * layer.inputs // whole == pytest.approx(theirs, rel=0.002)  # theirs is rounded down
    assert layer.inputs % 14 or found == theirs


def test_there_are_layers_with_and_without_edges():
    assert {lowered(case).inputs % 14 == 0 for case in CASES} == {True, False}
