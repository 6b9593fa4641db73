"""What several tests need: fixed params, small layers, masks and placed layers."""

import shutil
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from uticket.config.array import Array
from uticket.config.tables import DATAFLOWS, MAPPINGS
from uticket.config.training import Augment, Model, Train
from uticket.mapping.placed import Placed, place
from uticket.ticket.layer import Layer
from uticket.ticket.ticket import Ticket

ROOT = Path(__file__).parent.parent
FIXTURES = ROOT / "tests" / "fixtures"
PARAMS = FIXTURES / "params.yaml"  # fixed, whatever the user has set in params.yaml
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # signals that end a process
FLOWS = [*sorted(MAPPINGS), *sorted({*DATAFLOWS} - {"filters"})]  # the mappings of whole filters, the other dataflows
# a network of 4, 4, 8, 8, 16 and 16 filters, and two epochs of small batches on the CPU
SMALL = Model(name="vgg7", width=0.125, timesteps=4, leak=0.25, spike_threshold=1.0, surrogate_alpha=2.0)
BRIEF = Train(
    epochs=2,
    batch_size=8,
    learning_rate=0.1,
    momentum=0.9,
    weight_decay=0.0005,
    loss="per_step",
    augment=Augment(crop=1, flip=False, cutout=0),
    device="cpu",
    sparse="auto",
    precision="fp32",
    compile=False,
    save_minutes=1000,
)


def between(page: Path, begin: str, end: str) -> str:
    """What stands between two markers of a page, as `uticket.report.readme.write_between` writes it."""
    return page.read_text(encoding="utf-8").partition(begin)[2].partition(end)[0].strip()


def copy_of_tree(folder: Path, leave_out: tuple[str, ...] = ()) -> Path:
    """Copy the working tree, without what Git ignores and names that begin so, links as links; return the folder."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).exists() and not name.startswith(leave_out):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name, follow_symlinks=False)
    return folder


def layer_of(
    filters: int = 4,
    channels: int = 2,
    size: tuple[int, int] = (4, 5),
    kernel: tuple[int, int] = (3, 3),
    stride: tuple[int, int] = (1, 1),
    padding: tuple[int, int] = (1, 1),
    name: str = "conv2",
    dilation: tuple[int, int] = (1, 1),
    **others: Any,
) -> Layer:
    """A convolution that reads spikes; its output size follows from the rest."""
    sizes = zip(size, padding, kernel, stride, dilation, strict=True)
    out = tuple((n + 2 * p - d * (k - 1) - 1) // s + 1 for n, p, k, s, d in sizes)
    shape: dict[str, Any] = {"kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation}
    shape |= {"input_size": size, "output_size": out}
    return Layer(name=name, kind="conv", filters=filters, channels=channels, **shape, **others)


LAYER = layer_of()  # 4 filters of 2 channels, 3 x 3, at 20 positions


def mask_of(*nonzeros: int, shape: Sequence[int] = (4, 2, 3, 3)) -> np.ndarray:
    """A mask with the given number of weights in each filter, the first ones in C order."""
    mask = np.zeros(shape, dtype=bool)
    for f, count in enumerate(nonzeros):
        mask[f].flat[:count] = True
    return mask


def rows(*filters: str) -> np.ndarray:
    """A mask of 1x1 kernels, a string of 0 and 1 for each filter."""
    return np.array([[c == "1" for c in row] for row in filters])[:, :, None, None]


def placed_mask(mask: np.ndarray, pes: int, positions: int = 1, **array: Any) -> Placed:
    """A layer of the mask's shape on an array, with that number of output positions (in one row)."""
    ticket = Ticket.from_arrays({"conv": mask}, linear=True).with_positions({"conv": positions})
    (placed,) = place(ticket, Array(pes=pes, **array))
    return placed


def placed_workload(nonzeros: Sequence[int], pes: int, positions: int = 1, **array: Any) -> Placed:
    """A layer whose filters have the given numbers of weights, on an array."""
    shape = (len(nonzeros), 1, 1, max(*nonzeros, 1))
    return placed_mask(mask_of(*nonzeros, shape=shape), pes, positions, **array)


def placed_flow(mask: np.ndarray, pes: int, flow: str) -> Placed:
    """A layer of the mask's shape, put on the PEs by one of FLOWS."""
    way = {"mapping": flow} if flow in MAPPINGS else {"dataflow": flow}
    return placed_mask(mask, pes, **way)


def with_mask(placed: Placed, mask: np.ndarray) -> Placed:
    """Another mask in the same places."""
    return replace(placed, masks={placed.layer.name: mask}, nonzeros=placed.by_unit(mask).sum(axis=1))


def nonzeros(mask: np.ndarray) -> list[int]:
    """The weights that each filter keeps."""
    return mask.reshape(len(mask), -1).sum(axis=1).tolist()


def sparse_weights() -> dict[str, np.ndarray]:
    """Two convolutions at about 10 % density, a linear layer and a bias, as in anybody's checkpoint."""
    rng = np.random.default_rng(0)
    arrays = {"conv1": rng.normal(size=(8, 3, 3, 3)), "conv2": rng.normal(size=(16, 8, 3, 3))}
    arrays |= {"fc": rng.normal(size=(10, 16)), "bias": rng.normal(size=10)}
    return {name: (values * (rng.random(values.shape) < 0.1)).astype(np.float32) for name, values in arrays.items()}


def write_foreign(path: Path, arrays: dict[str, np.ndarray]) -> Path:
    """Write arrays as others do, in the format of the path's ending; return the path."""
    if path.suffix == ".npz":
        np.savez(path, **arrays)
    elif path.suffix == ".safetensors":
        save_file(arrays, path)
    else:
        import torch  # imported here: takes seconds, and most tests do not need it

        torch.save({name: torch.from_numpy(values) for name, values in arrays.items()}, path)
    return path
