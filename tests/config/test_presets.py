"""`uticket preset`: changes to params.yaml that can be combined."""

import shutil
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.cli.helpers import fails, printed
from tests.config.helpers import comments
from tests.helpers import PARAMS, ROOT
from uticket.base.errors import InputError
from uticket.config.params import Params, read_params
from uticket.config.rounds import apply_presets

FILE = Path("params.yaml")
PRESETS = sorted(path.stem for path in (ROOT / "presets").glob("*.yaml"))
NETWORKS, DATA = ("vgg16", "resnet19", "alexnet"), ("cifar10", "cifar100", "fashion_mnist", "svhn")
EVENTS = ("nmnist", "cifar10dvs", "dvs128gesture", "events")
COMBINED = [(effort, network, data) for effort in ("paper", "short") for network in NETWORKS for data in DATA]


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch) -> Path:
    """A folder with params.yaml and the presets as the working folder."""
    monkeypatch.chdir(tmp_path)
    FILE.write_text(PARAMS.read_text())
    shutil.copytree(ROOT / "presets", "presets")
    return tmp_path


def merged(*names: str) -> Params:
    printed("preset", *names)
    return read_params(FILE)


def sparsity(params: Params, method: str) -> float:
    """Of the last ticket."""
    return 1 - (1 - params.prune.fraction) ** params.lineage.round_of(params.lineage.chain(method)[-1])


@pytest.mark.parametrize("names", [*((name,) for name in PRESETS), *COMBINED], ids=" ".join)
def test_presets_are_in_order_alone_and_combined_and_keep_comments(names):
    before = FILE.read_text()
    printed("preset", *names)
    read_params(FILE)
    assert FILE.read_text() != before
    assert comments(FILE.read_text()) == comments(before)


@pytest.mark.parametrize("name", PRESETS)
def test_presets_set_what_they_hold_and_leave_the_rest(name):
    delta = YAML(typ="safe").load(Path("presets") / f"{name}.yaml")
    expected = YAML(typ="safe").load(FILE)
    for block, values in delta.items():
        if block in ("balance", "tickets"):
            expected[block] = values
        else:
            merge(expected[block], values)
    printed("preset", name)
    found = YAML(typ="safe").load(FILE)
    assert found == expected
    assert list(found["tickets"]) == list(expected["tickets"])


def merge(values: dict, delta: dict) -> None:
    for key, value in delta.items():
        if isinstance(value, dict):
            merge(values[key], value)
        else:
            values[key] = value


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("data", DATA)
def test_presets_have_the_settings_of_the_paper(network, data):
    params = merged("paper", network, data)
    assert (params.model.name, params.data.name, params.model.timesteps, params.hw.pes) == (network, data, 4, 16)
    train = params.train
    assert (train.epochs, train.batch_size, train.learning_rate, train.momentum) == (200, 128, 0.1, 0.9)
    assert (train.weight_decay, train.augment.crop, train.augment.cutout) == (0.0005, 4, 16)
    assert train.augment.flip == (data != "svhn")
    assert (params.rewind.epoch, params.prune.fraction, params.prune.scope) == (20, 0.25, "global")
    assert [len(params.lineage.chain(method)) - 1 for method in ("lth", "uticket")] == [13, 13]
    assert [round(sparsity(params, method), 3) for method in ("lth", "uticket")] == [0.976, 0.976]


@pytest.mark.parametrize("name", EVENTS)
def test_event_presets_are_combined_with_others_and_the_last_one_wins(name):
    text, alone = FILE.read_text(), merged("short", "vgg16", name)
    assert alone.data.name == {"events": "events_folder"}.get(name, name)
    assert (alone.data.frames, alone.train.augment.cutout) == ("binary", 0)
    assert alone.model.timesteps >= 8
    FILE.write_text(text)
    both = merged(EVENTS[EVENTS.index(name) - 1], "short", "vgg16", name)
    unused = {"path": both.data.path, "sensor": both.data.sensor, "test_share": both.data.test_share}
    assert both == alone.model_copy(update={"data": alone.data.model_copy(update=unused)})


def test_short_preset_ends_at_98_percent():
    params = merged("short", "vgg16", "cifar10")
    assert 10 <= params.lineage.round_of(params.lineage.chain("lth")[-1]) <= 12
    assert sparsity(params, "lth") == sparsity(params, "uticket") == pytest.approx(0.98, abs=0.003)


def test_published_has_the_settings_of_the_published_code():
    """Rounds last from the rewind epoch, 20 of 200, on; the weights are those after it, and it is counted from 0."""
    params, paper = merged("paper", "published", "vgg16", "cifar10"), merged("paper", "vgg16", "cifar10")
    assert (params.train.epochs, params.prune.epochs, params.rewind.epoch) == (200, 200 - 20, 20 + 1)
    assert (params.prune.early_time, params.prune.early_time_threshold, params.prune.early_bird) == (True, 1.5, False)
    assert (params.model.timesteps, params.prune.fraction, params.prune.scope) == (4, 0.25, "global")
    assert (params.tickets, params.balance) == (paper.tickets, paper.balance)


