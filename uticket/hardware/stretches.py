"""A layer under one image, from one barrier to the next, by how activations reach the PEs (`Dataflow.supply`)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from uticket.config.array import Array, Broadcast
from uticket.hardware.group import GroupWeights, run_tile
from uticket.hardware.overhead import drain_cycles, swap_cycles
from uticket.hardware.patches import run_patches
from uticket.hardware.recurrence import TileRun
from uticket.hardware.tiles import Tiles
from uticket.hardware.tokens import Tokens
from uticket.mapping.dataflows import Supply
from uticket.mapping.placed import Placed
from uticket.mapping.policies import Ints

Arriving = Mapping[int, Tokens]  # by the copies of a group


class Stretch(NamedTuple):
    """What happens between two barriers; of a layer without barriers there is one, numbered 0 and 0."""

    group: int
    tile: int  # of the group
    run: TileRun  # without swaps
    swaps: Ints  # (pes,), cycles of changing weights, or of looking for them
    drains: Ints  # (pes,), cycles of emptying accumulators, after the run


def by_tile(
    placed: Placed, groups: Sequence[GroupWeights], arriving: Arriving, array: Array, broadcast: Broadcast
) -> Iterator[Stretch]:
    """Run each tile of each group, with all PEs waiting for the last one."""
    own_streams, swap = placed.dataflow.supply == "streams", swap_cycles(placed, array)
    for group, weights in enumerate(groups):
        copies = int(placed.copies[group])
        tokens, active = arriving[copies], weights.active(copies, placed.pes)
        for tile, drain in enumerate(drain_cycles(placed, tokens.tiles, array).tolist()):
            run, swaps = run_tile(weights, tokens, tile, placed.pes, broadcast, swap, own_streams)
            yield Stretch(group, tile, run, swaps, active * drain)


def by_layer(
    placed: Placed, groups: Sequence[GroupWeights], arriving: Arriving, array: Array, broadcast: Broadcast
) -> Iterator[Stretch]:
    """Run all tiles of all groups, each PE at its own pace: a tile, or a group, begins when the last is done.

    All PEs that take part empty as many accumulators, which is added at the end.
    """
    tiles = [*by_tile(placed, groups, arriving, array, broadcast)]
    by_pe = [(run.work, run.starved, run.blocked, swaps, drains) for _, _, run, swaps, drains in tiles]
    work, starved, blocked, swaps, drains = np.sum(by_pe, axis=0)
    elapsed = work + starved + blocked + swaps
    latency = int(elapsed.max())
    waited, most = sum(tile.run.waited for tile in tiles), max(tile.run.most_waiting for tile in tiles)
    run = TileRun(latency, work, starved, blocked, latency - elapsed, waited, most)
    yield Stretch(0, 0, run, swaps, drains)


def by_group(
    placed: Placed, groups: Sequence[GroupWeights], arriving: Arriving, array: Array, broadcast: Broadcast
) -> Iterator[Stretch]:
    """Run all outputs of each group, patch by patch, with all PEs waiting for the last one.

    What they empty after each patch is added at the end.
    """
    filters = np.bincount(placed.bins, minlength=placed.workload.size).reshape(placed.workload.shape)
    for group, weights in enumerate(groups):
        copies = int(placed.copies[group])
        tokens, active = arriving[copies], weights.active(copies, placed.pes)
        run, scans = run_patches(weights, tokens, filters[group, : weights.pes], placed.pes, broadcast)
        yield Stretch(group, 0, run, scans, active * drain_cycles(placed, tokens.tiles, array).sum())


Run = Callable[[Placed, Sequence[GroupWeights], Arriving, Array, Broadcast], Iterator[Stretch]]
STRETCHES: dict[Supply, Run] = {"broadcast": by_tile, "streams": by_layer, "patches": by_group}


def num_stretches(placed: Placed, tiles: Mapping[int, Tiles]) -> tuple[int, int]:
    """Return the groups and the most tiles of a group between which there are barriers; tiles: by copies."""
    if placed.dataflow.supply == "streams":
        return 1, 1
    if placed.dataflow.supply == "patches":
        return placed.num_groups, 1
    return placed.num_groups, max(cuts.num_tiles for cuts in tiles.values())
