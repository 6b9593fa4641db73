"""Where points are computed: in threads of this process, or on the workers of a Dask cluster."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
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
Run = Callable[[Ticket, Work, str], Iterator[Results]]  # the last is the timing model; results are in the order of work
SECONDS_TO_CONNECT = 10


@contextmanager
def workers(scheduler: str | None, code: str) -> Iterator[Run]:
    """Give what computes points.

    scheduler: address of that of a Dask cluster; None: threads of this process. code: the version of uticket for which
    results are kept. Raises InputError if Dask is not installed, no scheduler answers, or a worker has another version.
    """
    if scheduler is None:
        yield _in_this_process
        return
    try:
        from distributed import Client  # imported here: optional, and takes a second
    except ImportError:
        raise InputError("--dask: expected distributed to be installed, got none; pip install distributed") from None
    try:
        client = Client(scheduler, timeout=SECONDS_TO_CONNECT, set_as_default=False)
    except (OSError, ValueError, ImportError) as error:
        raise InputError(f"--dask: expected a scheduler at {scheduler}, got: {one_line(error)}") from None
    with client:
        _check_code(client, code)

        def on_workers(ticket: Ticket, work: Work, model: str) -> Iterator[Results]:
            sent = client.scatter(ticket, broadcast=True, hash=False)
            points, chips = zip(*work, strict=True)
            futures = client.map(run_point, [sent] * len(work), points, chips, model=model, pure=False)
            while futures:
                yield futures.pop(0).result()  # and let the cluster forget it

        yield on_workers


def _in_this_process(ticket: Ticket, work: Work, model: str) -> Iterator[Results]:
    return in_threads(lambda item: run_point(ticket, *item, model), work)


def _check_code(client: Any, code: str) -> None:
    """Raise InputError if a worker would compute with another uticket."""
    for address, version in client.run(installed_version).items():
        if version != code:
            raise InputError(f"--dask: expected uticket {code} at {address}, got {version}")
