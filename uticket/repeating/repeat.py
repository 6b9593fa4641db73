"""The pipeline with another seed, and where it has its files."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from uticket.base.errors import InputError
from uticket.base.files import is_file, is_folder, read_text
from uticket.config.params import Params, checked_params, parse_yaml, read_params
from uticket.config.paths import SEED_CLONES, ticket_files
from uticket.config.shared import shared_settings
from uticket.project.clone import PARAMS, Project, params_text
from uticket.project.programs import succeed
from uticket.repeating.hold import held


@dataclass(frozen=True)
class Base:
    """What is repeated: a commit of a project with one params.yaml, whatever becomes of them meanwhile.

    text: of params.yaml.
    """

    project: Project
    commit: str
    text: str

    @cached_property
    def values(self) -> Any:
        """What params.yaml holds, unchecked."""
        return parse_yaml(PARAMS, self.text)

    @cached_property
    def params(self) -> Params:
        """Its params, with the seed of the project itself."""
        return checked_params(self.values, PARAMS)

    @property
    def has_own_params(self) -> bool:
        """Whether params.yaml of the project still is what it was, with any seed."""
        return shared_settings(read_params(self.project.folder / PARAMS)) == shared_settings(self.params)


def base_of(project: Project) -> Base:
    """Return the last commit of a project and its params.yaml, committed or not."""
    commit = succeed(project.top, "git", "rev-parse", "HEAD")
    return Base(project, commit, read_text(project.folder / PARAMS))


class RunningError(InputError):
    """A seed that another process runs."""


@dataclass(frozen=True)
class Repeat:
    """A seed with which the pipeline runs in a clone."""

    base: Base
    seed: int

    @property
    def clone(self) -> Path:
        """A clone of the project's repository."""
        return self._named("")

    @property
    def folder(self) -> Path:
        """The folder of the project in the clone."""
        return self.clone / self.base.project.prefix

    @property
    def mark(self) -> Path:
        """Written when all stages have run: the commit of the project."""
        return self._named(".done")

    @cached_property
    def text(self) -> str:
        """The text of its params.yaml. Raises InputError if it would be wrong."""
        return params_text(self.base.project, self.base.text, self.seed)

    @property
    def exists(self) -> bool:
        """Whether it has a clone."""
        return is_folder(self.clone)

    @property
    def has_params(self) -> bool:
        """Whether its clone has the params that it should have, but for what decides no number."""
        with suppress(InputError):  # of another version of uticket
            should = checked_params(parse_yaml(PARAMS, self.text), PARAMS)
            return shared_settings(read_params(self.folder / PARAMS)) == shared_settings(should)
        return False

    @property
    def commit(self) -> str | None:
        """The commit with which all stages have run with these params; None if they have not."""
        return read_text(self.mark) if is_file(self.mark) and self.has_params else None

    @property
    def tickets(self) -> int:
        """How many tickets its clone holds, the dense one included."""
        return sum(is_file(self.folder / ticket_files(name).metrics) for name in ("dense", *self.base.params.tickets))

    @property
    def runs(self) -> bool:
        """Whether a process runs it."""
        try:
            with self.alone():
                return False
        except RunningError:
            return True
        except InputError:  # no place to write to, so none that could run it
            return False

    @contextmanager
    def alone(self) -> Iterator[int]:
        """Let no other process run it; yields a file number that a process which runs on may inherit.

        Raises RunningError if another process runs it, InputError if there is no place to write to.
        """
        with ExitStack() as stack:
            try:
                file = stack.enter_context(held(self._named(".lock")))
            except BlockingIOError:
                raise RunningError(f"{self.clone}: expected no process that runs seed {self.seed}, got one") from None
            yield file

    def _named(self, ending: str) -> Path:
        return self.base.project.folder / SEED_CLONES / f"seed{self.seed}{ending}"


def repeats_of(base: Base) -> list[Repeat]:
    """Return the seeds that have a clone, in order."""
    names = [path.name.removeprefix("seed") for path in (base.project.folder / SEED_CLONES).glob("seed*")]
    return [Repeat(base, seed) for seed in sorted(int(name) for name in names if name.isdecimal())]
