"""How far each seed is."""

from uticket.base.files import Row
from uticket.config.paths import SEED_CLONES
from uticket.repeating.gather import gathered
from uticket.repeating.repeat import Base, Repeat, repeats_of
from uticket.repeating.tracked import has_report


def states_of(base: Base) -> list[Row]:
    """Return a row for each seed that has results or a clone: seed, state, tickets, where it is."""
    rows: dict[int, Row] = {seed: _row(seed, "done", "", "seeds/") for seed in gathered(base)}
    rows |= {repeat.seed: _of_clone(repeat) for repeat in repeats_of(base)}
    own = base.params.seed
    if has_report(base.project):
        rows[own] = _row(own, "done", "", "report/")
    return [rows[seed] for seed in sorted(rows)]


def _of_clone(repeat: Repeat) -> Row:
    where = f"{SEED_CLONES}/{repeat.clone.name}"
    if not repeat.has_params:
        return _row(repeat.seed, "running" if repeat.runs else "other params", "", where)
    state = "done" if repeat.commit is not None else "running" if repeat.runs else "stopped"
    return _row(repeat.seed, state, f"{repeat.tickets} of {len(repeat.base.params.tickets) + 1}", where)


def _row(seed: int, state: str, tickets: str, where: str) -> Row:
    return {"seed": str(seed), "state": state, "tickets": tickets, "where": where}
