"""An array that is stepped through cycle by cycle, to test the compiled recurrence beside, and made-up streams."""

from collections import deque
from dataclasses import dataclass, field

import numpy as np
from hypothesis import strategies as st

from uticket.hardware.recurrence import TileRun, private

UNLIMITED = 2**62
Tokens = list[tuple[int, dict[int, int]]]  # cycles for each weight, and the PEs that want the token with their weights

depths = st.one_of(st.integers(0, 5), st.just(UNLIMITED))


@dataclass
class SteppedPe:
    queue: deque[int] = field(default_factory=deque)  # cycles of what waits
    left: int = 0  # cycles until it is done with what it works on
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(["work", "starved", "blocked"], 0))
    waiting: list[str] = field(default_factory=list)  # idle cycles that are the tail unless more work comes

    def start(self) -> None:
        while not self.left and self.queue:
            self.left = self.queue.popleft()
            if self.left:
                for reason in self.waiting:
                    self.counts[reason] += 1
                self.waiting.clear()

    def unfinished(self) -> int:
        return len(self.queue) + (self.left > 0)


def step_through(items: list[dict[int, int]], sending: list[int], pes: int, depth: int, width: int = 0) -> TileRun:
    """Step the array through all cycles.

    items: for each, the receiving PEs and their cycles. sending: cycles that the broadcaster is busy with each; width:
    items sent in a cycle at most, 0 for any number.
    """
    array = [SteppedPe() for _ in range(pes)]
    now = free = sent = waited = most = 0
    while True:
        in_cycle = 0
        while True:
            for pe in array:
                pe.start()
            ready = sent < len(items) and now >= free and not (width and in_cycle == width)
            if not ready or any(array[p].unfinished() > depth for p in items[sent]):
                break
            for p, cycles in items[sent].items():
                array[p].queue.append(cycles)
            free = now + sending[sent]
            sent += 1
            in_cycle += 1
        waited += sum(len(pe.queue) for pe in array)
        most = max(most, *(len(pe.queue) for pe in array))
        if sent == len(items) and now >= free and not any(pe.unfinished() for pe in array) and not (width and in_cycle):
            break
        for pe in array:
            if pe.left:
                pe.left -= 1
                pe.counts["work"] += 1
            else:
                pe.waiting.append("blocked" if ready else "starved")
        now += 1
    by_pe = [np.array([pe.counts[name] for pe in array]) for name in ("work", "starved", "blocked")]
    return TileRun(now, *by_pe, now - sum(by_pe), waited, most)


def run_private(tokens: Tokens, pes: int, depth: int, width: int) -> TileRun:
    receivers = np.array([len(to) for _, to in tokens], dtype=np.int64)
    last = np.cumsum(receivers)
    number = np.arange(len(tokens))
    pe = np.array([p for _, to in tokens for p in to], dtype=np.int64)
    times = np.array([n for _, to in tokens for n in to.values()], dtype=np.int64)
    cost = np.array([cycles for cycles, _ in tokens], dtype=np.uint16)
    return private(cost, number, number + 1, last - receivers, last, pe, times, pes, depth, width)


def same(one: TileRun, other: TileRun) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@st.composite
def chunks(draw, most: int = 7) -> tuple[np.ndarray, np.ndarray]:
    """Work by (chunk, PE), and cycles of sending each chunk."""
    count, pes = draw(st.integers(1, most)), draw(st.integers(1, 4))
    cell = st.integers(0, 4)
    work = draw(st.lists(st.lists(cell, min_size=pes, max_size=pes), min_size=count, max_size=count))
    return np.array(work), np.array(draw(st.lists(st.integers(0, 3), min_size=count, max_size=count)))


@st.composite
def streams(draw) -> tuple[Tokens, int]:
    """Tokens, and the number of PEs."""
    pes = draw(st.integers(1, 4))
    receivers = st.dictionaries(st.integers(0, pes - 1), st.integers(1, 2))
    return draw(st.lists(st.tuples(st.integers(1, 4), receivers), min_size=1, max_size=12)), pes


def none(work: np.ndarray) -> np.ndarray:
    return np.zeros(len(work), dtype=np.int64)
