"""What modules of SpikingJelly, sinabs, Norse, snnTorch and ours say of themselves: where time lies, what fires.

They are recognized by the names of their classes, so that none of these libraries has to be installed.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

LIBRARIES = ("spikingjelly", "sinabs", "norse", "snntorch", "uticket")
WHOLE_SEQUENCES = {"SNN", "SNNRecurrent", "Lift", "LConv2d"}  # of Norse: they take (T, B, ...)
NEURONS = {"BaseNode", "StatefulLayer", "SNN", "SNNCell", "SNNRecurrent", "SNNRecurrentCell", "SpikingNeuron", "LIF"}
RESETS = ("reset", "reset_states", "reset_mem")  # methods that forget the membranes


@dataclass(frozen=True)
class Said:
    """Where a module sees time: T timesteps of B images."""

    timesteps: int
    images: int
    batch_first: bool  # whether the axis of the images comes before that of time
    by: str


def said_by(module: nn.Module, values: Tensor) -> Said | None:
    """Return where the input of a module has time, if the module knows; None if it takes one timestep at a time."""
    classes = classes_of(module)
    library, first = next(iter(classes.values()), ""), tuple(values.shape)
    by = f"{library}'s {type(module).__name__}"
    if library == "spikingjelly" and getattr(module, "step_mode", "s") == "m" and len(first) > 1:
        return Said(first[0], first[1], False, by)
    if library == "sinabs" and "StatefulLayer" in classes and first:
        if "SqueezeMixin" not in classes:
            return Said(first[1], first[0], True, by) if len(first) > 2 else None
        known: Any = module
        timesteps = known.num_timesteps if known.num_timesteps > 0 else first[0] // known.batch_size
        return Said(timesteps, first[0] // timesteps, True, by)
    if library == "norse" and WHOLE_SEQUENCES & set(classes) and len(first) > 1:
        return Said(first[0], first[1], False, by)
    if library == "uticket" and "SpikingNetwork" in classes:
        return Said(int(getattr(module, "timesteps", 1)), first[0], False, by)
    return None


def is_neuron(module: nn.Module) -> bool:
    """Return whether the outputs of a module are spikes of neurons."""
    classes = classes_of(module)
    spiking = "StatefulLayer" not in classes or getattr(module, "spike_fn", None) is not None
    return bool(NEURONS & set(classes)) and spiking


def forget(model: nn.Module) -> None:
    """Let the neurons of a network start anew, those of the libraries that keep their membranes in the module.

    What `reset` of any other module would change, such as weights, is not known.
    """
    for module in model.modules():
        if classes_of(module):
            for reset in resets_of(module):
                reset()


def resets_of(module: nn.Module) -> Iterator[Callable[[], object]]:
    """Return the methods of a module by which the libraries forget membranes."""
    named = (getattr(type(module), name, None) and getattr(module, name) for name in RESETS)
    return (method for method in named if callable(method))


def classes_of(module: nn.Module) -> dict[str, str]:
    """Return the classes of a module that one of the libraries defines: name -> library."""
    found = ((kind.__name__, kind.__module__.partition(".")[0]) for kind in type(module).__mro__)
    return {name: library for name, library in found if library in LIBRARIES}
