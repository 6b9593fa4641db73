"""Settings and small networks that several tests use."""

import logging
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers import BRIEF, ENDING, PARAMS, ROOT, SMALL
from uticket.base import progress
from uticket.config.params import Params, read_params
from uticket.config.training import Augment, Model, Train


@pytest.fixture(autouse=True)
def denormals() -> Iterator[None]:
    """Let numbers near zero be numbers again after each test: trainings on the CPU make them zero, process-wide."""
    yield
    if "torch" in sys.modules:
        sys.modules["torch"].set_flush_denormal(False)


@pytest.fixture(autouse=True)
def log(monkeypatch) -> Iterator[None]:
    """Give the log of the library back to pytest after each test: commands send it to standard error.

    On a busy machine a command may take long, and would say so.
    """
    monkeypatch.setattr(progress, "SECONDS_TO_A_LINE", 1e9)
    ours = logging.getLogger("uticket")
    handlers, level, propagate = list(ours.handlers), ours.level, ours.propagate
    yield
    ours.handlers, ours.propagate = handlers, propagate
    ours.setLevel(level)


@pytest.fixture
def heeding_signals() -> Iterator[None]:
    """Let processes that a test starts heed signals: they inherit what their parent ignores, as under nohup."""
    ignored = [number for number in ENDING if signal.getsignal(number) is signal.SIG_IGN]
    for number in ignored:
        signal.signal(number, signal.SIG_DFL)
    yield
    for number in ignored:
        signal.signal(number, signal.SIG_IGN)


@pytest.fixture
def root() -> Path:
    return ROOT


@pytest.fixture
def params() -> Params:
    return read_params(PARAMS)


@pytest.fixture
def small() -> Model:
    """vgg7 with 4, 4, 8, 8, 16 and 16 filters, for three timesteps."""
    return SMALL.model_copy(update={"timesteps": 3})


@pytest.fixture
def brief() -> Train:
    """Two epochs of small batches without augmentation, by dense convolutions."""
    return BRIEF.model_copy(update={"augment": Augment(crop=0, flip=False, cutout=0), "sparse": "off"})