def test_constant_adds_a_chain_that_is_balanced_by_layer():
    params = merged("constant")
    assert params.balance["constant"] == params.balance["uticket"].model_copy(update={"scope": "layer"})
    assert [len(params.lineage.chain(method)) for method in params.balance] == [7, 7, 7]


def test_smoke_is_short():
    params = merged("smoke")
    assert (params.train.epochs, len(params.tickets), params.quantize.bits) == (2, 4, (4,))
    assert "bits: [4]\n" in FILE.read_text()


@pytest.mark.parametrize("kind", [("paper", "short", "smoke"), NETWORKS, DATA], ids=["effort", "network", "data"])
def test_of_presets_of_one_kind_the_last_one_wins(kind):
    """Each sets all that another one of its kind sets."""
    text = FILE.read_text()
    for last in kind:
        FILE.write_text(text)
        alone = merged(last)
        for first in kind:
            FILE.write_text(text)
            both = merged(first, last)
            title = {"report": both.report.model_copy(update={"title": alone.report.title})}  # not all have one
            assert both.model_copy(update=title) == alone


def test_comments_of_the_user_stay():
    text = FILE.read_text()
    text = text.replace("  lth/r02: lth/r01\n", "  lth/r02: lth/r01  # mine\n\n  # a comment between\n")
    text = text.replace("  uticket/r06: uticket/r05\n", "  uticket/r06: uticket/r05\n  # the end\n")
    text = text.replace("scope: group   ", "scope: layer   ")
    FILE.write_text(text)
    params = merged("constant")
    assert params.balance["uticket"].scope == "group"
    assert comments(FILE.read_text()) == comments(text)
    printed("rounds", 2, "--methods", "lth,uticket,constant")
    kept = comments(FILE.read_text())
    assert [line for line in comments(text) if line not in kept] == []


def test_a_method_that_gets_settings_or_loses_them_leaves_the_comments_of_others():
    text = FILE.read_text()
    Path("presets/swap.yaml").write_text(
        "balance:\n  lth: {scope: layer, mode: remove, select: magnitude}\n  uticket: null\n"
    )
    params = merged("swap")
    assert params.balance["uticket"] is None
    assert params.balance["lth"].mode == "remove"
    lost = [line for line in comments(text) if line not in comments(FILE.read_text())]
    assert [line.split()[0] for line in lost] == ["equal", "to", "which"]  # of the settings that are gone


@pytest.mark.parametrize(
    ("preset", "error"),
    [
        ("modle:\n  name: vgg7\n", "modle: expected one of seed, data, .* did you mean model"),
        ("model:\n  nmae: vgg7\n", "model.nmae: expected one of name, path, width"),
        ("model:\n  name: vgg8\n", "model.name: expected one of alexnet, .*, or MODULE:FUNCTION, got 'vgg8'"),
        ("model: vgg7\n", "model: expected a block of keys and values, got 'vgg7'"),
        ("tickets:\n  lth/r01: dense\n", "balance: expected an entry for each method of tickets"),
        ("tickets:\n  lth/r01: lth/r02\n", "tickets.lth/r01: expected a parent"),
        ("train:\n  epochs: 1\nrewind:\n  epoch: 2\n", "rewind.epoch: expected at most train.epochs = 1, got 2"),
    ],
)
def test_a_preset_that_would_break_the_params_changes_nothing(project, preset, error):
    Path("presets/wrong.yaml").write_text(preset)
    before = FILE.read_text()
    with pytest.raises(InputError, match=f"^params.yaml with presets/paper.yaml, presets/wrong.yaml: {error}"):
        apply_presets(FILE, [Path("presets/paper.yaml"), Path("presets/wrong.yaml")])
    assert "Error: params.yaml with presets/wrong.yaml: " in fails("preset", "wrong")
    assert FILE.read_text() == before
    assert sorted(path.name for path in project.iterdir()) == ["params.yaml", "presets"]


@pytest.mark.parametrize("content", ["", "- paper\n", "text", "tickets:\n", "seed: ["])
def test_a_file_that_is_no_preset_is_named(content):
    Path("presets/wrong.yaml").write_text(content)
    before = FILE.read_text()
    assert "Error: presets/wrong.yaml: expected " in fails("preset", "paper", "wrong")
    assert FILE.read_text() == before


@pytest.mark.parametrize("name", ["nope", "../params", "presets/paper.yaml", "paper.yaml", "", "."])
def test_a_name_that_is_no_preset_is_an_error_that_lists_them(name):
    before = FILE.read_text()
    expected = f"presets: expected one of {', '.join(PRESETS)}, got {name!r}"
    assert expected in fails("preset", "paper", name)
    assert FILE.read_text() == before


def test_presets_are_those_of_the_package_and_of_the_folder_which_come_first(project):
    shutil.rmtree("presets")
    assert merged("smoke").train.epochs == 2
    Path("presets").mkdir()
    Path("presets/smoke.yaml").write_text("train:\n  epochs: 3\n")
    Path("presets/mine.yaml").write_text("hw:\n  pes: 8\n")
    params = merged("smoke", "mine", "resnet19")
    assert (params.train.epochs, params.hw.pes, params.model.name) == (3, 8, "resnet19")


def test_outside_a_project_the_missing_file_is_named(project):
    FILE.unlink()
    assert "params.yaml: expected YAML, got no file" in fails("preset", "paper")
