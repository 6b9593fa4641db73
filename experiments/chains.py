"""Chains of tickets for an experiment, trained where they are missing, so that a run that was stopped goes on."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from uticket.config.lineage import DENSE
from uticket.config.params import Params
from uticket.config.paths import TicketFiles
from uticket.data.prepared import Prepared
from uticket.pipeline.dense import train_dense
from uticket.pipeline.plan import plan
from uticket.pipeline.rounds import next_ticket
from uticket.ticket.ticket import Ticket

Settings = dict[str, Any]


def with_chains(params: Params, seed: int, balance: Mapping[str, Settings | None], delta: Settings) -> Params:
    """Return params with another seed, and a chain for each entry of `balance`, as long as that of lth.

    delta: other settings, nested as those of params.yaml.
    """
    names = [ticket.partition("/")[2] for ticket in params.lineage.chain("lth")[1:]]
    tickets: dict[str, str] = {}
    for method in balance:
        chain = [f"{method}/{name}" for name in names]
        tickets |= dict(zip(chain, [DENSE, *chain], strict=False))
    own = {"seed": seed, "report": {"baseline": next(iter(balance))}}
    values = merged(merged(params.model_dump(), delta), own)
    return Params.model_validate(values | {"balance": dict(balance), "tickets": tickets})


def merged(values: Settings, delta: Settings) -> Settings:
    """Return nested settings with those of `delta` in place of theirs."""
    inner = {key: merged(values.get(key, {}), value) for key, value in delta.items() if isinstance(value, dict)}
    return values | delta | inner


def train_chains(params: Params, prepared: Prepared, folder: Path) -> None:
    """Train `dense` and all tickets of the params into `folder`, but for those that are there."""
    dense = TicketFiles(folder / DENSE)
    if not dense.search.exists():  # the last file of each ticket says that it is whole
        train_dense(params, prepared, dense)
    for of_ticket in plan(params)[0]:
        out = TicketFiles(folder / of_ticket.ticket)
        if not out.metrics.exists():
            parent = Ticket.read(folder / of_ticket.parent, spikes=False)
            next_ticket(parent, dense, of_ticket, params, prepared, out)
