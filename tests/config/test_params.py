import math
import os
import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.config.helpers import alias_bomb, changed
from tests.helpers import PARAMS, ROOT
from uticket.base.errors import InputError
from uticket.config.array import Array, Broadcast, Energy
from uticket.config.params import read_params
from uticket.config.pruning import Balance, BalancePath
from uticket.hardware.chip import Chip

SHARE = "expected a whole number from 1 to 65536, or one for each of some layers"
NAME = "METHOD/NAME of letters, digits, - and _, a letter or digit first"


@pytest.mark.parametrize(
    ("key", "value", "error"),
    [
        ("modle", {}, r"modle: expected one of seed, data, .*, got the unknown key 'modle'; did you mean model\?"),
        ("hw", None, r"hw: expected a block of keys and values, got nothing"),
        ("seed", -1, r"seed: expected greater than or equal to 0, got -1"),
        ("seed", 1.5, r"seed: expected integer, got 1.5"),
        ("data.channels", 2, r"data.channels: expected 1 or 3, got 2"),
        ("data.path", "", r"data.path: expected some text, got ''"),
        ("data.name", "mnist", r"data.name: expected one of digits, cifar10, .*, folder, .*, got 'mnist'"),
        ("prune.fraction", 1.0, r"prune.fraction: expected less than 1, got 1.0"),
        ("prune.early_time", 1, r"prune.early_time: expected boolean, got 1"),
        ("prune.score", "l2", r"prune.score: expected one of magnitude, filter_norm, got 'l2'"),
        ("model.leak", 1.0, r"model.leak: expected less than 1, got 1.0"),
        ("model.leak", float("nan"), r"model.leak: expected .*, got nan"),
        ("model.name", "vgg8", r"model.name: expected one of .*, vgg16, or MODULE:FUNCTION, got 'vgg8'"),
        ("model.name", "mine:", r"model.name: expected one of .*, or MODULE:FUNCTION, got 'mine:'"),
        (
            "model.name",
            "../mine.py:build",
            r"model.name: expected one of .*, or MODULE:FUNCTION, got '../mine.py:build'",
        ),
        ("model.path", "", r"model.path: expected some text, got ''"),
        ("dense.checkpoint", "a/b.safetensors", r"dense.checkpoint: expected checkpoints/NAME.safetensors, which .*"),
        ("dense.checkpoint", "checkpoints/../b.safetensors", r"dense.checkpoint: expected checkpoints/NAME.safe.*"),
        ("dense.checkpoint", "checkpoints/b.pth", r"dense.checkpoint: expected checkpoints/NAME.safetensors, which .*"),
        ("model.timesteps", 65536, r"model.timesteps: expected less than or equal to 65535, got 65536"),
        ("train.augment.crop", -1, r"train.augment.crop: expected greater than or equal to 0, got -1"),
        ("train.learning_rate", "0.1", r"train.learning_rate: expected number, got '0.1'"),
        ("quantize.bits", 4, r"quantize.bits: expected a list, got 4"),
        ("quantize.bits", [8, 1], r"quantize.bits.1: expected greater than or equal to 2, got 1"),
        ("rewind.epoch", 13, r"rewind.epoch: expected at most train.epochs = 12, got 13"),
        ("report.baseline", "dense", r"report.baseline: expected one of lth, uticket, got 'dense'"),
        ("report.sample_images", 0, r"report.sample_images: expected at least 1 for the event model .*, got 0"),
    ],
)
def test_a_mistake_is_one_line_that_names_key_expectation_and_value(tmp_path, key, value, error):
    check(changed(tmp_path, key, value), error)


