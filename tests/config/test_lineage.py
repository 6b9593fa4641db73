import pytest

from tests.config.helpers import changed
from uticket.base.errors import InputError
from uticket.config.lineage import Lineage, method_of
from uticket.config.params import Params, read_params


def test_round_of_a_ticket_is_its_distance_from_dense(params: Params):
    lineage = params.lineage
    assert lineage.line("lth/r03") == ["dense", "lth/r01", "lth/r02", "lth/r03"]
    assert lineage.chain("lth")[:2] == ["dense", "lth/r01"]
    assert [lineage.round_of(ticket) for ticket in ("dense", "lth/r01", "lth/r03")] == [0, 1, 3]
    assert lineage.methods == ["lth", "uticket"]


def test_chain_may_branch_off_another_method(tmp_path):
    tickets = {f"lth/r0{n}": "dense" if n == 1 else f"lth/r0{n - 1}" for n in range(1, 7)}
    lineage = read_params(changed(tmp_path, "tickets", tickets | {"uticket/r05": "lth/r04"})).lineage
    assert lineage.line("uticket/r05")[-2:] == ["lth/r04", "uticket/r05"]
    assert lineage.chain("uticket") == ["dense", "uticket/r05"]
    assert lineage.round_of("uticket/r05") == 5


def test_unknown_ticket_and_method_are_an_error_that_lists_them(params: Params):
    with pytest.raises(InputError, match="ticket: expected one of params.yaml .*lth/r01.*got 'lth/r77'"):
        params.lineage.parent("lth/r77")
    with pytest.raises(InputError, match="method: expected one of lth, uticket, got 'other'"):
        params.lineage.chain("other")
    assert params.lineage.parent("lth/r02") == "lth/r01"


def test_chain_is_ordered_by_round_and_then_by_name():
    lineage = Lineage({"lth/c": "lth/a", "lth/b": "lth/a", "lth/a": "lth/z", "lth/z": "dense"})
    assert lineage.chain("lth") == ["dense", "lth/z", "lth/a", "lth/b", "lth/c"]


def test_ticket_is_final_if_none_is_pruned_from_it():
    lineage = Lineage({"lth/r01": "dense", "lth/r02": "lth/r01", "uticket/r02": "lth/r01"})
    assert [lineage.is_final(ticket) for ticket in lineage.parents] == [False, True, True]


def test_parents_that_are_missing_or_go_in_a_circle_are_an_error():
    with pytest.raises(ValueError, match="tickets.lth/r02: expected a parent that is one of dense, .*, got 'lth/r01'"):
        Lineage({"lth/r02": "lth/r01"})
    with pytest.raises(ValueError, match="got the circle a/1 <- a/2 <- a/1"):
        Lineage({"a/1": "a/2", "a/2": "a/1"})


def test_method_of_a_ticket_stands_before_the_slash():
    assert (method_of("lth/r01"), method_of("dense")) == ("lth", "dense")
