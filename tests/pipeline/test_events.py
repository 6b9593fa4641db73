"""Recordings of an event camera through the stages: prepared, trained, pruned, mapped and simulated."""

import shutil
from importlib import import_module
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from ruamel.yaml import YAML

from tests.cli.helpers import fails, printed
from tests.data.recorded import drawn
from tests.helpers import PARAMS, ROOT
from uticket.config.paths import PREPARED
from uticket.data.prepared import load
from uticket.ticket.ticket import Ticket

SMALL = {
    "model": {"width": 0.125, "timesteps": 4},
    "data": {"name": "events_folder", "path": "recordings", "size": 8, "sensor": [16, 16]},
    "train": {"epochs": 3, "batch_size": 8, "device": "cpu"},
    "prune": {"fraction": 0.6, "early_time_threshold": 1.0},
    "tickets": {"lth/r01": "dense", "lth/r02": "lth/r01", "uticket/r01": "dense"},
    "quantize": {"bits": [4]},
}


OWN = """
import snntorch as snn
import torch
from torch import nn


class Reader(nn.Module):
    def __init__(self, model, image_shape, num_classes):
        super().__init__()
        self.timesteps, channels, height, width = image_shape
        self.conv1, self.conv2 = nn.Conv2d(channels, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)
        self.lif1, self.lif2 = (snn.Leaky(beta=model.leak, threshold=0.2, init_hidden=True) for _ in range(2))
        self.fc = nn.Linear(4 * height * width, num_classes)

    def forward(self, frames):
        spikes = (self.lif2(self.conv2(self.lif1(self.conv1(frames[:, t])))) for t in range(self.timesteps))
        return torch.stack([self.fc(arriving.flatten(1)) for arriving in spikes])
"""


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    """A folder with params of a tiny network and 24 recordings of two classes."""
    monkeypatch.chdir(tmp_path)
    values = YAML(typ="safe").load(PARAMS)
    for block, changes in SMALL.items():
        values[block] = changes if block == "tickets" else values[block] | changes
    values["balance"] = {"lth": None, "uticket": {}}
    values["hw"] |= {"sweeps": {"pes": [4]}, "chip": str(ROOT / values["hw"]["chip"])}
    YAML(typ="safe").dump(values, Path("params.yaml"))
    for label, name in enumerate(("above", "below")):
        Path("recordings", name).mkdir(parents=True)
        for number in range(12):
            events = drawn(400, side=16, seed=100 * label + number)
            events["y"] = events["y"] // 2 + 8 * label
            np.savez(Path("recordings", name, f"{number}.npz"), **{field: events[field] for field in "txyp"})
    return tmp_path


def stage(name: str, *arguments: str) -> None:
    """Run a stage that succeeds."""
    result = CliRunner().invoke(import_module(f"stages.{name}").main, list(arguments))
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("frames", ["binary", "counts"])
def test_the_first_layer_reads_the_frames_and_runs_on_the_pes(project, frames):
    text = Path("params.yaml").read_text().replace("frames: binary", f"frames: {frames}")
    Path("params.yaml").write_text(text)
    assert "events_folder, vgg7" in printed("check")
    for name in ("data", "plan", "dense"):
        stage(name)
    for ticket in SMALL["tickets"]:
        stage("ticket", ticket)
    for name in ("map", "simulate", "quantize"):
        stage(name, "lth")

    prepared = load(PREPARED)
    assert prepared.image_shape == (4, 2, 8, 8)
    assert prepared.train.images.max() == 1 if frames == "binary" else prepared.train.images.max() > 1
    found = Ticket.read("tickets/lth/r02")
    first = found.layers[0]
    assert (first.name, first.reads) == ("conv1", "spikes" if frames == "binary" else "counts")
    assert first in found.on_pes
    chosen = np.linspace(0, len(prepared.test.labels) - 1, found.num_images).astype(int)
    assert np.array_equal(found.spikes["conv1"], prepared.test.images[chosen])
    rows = pd.read_csv("simulation/lth/layers.csv").query("ticket == 'lth/r02' and layer == 'conv1'")
    assert list(rows["model"]) == ["analytic", "events"]
    assert (rows["latency_cycles"] > 0).all()
    share = found.spike_sparsity or pd.read_csv("tickets/lth/r02/activity.csv").set_index("layer")["spike_sparsity"]
    assert share["conv1"] == pytest.approx((prepared.test.images == 0).mean())


def test_a_network_of_ones_own_reads_the_frames_and_all_its_layers_run(project, monkeypatch):
    Path("networks").mkdir()
    Path("networks/event_reader.py").write_text(OWN)
    monkeypatch.syspath_prepend(project / "networks")
    text = Path("params.yaml").read_text().replace("name: vgg7", "name: event_reader:Reader")
    Path("params.yaml").write_text(text.replace("layers: spiking_convolutions", "layers: all"))
    for name in ("data", "plan", "dense"):
        stage(name)
    stage("ticket", "uticket/r01")
    for name in ("map", "simulate"):
        stage(name, "uticket")
    found, frames = Ticket.read("tickets/uticket/r01"), load(PREPARED).test.images
    assert [(layer.name, layer.reads) for layer in found.layers] == [(n, "spikes") for n in ("conv1", "conv2", "fc")]
    assert np.array_equal(found.spikes["conv1"][0], frames[0])
    rows = pd.read_csv("simulation/uticket/layers.csv").query("ticket == 'uticket/r01' and model == 'events'")
    assert list(rows["layer"]) == ["conv1", "conv2", "fc"]
    assert (rows["tokens"] > 0).all()
    for name, mask in found.mask.items():  # balanced, the first layer and the linear one too
        assert len(set(mask.reshape(len(mask), -1).sum(1).tolist())) == 1, name
    assert pd.read_csv("simulation/uticket/tickets.csv")["left_out"].isna().all()


def test_a_search_with_fewer_timesteps_reads_the_first_frames(project):
    Path("params.yaml").write_text(Path("params.yaml").read_text().replace("early_time: false", "early_time: true"))
    for name in ("data", "plan", "dense"):
        stage(name)
    stage("ticket", "lth/r01")
    dense, early = Ticket.read("tickets/dense"), Ticket.read("tickets/lth/r01")
    assert early.timesteps == dense.timesteps < 4
    frames = load(PREPARED).test.images
    chosen = np.linspace(0, len(frames) - 1, early.num_images).astype(int)
    assert np.array_equal(early.spikes["conv1"], frames[chosen][:, : early.timesteps])


def test_frames_of_another_number_of_timesteps_are_an_error(project):
    stage("data")
    Path("params.yaml").write_text(Path("params.yaml").read_text().replace("timesteps: 4", "timesteps: 5"))
    result = CliRunner().invoke(import_module("stages.dense").main)
    assert result.exit_code == 2
    assert result.output.startswith(
        "Error: model.timesteps: expected the bins of the prepared frames, 5, got frames of 4"
    )


def test_estimate_knows_the_recordings(project):
    stage("data")
    assert "ticket@lth/r02" in printed("estimate", "--steps", 1)
    shutil.move("recordings", "others")
    Path("params.yaml").write_text(Path("params.yaml").read_text().replace("path: recordings", "path: others"))
    assert "expected the images 'others', got 'recordings'; run the stage data" in fails("estimate")
