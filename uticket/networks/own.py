"""Networks of one's own: `model.name: MODULE:FUNCTION`."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from uticket.base.errors import InputError
from uticket.base.files import read_text
from uticket.capturing.function import call, find_function
from uticket.capturing.libraries import resets_of
from uticket.config.training import Model
from uticket.networks.network import SpikingNetwork, initialize, seed_draws


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
            for reset in resets_of(module):
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
    module = call(find(settings), settings.name, "model.name", settings, tuple(image_shape), num_classes)
    network = module if isinstance(module, SpikingNetwork) else OwnNetwork(settings, module)
    if network is module:
        initialize(network)
    network.code = code_at(Path(settings.path))
    return network


def find(settings: Model) -> Callable[..., Any]:
    """Return the function MODULE:FUNCTION of `settings.name`. Raises InputError as `build_own`."""
    function, where = find_function(settings.name, "model.name"), settings.name.partition(":")[0]
    file, path = Path(getattr(sys.modules[where], "__file__", None) or ".").resolve(), Path(settings.path).resolve()
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


def code_at(path: Path) -> tuple[str, ...]:
    """Return the code of a file, or of all Python files in a folder."""
    files = sorted(path.rglob("*.py")) if path.is_dir() else [path]
    return tuple(read_text(file, "Python code") for file in files)
