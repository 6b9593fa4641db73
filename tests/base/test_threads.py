import os
import threading

import pytest

from uticket.base.threads import in_threads, num_threads


@pytest.mark.parametrize("threads", ["1", "2", "9"])
def test_results_are_in_the_order_of_the_work(monkeypatch, threads):
    monkeypatch.setenv("OMP_NUM_THREADS", threads)
    later = threading.Event()

    def work(item: int) -> int:
        if item == 0 and threads != "1":
            assert later.wait(10)  # the first one ends after the second
        later.set()
        return item * item

    assert list(in_threads(work, range(4))) == [0, 1, 4, 9]
    assert list(in_threads(work, [])) == []


def test_at_most_that_many_work_at_a_time_and_threads_start_no_others(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    both = threading.Barrier(2)

    def work(_: int) -> tuple[int, set[int], int]:
        both.wait(10)
        inner = set(in_threads(lambda _: threading.get_ident(), range(3)))
        return threading.get_ident(), inner, num_threads()

    found = list(in_threads(work, range(6)))
    assert len({outer for outer, _, _ in found}) == 2
    assert all((inner, threads) == ({outer}, 1) for outer, inner, threads in found)
    assert num_threads() == 2


def test_errors_are_raised_where_the_results_are_read(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")

    def work(item: int) -> int:
        return 1 // item

    results = in_threads(work, [1, 0, 1])
    assert next(results) == 1
    with pytest.raises(ZeroDivisionError):
        list(results)


@pytest.mark.parametrize("value", [None, "", "many"])
def test_threads_are_by_default_as_many_as_the_process_may_use_processors(monkeypatch, value):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    if value is not None:
        monkeypatch.setenv("OMP_NUM_THREADS", value)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {2, 5, 7}, raising=False)
    assert num_threads() == 3
    monkeypatch.setenv("OMP_NUM_THREADS", "0")
    assert num_threads() == 1
