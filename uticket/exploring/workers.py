"""Where points are computed: in threads of this process, or on the workers of a Dask cluster."""

from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager
from functools import cache
from typing import Any

from uticket.base.errors import InputError, one_line
from uticket.base.threads import in_threads
from uticket.config.space import Point
from uticket.exploring.point import run_point
from uticket.hardware.chip import Chip
from uticket.project.version import installed_version
from uticket.ticket.ticket import Ticket

Results = dict[str, Any]
Work = Sequence[tuple[Point, Chip]]
Run = Callable[
    [Ticket, Work, str], Generator[Results, None, None]
]  # the last is the timing model; results are in the order of work
SECONDS_TO_CONNECT = 10


@contextmanager
def workers(scheduler: str | None, code: str) -> Iterator[Run]:
    """Give what computes points.

    scheduler: address of that of a Dask cluster; None: threads of this process. code: the version of uticket for which
    results are kept. Raises InputError if Dask is not installed, no scheduler answers, it has no workers or lost
    them, or one has another version.
    """
    if scheduler is None:
        yield _in_this_process
        return
    try:
        from distributed import Client, KilledWorker  # imported here: optional, and takes a second
    except ImportError:
        raise InputError("--dask: expected distributed to be installed, got none; pip install distributed") from None
    try:
        client = Client(scheduler, timeout=SECONDS_TO_CONNECT, set_as_default=False)
    except (OSError, ValueError, ImportError) as error:
        raise InputError(f"--dask: expected a scheduler at {scheduler}, got: {one_line(error)}") from None
    with client:
        _check_workers(client, scheduler, code)

        @cache  # by identity
        def sent(ticket: Ticket) -> Any:
            return client.scatter(ticket, broadcast=True, hash=False)

        def on_workers(ticket: Ticket, work: Work, model: str) -> Generator[Results, None, None]:
            chips = {id(chip): chip for _, chip in work}
            at = dict(zip(chips, client.scatter([*chips.values()], broadcast=True, hash=False), strict=True))
            futures = [client.submit(run_point, sent(ticket), p, at[id(c)], model, pure=False) for p, c in work]
            try:
                while futures:
                    yield futures.pop(0).result()  # and let the cluster forget it
            except (KilledWorker, CancelledError) as error:
                lost = f"{one_line(error)}; the same command resumes"
                raise InputError(f"--dask: expected workers until the end, got: {lost}") from None

        yield on_workers


def _in_this_process(ticket: Ticket, work: Work, model: str) -> Generator[Results, None, None]:
    yield from in_threads(lambda item: run_point(ticket, *item, model), work)


def _check_workers(client: Any, scheduler: str, code: str) -> None:
    """Raise InputError if there is no worker, or one that would compute with another uticket."""
    try:
        client.wait_for_workers(1, timeout=SECONDS_TO_CONNECT)
    except TimeoutError:
        raise InputError(f"--dask: expected workers of {scheduler}, got none") from None
    for address, version in client.run(installed_version).items():
        if version != code:
            raise InputError(f"--dask: expected uticket {code} at {address}, got {version}")
