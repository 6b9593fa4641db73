"""The compiled recurrence beside an array that is stepped through cycle by cycle, and the laws that both must obey."""

from collections import deque
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from uticket.hardware.recurrence import Run, private, window

UNLIMITED = 2**62
Tokens = list[tuple[int, dict[int, int]]]  # cycles for each weight, and the PEs that want the token with their weights


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


def step_through(items: list[dict[int, int]], sending: list[int], pes: int, depth: int, width: int = 0) -> Run:
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
    return Run(now, *by_pe, now - sum(by_pe), waited, most)


def run_private(tokens: Tokens, pes: int, depth: int, width: int) -> Run:
    receivers = np.array([len(to) for _, to in tokens], dtype=np.int64)
    last = np.cumsum(receivers)
    number = np.arange(len(tokens))
    pe = np.array([p for _, to in tokens for p in to], dtype=np.int64)
    times = np.array([n for _, to in tokens for n in to.values()], dtype=np.int64)
    cost = np.array([cycles for cycles, _ in tokens], dtype=np.uint16)
    return private(cost, number, number + 1, last - receivers, last, pe, times, pes, depth, width)


def same(one: Run, other: Run) -> bool:
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


depths = st.one_of(st.integers(0, 5), st.just(UNLIMITED))


def none(work: np.ndarray) -> np.ndarray:
    return np.zeros(len(work), dtype=np.int64)


def test_two_pes_and_three_chunks_by_hand():
    work = np.array([[2, 1], [0, 3], [2, 2]])
    lockstep = window(work, none(work), 0)
    assert lockstep.latency == 2 + 3 + 2
    assert (lockstep.work.tolist(), lockstep.blocked.tolist(), lockstep.tail.tolist()) == ([4, 6], [3, 1], [0, 0])
    free = window(work, none(work), UNLIMITED)
    assert (free.latency, free.tail.tolist(), free.most_waiting) == (6, [2, 0], 2)
    # all sent at 0: chunk 1 waits 2 cycles at PE 0 and 1 at PE 1, chunk 2 waits 2 and 4
    assert free.waited == 9


def test_two_pes_and_three_tokens_by_hand():
    tokens = [(2, {0: 1, 1: 1}), (2, {1: 1}), (2, {1: 1}), (2, {0: 1})]
    narrow = run_private(tokens, 2, 1, 0)  # the third waits until PE 1 has begun the second, and the fourth behind it
    assert (narrow.latency, narrow.blocked.tolist(), narrow.tail.tolist()) == (6, [0, 0], [2, 0])
    lockstep = run_private(tokens, 2, 0, 0)  # sent at 0, 2, 4, 4
    assert (lockstep.latency, lockstep.blocked.tolist(), lockstep.starved.tolist()) == (6, [2, 0], [0, 0])
    one_a_cycle = run_private(tokens, 2, UNLIMITED, 1)  # sent at 0, 1, 2, 3: PE 0 waits one cycle for the fourth
    assert (one_a_cycle.latency, one_a_cycle.starved.tolist(), one_a_cycle.tail.tolist()) == (6, [1, 0], [1, 0])


@settings(max_examples=300, deadline=None)
@given(chunks(), depths)
def test_window_is_what_stepping_through_gives(case, depth):
    work, sending = case
    items = [dict(enumerate(row)) for row in work.tolist()]
    assert same(window(work, sending, depth), step_through(items, sending.tolist(), work.shape[1], depth))


@settings(max_examples=300, deadline=None)
@given(streams(), depths, st.integers(0, 4))
def test_private_is_what_stepping_through_gives(case, depth, width):
    tokens, pes = case
    items = [{p: cycles * n for p, n in to.items()} for cycles, to in tokens]
    assert same(run_private(tokens, pes, depth, width), step_through(items, [0] * len(items), pes, depth, width))


@settings(max_examples=300, deadline=None)
@given(chunks(), depths)
def test_window_lies_between_its_bounds(case, depth):
    work, sending = case
    latency = window(work, none(work), depth).latency
    assert work.sum() / work.shape[1] <= work.sum(axis=0).max() <= latency <= work.max(axis=1).sum()
    assert window(work, none(work), 0).latency == work.max(axis=1).sum()
    for enough in (len(work) - 1, len(work), UNLIMITED):
        assert window(work, none(work), enough).latency == work.sum(axis=0).max()
    assert window(work, sending, depth).latency >= sending.sum()


@settings(max_examples=300, deadline=None)
@given(chunks(), depths, st.data())
def test_window_takes_longer_with_less_room_and_more_to_do(case, depth, data):
    work, sending = case
    latency = window(work, sending, depth).latency
    assert window(work, sending, depth + 1).latency <= latency
    c, p = data.draw(st.integers(0, work.shape[0] - 1)), data.draw(st.integers(0, work.shape[1] - 1))
    more, slower = work.copy(), sending.copy()
    more[c, p] += 1
    slower[c] += 1
    assert window(more, sending, depth).latency >= latency
    assert window(work, slower, depth).latency >= latency
    longer = np.vstack([work, data.draw(st.sampled_from([work[:1], np.zeros_like(work[:1])]))])
    assert window(longer, np.append(sending, 0), depth).latency >= latency


