"""Sparse spiking networks that keep every processing element busy.

The names below are the public API; each is loaded when it is first used, so `import uticket` is fast and loads neither
torch nor numba. The folders: `ticket` holds a pruned network, `capturing` takes one from a PyTorch module, `mapping`
puts it on an array, `pruning` changes its mask, `hardware` says what it costs, `training` trains it, `pipeline` does
what the stages do.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from uticket.base.errors import InputError as InputError
    from uticket.capturing.apply import apply as apply
    from uticket.capturing.capture import capture as capture
    from uticket.config.array import Array as Array
    from uticket.config.array import Broadcast as Broadcast
    from uticket.config.array import Energy as Energy
    from uticket.config.pruning import Balance as Balance
    from uticket.exploring.explore import explore as explore
    from uticket.hardware.audit import audit as audit
    from uticket.hardware.chip import Chip as Chip
    from uticket.hardware.neurobench import neurobench as neurobench
    from uticket.hardware.simulation import simulate as simulate
    from uticket.pruning.balance import balance as balance
    from uticket.pruning.prune import prune as prune
    from uticket.rivals.compare import compare_rivals as compare_rivals
    from uticket.ticket.layer import Layer as Layer
    from uticket.ticket.mask import Mask as Mask
    from uticket.ticket.ticket import Ticket as Ticket

__version__ = "0.2.0"

MODULE_OF = {
    "Array": "config.array",
    "Balance": "config.pruning",
    "Broadcast": "config.array",
    "Chip": "hardware.chip",
    "Energy": "config.array",
    "InputError": "base.errors",
    "Layer": "ticket.layer",
    "Mask": "ticket.mask",
    "Ticket": "ticket.ticket",
    "apply": "capturing.apply",
    "audit": "hardware.audit",
    "balance": "pruning.balance",
    "capture": "capturing.capture",
    "compare_rivals": "rivals.compare",
    "explore": "exploring.explore",
    "neurobench": "hardware.neurobench",
    "prune": "pruning.prune",
    "simulate": "hardware.simulation",
}
__all__ = sorted([*MODULE_OF, "__version__"])


def __getattr__(name: str) -> Any:
    """Load a name of the API."""
    if name not in MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{MODULE_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
