"""Networks of one's own: `model.name: MODULE:FUNCTION`. docs/own-network.md says what the function gets and returns."""

import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from uticket.base.errors import InputError, one_line
from uticket.config.training import Model
from uticket.networks.network import SpikingNetwork, initialize, seed_draws

RESETS = ("reset", "reset_states", "reset_mem")  # by which SpikingJelly, sinabs and snnTorch forget membranes


class OwnNetwork(SpikingNetwork):
    """Any torch module that runs over all timesteps in one forward pass, as the training and the stages see it.

    Layers and state have the names that they have in the module. Membranes start anew in every forward pass, and are no
    part of the state. What a forward pass draws at random depends on the seed of the training step; in tests it is
    always the same.
    """

    def __init__(self, settings: Model, module: nn.Module) -> None:
        super().__init__(settings)
        self.module = module
        self.membranes: frozenset[str] = frozenset()  # of the module's state

    def forward(self, images: Tensor) -> Tensor:
        """images: as prepared, (B, channels, height, width). Returns (T, B, classes), or (1, B, classes) of one output.

        Raises InputError if the module returns anything else.
        """
        self.forget()
        if self.training:
            return self._by_timestep(self.module(images), len(images))
        with torch.random.fork_rng(devices=[images.device] if images.is_cuda else []):
            seed_draws(0, images.device)
            return self._by_timestep(self.module(images), len(images))

    @torch.no_grad()
    def forget(self) -> None:
        """Let all neurons start anew that keep membranes in the module."""
        for module in self.module.modules():
            for name in RESETS:
                reset = getattr(module, name, None)
                if callable(reset):
                    reset()

    def _by_timestep(self, outputs: Any, batch: int) -> Tensor:
        expected = f"outputs (T, B, classes) = ({self.timesteps}, {batch}, ...) or ({batch}, ...)"
        if not isinstance(outputs, Tensor):
            raise InputError(f"model.name: expected {expected}, got {type(outputs).__name__}")
        by_timestep = outputs if outputs.dim() == 3 else outputs.unsqueeze(0)
        if outputs.dim() not in (2, 3) or by_timestep.shape[1] != batch or len(by_timestep) not in (1, self.timesteps):
            raise InputError(f"model.name: expected {expected}, got shape {tuple(outputs.shape)}")
        return by_timestep

    def named_modules(self, *args: Any, **options: Any) -> Iterator[tuple[str, nn.Module]]:
        """Name the modules in the module."""
        modules: Iterator[tuple[str, nn.Module]] = self.module.named_modules(*args, **options)
        return modules

    def state_dict(self, *args: Any, **options: Any) -> dict[str, Any]:  # type: ignore[override]
        """Return the state of the module, without membranes."""
        state: dict[str, Any] = self.module.state_dict(*args, **options)
        return {name: value for name, value in state.items() if name not in self.membranes}

    def load_state_dict(self, state_dict: Mapping[str, Any], *args: Any, **options: Any) -> Any:
        """Load what `state_dict` returned; membranes stay as they are."""
        held = self.module.state_dict()
        return self.module.load_state_dict(
            {**state_dict, **{name: held[name] for name in self.membranes}}, *args, **options
        )


def build_own(settings: Model, image_shape: Sequence[int], num_classes: int) -> SpikingNetwork:
    """Return what the function of `settings.name` makes, or an `OwnNetwork` of it, untried.

    Raises InputError, in one line, if there is no such function, if its file is not in `settings.path`, or if it fails
    or does not return a module.
    """
    function = find(settings)
    try:
        module = function(settings, tuple(image_shape), num_classes)
    except Exception as error:
        got = described(error, sys.modules[function.__module__].__file__)
        raise InputError(f"model.name: expected {settings.name} to return a torch module, got {got}") from error
    if not isinstance(module, nn.Module):
        got = type(module).__name__
        raise InputError(f"model.name: expected {settings.name} to return a torch module, got {got}")
    network = module if isinstance(module, SpikingNetwork) else OwnNetwork(settings, module)
    if network is module:
        initialize(network)
    network.code = code_at(Path(settings.path))
    return network


def find(settings: Model) -> Callable[..., Any]:
    """Return the function MODULE:FUNCTION of `settings.name`. Raises InputError as `build_own`."""
    where, _, name = settings.name.partition(":")
    folder = str(Path.cwd())
    if folder not in sys.path:  # the command `uticket` looks for modules beside itself only
        sys.path.insert(0, folder)
    try:
        module = import_module(where)
    except Exception as error:
        raise InputError(f"model.name: expected a module {where}, got {described(error, None)}") from error
    function: Callable[..., Any] | None = getattr(module, name, None)
    if not callable(function):
        got = "nothing of this name" if function is None else type(function).__name__
        raise InputError(f"model.name: expected a function {name!r} in {where}, got {got}")
    file, path = Path(module.__file__ or ".").resolve(), Path(settings.path).resolve()
    if not file.is_relative_to(path):
        expected = f"the file or a folder of {where} ({file}), whose changes DVC then sees"
        raise InputError(f"model.path: expected {expected}, got {settings.path}")
    return function


def check_search(network: SpikingNetwork, early_time: bool) -> None:
    """Raise InputError if a search is to use fewer timesteps of a network whose timesteps cannot be changed."""
    if early_time and isinstance(network, OwnNetwork):
        raise InputError(
            "prune.early_time: expected false with a network that is no SpikingNetwork of uticket, got true"
        )


def described(error: Exception, file: str | None) -> str:
    """Return an error of somebody's code in words, with the last line of `file` that it passed."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    where = f" in line {lines[-1]}" if lines else ""
    return f"{type(error).__name__}{where}: {one_line(error)}"


def code_at(path: Path) -> tuple[str, ...]:
    """Return the code of a file, or of all Python files in a folder."""
    files = sorted(path.rglob("*.py")) if path.is_dir() else [path]
    return tuple(file.read_text(encoding="utf-8") for file in files)
