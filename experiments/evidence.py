"""Chains of tickets on real photographs, at full depth, as far as two cores reach: VGG-16 and ResNet-19.

`images FOLDER` puts the first photographs of each class of FOLDER (train/CLASS/ and test/CLASS/) into
data/images/evidence. `train` trains all chains, two at a time on one thread each; a run that was stopped resumes them.
Tickets stay in .uticket/evidence of the current folder; docs/evidence.md says what they showed.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import click
import torch
from torch import nn

from experiments.chains import merged, train_chains, with_chains
from uticket.base.progress import start_logging
from uticket.config.lineage import DENSE
from uticket.config.params import Params, read_params, read_yaml
from uticket.config.paths import DOWNLOADS, TicketFiles
from uticket.data.sources import prepare
from uticket.networks.network import SpikingNetwork
from uticket.pipeline.dense import train_dense

ROOT = Path(__file__).parent.parent
TICKETS = Path(".uticket/evidence")
IMAGES = Path("data/images/evidence")
PER_CLASS = {"train": 400, "test": 100}  # images that are copied
SEEDS = {"vgg16": (0, 1), "resnet19": (0,)}
SHRUNK = 0.25  # of the initial weights of convolutions
QUEUE = (  # network, seed, and method or `dense`, in the order of their value
    ("vgg16", 0, DENSE),
    ("vgg16", 1, DENSE),
    ("vgg16", 0, "lth"),
    ("vgg16", 0, "uticket"),
    ("vgg16", 0, "shared"),
    ("vgg16", 1, "lth"),
    ("vgg16", 1, "uticket"),
    ("resnet19", 0, DENSE),
    ("resnet19", 0, "lth"),
    ("resnet19", 0, "uticket"),
    ("vgg16", 1, "shared"),
)
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "MKL_NUM_THREADS"), "1")
QUIET = {"OMP_WAIT_POLICY": "passive"}  # waiting threads do not spin


@click.group(help=__doc__)
def main() -> None:
    """Run a part of the experiment."""
    start_logging()


@main.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
def images(folder: Path) -> None:
    """Copy the first images of each class, by name."""
    copy_images(folder, IMAGES, PER_CLASS)


def copy_images(source: Path, target: Path, per_class: Mapping[str, int]) -> None:
    """Copy the first files, by name, of each class of each part of a data set. per_class: their number by part."""
    for part, number in per_class.items():
        for folder in sorted((source / part).iterdir()):
            (target / part / folder.name).mkdir(parents=True, exist_ok=True)
            for file in sorted(folder.iterdir())[:number]:
                shutil.copyfile(file, target / part / folder.name / file.name)


@main.command()
@click.option("--jobs", default=2, show_default=True, help="Chains trained at a time, on a thread each.")
def train(jobs: int) -> None:
    """Train what is missing; the chains of a network and seed wait for its dense network."""
    with ThreadPoolExecutor(jobs) as pool:
        starts: dict[tuple[str, int], Future[None]] = {}
        ends = []
        for network, seed, method in QUEUE:
            if method == DENSE:
                starts[network, seed] = pool.submit(run_piece, network, seed, method)
            else:
                ends.append(pool.submit(run_after, starts[network, seed], network, seed, method))
        for end in ends:
            end.result()


def run_after(start: "Future[None]", network: str, seed: int, method: str) -> None:
    """Train a chain once its dense network is trained."""
    start.result()
    run_piece(network, seed, method)


def run_piece(network: str, seed: int, method: str) -> None:
    """Train a piece in a process of its own: two of them, with a thread each, use two cores better than two threads."""
    command = [sys.executable, "-m", "experiments.evidence", "piece", network, str(seed), method]
    subprocess.run(command, check=True, env=os.environ | ONE_THREAD | QUIET)


@main.command(hidden=True)
@click.argument("network")
@click.argument("seed", type=int)
@click.argument("method")
def piece(network: str, seed: int, method: str) -> None:
    """Train what is missing of a piece."""
    params, folder = params_of(network, seed), folder_of(network, seed)
    prepared, dense = prepare(params.data, DOWNLOADS, seed), TicketFiles(folder / DENSE)
    if method != DENSE:
        train_chains(only(params, method), prepared, folder)
    elif not dense.search.exists():  # the last file of a ticket
        train_dense(params, prepared, dense, shrink)


def shrink(network: SpikingNetwork) -> None:
    """Let all convolutions start from smaller weights.

    Batch norm undoes the factor in what they compute, but the same steps turn the weights 1 / SHRUNK^2 times as far.
    With He's weights some hundred steps turn most layers by a few degrees only, and masks are nearly random.
    """
    with torch.no_grad():
        for layer in network.modules():
            if isinstance(layer, nn.Conv2d):
                layer.weight.mul_(SHRUNK)


def params_of(network: str, seed: int) -> Params:
    """Return params.yaml with the preset of a network."""
    preset = read_yaml(ROOT / "presets" / f"evidence-{network}.yaml")
    values = merged(read_params(ROOT / "params.yaml").model_dump(), preset)
    replaced = {block: preset[block] for block in ("balance", "tickets")}
    return Params.model_validate(values | replaced | {"seed": seed})


def only(params: Params, method: str) -> Params:
    """Return the params with one chain only."""
    return with_chains(params, params.seed, {method: params.model_dump()["balance"][method]}, {})


def folder_of(network: str, seed: int) -> Path:
    """Return where the tickets of a network and seed are."""
    return TICKETS / network / str(seed)


if __name__ == "__main__":
    main()
