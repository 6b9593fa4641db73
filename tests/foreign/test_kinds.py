"""Every kind of file in docs/files.md is read as numpy computes it, or refused by the line that stands there."""

import numpy as np
import pytest

from tests.foreign.kinds import BEGIN, DOCS, END, KINDS, Kind, table
from tests.helpers import between
from uticket.base.errors import InputError
from uticket.foreign.read import read_arrays


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.make.__name__)
def test_a_file_of_the_kind_is_read_or_refused(tmp_path, kind: Kind):
    path, expected = kind.make(tmp_path)
    if isinstance(expected, str):
        with pytest.raises(InputError) as error:
            read_arrays(path)
        assert str(error.value) == f"{path}: {expected}"
        return
    found = read_arrays(path)
    assert sorted(found.arrays) == sorted(expected)
    for name, values in expected.items():
        assert found.arrays[name].shape == values.shape
        assert np.array_equal(found.arrays[name], values)
    assert sorted(part.name for part in found.skipped) == sorted(kind.skipped)


def test_the_page_has_the_table_of_these_kinds():
    assert between(DOCS, BEGIN, END) == table(), "python -m tests.foreign.kinds writes it"
    assert len(KINDS) >= 30
