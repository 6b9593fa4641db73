"""Which of the parts of a checkpoint are its weights, and the arrays of those by name."""

import re
from typing import Any

from uticket.foreign.contents import Contents, Skipped
from uticket.foreign.found import Found
from uticket.foreign.tree import Tree, is_module

# Where checkpoints keep their weights, the likeliest first.
WRAPPERS: tuple[str, ...] = ("state_dict", "model_state_dict", "model_state", "net_state_dict", "model", "net")
WRAPPERS += ("network", "module", "snn", "student", "weights", "params", "parameters", "variables")
AVERAGED = re.compile(r"(^|[^a-z])(ema|swa|averaged?|shadow|teacher)([^a-z]|$)", re.IGNORECASE)
# Words in the names of what is saved beside the weights.
BESIDE = re.compile(
    r"(^|[^a-z])(optim\w*|\w*sched\w*|scaler|amp|rng|loops|callbacks|sampler|hyper\w*|args|config|cfg|epochs?|best|acc|"
    r"accuracy|loss(es)?|history|metrics?|results?)([^a-z]|$)",
    re.IGNORECASE,
)
MASKS = ("mask", "masks", "mask_dict")
OF_A_LAYER = {"weight", "bias", "weight_mask", "bias_mask", "mask"}  # a mapping of these is a layer, not a network


def contents_of(tree: Tree, root: Any) -> Contents:
    """Return the arrays of the weights in a checkpoint, and what was left aside.

    Wrappers are searched ("state_dict", "model", ...); of several, the weights themselves are taken before their
    moving average. Names are joined by dots, those of a module are as in its state dict. Raises ValueError.
    """
    skipped: list[Skipped] = []
    notes: list[str] = []
    value, masks = root, None
    path: tuple[int, ...] = ()
    while (inner := _inner(tree, value, path)) is not None:
        name, beside = inner
        parts = dict(tree.within(value, path))
        taken = f"{name!r} was taken"
        for other in beside:
            if other in MASKS:
                masks = parts[other]
            else:
                reason = "saved beside the weights" if _is_beside(other) else taken
                skipped.append(Skipped(other, reason, tree.numbers(parts[other], (*path, id(value)))))
        notes.append(f"{taken}, beside {', '.join(map(repr, beside))}" if beside else taken)
        value, path = parts[name], (*path, id(value))
    found = Found(tree)
    if tree.leaf(value) is None and not is_module(value):
        value, without = _without_what_is_beside(tree, value, path)
        found.skipped += without
    found.add(value, "", path)
    if masks is not None:
        found.add_masks(masks, path)
    return Contents(found.arrays, (*skipped, *found.skipped), found.operators, (*notes, *found.notes))


def _is_beside(name: str) -> bool:
    return "." not in name and bool(BESIDE.search(name))


def _without_what_is_beside(tree: Tree, value: Any, above: tuple[int, ...]) -> tuple[Any, list[Skipped]]:
    """Return a container without the states of optimizers and the like, unless it has nothing else."""
    held = dict(tree.within(value, above))
    numbers = {name: tree.numbers(part, (*above, id(value))) for name, part in held.items()}
    beside = [name for name in held if numbers[name] and (_is_beside(name) or AVERAGED.search(name))]
    if len(beside) == sum(map(bool, numbers.values())):
        return value, []
    kept = {name: part for name, part in held.items() if name not in beside}
    return kept, [Skipped(name, "saved beside the weights", numbers[name]) for name in beside]


def _inner(tree: Tree, value: Any, above: tuple[int, ...]) -> tuple[str, list[str]] | None:
    """Return the part of a container that holds the weights, and the other parts; None if it is the container."""
    if tree.leaf(value) is not None or is_module(value):
        return None
    held = {name: part for name, part in tree.within(value, above) if tree.numbers(part, (*above, id(value)))}
    networks = [name for name, part in held.items() if _is_network(tree, part)]
    known = sorted((name for name in networks if _rank(name) < len(WRAPPERS)), key=_rank)
    weights = [name for name in held if not _is_beside(name) and name not in MASKS]
    known += [name for name in networks if AVERAGED.search(name) and name not in known]
    if not known and len(weights) == 1 and weights[0] in networks:
        known = weights
    if not known and not weights:
        known = [name for name in networks if name in MASKS]
    if not known or (AVERAGED.search(known[0]) and len(weights) > len(known)):
        return None
    return known[0], [name for name in held if name != known[0]]


def _rank(name: str) -> int:
    plain = name.lower().strip("_")
    if plain in WRAPPERS:
        return WRAPPERS.index(plain)
    return 0 if plain.endswith("state_dict") and not _is_beside(plain) and not AVERAGED.search(plain) else 99


def _is_network(tree: Tree, value: Any) -> bool:
    """Return whether a part holds more than a layer: a module, or names of layers."""
    if tree.leaf(value) is not None:
        return False
    parts = tree.parts(value)
    return is_module(value) or any(name not in OF_A_LAYER for name, _ in parts)
