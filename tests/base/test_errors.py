import pytest

from uticket.base.errors import InputError, listed, one_line, shortened, suggestion


def test_input_error_is_a_value_error_with_its_line():
    error = InputError("hw.pes: expected integer, got 'many'")
    assert isinstance(error, ValueError)
    assert str(error) == "hw.pes: expected integer, got 'many'"


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (RuntimeError("two\n  lines\tof text "), "two lines of text"),
        (ValueError("x" * 300), "x" * 200),
        (EOFError(), "EOFError"),
        (OSError(28, "No space left on device", "some/file"), "No space left on device"),
        (OSError("no number"), "no number"),
        (KeyError("labels"), "nothing named 'labels'"),
    ],
)
def test_errors_of_libraries_become_one_line(error, line):
    assert one_line(error) == line


@pytest.mark.parametrize("name", ["a\nb", "x" * 5000, "\x1b[31m", "a\u2028b", "\udcff"])
def test_an_error_is_one_short_line_whatever_a_file_calls_its_arrays(name):
    text = str(InputError(f"w.npz: expected the layer {name!r} of {name}, got none"))
    assert len(text) <= 400
    assert text.isprintable()
    assert text.startswith("w.npz: expected the layer ")
    assert text.endswith(", got none")


def test_names_are_shortened_in_the_middle_and_escaped():
    assert shortened("conv1.weight") == "conv1.weight"
    assert shortened("a\nb") == "a\\nb"
    assert shortened("a" * 40 + "b" * 40, limit=10) == "aaaa...bbb"
    assert listed(["a", "b"]) == "a, b"
    assert listed("abcde") == "a, b, c and 2 more"


def test_a_suggestion_is_the_nearest_known_name_or_nothing():
    assert suggestion("mian", ["other", "main"]) == "; did you mean main?"
    assert suggestion("nowhere", ["main"]) == suggestion("", ["main"]) == suggestion("main", []) == ""
    assert len(suggestion("x" * 5000, ["x" * 5000])) < 100
