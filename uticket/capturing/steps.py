"""Which rows of what arrived belong to which image and timestep: T, the number of images, and the order of both.

A network runs time in one of three ways: a loop calls each layer once for every timestep; time is an axis of its own
beside that of the images; or both are folded into one axis. Layers of one network may differ.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from uticket.base.errors import InputError
from uticket.capturing.axes import Shape
from uticket.capturing.calls import Calls
from uticket.capturing.libraries import Said

Rows = NDArray[
    np.int64
]  # (images, T, tokens): numbers of the rows that arrived; T is 1 if the layer runs once an image
ORDER = "that time is the outer axis where it is folded with the images (batch_first=True: the images are)"


@dataclass(frozen=True)
class Steps:
    """How a network runs time."""

    timesteps: int
    images: int
    batch_first: bool  # in a folded axis, or where both axes are as long
    because: str  # where T is known from
    guesses: tuple[str, ...] = ()


def rows_by_use(calls: Calls, steps: Steps) -> list[Rows] | None:
    """Return for each use of a layer in a timestep its rows; None if the calls do not fit the timesteps and images.

    A layer with several uses is called several times in a timestep.
    """
    timesteps, images, lead, num = steps.timesteps, steps.images, calls.lead or (1,), len(calls.numbers)
    numbers = np.arange(num * math.prod(lead)).reshape(num, *lead)
    if num % timesteps == 0 and lead[0] == images:
        in_a_row = _step_after_step(calls.numbers, timesteps)
        order = (-1, timesteps) if in_a_row else (timesteps, -1)
        by_use = numbers.reshape(*order, images, math.prod(lead[1:]))
        return list((by_use if in_a_row else by_use.swapaxes(0, 1)).swapaxes(1, 2))
    both = (timesteps, images)
    folded = lead[0] == math.prod(both)
    if (lead[:2] == both[::-1] and (steps.batch_first or lead[:2] != both)) or (folded and steps.batch_first):
        return list(numbers.reshape(num, images, timesteps, -1))
    if lead[:2] == both or folded:
        return list(numbers.reshape(num, timesteps, images, -1).swapaxes(1, 2))
    return list(numbers.reshape(num, images, 1, -1)) if lead[0] == images else None


def _step_after_step(numbers: Sequence[int], timesteps: int) -> bool:
    """Return whether each use runs all its timesteps in a row, with no other layer between."""
    breaks = [n for n in range(1, len(numbers)) if numbers[n] != numbers[n - 1] + 1]
    return all(n % timesteps == 0 for n in breaks)


def same_at_every_step(calls: Calls, steps: Steps) -> bool:
    """Return whether a layer before all spikes got the same input in all timesteps; True if it runs once an image."""
    uses = rows_by_use(calls, steps)
    if calls.first is None or not uses or (len(calls.numbers) > 1 and not calls.repeats):
        return False
    rows = uses[0]
    if rows.shape[1] == 1 or len(calls.numbers) > 1:
        return True
    values = calls.first.reshape(-1, math.prod(calls.inputs))
    by_step = [values[torch.from_numpy(rows[:, step].ravel())] for step in range(rows.shape[1])]
    return all(torch.equal(by_step[0], other) for other in by_step[1:])


def find_steps(
    calls: Sequence[Calls], said: Sequence[Said], given: Shape, timesteps: int | None, batch_first: bool | None
) -> Steps:
    """Return how the network runs time: as the caller says, its modules say, or its calls show, partly by a guess.

    given: the shape of the inputs of the network. Raises InputError, naming the choice, if there is one.
    """
    told: dict[tuple[int, int, bool], str] = {}
    for one in said if timesteps is None else ():
        told.setdefault((one.timesteps, one.images, one.batch_first), one.by)
    if len(told) > 1:
        choice = " or ".join(f"timesteps={steps} ({by})" for (steps, _, _), by in told.items())
        raise InputError(f"timesteps: expected one number from all modules, got several: pass {choice}"[:400])
    possible = (Steps(*steps, by) for steps, by in told.items())
    for steps in possible if told else _possible(calls, given, timesteps, batch_first):
        if all(rows_by_use(one, steps) is not None for one in calls):
            return steps if told or batch_first is not None else _with_order(calls, steps, given)
    seen = ", ".join(dict.fromkeys(f"{one.name}: {len(one.numbers)} x {one.lead}" for one in calls))
    wanted = "a number that fits the calls" if timesteps is None else f"{timesteps} timesteps in the calls"
    raise InputError(f"timesteps: expected {wanted} (number x axes before the layer's own), got {seen}"[:400])


def _possible(calls: Sequence[Calls], given: Shape, timesteps: int | None, batch_first: bool | None) -> Iterator[Steps]:
    """Return ways to run time, the likeliest first."""
    first, folded = bool(batch_first), max((one.lead[:1] or (1,))[0] for one in calls)
    loops = sorted({len(one.numbers) for one in calls} - {1})
    if timesteps is not None:
        loops = [num for num in loops if num % timesteps == 0]
    if loops and (timesteps is not None or all(num % loops[0] == 0 for num in loops)):
        images = next((one.lead[:1] or (1,))[0] for one in calls if len(one.numbers) == loops[0])
        one_image = not calls[0].lead and given[:1] == (loops[0],)
        shown = one_image or (_has_both_axes(given, calls[0]) and loops[0] in given[:2])
        guess = () if shown else (f"that layers called {loops[0]} times run once in each timestep",)
        because = f"layers were called {loops[0]} times" if timesteps is None else "as given"
        yield Steps(timesteps or loops[0], images, first, because, guess if timesteps is None else ())
    axes = next((one.lead[:2] for one in calls if len(one.lead) > 1 and len(one.inputs) > 1), None)
    if axes is None and _has_both_axes(given, calls[0]) and given[0] * given[1] == folded:
        axes = given[:2]
    if timesteps is not None:
        if axes is not None and timesteps in axes:
            outer = axes[0] != timesteps if batch_first is None else batch_first
            yield Steps(timesteps, axes[1] if axes[0] == timesteps else axes[0], outer, "as given")
        if folded % timesteps == 0:
            yield Steps(timesteps, folded // timesteps, first, "as given")
        return
    if axes is not None:
        if batch_first is None:
            raise InputError(
                f"timesteps: expected it for inputs with two leading axes {axes}, got none: pass timesteps={axes[0]}, "
                f"batch_first=False or timesteps={axes[1]}, batch_first=True"
            )
        yield Steps(axes[int(batch_first)], axes[1 - int(batch_first)], batch_first, "batch_first and the inputs")
    images = given[0] if given else 1
    if folded > images and folded % images == 0:
        yield Steps(folded // images, images, first, f"layers got {folded} rows for {images} images")
    if not loops:
        rows = ("that rows are images, not timesteps",) if folded > 1 else ()
        yield Steps(1, folded, first, "layers were called once", rows)


def _has_both_axes(given: Shape, first: Calls) -> bool:
    """Return whether inputs of the network have two axes before those of its first layer, flattened or not."""
    flat = len(first.inputs) == 1 and len(given) > 2
    return (flat or len(given) == len(first.inputs) + 2) and math.prod(given[2:]) == math.prod(first.inputs)


def _with_order(calls: Sequence[Calls], steps: Steps, given: Shape) -> Steps:
    """Decide which of the two folded axes is the outer one: as the inputs have it, or as repeated images show it."""
    timesteps, images = steps.timesteps, steps.images
    alike = timesteps == images
    folded = any(one.lead[:1] == (timesteps * images,) or (alike and one.lead[:2] == (images, images)) for one in calls)
    if timesteps == 1 or images == 1 or not folded:
        return steps
    if not alike and given[:2] in ((timesteps, images), (images, timesteps)):
        return steps
    for batch_first in (False, True):
        other = replace(steps, batch_first=batch_first)
        if any(
            one.first is not None
            and len(one.numbers) == 1
            and one.lead[:1] == (timesteps * images,)
            and same_at_every_step(one, other)
            for one in calls
        ):
            return other
    return replace(steps, guesses=(*steps.guesses, ORDER))
