"""A project whose stages take no time, with one chain."""

from collections.abc import Sequence
from pathlib import Path

from tests.cli.helpers import printed
from tests.cluster.helpers import commit, make_project
from uticket.base.files import read_rows
from uticket.config.rounds import apply_presets

ONE_CHAIN = "tickets: {%s/r01: dense}\nbalance: {%s: null}\nreport: {baseline: %s}\n"


def project_of(folder: Path, method: str) -> Path:
    """Make and commit a project below the top of its repository; a chain `lth` pauses, another one does not."""
    project = make_project(folder / "top")
    (project / "search.yaml").unlink()
    (project / "presets/chain.yaml").write_text(ONE_CHAIN.replace("%s", method))
    with_preset(project, "chain")
    commit(project)
    return project


def with_preset(project: Path, name: str) -> None:
    """Merge a preset of the project, the working folder or not, into its params.yaml."""
    apply_presets(project / "params.yaml", [project / f"presets/{name}.yaml"])


def seeds_in(table: str) -> list[tuple[str, str]]:
    """The seed of each row of a table, and the one with which its numbers were made."""
    return [(row["seed"], row["trained_with"]) for row in read_rows(Path("seeds") / f"{table}.csv")]


def states() -> dict[str, Sequence[str]]:
    """The other columns of `uticket seeds --status`, by seed."""
    lines = [line.split("  ") for line in printed("seeds", "--status").splitlines()[2:]]
    return {line[0]: [cell.strip() for cell in line[1:] if cell.strip()] for line in lines}
