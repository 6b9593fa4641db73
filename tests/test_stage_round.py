"""Which tickets are trained to the end when the search of the others is made shorter."""

import json

import pytest
from click.testing import CliRunner

from stages.round import as_final
from tests.conftest import PARAMS, ROOT
from uticket.base.errors import InputError
from uticket.cli import main
from uticket.config.params import Params, read_params


def with_early_bird(chain: dict[str, str]) -> Params:
    params = read_params(PARAMS)
    tickets = {**{method: {} for method in params.tickets}, "lth": chain}
    prune = params.prune.model_copy(update={"early_bird": True})
    return params.model_copy(update={"prune": prune, "tickets": tickets})


def trained(folder, ticket: str, **metrics) -> None:
    (folder / "tickets" / ticket).mkdir(parents=True)
    (folder / "tickets" / ticket / "metrics.json").write_text(json.dumps({"accuracy": 0.5, **metrics}))


TWO, THREE = {"r01": "dense", "r02": "lth/r01"}, {"r01": "dense", "r02": "lth/r01", "r03": "lth/r02"}


def test_last_ticket_of_a_chain_is_final(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    trained(tmp_path, "lth/r01", final=False)
    params = with_early_bird(TWO)
    assert [as_final(params, ticket) for ticket in ("lth/r01", "lth/r02")] == [False, True]


def test_ticket_of_a_parent_that_was_trained_as_final_is_refused(tmp_path, monkeypatch):
    """A longer chain: DVC does not run r02 again, but from scratch it would be trained for the search only."""
    monkeypatch.chdir(tmp_path)
    trained(tmp_path, "lth/r02", final=True)
    with pytest.raises(
        InputError, match=r"trained for the search, came lth/r02.* dvc repro --force --single-item lth@r02"
    ):
        as_final(with_early_bird(THREE), "lth/r03")
    plain = read_params(PARAMS).model_copy(update={"tickets": with_early_bird(THREE).tickets})
    assert as_final(plain, "lth/r03")  # nothing is made shorter, so all tickets are trained alike


def test_check_names_tickets_whose_place_in_the_chain_has_changed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = PARAMS.read_text().replace("uticket/hardware/chips", str(ROOT / "uticket/hardware/chips"))
    (tmp_path / "params.yaml").write_text(text.replace("early_bird: false", "early_bird: true"))
    last = read_params("params.yaml").last("lth")
    trained(tmp_path, last, final=True)
    trained(tmp_path, "lth/r01", final=False)
    assert "expected to be trained" not in CliRunner().invoke(main, ["check"]).output
    (tmp_path / "tickets" / last / "metrics.json").write_text('{"final": false}')
    (tmp_path / "tickets" / "lth" / "r01" / "metrics.json").write_text('{"final": true}')
    told = CliRunner().invoke(main, ["check"]).output
    assert f"tickets/{last}: expected to be trained to the end, as the last of its chain, was not: dvc repro" in told
    assert "tickets/lth/r01: expected to be trained for the search, as others are pruned from it, was not" in told
    assert "--force --single-item lth@r01" in told