@pytest.mark.parametrize(
    ("key", "value", "error"),
    [
        ("balance.uticket.mode", "all", r"balance.uticket.mode: expected one of both, recover, remove, got 'all'"),
        (
            "balance.uticket.pes",
            8,
            r"balance.uticket.pes: expected one of scope, mode, round, .*, got the unknown key .*",
        ),
        ("balance.uticket.share", 0, rf"balance.uticket.share: {SHARE}, got 0"),
        ("balance.uticket.share", {"conv2": True}, rf"balance.uticket.share: {SHARE}, got {{'conv2': True}}"),
        ("balance.uticket.share", [4, {}], rf"balance.uticket.share: {SHARE}, got {{}}"),
        ("balance.uticket.share", [], r"balance.uticket.share: expected an entry for each of .*, got an empty list"),
        ("balance.uticket.team", "all", r"balance.uticket.team: expected one of consecutive, alike, got 'all'"),
        ("balance.uticket.team", ["alike", 2], r"balance.uticket.team: expected one of consecutive, alike, got 2"),
        ("balance.uticket.share", 3, r"balance.uticket.share: expected a divisor of the 16 PEs, got 3"),
        ("balance.uticket.share", [8, {"a": 5}], r"balance.uticket.share: expected a divisor of the 16 PEs, got 5"),
        ("balance.uticket.round", "up", r"balance.uticket.round: expected 'ceil' or 'nearest', got 'up'"),
        ("balance.uticket.team_score", "l1", r"balance.uticket.team_score: expected one of sum_of.*, got 'l1'"),
        ("balance.uticket", "random", r"balance.uticket: expected a block of keys and values, got 'random'"),
        ("balance.lht", None, r"balance: expected an entry for each method of tickets \(lth, uticket\), got .*lht.*"),
        ("balance.lth", ..., r"balance: expected an entry for each method .*, got uticket"),
        ("balance", {}, r"balance: expected an entry for each method .*, got none"),
        ("balance.dense", None, r"balance: expected another name for a method, got 'dense'.*"),
        ("balance.a b", None, r"balance.a b: expected a name of letters, digits, - and _, .* got 'a b'"),
        ("balance._x", None, r"balance._x: expected a name of .*, a letter or digit first, got '_x'"),
        ("tickets", {}, r"tickets: expected at least one, got {}"),
        ("tickets.lth", {"r01": "dense"}, rf"tickets.lth: expected {NAME}, got 'lth' \(and 1 more\)"),
        ("tickets.lth/a/b", "dense", rf"tickets.lth/a/b: expected {NAME}, got 'lth/a/b'"),
        ("tickets.lth/r01", None, r"tickets.lth/r01: expected string, got nothing"),
        ("tickets.lth/r03", "lth/r99", r"tickets.lth/r03: expected .* one of dense, lth/r01, .*, got 'lth/r99'"),
        ("tickets.lth/r01", "lth/r02", r"tickets.lth/r02: expected .*, got the circle lth/r01 <- lth/r02 <- lth/r01"),
        ("tickets.lth/r01", "lth/r01", r"tickets.lth/r01: expected .*, got the circle lth/r01 <- lth/r01"),
        ("tickets.dense/r01", "dense", r"tickets: expected another name for a method, got 'dense'.*"),
    ],
)
def test_a_mistake_in_methods_and_tickets_is_one_line_too(tmp_path, key, value, error):
    check(changed(tmp_path, key, value), error)


def numbers(values: object, key: str = "") -> list[str]:
    """The keys of all settings that are numbers."""
    if isinstance(values, dict):
        return [found for name, value in values.items() for found in numbers(value, f"{key}.{name}" if key else name)]
    return [key] if isinstance(values, int | float) and not isinstance(values, bool) else []


@pytest.mark.parametrize("key", numbers(YAML(typ="safe").load(PARAMS)))
def test_no_number_may_be_so_large_that_a_stage_would_fail_on_it(tmp_path, key):
    for value in (10**30, 1e300):
        with pytest.raises(InputError) as error:
            read_params(changed(tmp_path, key, value))
        assert re.search(rf": ({key}|balance.\w+.share|hw.broadcast.\w+): expected", str(error.value)), str(error.value)
        assert len(str(error.value)) < 400


def check(path: Path, expected: str) -> None:
    with pytest.raises(InputError) as error:
        read_params(path)
    assert re.fullmatch(re.escape(f"{path}: ") + expected, str(error.value)), str(error.value)


def test_broken_yaml_and_missing_file_are_an_error_of_one_line(tmp_path):
    (tmp_path / "broken.yaml").write_text("seed: [1,\nhw: }")
    (tmp_path / "date.yaml").write_text("seed: 2020-99-99")
    (tmp_path / "deep.yaml").write_text("seed: " + "[" * 3000)
    (tmp_path / "twice.yaml").write_text("seed: 0\nseed: 1\n")
    (tmp_path / "latin.yaml").write_bytes(b"title: \xb5\n")
    broken = [(f"{name}.yaml", "expected YAML") for name in ("broken", "date", "deep", "twice", "latin")]
    for name, expected in (
        *broken,
        ("absent.yaml", r"expected YAML, got no file; `uticket init DIR` makes a project with one$"),
    ):
        with pytest.raises(InputError, match=f"{name}: {expected}") as error:
            read_params(tmp_path / name)
        assert "\n" not in str(error.value)


@pytest.mark.parametrize("content", ["", "[]", "text", "3"])
def test_file_without_blocks_is_an_error_of_one_line(tmp_path, content):
    (tmp_path / "params.yaml").write_text(content)
    check(tmp_path / "params.yaml", r"top level: expected a block of keys and values, got .*")


def test_of_several_mistakes_the_first_is_named_and_the_others_are_counted(tmp_path):
    path = changed(tmp_path, "hw", {"pes": 0, "mapping": "zigzag", "sweeps": {}})
    with pytest.raises(InputError, match=r"hw.pes: .* \(and 5 more\)"):  # mapping and four without a default
        read_params(path)


