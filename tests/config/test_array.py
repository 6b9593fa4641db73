import re

import pytest
from pydantic import ValidationError

from tests.config.helpers import changed
from uticket.base.errors import InputError
from uticket.config.array import Array, Broadcast, Hardware
from uticket.config.params import read_params


@pytest.mark.parametrize(
    ("key", "value", "error"),
    [
        ("pess", 8, r"pess: expected one of pes, layers, dataflow, .*, got the unknown key 'pess'; did you mean pes\?"),
        ("pes", 0, r"pes: expected greater than or equal to 1, got 0"),
        ("pes", "16", r"pes: expected integer, got '16'"),
        ("pes", True, r"pes: expected integer, got True"),
        ("pes", None, r"pes: expected integer, got nothing"),
        ("pes", 10**9, r"pes: expected less than or equal to 65536, got 1000000000"),
        ("mapping", "zigzag", r"mapping: expected one of contiguous, patterns, sorted, paired, got 'zigzag'"),
        (
            "dataflow",
            "rows",
            r"dataflow: expected one of filters, input-channels, outputs, gustavson, inner-join, got 'rows'",
        ),
        ("weight_bits", 1, r"weight_bits: expected greater than or equal to 2, got 1"),
        ("chip", "", r"chip: expected some text, got ''"),
        ("models", ["events"], r"models: expected analytic, on which the report builds, .*, got events"),
        ("models", ["analytic", "analytic"], r"models: expected analytic, .* once each, got analytic, analytic"),
        ("models", ["analytic", "spice"], r"models.1: expected one of analytic, events, got 'spice'"),
        ("models", "analytic", r"models: expected a list, got 'analytic'"),
        (
            "broadcast.fifo_depth",
            -1,
            r"broadcast.fifo_depth: expected a whole number from 0 to 2147483647, or inf, got -1",
        ),
        (
            "broadcast.fifo_depth",
            True,
            r"broadcast.fifo_depth: expected a whole number from 0 to 2147483647, or inf, got True",
        ),
        ("broadcast.fifo_depth", float("nan"), r"broadcast.fifo_depth: expected a whole number .*, got nan"),
        ("broadcast.width", 0, r"broadcast.width: expected a whole number from 1 to 2147483647, or inf, got 0"),
        ("broadcast", None, r"broadcast: expected a block of keys and values, got nothing"),
    ],
)
def test_a_mistake_in_the_array_is_one_line(tmp_path, key, value, error):
    check(tmp_path, f"hw.{key}", value, error)


@pytest.mark.parametrize(
    ("value", "error"),
    [
        ([], r"sweeps: expected a block of keys and values, got \[\]"),
        ({"pes": []}, r"sweeps.pes: expected a list of values, got \[\]"),
        ({"pes": 3}, r"sweeps.pes: expected a list of values, got 3"),
        ({"PES": 3}, r"sweeps.PES: expected a list of values, got 3"),
        ({"pes": [2, -4]}, r"sweeps.pes: expected greater than or equal to 1, got -4"),
        ({"pes": [2, 4, 2]}, r"sweeps.pes: expected each value once, got 2 twice"),
        ({"mapping": ["zigzag"]}, r"sweeps.mapping: expected one of contiguous, .*, got 'zigzag'"),
        ({"broadcast": {"width": [1, 0.5]}}, r"sweeps.broadcast.width: expected a whole number .*, got 0.5"),
        ({"broadcast": {}}, r"sweeps.broadcast: expected a list of values, got {}"),
        ({"broadcast": [1]}, r"sweeps: expected settings of hw \(pes, .*, broadcast.width, .*\), got 'broadcast'"),
        ({"broadcast": {"depth": [1]}}, r"sweeps: expected settings of hw \(.*\), got 'broadcast.depth'"),
        ({"chip": ["other.yaml"]}, r"sweeps: expected settings of hw \(.*\), got 'chip'"),
        ({3: [1]}, r"sweeps.3: expected string, got 3"),
    ],
)
def test_a_mistake_in_the_sweeps_is_one_line(tmp_path, value, error):
    check(tmp_path, "hw.sweeps", value, error)


def check(tmp_path, key: str, value: object, expected: str) -> None:
    with pytest.raises(InputError) as error:
        read_params(changed(tmp_path, key, value))
    assert re.fullmatch(rf".*params.yaml: hw\.{expected}", str(error.value)), str(error.value)


def with_sweeps(hw: Hardware, sweeps: dict) -> Hardware:
    return Hardware.model_validate(hw.model_dump() | {"sweeps": sweeps})


def test_any_setting_of_the_array_and_its_broadcast_can_be_swept(params):
    one_each = {"pes": [1], "layers": ["all"], "dataflow": ["filters"], "mapping": ["paired"], "spare_pes": ["idle"]}
    one_each |= {"accumulators": [4], "weight_bits": [4, None], "quantizer": ["keep_mask"]}
    one_each |= {"weight_format": ["best"], "bandwidth": ["chip"], "buffers": [1]}
    one_each |= {"weight_swap_cycles": [0, 3], "drain_width": [1, "inf"]}
    broadcast = {"granularity": ["tile"], "fifo_depth": [0, "inf"], "width": [2], "token_cost": ["one"]}
    broadcast |= {"skip_unwanted": [False, True], "order": ["activation"]}
    assert set(one_each) == set(Array.model_fields)
    assert set(broadcast) == set(Broadcast.model_fields)
    knobs = with_sweeps(params.hw, one_each | {"broadcast": broadcast}).knobs()
    assert list(knobs) == [*one_each, *(f"broadcast.{name}" for name in broadcast)]
    assert knobs["broadcast.skip_unwanted"] == [False, True]


def test_no_sweeps_are_no_knobs(params):
    assert with_sweeps(params.hw, {}).knobs() == {}


def test_a_knob_changes_one_setting_and_leaves_the_others(params):
    array, broadcast = params.hw.at("pes", 8)
    assert array == params.hw.array.model_copy(update={"pes": 8})
    assert broadcast == params.hw.broadcast
    array, broadcast = params.hw.at("broadcast.width", 4)
    assert array == params.hw.array
    assert broadcast == params.hw.broadcast.model_copy(update={"width": 4})
    assert params.hw.at("broadcast.fifo_depth", "inf")[1].fifo_depth == float("inf")
    assert params.hw.array.pes == 16


@pytest.mark.parametrize("knob", ["pess", "broadcast", "broadcast.pes", "width", "chip", ""])
def test_a_knob_that_is_no_setting_is_an_error(params, knob):
    with pytest.raises(ValueError, match=rf"sweeps: expected settings of hw \(pes, .*\), got '{knob}'"):
        params.hw.at(knob, 1)


def test_a_value_that_a_knob_cannot_take_is_an_error(params):
    with pytest.raises(ValueError, match=r"^sweeps.pes: expected greater than or equal to 1, got 0$"):
        params.hw.at("pes", 0)
    with pytest.raises(
        ValueError, match=r"^sweeps.broadcast.width: expected a whole number from 1 to 2147483647, or inf, got 0$"
    ):
        params.hw.at("broadcast.width", 0)


def test_array_of_the_block_hw_is_the_array_alone(params):
    array = params.hw.array
    assert type(array) is Array
    assert array.model_dump() == {name: getattr(params.hw, name) for name in Array.model_fields}


def test_records_are_checked_when_made_and_never_changed():
    with pytest.raises(ValidationError):
        Array(pes=0)
    with pytest.raises(ValidationError):
        Array(mapping="zigzag")
    with pytest.raises(ValidationError):
        Array(peas=4)
    with pytest.raises(ValidationError):
        Array().pes = 4
