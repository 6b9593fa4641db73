"""What several tests need: fixed params, small layers, masks and placed layers."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from uticket.config.array import Array
from uticket.config.tables import MAPPINGS
from uticket.mapping.placed import Placed, place
from uticket.ticket.layer import Layer
from uticket.ticket.ticket import Ticket

ROOT = Path(__file__).parent.parent
FIXTURES = ROOT / "tests" / "fixtures"
PARAMS = FIXTURES / "params.yaml"  # fixed, whatever the user has set in params.yaml
FLOWS = [*sorted(MAPPINGS), "input-channels"]  # the mappings of whole filters, and the other dataflow


def layer_of(
    filters: int = 4,
    channels: int = 2,
    size: tuple[int, int] = (4, 5),
    kernel: tuple[int, int] = (3, 3),
    stride: tuple[int, int] = (1, 1),
    padding: tuple[int, int] = (1, 1),
    name: str = "conv2",
    **others: Any,
) -> Layer:
    """A convolution that reads spikes; its output size follows from the rest."""
    out = tuple((n + 2 * p - k) // s + 1 for n, p, k, s in zip(size, padding, kernel, stride, strict=True))
    shape: dict[str, Any] = {"kernel": kernel, "stride": stride, "padding": padding}
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
    way = {"dataflow": flow} if flow == "input-channels" else {"mapping": flow}
    return placed_mask(mask, pes, **way)


def with_mask(placed: Placed, mask: np.ndarray) -> Placed:
    """Another mask in the same places."""
    return replace(placed, mask=mask, nonzeros=placed.by_unit(mask).sum(axis=1))


def nonzeros(mask: np.ndarray) -> list[int]:
    """The weights that each filter keeps."""
    return mask.reshape(len(mask), -1).sum(axis=1).tolist()
