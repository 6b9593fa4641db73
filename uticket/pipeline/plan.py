"""The stage `plan`."""

from typing import Any

from uticket.base.errors import listed
from uticket.base.progress import log_end
from uticket.config.array import Array
from uticket.config.lineage import method_of
from uticket.config.params import Params
from uticket.config.paths import PLANS, chain_file, ticket_plan_file
from uticket.config.plan import ChainPlan, TicketPlan
from uticket.config.pruning import Balance


def plan(params: Params) -> tuple[list[TicketPlan], list[ChainPlan]]:
    """Return the plans of all tickets and of all methods of params.yaml."""
    lineage = params.lineage
    tickets = []
    for ticket, parent in lineage.parents.items():
        number, array = lineage.round_of(ticket), None
        path = params.balance[method_of(ticket)]
        balance = None if path is None else path.in_round(number)
        if balance is not None:
            array = array_of(balance, params)
        final = not params.prune.early or lineage.is_final(ticket)
        tickets.append(
            TicketPlan(ticket=ticket, parent=parent, round=number, final=final, balance=balance, array=array)
        )
    chains = []
    for method in lineage.methods:
        rounds = {ticket: lineage.round_of(ticket) for ticket in lineage.chain(method)}
        chains.append(ChainPlan(method=method, rounds=rounds))
    return tickets, chains


def array_of(balance: Balance, params: Params) -> Array | None:
    """Return what of the array decides how masks are balanced, all else by default; None if nothing does."""
    decides: dict[str, Any] = {} if params.hw.layers == "spiking_convolutions" else {"layers": params.hw.layers}
    if balance.scope == "group":
        decides |= {"pes": params.hw.pes, "mapping": params.hw.mapping, "dataflow": params.hw.dataflow}
    return Array(**decides) if decides else None


def write_plans(params: Params) -> None:
    """Write all plans, a file for each ticket and each method."""
    tickets, chains = plan(params)
    for of_ticket in tickets:
        of_ticket.write(ticket_plan_file(of_ticket.ticket))
    for of_method in chains:
        of_method.write(chain_file(of_method.method))
    methods = listed((of_method.method for of_method in chains), most=9)
    log_end("plan", f"{len(tickets)} tickets of {methods}", PLANS)
