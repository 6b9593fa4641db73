"""A search over seeds, presets and methods on a cluster (search.yaml)."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationError

from uticket.base.errors import InputError
from uticket.config.block import AtLeastOne, Block, Count, Positive, Seed, shown
from uticket.config.params import Name, read_yaml
from uticket.config.wording import describe


def _different(values: list[int | str]) -> list[int | str]:
    """Return the values. Raises ValueError if one of them is there twice."""
    for value in values:
        if values.count(value) > 1:
            raise ValueError(f"expected different ones, got {shown(value)} twice")
    return values


Different = AfterValidator(_different)


class Resources(Block):
    """What each job asks for."""

    hours: Annotated[Positive, Field(le=10_000)] = 24.0  # after which it is stopped, and queued again
    requeues: Count = 20  # times that it is queued again
    gpus: Count = 1
    cpus: AtLeastOne = 4  # also the number of threads, which decides the last digits of a training on the CPU
    memory_gb: Positive = 32.0
    slurm: dict[str, str | int | bool] = Field(
        default={}
    )  # further options of sbatch by name, such as partition or account


class Search(Block):
    """All of search.yaml: a chain is trained for each seed, entry of `presets` and method."""

    folder: Annotated[str, Field(min_length=1)]  # on shared storage: working folders, logs, store and results
    seeds: Annotated[list[Seed], Field(min_length=1), Different]
    presets: Annotated[dict[Name, list[str]], Field(min_length=1)]  # name -> presets, merged into params.yaml in order
    methods: Annotated[list[Name], Field(min_length=1), Different]  # the first one is the baseline of what is saved
    executor: Literal["slurm", "local"] = "slurm"  # local: all jobs at once on this machine
    job: Resources = Resources()


def read_search(path: Path) -> Search:
    """Read and check search.yaml. Raises InputError with one line: the key, what was expected, what it got."""
    if not path.exists():
        raise InputError(f"{path}: expected YAML with the keys folder, seeds, presets and methods, got no file")
    try:
        return Search.model_validate(read_yaml(path))
    except ValidationError as error:
        raise InputError(f"{path}: {describe(error, Search)}") from None
