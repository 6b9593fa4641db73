"""The tables of a run beside those of other seeds (`uticket seeds`): one table of means."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from uticket.base.errors import InputError, listed
from uticket.base.files import Row, is_file
from uticket.base.spread import Mean
from uticket.base.text import FRACTIONS
from uticket.config.params import Params, checked_params, read_yaml
from uticket.config.paths import REPORT, SEEDS
from uticket.config.schemas import BY_SEED, REPORT_ROUNDS
from uticket.config.shared import shared_settings
from uticket.report.savings import with_savings
from uticket.report.tables import SAVED_BY_MODEL, Rows, Tables
from uticket.report.words import known

OF_ONE_SEED = ("round", "accuracy_error")  # columns without a mean: the same in all seeds, or for an axis only


@dataclass(frozen=True)
class Spread:
    """The tables over all seeds. seeds: empty if there is one only. left_out: what is not in the tables, and why."""

    tables: Tables
    seeds: Sequence[int] = ()
    left_out: Sequence[str] = ()


def over_all_seeds(tables: Tables, blocks: Mapping[str, Any]) -> Spread:
    """Return the tables of a run as means over its own seed and those in `seeds/`.

    blocks: of params.yaml. Numbers become `Mean`; the training stays that of the run. Rows are those of the run. Where
    the folder has its seed too, it counts once, as the folder has it. Seeds of other params, or with tables of another
    version, are left out. Raises InputError, naming the file, if one is missing, damaged or lacks a seed.
    """
    files = {name: SEEDS.table(name) for name in BY_SEED}
    if not any(map(is_file, (SEEDS.params, *files.values()))):
        return Spread(tables)
    values, found = read_yaml(SEEDS.params), {name: BY_SEED[name].read(path) for name, path in files.items()}
    by_seed = {name: _split(rows) for name, rows in found.items()}
    _check_seeds(by_seed)
    _check_fractions(found)
    why = _other_params(values, blocks) or _other_columns(tables, found)
    if why:
        again = "uticket seeds " + " ".join(map(str, by_seed["rounds"]))
        return Spread(
            tables, left_out=[f"The seeds in {SEEDS.folder}/ are left out: {why}. `{again}` runs them again."]
        )
    own = blocks["seed"]
    seeds = sorted({own, *by_seed["rounds"]})
    if len(seeds) == 1:
        return Spread(tables)
    means = {
        name: list(_means({own: getattr(tables, name), **rows}, getattr(tables, name), BY_SEED[name].keys[1:]))
        for name, rows in by_seed.items()
    }
    means["models"] = with_savings(means["models"], blocks["report"].baseline, SAVED_BY_MODEL)
    return Spread(replace(tables, **means), seeds, list(_incomplete(means["rounds"], seeds)))


def rounds_over_all_seeds(params: Params) -> Spread:
    """Return the rounds of `report/`, as means over all seeds; the other tables are empty. Raises as the above does."""
    tables = Tables(**{field.name: [] for field in fields(Tables)})
    rounds = REPORT_ROUNDS.read(REPORT.table("rounds"))
    return over_all_seeds(replace(tables, rounds=rounds), dict(params))


def _split(rows: Rows) -> dict[int, Rows]:
    """Return the rows of each seed, without the column."""
    found: dict[int, Rows] = {}
    for row in rows:
        found.setdefault(row["seed"], []).append({name: row[name] for name in row if name != "seed"})
    return found


def _check_seeds(by_seed: Mapping[str, Mapping[int, Rows]]) -> None:
    """Raise InputError if a seed is no whole number, or if not all tables that have rows have the same seeds."""
    expected = by_seed["rounds"]
    for name, rows in by_seed.items():
        odd = [seed for seed in rows if not isinstance(seed, int)]
        if odd:
            raise InputError(f"{SEEDS.table(name)}: column seed: expected whole numbers, got {listed(map(str, odd))}")
        if rows and set(rows) != set(expected):
            wanted = f"the seeds of {SEEDS.table('rounds').name}, {listed(map(str, expected))}"
            got = f"{listed(map(str, rows))}; `uticket seeds` writes them"
            raise InputError(f"{SEEDS.table(name)}: expected {wanted}, got {got}")


def _check_fractions(found: Mapping[str, Rows]) -> None:
    """Raise InputError if a fraction is not in [0, 1]."""
    for table, rows in found.items():
        for name in FRACTIONS:
            odd = [f"{row[name]:g}" for row in rows if known(row.get(name)) and not 0 <= row[name] <= 1]
            if odd:
                raise InputError(
                    f"{SEEDS.table(table)}: column {name}: expected fractions in [0, 1], got {listed(odd)}"
                )


def _other_params(values: Any, blocks: Mapping[str, Any]) -> str:
    """Return in what the settings of the seeds differ from those of a run; empty if no number depends on it."""
    try:
        there = checked_params({"seed": 0, **values} if isinstance(values, dict) else values, SEEDS.params)
    except InputError as error:
        return f"their settings are no longer valid ({error})"
    here = Params.model_construct(**blocks)
    keys = list(_differing("", shared_settings(there), shared_settings(here)))
    return f"they were run with other params ({listed(keys)})" if keys else ""


def _differing(prefix: str, one: Any, other: Any) -> Iterator[str]:
    """Return the dotted keys at which two settings differ."""
    if isinstance(one, dict) and isinstance(other, dict):
        for name in dict.fromkeys((*one, *other)):
            yield from _differing(f"{prefix}.{name}" if prefix else str(name), one.get(name), other.get(name))
    elif one != other:
        yield prefix


def _other_columns(tables: Tables, found: Mapping[str, Rows]) -> str:
    """Return which table differs in its columns from that of the run, or has no rows where that has; else empty.

    Columns of a table without rows are unknown.
    """
    for name, rows in found.items():
        own: Rows = getattr(tables, name)
        if own and not rows:
            return f"{SEEDS.table(name).name} has no rows"
        odd = set(rows[0]) ^ {"seed", *own[0]} if rows and own else set()
        odd -= {"accuracy_error"}  # depends on whether the test set is there
        if odd:
            return f"{SEEDS.table(name).name} has other columns ({listed(sorted(odd))} in one of both only)"
    return ""


def _means(by_seed: Mapping[int, Rows], shown: Rows, keys: Sequence[str]) -> Iterator[Row]:
    """Return each row with the means of the rows that have the same values of `keys`, each with its own seeds."""
    found = {seed: {tuple(row[key] for key in keys): row for row in rows} for seed, rows in by_seed.items()}
    kept = {*keys, *OF_ONE_SEED}
    for row in shown:
        key = tuple(row[name] for name in keys)
        of_seeds = {seed: rows[key] for seed, rows in found.items() if key in rows}
        yield {name: value if name in kept else _mean(name, value, of_seeds) for name, value in row.items()}


def _mean(name: str, own: Any, rows: Mapping[int, Row]) -> Any:
    """Return the mean of a column over the seeds that have a number, `own` if none has; of texts, all of them."""
    values = {seed: row.get(name) for seed, row in rows.items()}
    texts = [value for value in values.values() if isinstance(value, str)]
    if texts:
        return ", ".join(sorted(set(texts)))
    numbers: dict[int, Any] = {seed: value for seed, value in values.items() if known(value)}
    return Mean(numbers) if numbers else own


def _incomplete(rounds: Rows, seeds: Sequence[int]) -> Iterator[str]:
    """Say which methods lack results of a seed."""
    last = {row["method"]: row["accuracy"] for row in rounds}
    for method, accuracy in last.items():
        missing = [str(seed) for seed in seeds if seed not in accuracy.samples]
        if missing:
            yield f"{method} has no last ticket of seed {listed(missing)}: its numbers are means over the other seeds."
