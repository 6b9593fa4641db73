"""Random generators that depend on the seed of params.yaml and on what they are for, and on nothing else."""

import numpy as np


def generator(seed: int, *purpose: str | int) -> np.random.Generator:
    """Return numpy's generator for a purpose such as ("train", 3): other purposes draw independent numbers."""
    words = [int.from_bytes(str(part).encode(), "big") for part in purpose]
    return np.random.default_rng([seed, *words])


def torch_seed(seed: int, *purpose: str | int) -> int:
    """Return a whole number in [0, 2**63) to seed a torch generator with."""
    return int(generator(seed, *purpose).integers(2**63))
