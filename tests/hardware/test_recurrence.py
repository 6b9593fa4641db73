"""The compiled recurrence beside an array that is stepped through cycle by cycle."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.hardware.stepped import UNLIMITED, chunks, depths, none, run_private, same, step_through, streams
from uticket.hardware.recurrence import window


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
    narrow = run_private(tokens, 2, 1, 0)  # the third waits until PE 1 has begun the second, and the fourth after it
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


def test_balance_of_whole_filters_does_not_suffice_with_a_small_fifo():
    work = np.array([[4, 0], [4, 0], [0, 4], [0, 4]])
    latencies = [window(work, none(work), depth).latency for depth in (0, 1, 2, 3)]
    assert latencies == [16, 12, 8, 8]


@pytest.mark.parametrize("width", [0, 1])
def test_nothing_to_send_takes_no_time(width):
    empty = np.zeros((0, 3), dtype=np.int64)
    assert window(empty, none(empty), 1).latency == 0
    assert run_private([], 3, 1, width).latency == 0
