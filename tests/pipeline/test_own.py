"""A network of one's own in all stages, as docs/own-network.md shows it."""

import importlib
import json
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from ruamel.yaml import YAML

from tests.cli.helpers import fails, printed
from tests.helpers import PARAMS, ROOT
from uticket.base.files import read_rows
from uticket.config.params import read_params
from uticket.config.paths import PREPARED, ticket_files
from uticket.data.prepared import ImageSet, Prepared, load, save
from uticket.hardware.chip import DEFAULT_CHIP
from uticket.networks.network import build
from uticket.ticket.ticket import Ticket
from uticket.training.batches import on_device
from uticket.training.checkpoint import load_state

MODULE = "example_of_the_tests"  # a name that no other test imports


TICKETS = {"lth/r01": "dense", "uticket/r01": "dense", "uticket/r02": "uticket/r01"}
SMALL = {"train.epochs": 2, "train.batch_size": 16, "train.device": "cpu", "hw.pes": 4, "quantize.bits": [4]}
SMALL |= {"hw.sweeps": {"pes": [2]}, "hw.chip": str(DEFAULT_CHIP), "tickets": TICKETS}


def write_params(**changes: object) -> None:
    """The fixed params with other values by dotted key."""
    yaml = YAML()
    values = yaml.load(PARAMS)
    for key, value in (SMALL | changes).items():
        *blocks, name = key.split(".")
        block = values
        for each in blocks:
            block = block[each]
        block[name] = value
    yaml.dump(values, Path("params.yaml"))


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    """A working folder with params, prepared images of two classes, and the network of the page."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    rng = np.random.default_rng(0)
    labels = np.arange(48) % 2
    pixels = rng.integers(0, 60, (48, 1, 8, 8))
    pixels[labels == 0, :, :4] += 150
    pixels[labels == 1, :, 4:] += 150
    images = ImageSet(pixels.astype(np.uint8), labels)
    save(Prepared("digits", ("a", "b"), images, images), PREPARED)
    Path("networks").mkdir()
    shutil.copy(ROOT / "networks" / "example.py", Path("networks", f"{MODULE}.py"))
    write_params(**{"model.name": f"networks.{MODULE}:Example"})
    yield tmp_path
    for name in [name for name in sys.modules if name == "networks" or name.startswith("networks.")]:
        del sys.modules[name]


def stage(name: str, *arguments: str) -> str:
    result = CliRunner().invoke(importlib.import_module(f"stages.{name}").main, list(arguments))
    assert result.exit_code == 0, result.output
    return result.output


def run_all() -> None:
    stage("plan")
    stage("dense")
    for ticket in TICKETS:
        stage("ticket", ticket)
    for name in ("map", "simulate", "quantize"):
        for method in ("lth", "uticket"):
            stage(name, method)
    stage("report")


def test_the_page_shows_the_example():
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "own-network.md").read_text(), re.DOTALL)
    assert code == (ROOT / "networks" / "example.py").read_text()


def test_it_is_trained_pruned_balanced_captured_and_simulated_like_the_built_in_ones(project):
    assert f"params.yaml: in order (digits, networks.{MODULE}:Example, 3 tickets, 4 PEs)\n" in printed("check")
    run_all()
    metrics = json.loads(Path("report/metrics.json").read_text())
    assert metrics["uticket"]["utilization"] == 1.0
    assert metrics["lth"]["utilization"] < 1.0
    assert metrics["uticket"]["accuracy"] == 1.0  # it learns
    ticket = Ticket.read("tickets/uticket/r02")
    assert [(layer.name, layer.reads) for layer in ticket.layers] == [
        ("conv1", "image"),
        ("conv2", "spikes"),
        ("fc", "spikes"),
    ]
    assert [layer.name for layer in ticket.on_pes] == ["conv2"]
    assert ticket.mask.density == pytest.approx(0.25, abs=0.01)
    for name, weights in ticket.weights.items():
        assert not weights[~ticket.mask[name]].any()  # pruned weights stayed at zero
        assert weights[ticket.mask[name]].all()
    check_spikes(ticket)
    models = {row["model"] for row in read_rows(Path("simulation/uticket/tickets.csv"))}
    assert models == {"analytic", "events"}


def check_spikes(ticket: Ticket) -> None:
    """The kept spikes are those that a hook on the module itself sees, in a plain forward pass."""
    prepared = load(PREPARED)
    network = build(read_params().model, prepared.image_shape, 2, seed=5)
    load_state(network, ticket_files("uticket/r02").weights)
    module = network.module.eval()
    _, test = on_device(prepared, torch.device("cpu"))
    chosen = test.normalized(test.images[torch.linspace(0, len(test) - 1, 4).long()])
    for name in ("conv2", "fc"):
        seen: list[torch.Tensor] = []
        layer = module.get_submodule(name)
        handle = layer.register_forward_pre_hook(lambda _, inputs, seen=seen: seen.append(inputs[0]))
        for neurons in (module.lif1, module.lif2):
            neurons.reset_mem()
        with torch.no_grad():
            module(chosen)
        handle.remove()
        arrived = torch.stack(seen, 1).bool().numpy()  # (images, T, ...)
        assert arrived.any()
        assert np.array_equal(ticket.spikes[name].reshape(arrived.shape), arrived)


def bytes_of_dense() -> dict[str, bytes]:
    stage("dense")
    return {path.name: path.read_bytes() for path in Path("tickets/dense").iterdir() if path.name != "cost.json"}


def test_the_same_seed_gives_the_same_bytes(project):
    assert bytes_of_dense() == bytes_of_dense()


def test_check_reports_what_is_wrong_with_the_network_in_one_line(project):
    file = Path("networks", f"{MODULE}.py")
    write_params(**{"model.name": f"networks.{MODULE}:Example", "model.path": "params.yaml"})
    assert f"Error: model.path: expected the file or a folder of networks.{MODULE}" in fails("check")
    write_params(**{"model.name": f"networks.{MODULE}:Other"})
    assert "model.name: expected a function 'Other' in" in fails("check")
    write_params(**{"model.name": f"networks.{MODULE}:Example", "train.epochs": 3, "prune.early_time": True})
    assert "prune.early_time: expected false with a network that is no SpikingNetwork" in fails("check")
    file.unlink()
    write_params(**{"model.name": "networks.gone:Example"})
    assert fails("check").endswith(
        "model.name: expected a module networks.gone, got ModuleNotFoundError: No module named 'networks.gone'\n"
    )


def test_check_without_images_looks_the_function_up_only(project):
    for path in PREPARED.iterdir():
        path.unlink()
    PREPARED.rmdir()
    assert printed("check").splitlines()[1] == (
        f"networks.{MODULE}:Example: found, not tried; dvc repro data prepares its images"
    )
