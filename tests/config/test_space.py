"""space.yaml: the settings that `uticket explore` tries."""

import re

import pytest

from uticket.base.errors import InputError
from uticket.config.array import KNOBS, Array, Broadcast
from uticket.config.space import Point, Space


def test_a_grid_has_every_combination_and_defaults_for_the_rest():
    space = Space.of({"pes": [4, 8], "layers": "all", "broadcast": {"fifo_depth": [0, "inf"]}, "chip": "a.yaml"})
    assert space.size == 4
    settings = [tuple(point.settings.values()) for point in space.grid()]
    assert settings == [(pes, "all", depth, "a.yaml") for pes in (4, 8) for depth in (0, float("inf"))]
    first = next(space.grid())
    assert (first.array, first.broadcast) == (Array(pes=4, layers="all"), Broadcast(fifo_depth=0))
    assert first.chip == "a.yaml"


def test_a_value_alone_may_be_null_or_a_word():
    (point,) = Space.of({"weight_bits": None, "mapping": "sorted"}).grid()
    assert point == Point({"weight_bits": None, "mapping": "sorted"}, Array(mapping="sorted"), Broadcast(), None)


def test_a_file_is_read_as_yaml(tmp_path):
    path = tmp_path / "space.yaml"
    path.write_text("pes: [8, 16]\nweight_bits: [null, 4]\nbroadcast: {width: [1, inf]}\n")
    assert Space.read(path).knobs == {
        "pes": (8, 16),
        "weight_bits": (None, 4),
        "broadcast.width": (1, float("inf")),
    }


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        (None, r"expected settings of hw with lists of their values, got None"),
        ([], r"expected settings of hw with lists of their values, got \[\]"),
        ({}, r"expected settings of hw with lists of their values, got {}"),
        (
            {"peas": [8]},
            r"expected settings of hw \(pes, .*broadcast.width, .*, chip\), got 'peas'; did you mean pes\?",
        ),
        ({"fifo_depth": [8]}, r"expected .*, got 'fifo_depth'; did you mean broadcast.fifo_depth\?"),
        ({"broadcast": {"pes": [8]}}, r"expected .*, got 'broadcast.pes'.*"),
        ({"sweeps": {"pes": [8]}}, r"expected .*, got 'sweeps.pes'.*"),
        ({3: [8]}, r"expected .*, got '3'"),
        ({"pes": []}, r"pes: expected a value or a list of values, got \[\]"),
        ({"pes": [8, 0]}, r"pes: expected greater than or equal to 1, got 0"),
        ({"pes": [8, 8]}, r"pes: expected each value once, got 8 twice"),
        ({"pes": "16"}, r"pes: expected integer, got '16'"),
        ({"mapping": ["zigzag"]}, r"mapping: expected one of contiguous, patterns, sorted, paired, got 'zigzag'"),
        ({"broadcast": {"width": [0.5]}}, r"broadcast.width: expected a whole number from 1 to .*, or inf, got 0.5"),
        ({"chip": [3]}, r"chip: expected the path of a chip file, got 3"),
    ],
)
def test_a_mistake_is_one_line(settings, error):
    with pytest.raises(InputError) as found:
        Space.of(settings, "space.yaml")
    assert re.fullmatch(rf"space.yaml: {error}", str(found.value)), str(found.value)


def test_every_setting_of_the_array_can_be_explored():
    for knob in KNOBS:
        block, _, key = knob.rpartition(".")
        default = (Broadcast if block else Array).model_fields[key].default
        (point,) = Space.of({block: {key: default}} if block else {key: default}).grid()
        assert (point.array, point.broadcast) == (Array(), Broadcast())