@settings(max_examples=300, deadline=None)
@given(chunks(), depths, st.integers(1, 5), st.randoms(use_true_random=False))
def test_window_counts_every_cycle_and_knows_no_order_of_pes(case, depth, factor, random):
    work, sending = case
    run = window(work, sending, depth)
    assert (run.work == work.sum(axis=0)).all()
    assert (run.work + run.starved + run.blocked + run.tail == run.latency).all()
    assert min(run.starved.min(), run.blocked.min(), run.tail.min()) >= 0
    assert run.most_waiting <= min(depth, len(work))
    order = random.sample(range(work.shape[1]), work.shape[1])
    moved = window(np.ascontiguousarray(work[:, order]), sending, depth)
    assert moved.latency == run.latency
    assert (moved.blocked == run.blocked[order]).all()
    assert window(work * factor, none(work), depth).latency == factor * window(work, none(work), depth).latency


@settings(max_examples=300, deadline=None)
@given(chunks(), depths, st.randoms(use_true_random=False))
def test_equal_work_needs_no_fifo_and_equal_sums_an_unlimited_one(case, depth, random):
    work, _ = case
    equal = np.repeat(work[:, :1], work.shape[1], axis=1)
    assert window(equal, none(work), depth).latency == window(equal, none(work), 0).latency
    assert (window(equal, none(work), depth).work == window(equal, none(work), depth).latency).all()
    column = work[:, 0].tolist()
    sums = np.array([random.sample(column, len(column)) for _ in range(work.shape[1])]).T
    run = window(np.ascontiguousarray(sums), none(work), UNLIMITED)
    assert (run.work == run.latency).all()


def test_balance_of_whole_filters_does_not_suffice_with_a_small_fifo():
    work = np.array([[4, 0], [4, 0], [0, 4], [0, 4]])
    latencies = [window(work, none(work), depth).latency for depth in (0, 1, 2, 3)]
    assert latencies == [16, 12, 8, 8]


@settings(max_examples=300, deadline=None)
@given(streams(), depths, st.integers(1, 4))
def test_private_lies_between_its_bounds(case, depth, width):
    tokens, pes = case
    work = np.zeros(pes, dtype=int)
    for cycles, to in tokens:
        for p, n in to.items():
            work[p] += cycles * n
    assert run_private(tokens, pes, UNLIMITED, 0).latency == work.max()
    one_by_one = sum(cycles * max(to.values(), default=0) for cycles, to in tokens)
    assert work.max() <= run_private(tokens, pes, 0, 0).latency <= one_by_one
    for w in (0, width):
        assert same(run_private(tokens, pes, len(tokens), w), run_private(tokens, pes, UNLIMITED, w))
        run = run_private(tokens, pes, depth, w)
        assert (run.work == work).all()
        assert (run.work + run.starved + run.blocked + run.tail == run.latency).all()
        assert min(run.starved.min(), run.blocked.min(), run.tail.min()) >= 0
        assert run.most_waiting <= min(depth, len(tokens))
        assert run_private(tokens, pes, depth + 1, w).latency <= run.latency
    narrow = run_private(tokens, pes, depth, width).latency
    assert narrow >= len(tokens) / width
    assert run_private(tokens, pes, depth, width + 1).latency <= narrow
    assert run_private(tokens, pes, depth, 0).latency <= narrow


@settings(max_examples=300, deadline=None)
@given(streams(), depths, st.integers(0, 4), st.data())
def test_private_takes_longer_with_more_to_do_and_knows_no_order_of_pes(case, depth, width, data):
    tokens, pes = case
    run = run_private(tokens, pes, depth, width)
    longer = [*tokens, data.draw(st.sampled_from(tokens))]
    assert run_private(longer, pes, depth, width).latency >= run.latency
    chosen = data.draw(st.integers(0, len(tokens) - 1))
    dearer = [(cycles + (number == chosen), to) for number, (cycles, to) in enumerate(tokens)]
    assert run_private(dearer, pes, depth, width).latency >= run.latency
    order = data.draw(st.permutations(range(pes)))
    moved = run_private([(cycles, {order[p]: n for p, n in to.items()}) for cycles, to in tokens], pes, depth, width)
    assert moved.latency == run.latency
    assert moved.blocked[list(order)].tolist() == run.blocked.tolist()
    tripled = run_private([(3 * cycles, to) for cycles, to in tokens], pes, depth, 0)
    assert tripled.latency == 3 * run_private(tokens, pes, depth, 0).latency


@pytest.mark.parametrize("width", [0, 1])
def test_nothing_to_send_takes_no_time(width):
    empty = np.zeros((0, 3), dtype=np.int64)
    assert window(empty, none(empty), 1).latency == 0
    assert run_private([], 3, 1, width).latency == 0
