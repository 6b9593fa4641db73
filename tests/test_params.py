import math
import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.conftest import PARAMS, ROOT
from uticket.base.errors import InputError
from uticket.config.params import Params, read_params


def changed(tmp_path: Path, key: str, value: object) -> Path:
    """Write params.yaml with one value set (or, with `...`, removed)."""
    values = YAML(typ="safe").load(PARAMS)
    *blocks, last = key.split(".")
    block = values
    for name in blocks:
        block = block[name]
    if value is ...:
        del block[last]
    else:
        block[last] = value
    path = tmp_path / "params.yaml"
    YAML(typ="safe").dump(values, path)
    return path


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        (
            "hw.pess",
            8,
            r"hw.pess: expected one of pes, dataflow, .*, width_sweep, came the unknown key 'pess'; did you mean pes\?",
        ),
        ("modle", {}, r"modle: expected one of seed, data, .*, came the unknown key 'modle'; did you mean model\?"),
        ("hw.pes", 0, r"hw.pes: expected greater than or equal to 1, came 0"),
        ("hw.pes", "16", r"hw.pes: expected integer, came '16'"),
        ("hw.pes", True, r"hw.pes: expected integer, came True"),
        ("hw.pes", ..., r"hw.pes: expected a value, came nothing"),
        ("hw.pes", None, r"hw.pes: expected integer, came nothing"),
        ("hw", None, r"hw: expected a block of keys and values, came nothing"),
        ("hw.sweep", [], r"hw.sweep: .*at least 1.*"),
        ("hw.sweep", [2, -4], r"hw.sweep.1: expected greater than or equal to 1, came -4"),
        ("prune.fraction", 1.0, r"prune.fraction: expected less than 1, came 1.0"),
        ("model.leak", 1.0, r"model.leak: expected less than 1, came 1.0"),
        ("model.leak", float("nan"), r"model.leak: expected .*, came nan"),
        ("model.name", "vgg8", r"model.name: expected 'vgg7', 'vgg16' or 'resnet19', came 'vgg8'"),
        ("train.augment.crop", -1, r"train.augment.crop: expected greater than or equal to 0, came -1"),
        ("balance.uticket.mode", "all", r"balance.uticket.mode: expected 'both', 'recover' or 'remove', came 'all'"),
        (
            "balance.uticket.pes",
            8,
            r"balance.uticket.pes: expected one of scope, mode, select, came the unknown key .*",
        ),
        (
            "balance.lht",
            None,
            r"balance: expected an entry for each method of tickets \(constant, lth, uticket\), came .*lht.*",
        ),
        ("balance.lth", ..., r"balance: expected an entry for each method .*, came constant, uticket"),
        ("rewind.epoch", 13, r"rewind.epoch: expected at most train.epochs = 12, came 13"),
        ("tickets.lth.r03", "lth/r99", r"tickets.lth.r03: expected dense or a ticket \(lth/r01, .*\), came 'lth/r99'"),
        ("tickets.lth.r01", "lth/r02", r"tickets.lth.r02: expected .*, came the circle lth/r01 <- lth/r02 <- lth/r01"),
        ("tickets.lth.r01", "lth/r01", r"tickets.lth.r01: expected .*, came the circle lth/r01 <- lth/r01"),
        ("tickets.lth.a/b", "dense", r"tickets.lth.a/b: .*pattern.*"),
        ("tickets", {"lth": {}, "uticket": {}, "constant": {}}, r"tickets: expected a ticket in one of the methods.*"),
        ("hw.fifo_depth", -1, r"hw.fifo_depth: expected a whole number from 0 on, or inf, came -1"),
        ("hw.fifo_depth", True, r"hw.fifo_depth: expected a whole number from 0 on, or inf, came True"),
        ("hw.broadcast_width", 0, r"hw.broadcast_width: expected a whole number from 1 on, or inf, came 0"),
        ("hw.width_sweep", [1, 0.5], r"hw.width_sweep.1: expected a whole number from 1 on, or inf, came 0.5"),
        ("hw.models", ["events"], r"hw.models: expected analytic, on which the report builds, .*, came events"),
        ("hw.models", ["spice"], r"hw.models.0: expected 'analytic' or 'events', came 'spice'"),
        ("hw.chip", "", r"hw.chip: .*at least 1.*"),
        ("report.sample_images", 0, r"report.sample_images: expected at least 1 for the event model .*, came 0"),
        ("hw.weight_bits", 1, r"hw.weight_bits: expected greater than or equal to 2, came 1"),
        ("hw.pes", 10**9, r"hw.pes: expected less than or equal to 65536, came 1000000000"),
        ("tickets.dense", {"r01": "dense"}, r"tickets: expected another name for a method, came 'dense'.*"),
    ],
)
def test_a_mistake_is_one_line_that_names_key_expectation_and_value(tmp_path, key, value, told):
    path = changed(tmp_path, key, value)
    with pytest.raises(InputError) as error:
        read_params(path)
    assert re.fullmatch(re.escape(f"{path}: ") + told, error.value.message), error.value.message
    assert error.value.exit_code == 2


