import pytest

from uticket.base.errors import InputError, one_line


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
