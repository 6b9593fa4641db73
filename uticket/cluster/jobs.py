"""The jobs of a search, and where each has its files."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from uticket.base.files import is_file, read_json, write_json
from uticket.config.lineage import DENSE
from uticket.config.search import Search


@dataclass(frozen=True)
class Job:
    """The dense training of a preset and a seed, or a chain that starts from it.

    root: absolute folder of the search. method: of the chain, or `dense`.
    """

    root: Path
    preset: str
    seed: int
    method: str

    @property
    def name(self) -> str:
        """Its name in tables, in the queue and, after `cluster/`, as a branch."""
        return f"{self.preset}/seed{self.seed}/{self.method}"

    @property
    def branch(self) -> str:
        """The branch on which its results are committed."""
        return f"cluster/{self.name}"

    @property
    def folder(self) -> Path:
        """All of its files."""
        return self.root / "jobs" / self.name

    @property
    def store(self) -> Path:
        """The DVC cache of all jobs of the search; elsewhere it serves as a remote, which has the same layout."""
        return self.root / "store"

    @property
    def clone(self) -> Path:
        """Its working folder, a clone of the project's repository: DVC locks one for as long as it runs."""
        return self.folder / "clone"

    @property
    def logs(self) -> Path:
        """What submitit writes: scripts and logs, by the job's number in the queue."""
        return self.folder / "logs"

    @property
    def dense(self) -> "Job":
        """The dense training from which its chain starts."""
        return replace(self, method=DENSE)

    @property
    def begun(self) -> Path:
        """Written when a chain has the results of its dense training."""
        return self.folder / "begun"

    @property
    def mark(self) -> Path:
        """Written when its results are committed."""
        return self.folder / "done"

    @property
    def done(self) -> bool:
        """Whether its results are committed."""
        return is_file(self.mark)

    @property
    def number(self) -> str | None:
        """Its number in the queue when it was last submitted."""
        return read_json(self._submitted)["number"] if is_file(self._submitted) else None

    @property
    def log(self) -> Path | None:
        """What its last run says, if it was submitted."""
        return None if self.number is None else self.logs / f"{self.number}_0_log.err"

    def note(self, number: str) -> None:
        """Keep its number in the queue."""
        write_json(self._submitted, {"number": number})

    @property
    def _submitted(self) -> Path:
        return self.folder / "submitted.json"


@dataclass(frozen=True)
class Group:
    """The jobs of a preset and a seed: the dense training, and the chains that start from it."""

    dense: Job
    chains: list[Job]

    def __iter__(self) -> Iterator[Job]:
        yield from (self.dense, *self.chains)


def groups_of(search: Search) -> list[Group]:
    """Return the jobs of a search by preset and seed."""
    root = Path(search.folder).resolve()
    return [
        Group(Job(root, preset, seed, DENSE), [Job(root, preset, seed, method) for method in search.methods])
        for preset in search.presets
        for seed in search.seeds
    ]
