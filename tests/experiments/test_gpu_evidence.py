"""The rehearsal of `make gpu-evidence`: all pieces on the CPU at tiny size, killed in the middle and run again."""

import json
import os
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from experiments.gpu_evidence import PRESET, all_pieces, write_params
from tests.helpers import ROOT
from uticket.base.errors import InputError
from uticket.config.params import read_params
from uticket.config.rounds import apply_presets

TICKETS = ["dense", "lth/r01", "uticket/r01", "lth/r02", "uticket/r02"]
PIECES = ["test neurons", "benchmark vgg7", "benchmark vgg16", "unpack train", "unpack test", "data", "plan", *TICKETS]


@pytest.fixture
def images(tmp_path) -> Path:
    """A handful of photographs of two classes, packed as CIFAR-10's are."""
    rng = np.random.default_rng(0)
    folder = tmp_path / "packed"
    folder.mkdir()
    for part in ("train", "test"):
        for name in ("ant", "bee"):
            (tmp_path / part / name).mkdir(parents=True)
            for number in range(8):
                image = Image.fromarray(rng.integers(0, 256, (32, 32, 3), np.uint8))
                image.save(tmp_path / part / name / f"{number}.jpg")
        with tarfile.open(folder / f"{part}.tar.xz", "w:xz") as archive:
            archive.add(tmp_path / part, part)
    return folder


def kit(state: Path, images: Path, *options: str) -> list[str]:
    where = ["--state", str(state), "--images", str(images)]
    return [sys.executable, "-m", "experiments.gpu_evidence", *where, *options]


def test_the_rehearsal_is_killed_in_the_middle_and_ends_with_everything(tmp_path, images):
    state = tmp_path / "state"
    command = kit(state, images, "--device", "cpu", "--rehearse", "--minutes", "60", "--total", "60")
    call = subprocess.Popen(command, cwd=ROOT)
    while not list(state.glob(".uticket/scratch/dense-*/state.safetensors")):
        assert call.poll() is None
        time.sleep(0.01)
    os.kill(call.pid, signal.SIGKILL)
    call.wait()
    for _ in range(100):  # the training ends a moment later
        ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        if "got one that still runs" not in ended.stderr:
            break
        time.sleep(0.2)
    assert ended.returncode == 0, ended.stderr
    assert "all pieces have been run" in ended.stdout
    evidence = json.loads((state / "evidence.json").read_text())
    assert {name: piece["status"] for name, piece in evidence["pieces"].items()} == dict.fromkeys(PIECES, "passed")
    calls = {name: piece["calls"] for name, piece in evidence["pieces"].items()}
    assert calls == dict.fromkeys(PIECES, 1) | {"dense": 2}
    assert "dense  resumes in epoch" in (state / "log.txt").read_text()
    chains = pd.read_csv(state / "chains.csv")
    assert chains["ticket"].tolist() == TICKETS
    assert (chains["utilization"][chains["ticket"].str.startswith("uticket")] == 1).all()
    ways = set(pd.read_csv(state / "benchmarks.csv")["way"])
    assert {"ours", "snntorch", "spikingjelly multi-step torch"} <= ways
    with tarfile.open(state / "evidence.tar.gz") as archive:
        names = set(archive.getnames())
    assert {"evidence.json", "log.txt", "params.yaml", "tickets/lth/r02/mask.safetensors"} <= names
    assert not any("weights" in name for name in names)


@pytest.mark.skipif(torch.cuda.is_available(), reason="has a GPU")
def test_without_a_gpu_it_says_so_in_one_line(tmp_path, images):
    ended = subprocess.run(kit(tmp_path / "state", images), cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 2
    assert ended.stderr.startswith("Error: device: expected a GPU that PyTorch can use, got none")
    assert ended.stderr.count("\n") == 1
    assert not (tmp_path / "state").exists()


def test_on_a_gpu_all_pieces_are_run_at_full_size_and_methods_take_turns(tmp_path, images):
    write_params(tmp_path / "params.yaml", images, "cuda", rehearse=False)
    pieces = {piece.name: piece for piece in all_pieces(tmp_path, images, "cuda", rehearse=False)}
    names = list(pieces)
    tests = [path.stem.replace("_", " ") for path in (ROOT / "tests" / "gpu").glob("test_*.py")]
    assert {name for name in names if name.startswith("test")} == set(tests)
    assert names.index("test chain") < names.index("benchmark vgg7") < names.index("dense")
    assert names[-16:] == [f"{method}/r{n:02d}" for n in range(1, 9) for method in ("lth", "uticket")]
    assert pieces["uticket/r02"].needs == ("uticket/r01",)
    assert pieces["test neurons"].arguments[-3:-1] == ("-m", "gpu")
    assert "--batch" not in pieces["benchmark vgg16"].arguments
    assert read_params(tmp_path / "params.yaml").train.device == "cuda"


def test_the_preset_is_a_network_of_the_paper_at_98_percent(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text((ROOT / "tests" / "fixtures" / "params.yaml").read_text())
    apply_presets(path, [PRESET])
    params = read_params(path)
    assert (params.model.name, params.model.width, params.data.name) == ("vgg16", 1.0, "folder")
    rounds = params.lineage.round_of(params.lineage.chain("uticket")[-1])
    assert rounds == params.lineage.round_of(params.lineage.chain("lth")[-1])
    assert 0.98 <= 1 - (1 - params.prune.fraction) ** rounds < 0.99


def test_a_folder_without_images_is_named(tmp_path):
    (tmp_path / "train").mkdir()
    with pytest.raises(InputError, match=r"expected test/ or test.tar.xz, got neither"):
        write_params(tmp_path / "params.yaml", tmp_path, "cpu", rehearse=True)
    assert not (tmp_path / "params.yaml").exists()
