"""What half an hour of one GPU shows: tests, speed beside other libraries, and two chains of VGG-16 on photographs.

`python -m experiments.gpu_evidence --state DIR --images DIR` runs for at most --minutes, then stops; the same command
goes on from there, until everything has been run or --total minutes are used up. It needs no network and no DVC, only
what requirements.lock installs. DIR of the state gets evidence.json, benchmarks.csv, chains.csv, log.txt, and
evidence.tar.gz, with all of these and the masks, to bring home (docs/gpu.md).
"""

import os
import shutil
import time
from pathlib import Path

import click

from experiments.gpu_report import describe_machine, write_report
from experiments.pieces import Piece, Pieces
from uticket.base.errors import InputError
from uticket.base.process import begin
from uticket.cli.oneline import OneLine
from uticket.config.lineage import DENSE
from uticket.config.params import read_params
from uticket.config.rounds import apply_presets, set_value

ROOT = Path(__file__).parent.parent
PRESET = ROOT / "presets" / "vgg16-cifar10-short.yaml"
REHEARSAL = ROOT / "experiments" / "rehearsal.yaml"
PARTS = ("train", "test")
ARCHIVE = "{}.tar.xz"  # of a part, if it is not unpacked
TESTS = ("neurons", "training", "chain", "compiled")  # tests/gpu/test_*.py
CASES = {"vgg7": "vgg7 at 8 x 8", "vgg16": "vgg16 at 32 x 32"}
SPARE = 40.0  # seconds of a call, in which a training stops and the report is written


@click.command(cls=OneLine, help=__doc__)
@click.option("--state", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder of the results.")
@click.option(
    "--images",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    required=True,
    help="Folder with train/CLASS/*.jpg and test/CLASS/*.jpg, or with train.tar.xz and test.tar.xz.",
)
@click.option("--minutes", default=9.0, show_default=True, help="Of this call; 0 only writes the report.")
@click.option("--total", default=28.0, show_default=True, help="Minutes of all calls.")
@click.option("--again", is_flag=True, help="Run what failed once more.")
@click.option("--device", type=click.Choice(["cuda", "cpu"]), default="cuda", help="cpu: to rehearse.")
@click.option("--rehearse", is_flag=True, help="Tiny networks, few steps.")
def main(state: Path, images: Path, minutes: float, total: float, again: bool, device: str, rehearse: bool) -> None:
    """Run the pieces that are left."""
    began = time.monotonic()
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "0")  # the stages would share the work among all GPUs
    machine = describe_machine(device)
    state, images = state.resolve(), images.resolve()
    pieces = Pieces(state, ROOT)
    write_params(state / "params.yaml", images, device, rehearse)
    if again:
        pieces.forget_failures()
    listed = all_pieces(state, images, device, rehearse)
    spare = SPARE * min(1.0, minutes / 9)
    left = min(60 * minutes - spare - (time.monotonic() - began), 60 * total - pieces.seconds)
    try:
        finished = pieces.run(listed, max(0.0, left))
    finally:
        write_report(state, machine, pieces.outcomes)
    if finished:
        click.echo(f"all pieces have been run; bring {state / 'evidence.tar.gz'} home")
    elif pieces.seconds >= 60 * total:
        click.echo(f"the {total:g} minutes are used up; bring {state / 'evidence.tar.gz'} home")
    else:
        click.echo(f"{pieces.seconds / 60:.1f} of {total:g} minutes used; run the same command again")


def write_params(path: Path, images: Path, device: str, rehearse: bool) -> None:
    """Write params.yaml of the chains, unless an earlier call has. Raises InputError if there are no images."""
    if path.exists():
        return
    for part in PARTS:
        if not (images / part).is_dir() and not (images / ARCHIVE.format(part)).is_file():
            raise InputError(f"{images}: expected {part}/ or {ARCHIVE.format(part)}, got neither")
    packed = any(not (images / part).is_dir() for part in PARTS)
    beside = path.with_name("params.part.yaml")
    shutil.copyfile(ROOT / "params.yaml", beside)
    apply_presets(beside, [PRESET, *([REHEARSAL] if rehearse else [])])
    set_value(beside, "data", "path", str(path.parent / "images" if packed else images))
    set_value(beside, "train", "device", device)
    beside.replace(path)


def all_pieces(state: Path, images: Path, device: str, rehearse: bool) -> list[Piece]:
    """Return all pieces in order: what shows most in the least time comes first."""
    return [*tests(device, rehearse), *benchmarks(device, rehearse), *chains(state, images)]


def tests(device: str, rehearse: bool) -> list[Piece]:
    """The tests of tests/gpu on a device, a piece for each file."""
    only = ("-n", "0", "-p", "no:cacheprovider", "-m", "gpu" if device == "cuda" else "not gpu")
    few = ("-k", "engine") if rehearse else ()
    folder = ROOT / "tests" / "gpu"
    return [
        Piece(f"test {name}", ("-m", "pytest", *only, *few, str(folder / f"test_{name}.py")), minutes=4)
        for name in (TESTS[:1] if rehearse else TESTS)
    ]


def benchmarks(device: str, rehearse: bool) -> list[Piece]:
    """Training steps beside snnTorch and SpikingJelly, a piece for each network."""
    size = ("--batch", "2", "--repeats", "1", "--steps", "1") if rehearse else ()
    return [
        Piece(
            f"benchmark {name}",
            ("-m", "benchmarks.train", "--case", case, "--device", device, *size),
            minutes=4,
            result=f"train-{name}.json",
        )
        for name, case in CASES.items()
    ]


def chains(state: Path, images: Path) -> list[Piece]:
    """The stages of the pipeline, ticket by ticket; all methods come to a round before one goes on to the next."""
    lineage = read_params(state / "params.yaml").lineage
    packed = [part for part in PARTS if not (images / part).is_dir()]
    unpack = [
        Piece(f"unpack {part}", ("-m", "tarfile", "-e", str(images / ARCHIVE.format(part)), "images"), minutes=4)
        for part in packed
    ]
    needed = tuple(piece.name for piece in unpack)
    found = [*unpack, Piece("data", ("-m", "stages.data"), 4, needed), Piece("plan", ("-m", "stages.plan"), 1)]
    found.append(Piece(DENSE, ("-m", "stages.dense"), 28, ("data", "plan")))
    return found + [
        Piece(ticket, ("-m", "stages.ticket", ticket), 28, (lineage.parent(ticket),))
        for ticket in sorted(lineage.parents, key=lineage.round_of)
    ]


if __name__ == "__main__":
    begin()
    main()
