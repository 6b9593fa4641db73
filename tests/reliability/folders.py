"""Cases of tickets, settings, names, places and outputs."""

import os
from pathlib import Path

import numpy as np

from tests.config.helpers import alias_bomb
from tests.helpers import LAYER, PARAMS, mask_of, sparse_weights, write_foreign
from tests.reliability.arrays import CLIMB, DEEP, FLIP, RUN, SIZE, claims
from tests.reliability.cases import case
from uticket.ticket.mask import Mask
from uticket.ticket.ticket import Ticket

LOOK = "No regular files"
NAMES = "Names"
OUT = "Outputs and places to write to"


def ticket(name: str = "conv2") -> None:
    """Write a ticket of one layer on the PEs, with its spikes, to the folder t."""
    spikes = np.random.default_rng(0).random((1, 2, 2, 4, 5)) < 0.3
    layer = LAYER.model_copy(update={"name": name})
    Ticket((layer,), Mask({name: mask_of(5, 1, 2, 0)}), None, 2, {name: spikes}).write("t")


def pipe(path: str) -> None:
    """Put a pipe in the place of a file."""
    Path(path).unlink(missing_ok=True)
    os.mkfifo(path)


# --- sizes and nesting


@case(SIZE, "spikes of a ticket that unpack to 3 GB", "uticket simulate t")
def spikes_bomb() -> None:
    ticket()
    claims("t/activity.npz", 3 * 2**30)


@case(SIZE, "layer of 2^40 filters", "uticket simulate t")
def huge_layer() -> None:
    ticket()
    path = Path("t/layers.json")
    path.write_text(path.read_text().replace('"filters": 4', f'"filters": {2**40}'))


@case(SIZE, "sparse params.yaml of 10 GB", "uticket check")
def sparse_params() -> None:
    Path("params.yaml").touch()
    os.truncate("params.yaml", 10 * 10**9)


@case(DEEP, "params.yaml with lists of aliases, 9^29 values", "uticket check")
def alias_lists() -> None:
    Path("params.yaml").write_text(alias_bomb("list"))


@case(DEEP, "params.yaml with blocks of aliases", "uticket check")
def alias_blocks() -> None:
    Path("params.yaml").write_text(alias_bomb("mapping"))


@case(DEEP, "params.yaml with blocks merged into blocks", "uticket check")
def alias_merges() -> None:
    Path("params.yaml").write_text(alias_bomb("merge"))


@case(DEEP, "params.yaml with 3,000 lists in each other", "uticket check")
def deep_params() -> None:
    Path("params.yaml").write_text("seed: " + "[" * 3000)


@case(RUN, "chip file that wants to make a Python object", "uticket simulate t --chip chip.yaml")
def tagged_chip() -> None:
    ticket()
    Path("chip.yaml").write_text("parts: !!python/object/apply:os.system [true]\n")


@case(DEEP, "layers.json with 100,000 lists in each other", "uticket simulate t")
def deep_layers() -> None:
    ticket()
    Path("t/layers.json").write_text("[" * 100_000)


# --- no regular files


@case(LOOK, "pipe in the place of weights", "uticket audit w.pt")
def piped_weights() -> None:
    pipe("w.pt")


@case(LOOK, "link to a device that never ends", "uticket audit w.npz")
def endless_weights() -> None:
    Path("w.npz").symlink_to("/dev/zero")


@case(LOOK, "link that leads to itself", "uticket audit w.onnx")
def looped_weights() -> None:
    Path("w.onnx").symlink_to("w.onnx")


@case(LOOK, "pipe in the place of a ticket's mask", "uticket simulate t")
def piped_mask() -> None:
    ticket()
    pipe("t/mask.safetensors")


@case(LOOK, "pipe in the place of a ticket's spikes", "uticket simulate t")
def piped_spikes() -> None:
    ticket()
    pipe("t/activity.npz")


@case(LOOK, "pipe in the place of a ticket's layers", "uticket simulate t")
def piped_layers() -> None:
    ticket()
    pipe("t/layers.json")


@case(LOOK, "link that leads to itself in the place of a ticket", "uticket simulate t")
def looped_ticket() -> None:
    Path("t").symlink_to("t")


@case(LOOK, "pipe in the place of params.yaml", "uticket rounds 3")
def piped_params() -> None:
    pipe("params.yaml")


@case(LOOK, "pipe in the place of dvc.lock", "uticket check")
def piped_lock() -> None:
    pipe("dvc.lock")


@case(LOOK, "pipe in the place of inputs", "uticket capture no:net out --inputs x.npy")
def piped_inputs() -> None:
    pipe("x.npy")


# --- names


@case(NAMES, "name of a file with a line feed and an escape sequence", "uticket audit 'a\nb\x1b[31m.npz'")
def odd_file() -> None:
    return


@case(NAMES, "layer whose name has a line feed", "uticket audit w.npz")
def odd_layer() -> None:
    write_foreign(Path("w.npz"), {"a\nError: b": np.full((2, 2, 3, 3), np.nan)})


@case(NAMES, "layer whose name has 5,000 characters", "uticket audit w.npz")
def long_layer() -> None:
    from uticket.base.files import write_bytes
    from uticket.base.npz import npz_bytes

    write_bytes(Path("w.npz"), npz_bytes({"a" * 5000: np.full((2, 2, 3, 3), np.nan)}))


# --- outputs, and what a stop leaves


@case(OUT, "full disk below standard output", "uticket --help > /dev/full")
def full_output() -> None:
    return


@case(OUT, "closed standard output", "uticket --help >&-")
def closed_output() -> None:
    return


@case(OUT, "place to write to below a file", "uticket balance w.npz w.npz/out.npz")
def below_a_file() -> None:
    write_foreign(Path("w.npz"), sparse_weights())


@case(OUT, "name to write to of over 255 characters", f"uticket balance w.npz {'x' * 260}.npz")
def long_name() -> None:
    write_foreign(Path("w.npz"), sparse_weights())


@case(FLIP, "dvc.lock of which dvc, when it was killed, had written half", "uticket check")
def torn_lock() -> None:
    Path("params.yaml").write_text(PARAMS.read_text())
    Path("dvc.lock").write_text("schema: '2.0'\nstages:\n  data:\n    cmd: python -m st")


@case(FLIP, "empty dvc.lock, with the copy that each stage keeps", "uticket check")
def empty_lock() -> None:
    Path("dvc.lock").touch()
    Path(".uticket/lock").mkdir(parents=True)
    Path(".uticket/lock/stage").write_text("ticket@lth/r01")


@case(CLIMB, "link from a ticket's file to another file: followed, as any link", "uticket audit t")
def linked_part() -> None:
    ticket()
    Path("t/layers.json").rename("other.json")
    Path("t/layers.json").symlink_to("../other.json")
