"""The laws that the recurrence must obey."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.hardware.stepped import UNLIMITED, chunks, depths, none, run_private, same, streams
from uticket.hardware.recurrence import window


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
