import pytest

from uticket.config.flat import flat


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0005, "0.0005"),
        (1e-9, "1e-09"),
        (2.0, "2"),
        (0.1234567, "0.1234567"),
        (0.1234568, "0.1234568"),
        (None, "null"),
    ],
)
def test_settings_that_differ_have_other_texts_and_round_ones_are_short(value, text):
    assert dict(flat({"block": {"name": value}})) == {"block.name": text}
