"""From the arrays of a file to the weights of layers: what is a weight, a mask, a state, or something else.

Nothing is left out without being listed, and what had to be assumed is a note.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uticket.base.arrays import Lazy
from uticket.base.errors import InputError
from uticket.foreign.contents import Arrays, Contents, Operator, Skipped
from uticket.ticket.hints import depthwise, same_values, tiny_weights
from uticket.ticket.layouts import Layouts, check_layouts, layout_of, signs_of_layouts, stored_as
from uticket.ticket.names import bare, is_mask, is_weight, reason_to_skip, says_depthwise, says_neuron, split
from uticket.ticket.operators import cannot_run, is_layer, layout_by, operator_of, other_than_layer
from uticket.ticket.partners import is_binary, join_partners, note
from uticket.ticket.reading import Reading, Stored

LINEAR = "linear layers, which run with --linear"


@dataclass(frozen=True)
class Recognized:
    """The weights of layers, and what else the arrays held.

    weights: layer -> array (filters, channels / groups, height, width), or (outputs, inputs) of a linear layer, in the
    order of the file; shapes: theirs. depthwise: layers with as many groups as filters, of which a file has one
    channel. operators: what the file says about layers.
    """

    weights: Lazy
    shapes: Mapping[str, tuple[int, ...]]
    depthwise: frozenset[str]
    operators: Mapping[str, Operator]
    reading: Reading


def recognize(
    contents: Contents,
    linear: bool = False,
    described: Collection[str] = (),
    layouts: Layouts = "oihw",
    threshold: float = 0.0,
) -> Recognized:
    """Find the weights of layers among the arrays of a file.

    linear: whether linear layers are wanted. described: names that are layers whatever they look like. threshold:
    weights of at most this magnitude count as pruned, at least 0.
    Raises InputError on a mask that does not fit the weight after which it is named, and on layouts of no layer.
    """
    if not 0 <= threshold < np.inf:
        raise InputError(f"threshold: expected a number from 0 on, got {threshold}")
    arrays, unapplied, notes = join_partners(contents.arrays)
    said = {name: how for name in arrays if (how := operator_of(name, contents.operators))}
    stored = {name: _stored(name, values, layouts, said.get(name)) for name, values in arrays.items()}
    known = {name for name in arrays if stored[name].readable and {name, bare(name)} & {*described}}
    operators = {name: how for name, how in said.items() if stored[name].readable and is_layer(name, how)}
    reasons, guessed = _reasons(arrays, linear, stored, known, said)
    reasons |= dict.fromkeys(unapplied, "masks that were not applied")
    found = {name: values for name, values in arrays.items() if name not in reasons}
    repeats = {name: first for name, first in same_values(found).items() if name not in known}
    reasons |= {name: f"the same values as {first}" for name, first in repeats.items()}
    found = {name: values for name, values in found.items() if name not in repeats}
    check_layouts(layouts, found)
    weights = Lazy({name: partial(_pruned, stored[name], values, threshold) for name, values in found.items()})
    shapes = {name: stored[name].read(values).shape for name, values in found.items()}
    convolutions = {name: shape for name, shape in shapes.items() if len(shape) == 4}
    of_one_channel, unsure = depthwise(convolutions, [*filter(says_depthwise, convolutions)])
    unsaid = {name: values for name, values in found.items() if name not in operators}
    notes += [
        *signs_of_layouts(unsaid, arrays, layouts),
        *tiny_weights(weights),
        *note(
            [name for name in unsure if name in unsaid.keys() - known], "perhaps of several groups, but read as of one"
        ),
        *note(guessed, "taken as layers by their shape, though not named as weights"),
        *note(repeats, "the same values as other layers, so counted once; give layers.json for each"),
    ]
    skipped = (*contents.skipped, *(Skipped(name, why, arrays[name].size) for name, why in reasons.items()))
    numbers = sum(part.numbers for part in contents.skipped) + sum(v.size for v in contents.arrays.values())
    storage = {name: stored[name] for name in found}
    reading = Reading(numbers, skipped, (*notes, *contents.notes), storage, frozenset(found.keys() - known))
    operators = {name: how for name, how in operators.items() if name in found}
    return Recognized(weights, shapes, of_one_channel, operators, reading)


def _stored(name: str, values: NDArray[Any], layouts: Layouts, operator: Operator | None) -> Stored:
    by_file = layout_by(operator, values.ndim) if operator else None
    return stored_as(name, values, by_file or layout_of(name, layouts))


def _reasons(
    arrays: Arrays,
    linear: bool,
    stored: Mapping[str, Stored],
    known: Collection[str],
    said: Mapping[str, Operator],
) -> tuple[dict[str, str], list[str]]:
    """Return why arrays are no layers, by name, and which of the others are taken for layers by their shape alone.

    known: names of layers, whatever they look like. said: what the file says about arrays.
    """
    has_weights = any(is_weight(name) and values.ndim > 1 for name, values in arrays.items())
    reasons, guessed = {}, []
    for name, values in arrays.items():
        if name in known:
            continue
        called = is_weight(name) or (is_mask(name) and is_binary(values))
        how = said.get(name)
        if how is None or not is_layer(name, how):
            why = (other_than_layer(how) if how else None) or _reason(name, arrays, called, has_weights)
        else:
            called, why = True, cannot_run(how, values)
        if why is None and not stored[name].readable:
            why = f"{values.ndim}-D arrays"
        if why is None and values.ndim == 2 and not linear:
            why = LINEAR
        if why is not None:
            reasons[name] = why
        elif not called and (has_weights or values.ndim in (3, 5)):
            guessed.append(name)
    return reasons, guessed


def _reason(name: str, arrays: Arrays, called: bool, has_weights: bool) -> str | None:
    """Return why an array is no layer; called: it is named as weights are; has_weights: other arrays are."""
    values, module = arrays[name], split(name)[0]
    if not values.size:
        return "empty"
    why = reason_to_skip(name, alone=not has_weights)
    if why is not None:
        return why
    if values.ndim < 2:
        return "vectors"
    bias = arrays.get(f"{module}bias")
    if called and bias is not None and bias.shape == values.shape:
        return "weights of a norm"  # one for each number
    if values.ndim == 2 and values.shape[0] == values.shape[1] and _of_neurons(name, arrays):
        return "matrix of parallel neurons"
    if not called and has_weights and (module or values.ndim == 3):
        return "gain" if values.size == len(values) else "not named as weights"
    return None


def _of_neurons(name: str, arrays: Arrays) -> bool:
    """Return whether a square matrix mixes timesteps: its bias is a column (SpikingJelly), or its module a neuron."""
    bias = arrays.get(f"{split(name)[0]}bias")
    return bias.shape == (len(arrays[name]), 1) if bias is not None else says_neuron(name)


def _pruned(stored: Stored, values: NDArray[Any], threshold: float) -> NDArray[Any]:
    """Return weights as floats, with 0 where they are at most the threshold; masks as they are.

    values: as stored; returned with the axes of the layer.
    """
    values = stored.read(values)
    if values.dtype.kind != "f" and not (values.dtype.kind == "b" or threshold == 0):
        values = values.astype(np.float32)
    return np.where(np.abs(values) <= threshold, 0, values) if threshold > 0 else values
