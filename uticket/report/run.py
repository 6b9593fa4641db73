"""What the page says about a run beside its tables: settings, data set, machines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from uticket.base.files import Row, is_file, read_json
from uticket.config.document import About
from uticket.config.paths import PREPARED, ticket_files
from uticket.config.plan import ChainPlan


@dataclass(frozen=True)
class Run:
    """A run as the page describes it.

    blocks: of params.yaml, by name, as `uticket.config.params.Params` has them. chains: the tickets of each method.
    data: None if the data set was not prepared here, as in a clone without DVC's cache. machines: those of the tickets
    that have a machine.json. left_out: why methods or seeds are not on the page, a line for each. seeds: over which the
    tables are means; empty if they are of one seed.
    """

    blocks: Mapping[str, Any]
    chains: Sequence[ChainPlan]
    data: About | None
    machines: Mapping[str, Row]
    left_out: Sequence[str] = ()
    seeds: Sequence[int] = ()

    @classmethod
    def read(cls, blocks: Mapping[str, Any], chains: Sequence[ChainPlan], left_out: Sequence[str] = ()) -> "Run":
        """Read what stages wrote about data set and machines. Raises InputError, naming the file, if one is damaged."""
        about = PREPARED / "about.json"
        tickets = dict.fromkeys(ticket for chain in chains for ticket in chain.rounds)
        files = {ticket: ticket_files(ticket).machine for ticket in tickets}
        machines = {ticket: read_json(path) for ticket, path in files.items() if is_file(path)}
        return cls(blocks, chains, About.read(about) if is_file(about) else None, machines, left_out)

    @property
    def baseline(self) -> str:
        """The method that the other ones are compared with."""
        baseline: str = self.blocks["report"].baseline
        return baseline

    @property
    def pes(self) -> int:
        """PEs of the array."""
        pes: int = self.blocks["hw"].pes
        return pes

    @property
    def seed(self) -> int:
        """The seed of the run itself, in params.yaml."""
        seed: int = self.blocks["seed"]
        return seed

    @property
    def rounds(self) -> int:
        """Rounds of the longest chain."""
        return max((max(chain.rounds.values()) for chain in self.chains), default=0)

    @property
    def test_images(self) -> int | None:
        """Size of the test set; None if it is unknown."""
        return self.data.test_images if self.data else None

    @cached_property
    def subject(self) -> str:
        """The method that the page is about: `uticket`, the first one besides the baseline, or the only one."""
        methods = [chain.method for chain in self.chains]
        others = [method for method in methods if method != self.baseline]
        return next((method for method in ("uticket", *others, *methods) if method in methods), self.baseline)
