"""Settings and small networks that several tests use."""

from pathlib import Path

import pytest

from tests.helpers import PARAMS, ROOT
from uticket.config.params import Params, read_params
from uticket.config.training import Augment, Model, Train


@pytest.fixture
def root() -> Path:
    return ROOT


@pytest.fixture
def params() -> Params:
    return read_params(PARAMS)


@pytest.fixture
def small() -> Model:
    """vgg7 with 4, 4, 8, 8, 16 and 16 filters."""
    return Model(name="vgg7", width=0.125, timesteps=3, leak=0.25, spike_threshold=1.0, surrogate_alpha=2.0)


@pytest.fixture
def brief() -> Train:
    """Two epochs of small batches without augmentation, on the CPU."""
    return Train(
        epochs=2,
        batch_size=8,
        learning_rate=0.1,
        momentum=0.9,
        weight_decay=0.0005,
        loss="per_step",
        augment=Augment(crop=0, flip=False, cutout=0),
        device="cpu",
        sparse="off",
        precision="fp32",
        compile=False,
        save_minutes=1000,
    )