def test_params_of_the_project_are_in_order():
    read_params(ROOT / "params.yaml")


def leaves(values: dict, before: str = "") -> list[str]:
    found = []
    for key, value in values.items():
        found.append(f"{before}{key}")
        if isinstance(value, dict):
            found += leaves(value, f"{before}{key}.")
    return found


def test_every_key_must_be_there_though_records_have_defaults(tmp_path):
    """DVC tracks the values of params.yaml one by one, and sees no default."""
    keys = [key for key in leaves(YAML(typ="safe").load(PARAMS)) if not key.startswith(("tickets.", "hw.sweeps."))]
    assert {"hw.pes", "hw.broadcast.fifo_depth", "energy.leakage_ratio", "balance.uticket.select"} < set(keys)
    for key in keys:
        if not key.startswith("balance."):
            check(changed(tmp_path, key, ...), rf"{key}: expected a value, got nothing")


def test_teams_of_other_filters_need_a_mapping_that_finds_them(tmp_path):
    path = changed(tmp_path, "balance.uticket", {"share": [1, 4], "team": "alike"})
    check(path, r"balance.uticket.team: expected consecutive with the mapping contiguous .*, got alike")
    path.write_text(path.read_text().replace("mapping: contiguous", "mapping: patterns"))
    assert [of_round.share for of_round in read_params(path).balance["uticket"].in_each_round()] == [1, 4]


def test_a_method_may_leave_settings_to_their_defaults(tmp_path, params):
    assert params.balance["uticket"].in_round(3) == Balance() == BalancePath().in_round(1)
    assert read_params(changed(tmp_path, "balance.uticket", {})).balance["uticket"] == BalancePath()


def test_values_of_the_file_are_the_defaults_of_the_records(params):
    """So that `uticket simulate` and the library, which start from the records, agree with the pipeline."""
    assert params.hw.array == Array()
    assert params.hw.broadcast == Broadcast()
    assert params.energy == Energy()


@pytest.mark.parametrize("text", ["inf", ".inf", "7"])
def test_limits_are_numbers_or_inf_in_either_spelling(tmp_path, text):
    path = tmp_path / "params.yaml"
    path.write_text(PARAMS.read_text().replace("fifo_depth: 64", f"fifo_depth: {text}"))
    assert read_params(path).hw.broadcast.fifo_depth == (7 if text == "7" else math.inf)


def test_last_ticket_of_a_method_is_no_parent_when_searches_are_made_shorter(tmp_path):
    path = changed(tmp_path, "tickets.uticket/r07", "lth/r06")
    assert read_params(path).lineage.chain("lth")[-1] == "lth/r06"
    text = path.read_text().replace("early_bird: false", "early_bird: true")
    path.write_text(text)
    with pytest.raises(
        InputError, match="no ticket pruned from the last one of a method.*got one pruned from 'lth/r06'"
    ):
        read_params(path)


def test_choosing_timesteps_takes_three_epochs_and_three_timesteps(tmp_path):
    for key in ("train.epochs", "model.timesteps"):
        path = changed(tmp_path, key, 2)
        read_params(path)
        path.write_text(path.read_text().replace("early_time: false", "early_time: true"))
        with pytest.raises(InputError, match="prune.early_time: expected at least 3 train.epochs and 3 .*, got .*2"):
            read_params(path)


@pytest.mark.parametrize(
    "text",
    [
        *map(alias_bomb, ("list", "mapping", "merge")),
        "seed: &a [*a]",
        "seed: !!python/object/apply:os.system [exit 3]",
        "seed: !mine 3",
        "seed: !!bool maybe",
        "seed: !!timestamp soon",
        f"seed: 0x{'f' * 100_000}",
        f"seed: {'9' * 5000}",
        "seed: " + "[" * 100_000,
        "seed: 1\nseed: 2",
        "seed: {<<: 3}",
        "",
    ],
    ids=lambda text: text[:24],
)
@pytest.mark.parametrize("read", [read_params, Chip.read], ids=["params", "chip"])
def test_hostile_yaml_is_one_line(tmp_path, read, text):
    path = tmp_path / "hostile.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=r"hostile.yaml: \S") as error:
        read(path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("read", [read_params, Chip.read], ids=["params", "chip"])
def test_only_regular_files_are_read_as_yaml(tmp_path, read):
    path = tmp_path / "hostile.yaml"
    os.mkfifo(path)
    with pytest.raises(InputError, match=r"hostile.yaml: expected YAML, got a pipe, device or socket"):
        read(path)
    path.unlink()
    path.touch()
    os.truncate(path, 10 * 2**30)  # sparse
    with pytest.raises(InputError, match=r"hostile.yaml: expected YAML of at most 16,777,216 bytes"):
        read(path)
