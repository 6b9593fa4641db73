"""Points on the workers of a Dask cluster: two processes on this machine."""

import os

import pytest

import uticket as ut
from tests.exploring.helpers import SPACE, small_ticket
from uticket.exploring import workers

distributed = pytest.importorskip("distributed")


@pytest.fixture(scope="module")
def cluster():
    """A scheduler and two workers, each a process."""
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0", silence_logs=50
    ) as found:
        yield found


def test_two_workers_find_what_one_process_finds(cluster, tmp_path, monkeypatch):
    tickets = {"one": small_ticket(), "other": small_ticket(1)}
    expected = ut.explore(tickets, SPACE)

    def noting(ticket, point, chip, model):
        found = real(ticket, point, chip, model)
        return {**found, "worker": distributed.get_worker().address}

    real = workers.run_point
    monkeypatch.setattr(workers, "run_point", noting)
    found = ut.explore(tickets, SPACE, record=tmp_path / "points.jsonl", scheduler=cluster.scheduler_address)
    seen = {row.pop("worker") for row in found.rows}
    assert len(seen) == 2
    assert found == expected
    monkeypatch.undo()
    assert len(ut.explore(tickets, SPACE, record=tmp_path / "points.jsonl").rows) == 36


def test_an_error_of_a_point_is_that_of_the_run(cluster):
    without = ut.Ticket(small_ticket().layers, small_ticket().mask)
    with pytest.raises(ut.InputError, match="conv2"):
        ut.explore(without, SPACE, scheduler=cluster.scheduler_address)


def test_workers_with_another_uticket_are_refused(cluster):
    expected = r"--dask: expected uticket 0.0.0 0123 at tcp://.*, got 0.2.0"
    with pytest.raises(ut.InputError, match=expected), workers.workers(cluster.scheduler_address, "0.0.0 0123"):
        pass


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nonsense://x", "127.0.0.1"])
def test_no_scheduler_is_one_line(monkeypatch, address):
    monkeypatch.setattr(workers, "SECONDS_TO_CONNECT", 1)
    with pytest.raises(ut.InputError, match=f"--dask: expected a scheduler at {address}, got: "):
        ut.explore(small_ticket(), SPACE, scheduler=address)


def test_a_scheduler_without_workers_is_one_line(monkeypatch):
    monkeypatch.setattr(workers, "SECONDS_TO_CONNECT", 1)
    options = {"n_workers": 0, "processes": False, "dashboard_address": ":0", "silence_logs": 50}
    with (
        distributed.LocalCluster(protocol="tcp", **options) as empty,
        pytest.raises(ut.InputError, match="--dask: expected workers of tcp://.*, got none"),
    ):
        ut.explore(small_ticket(), SPACE, scheduler=empty.scheduler_address)


def test_workers_that_die_end_the_run_with_one_line(cluster, monkeypatch):
    monkeypatch.setattr(workers, "run_point", lambda *_: os._exit(1))
    monkeypatch.setattr(cluster.scheduler, "allowed_failures", 0)
    with pytest.raises(
        ut.InputError, match="--dask: expected workers until the end, got: .*; the same command resumes"
    ):
        ut.explore(small_ticket(), {"pes": [2]}, scheduler=cluster.scheduler_address)