def test_broken_yaml_and_missing_file_are_told_in_one_line(tmp_path):
    (tmp_path / "broken.yaml").write_text("seed: [1,\nhw: }")
    (tmp_path / "date.yaml").write_text("seed: 2020-99-99")
    (tmp_path / "deep.yaml").write_text("seed: " + "[" * 3000)
    broken = [(f"{name}.yaml", "expected YAML") for name in ("broken", "date", "deep")]
    for name, told in (*broken, ("absent.yaml", "expected a readable file")):
        with pytest.raises(InputError, match=told) as error:
            read_params(tmp_path / name)
        assert "\n" not in error.value.message


def test_several_mistakes_tell_the_first_and_how_many_more(tmp_path):
    path = changed(tmp_path, "hw", {"pes": 0, "mapping": "zigzag", "sweep": [1]})
    with pytest.raises(InputError, match=r"hw.pes: .* \(and 16 more\)"):
        read_params(path)


def test_params_of_the_project_are_in_order():
    read_params(ROOT / "params.yaml")


def test_round_of_a_ticket_is_its_distance_from_dense(params: Params):
    assert params.lineage("lth/r03") == ["dense", "lth/r01", "lth/r02", "lth/r03"]
    assert params.chain("lth")[:2] == ["dense", "lth/r01"]


def test_chain_may_branch_off_another_method(tmp_path):
    path = changed(tmp_path, "tickets.uticket", {"r05": "lth/r04"})
    params = read_params(path)
    assert params.lineage("uticket/r05")[-2:] == ["lth/r04", "uticket/r05"]
    assert params.chain("uticket") == ["dense", "uticket/r05"]


def test_unknown_ticket_and_method_are_told(params: Params):
    with pytest.raises(InputError, match="ticket: expected one of params.yaml .*lth/r01.*came 'lth/r77'"):
        params.parent("lth/r77")
    with pytest.raises(InputError, match="method: expected one of lth, uticket, constant, came 'other'"):
        params.chain("other")


@pytest.mark.parametrize("preset", sorted(path.name for path in (ROOT / "presets").glob("*.yaml")))
def test_presets_are_in_order(preset):
    read_params(ROOT / "presets" / preset)


@pytest.mark.parametrize("network", ["vgg16", "resnet19"])
@pytest.mark.parametrize("data", ["cifar10", "cifar100", "fashion_mnist", "svhn"])
def test_presets_have_the_settings_of_the_paper(network, data):
    params = read_params(ROOT / "presets" / f"{network}-{data}.yaml")
    assert (params.model.name, params.data.name, params.model.timesteps, params.hw.pes) == (network, data, 4, 16)
    train = params.train
    assert (train.epochs, train.batch_size, train.learning_rate, train.momentum) == (200, 128, 0.1, 0.9)
    assert (train.weight_decay, train.augment.crop, train.augment.cutout) == (0.0005, 4, 16)
    assert train.augment.flip == (data != "svhn")
    assert (params.rewind.epoch, params.prune.fraction, params.prune.scope) == (20, 0.25, "global")
    assert [params.round_of(params.last(method)) for method in ("lth", "uticket")] == [13, 13]


def test_last_ticket_of_a_method_is_no_parent_when_searches_are_made_shorter(tmp_path):
    path = changed(tmp_path, "tickets.uticket", {"r07": "lth/r06"})
    assert read_params(path).last("lth") == "lth/r06"
    text = path.read_text().replace("early_bird: false", "early_bird: true")
    path.write_text(text)
    with pytest.raises(
        InputError, match="no ticket pruned from the last one of a method.*came one pruned from 'lth/r06'"
    ):
        read_params(path)


def test_short_preset_ends_at_98_percent():
    params = read_params(ROOT / "presets" / "vgg16-cifar10-short.yaml")
    rounds = params.round_of(params.last("lth"))
    assert 10 <= rounds <= 12
    assert 1 - (1 - params.prune.fraction) ** rounds == pytest.approx(0.98, abs=0.003)


@pytest.mark.parametrize("text", ["inf", ".inf", "7"])
def test_limits_are_numbers_or_inf_in_either_spelling(tmp_path, text):
    path = tmp_path / "params.yaml"
    path.write_text(PARAMS.read_text().replace("fifo_depth: 64", f"fifo_depth: {text}"))
    assert read_params(path).hw.fifo_depth == (7 if text == "7" else math.inf)


def test_last_ticket_of_a_chain_is_the_one_of_the_highest_round(tmp_path):
    chain = {"z": "dense", "a": "lth/z", "b": "lth/a", "c": "lth/a"}
    params = read_params(changed(tmp_path, "tickets.lth", chain))
    assert (params.last("lth"), params.last("constant")) == ("lth/c", "dense")
