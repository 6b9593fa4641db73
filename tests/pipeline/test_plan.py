"""Plans: what makes DVC run a ticket again, and what does not."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.helpers import PARAMS
from uticket.base.errors import InputError
from uticket.config.params import Params, read_params
from uticket.config.plan import read_chain, read_plan
from uticket.config.pruning import BalancePath
from uticket.pipeline.plan import write_plans


@pytest.fixture
def changed(tmp_path, monkeypatch) -> Callable[[Params], set[str]]:
    """Returns which plans differ from those of the fixed params."""
    monkeypatch.chdir(tmp_path)

    def files() -> dict[str, bytes]:
        return {str(path.relative_to("plans")): path.read_bytes() for path in Path("plans").rglob("*.json")}

    def changed_by(params: Params) -> set[str]:
        write_plans(read_params(PARAMS))
        before = files()
        write_plans(params)
        after = files()
        return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}

    return changed_by


def with_(params: Params, block: str, **values: object) -> Params:
    record = getattr(params, block)
    return params.model_copy(update={block: record.model_copy(update=values)})


def test_other_pes_change_what_is_balanced_for_them_only(changed, params):
    assert changed(with_(params, "hw", pes=8)) == {f"uticket/r0{n}.json" for n in range(1, 7)}
    assert changed(with_(params, "hw", mapping="sorted")) == {f"uticket/r0{n}.json" for n in range(1, 7)}
    assert changed(with_(params, "hw", weight_bits=4, accumulators=4, spare_pes="idle")) == set()
    written = json.loads(Path("plans/uticket/r01.json").read_text())
    assert set(written["array"]) == {"pes", "mapping", "dataflow"}  # a new setting of the array changes no plan
    layer = params.balance["uticket"].model_copy(update={"scope": "layer"})
    by_layer = params.model_copy(update={"balance": {**params.balance, "uticket": layer}})
    changed(by_layer)
    assert read_plan("uticket/r01").array is None
    changed(with_(by_layer, "hw", layers="all"))
    assert json.loads(Path("plans/uticket/r01.json").read_text())["array"] == {"layers": "all"}
    assert changed(with_(params, "hw", layers="all")) == {f"uticket/r0{n}.json" for n in range(1, 7)}


def test_each_round_gets_its_share_and_only_what_decides_it(changed, params):
    def sharing(**settings: object) -> Params:
        block = {"scope": "group", "mode": "both", "select": "magnitude", **settings}
        return params.model_copy(update={"balance": {"lth": None, "uticket": BalancePath.model_validate(block)}})

    assert changed(sharing(select="random", share=1, team_score="maximum", round="ceil")) == set()
    assert changed(sharing(select="random", share=[1, 1, 4])) == {f"uticket/r0{n}.json" for n in (3, 4, 5, 6)}
    changed(sharing(share=[8, {"conv2": 4}, 1]))
    balance = [read_plan(f"uticket/r0{n}").balance for n in (1, 2, 3, 6)]
    assert [of_round.share for of_round in balance] == [8, {"conv2": 4}, 1, 1]
    changed(sharing(share=[4, 2, 1], team=["alike", "consecutive"]))
    teams = [read_plan(f"uticket/r0{n}").balance.team for n in (1, 2)]
    assert teams == ["alike", "consecutive"]
    assert "team" not in json.loads(Path("plans/uticket/r03.json").read_text())["balance"]
    changed(sharing(share=[8, {"conv2": 4}, 1]))
    written = [json.loads(Path(f"plans/uticket/r0{n}.json").read_text())["balance"] for n in (1, 3)]
    assert set(written[0]) - set(written[1]) == {"team", "team_score", "team_weights"}


def test_a_longer_chain_changes_nothing_of_the_others(changed, params):
    longer = params.model_copy(update={"tickets": {**params.tickets, "lth/r07": "lth/r06"}})
    assert changed(longer) == {"lth.json", "lth/r07.json"}
    assert read_chain("lth").last == "lth/r07"
    assert read_chain("lth").tickets[:2] == ["dense", "lth/r01"]


def test_the_last_ticket_changes_its_part_only_if_searches_are_made_shorter(changed, params):
    early = with_(params, "prune", early_bird=True)
    intermediate = {f"{method}/r0{n}.json" for method in ("lth", "uticket") for n in range(1, 6)}
    assert changed(early) == intermediate
    longer = early.model_copy(update={"tickets": {**params.tickets, "lth/r07": "lth/r06"}})
    assert changed(longer) == intermediate | {"lth.json", "lth/r06.json", "lth/r07.json"}
    assert [read_plan(f"lth/r0{n}").final for n in (5, 6, 7)] == [False, False, True]


def test_plans_that_are_missing_or_broken_are_named(changed, params):
    changed(params)
    with pytest.raises(InputError, match=r"plans/lth/r99.json: expected JSON that an earlier stage wrote, got"):
        read_plan("lth/r99")
    Path("plans/lth.json").write_text('{"method": "lth"}')
    with pytest.raises(InputError, match=r"plans/lth.json: rounds: expected a value, got nothing; run the stage plan"):
        read_chain("lth")
