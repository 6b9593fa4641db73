"""Every convention of docs/files.md is read as numpy computes it, and every note that the table promises is there."""

import numpy as np
import pytest

from tests.helpers import between, write_foreign
from tests.ticket.conventions import BEGIN, CONVENTIONS, DOCS, END, Convention, table
from uticket.ticket.ticket import Ticket


@pytest.mark.parametrize("suffix", [".npz", ".safetensors", ".pt"])
@pytest.mark.parametrize("convention", CONVENTIONS, ids=lambda convention: convention.make.__name__)
def test_weights_are_those_that_numpy_computes(tmp_path, convention: Convention, suffix):
    case = convention.make()
    arrays = {name: np.array(values, order="C") for name, values in case.arrays.items()}
    ticket = Ticket.read(write_foreign(tmp_path / f"w{suffix}", arrays), **case.options)
    assert sorted(ticket.mask) == sorted(case.expected)
    for name, right in case.expected.items():
        assert np.array_equal(ticket.mask[name], right != 0)
        assert np.allclose(ticket.weights[name], right, rtol=1e-5, atol=1e-7)
    for words in case.notes:
        assert any(words in note for note in ticket.notes)
    assert bool(ticket.notes) == ("a note" in convention.read_as and not convention.read_as.startswith("with"))


@pytest.mark.parametrize("convention", [c for c in CONVENTIONS if c.read_as.endswith("a note without")])
def test_a_note_says_which_option_is_missing(convention: Convention):
    case = convention.make()
    without = Ticket.from_arrays(case.arrays, linear=True)
    option = next(name for name in case.options if name != "linear")
    assert any(f"--{option}" in note for note in without.notes)


def test_the_page_has_the_table_of_these_conventions():
    assert between(DOCS, BEGIN, END) == table(), "python -m tests.ticket.conventions writes it"
