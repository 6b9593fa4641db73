"""What the tests of several sources of images need."""

from pathlib import Path

import numpy as np

from uticket.config.training import Data


def settings(name: str, path: Path | str = "data/images", **others: object) -> Data:
    """The block `data` of params.yaml."""
    values = {"name": name, "path": str(path), "size": 8, "channels": 3, "test_share": 0.25}
    return Data(**values | {"frames": "binary", "sensor": [8, 8]} | others)


def images(count: int, *shape: int) -> np.ndarray:
    """Pixels drawn at random, the same each time."""
    return np.random.default_rng(0).integers(0, 256, (count, *shape), dtype=np.uint8)
