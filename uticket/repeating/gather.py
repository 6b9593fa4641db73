"""Bring the tables of all seeds together, in the folder `seeds/` of the project."""

from io import StringIO
from pathlib import Path

from ruamel.yaml import YAML

from uticket.base.errors import InputError, listed, shortened
from uticket.base.files import Row, is_file, read_rows, write_rows, write_text, written_together
from uticket.config.paths import REPORT, SEED_CLONES, SEEDS, SeedFiles
from uticket.config.schemas import BY_SEED
from uticket.config.shared import read_shared, shared_settings, without_seed
from uticket.repeating.hold import held
from uticket.repeating.repeat import Base, repeats_of
from uticket.repeating.tracked import has_report

HEADER = "# Written by `uticket seeds`: what the seeds in this folder share.\n"
MOST_DIGITS = 19  # of a seed
Tables = dict[str, list[Row]]  # by the name of the table


def gather(base: Base) -> list[str]:
    """Write seeds/TABLE.csv: the tables of the reports of all seeds that are done, with the column `seed` in front.

    Of the project's own report, if it is up to date, of clones, and of seeds/ itself, if they have the same params.
    Returns what was done, line by line. Of two commands, one waits for the other. Raises InputError if there is none,
    or a table is missing or damaged.
    """
    with held(base.project.folder / SEED_CLONES / "gather.lock", wait=True):
        return _gather(base)


def _gather(base: Base) -> list[str]:
    folder = base.project.folder
    found = _done(base)
    new = set(found)
    found |= {seed: tables for seed, tables in gathered(base).items() if seed not in new}
    if not found:
        raise InputError(f"{folder / SEEDS.folder}: expected a seed that is done, got none; see uticket seeds --status")
    columns = _columns(next(iter(found.values())))
    odd = [seed for seed, tables in found.items() if _columns(tables) != columns]
    seeds = sorted(set(found) - set(odd))
    with written_together(folder / SEEDS.folder) as part:
        files = SeedFiles(part)
        for name in BY_SEED:
            rows = [{"seed": seed, **row} for seed in seeds for row in found[seed][name]]
            write_rows(files.table(name), rows, ["seed"])
        write_text(files.params, _params(base))
    lines = [f"seed {seed}: left out, its tables have other columns; run it again" for seed in sorted(odd)]
    return [
        *lines,
        f"written: {SEEDS.folder}/, the tables of {_named(seeds)}",
        "next: dvc repro report, which shows them",
    ]


def _named(seeds: list[int]) -> str:
    return f"seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}"


def _done(base: Base) -> dict[int, Tables]:
    """Return the tables of the project itself and of clones, the newest code first."""
    folders: dict[int, Path] = {}
    if base.has_own_params and has_report(base.project):
        folders[base.params.seed] = base.project.folder
    repeats = {repeat: commit for repeat in repeats_of(base) if (commit := repeat.commit) is not None}
    for repeat in sorted(repeats, key=lambda repeat: repeats[repeat] != base.commit):
        folders.setdefault(repeat.seed, repeat.folder)
    return {
        seed: {name: list(read_rows(folder / REPORT.table(name))) for name in BY_SEED}
        for seed, folder in folders.items()
    }


def gathered(base: Base) -> dict[int, Tables]:
    """Return the tables in seeds/ by seed, none if they are of other params; clones may be removed, or elsewhere.

    Raises InputError, naming the file, if one is missing, damaged or lacks a seed.
    """
    files = SeedFiles(base.project.folder / SEEDS.folder)
    if not is_file(files.params) or read_shared(files.params) != shared_settings(base.params):
        return {}
    found: dict[int, Tables] = {}
    for name in BY_SEED:
        for row in read_rows(files.table(name)):
            tables = found.setdefault(_seed_of(row, files.table(name)), {name: [] for name in BY_SEED})
            tables[name].append({column: row[column] for column in row if column != "seed"})
    for name in (name for name, schema in BY_SEED.items() if schema.has_rows):
        if empty := [str(seed) for seed, tables in found.items() if not tables[name]]:
            raise InputError(f"{files.table(name)}: expected rows of seed {listed(empty)}, got none")
    return found


def _seed_of(row: Row, path: Path) -> int:
    """Return the seed of a row of `path`. Raises InputError if it has none."""
    seed = str(row.get("seed", ""))
    if not (seed.isascii() and seed.isdecimal() and len(seed) <= MOST_DIGITS):
        raise InputError(f"{path}: expected a seed in each row, got {shortened(seed) or 'none'}")
    return int(seed)


def _columns(tables: Tables) -> dict[str, list[str]]:
    return {name: list(rows[0]) if rows else [] for name, rows in tables.items()}


def _params(base: Base) -> str:
    """Return params.yaml without the seed, and without its comments."""
    out = StringIO()
    YAML().dump(without_seed(base.values), out)
    return HEADER + out.getvalue()
