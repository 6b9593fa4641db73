"""Threads that wait while other processes are busy. How fast that is, benchmarks/contention.py measures."""

import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from uticket.training import contention

linux = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")


class Stop(Exception):  # noqa: N818
    """Ends the watch of a test."""


def watched(monkeypatch: pytest.MonkeyPatch, waits: list[dict[str, float]]) -> list[str]:
    """Return what a watch does that sees these seconds waited, a second apart, by name of the thread."""
    done: list[str] = []
    looks: Iterator[dict[str, float]] = iter(waits)

    class Idle:
        def __init__(self) -> None:
            done.append("sleep")

        def end(self) -> None:
            done.append("spin")

    def look() -> dict[str, float]:
        try:
            return next(looks)
        except StopIteration:
            raise Stop from None

    clock = iter(range(1000))
    monkeypatch.setattr(contention, "_IdleThreads", Idle)
    monkeypatch.setattr(contention, "_seconds_waited", look)
    monkeypatch.setattr(contention.time, "sleep", lambda _: done.append("-"))
    monkeypatch.setattr(contention.time, "monotonic", lambda: float(next(clock)))
    with pytest.raises(Stop):
        contention._watch()
    return done[:-1]


def test_threads_sleep_from_when_they_wait_until_they_no_longer_do(monkeypatch: pytest.MonkeyPatch) -> None:
    totals = [0.0, 0.09, 0.29, 0.34, 0.39, 0.40, 0.41, 0.52]  # each second: +0.09, 0.2, 0.05, 0.05, 0.01, 0.01, 0.11
    done = watched(monkeypatch, [{"1": total} for total in totals])
    assert done == ["-", "-", "sleep", "-", "-", "-", "spin", "-", "-", "sleep"]


def test_the_waits_of_all_threads_count_but_not_of_ended_or_new_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = [{"1": 0.0, "2": 5.0}, {"1": 0.06, "3": 7.0}, {"1": 0.12, "3": 7.06}]
    assert watched(monkeypatch, looks) == ["-", "-", "sleep"]


@linux
def test_the_second_group_is_one_of_openmp_and_ends() -> None:
    def count() -> int:
        return len(list(Path("/proc/self/task").iterdir()))

    torch.ones(contention.ENOUGH_FOR_THREADS).add_(1)  # the first group
    before = count()
    group = contention._IdleThreads()
    while count() < before + torch.get_num_threads():
        assert group.owner.is_alive()
    group.end()
    assert not group.owner.is_alive()


@linux
def test_linux_says_how_long_threads_waited() -> None:
    waited = contention._seconds_waited()
    assert str(threading.get_native_id()) in waited
    assert all(seconds >= 0 for seconds in waited.values())


def test_nothing_is_watched_with_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    monkeypatch.setattr(contention._Watch, "is_on", False)
    contention.watch_for_others()
    assert not contention._Watch.is_on


def test_nothing_is_watched_where_nobody_says_how_long_threads_wait(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(contention, "TASKS", tmp_path / "none")
    monkeypatch.setattr(contention._Watch, "is_on", False)
    contention.watch_for_others()
    assert not contention._Watch.is_on
