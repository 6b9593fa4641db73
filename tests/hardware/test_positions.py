"""Unknown output positions are reported where they change the answer, and nowhere else."""

import numpy as np
import pytest

import uticket as ut
from tests.helpers import mask_of

EIGHT = np.ones((8, 2, 3, 3), bool)
DEPEND = "are unknown, taken as 1 (--positions, --layers):"


def notes(arrays: dict[str, np.ndarray], **array: object) -> tuple[str, ...]:
    return ut.audit(ut.Ticket.from_arrays(arrays), ut.Array(**array)).notes


def test_one_layer_on_as_many_pes_as_filters_needs_no_positions():
    assert notes({"a": EIGHT}, pes=8) == ()
    assert notes({"a": EIGHT}, pes=4) == ()
    assert notes({"a": EIGHT}, pes=15) == ()  # no room for a second copy


def test_cycles_of_several_layers_are_weighed_by_positions():
    note = f"output positions of a, b {DEPEND} cycles of the network depend on them"
    assert notes({"a": EIGHT, "b": EIGHT}, pes=8) == (note,)


@pytest.mark.parametrize("array", [{"pes": 16}, {"pes": 8, "dataflow": "outputs"}, {"pes": 8, "dataflow": "gustavson"}])
def test_copies_share_positions(array):
    (note,) = notes({"a": EIGHT}, **array)
    assert note == f"output positions of a {DEPEND} utilization of a depend on them"
    known = ut.Ticket.from_arrays({"a": EIGHT}).with_positions({"a": 64})
    unknown = ut.Ticket.from_arrays({"a": EIGHT})
    assert ut.audit(known, ut.Array(**array)).notes == ()
    assert ut.audit(known, ut.Array(**array)).utilization != ut.audit(unknown, ut.Array(**array)).utilization


def test_spare_pes_that_idle_need_no_positions():
    assert notes({"a": EIGHT}, pes=16, spare_pes="idle") == ()


def test_positions_stay_unknown_in_the_folder_of_a_ticket(tmp_path):
    ut.Ticket.from_arrays({"a": EIGHT, "b": mask_of(1)}).with_positions({"b": 9}).write(tmp_path)
    again = ut.Ticket.read(tmp_path)
    assert [layer.positions_known for layer in again.layers] == [False, True]
    (note,) = ut.audit(again, ut.Array(pes=16)).notes
    assert note == f"output positions of a {DEPEND} utilization of a and cycles of the network depend on them"
