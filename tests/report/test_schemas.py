"""Tables of other stages that were changed by hand or by a defect: one line of `stages.report`, whatever the change."""

import csv
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stages import report
from tests.helpers import PARAMS, ROOT
from tests.report.conftest import MakeOutputs
from uticket.config import schemas
from uticket.config.params import read_params
from uticket.config.paths import chain_file, mapping_files, quantization_file, simulation_files, ticket_files
from uticket.config.schema import Schema

METHODS = ("lth", "uticket")
READ = {  # of the second method
    simulation_files("uticket").tickets: schemas.TICKETS,
    simulation_files("uticket").layers: schemas.LAYERS,
    simulation_files("uticket").sweeps: schemas.SWEEPS,
    mapping_files("uticket").mappings: schemas.MAPPINGS,
    mapping_files("uticket").storage: schemas.STORAGE,
    mapping_files("uticket").rounded: schemas.ROUNDED,
    quantization_file("uticket"): schemas.QUANTIZATION,
    ticket_files("uticket/r02").training: schemas.TRAINING,
}
Cells = list[list[str]]


@pytest.fixture
def line(outputs: MakeOutputs, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> Callable[[], str]:
    """A function that runs `stages.report` on the outputs of two methods, and returns the line it ends with."""
    for chain in outputs(METHODS):
        chain.write(chain_file(chain.method))
    params = read_params(PARAMS)
    monkeypatch.setattr(report, "read_params", lambda: params.model_copy(update={"balance": dict.fromkeys(METHODS)}))

    def run() -> str:
        with pytest.raises(SystemExit) as ended:
            report.main([])
        assert ended.value.code == 2
        text = capsys.readouterr().err
        assert text.count("\n") == 1
        return text

    return run


def changes(table: Cells, schema: Schema) -> Iterator[tuple[str, Cells, str]]:
    """Return changes of each column of a table: what is changed, the changed table, what the line says."""
    names, *rows = table
    for place, name in enumerate(names):

        def with_cell(text: str, place: int = place) -> Cells:
            return [names, *rows[:-1], [*rows[-1][:place], text, *rows[-1][place + 1 :]]]

        known = name in schema.columns
        renamed = [[*names[:place], f"{name}2", *names[place + 1 :]], *rows]
        yield f"{name} renamed", renamed, f"expected the column {name}, got " if known else f"{name}2"
        yield f"{name} missing", [[*row[:place], *row[place + 1 :]] for row in table], name
        yield f"{name} doubled", [[*row, row[place]] for row in table], f"different columns, got '{name}' twice"
        cell = f"row {len(rows)}: column {name}: expected "
        if known and name != schema.null:
            yield f"{name} empty", with_cell(""), cell
        if name not in (*schema.texts, *schema.maybe_texts):
            for text in ("much", "1_000", "-" if name in schema.any_numbers else "9" * 400):
                yield f"{name} {text[:9]}", with_cell(text), cell
    yield "a doubled row", [*table, rows[-1]], f"row {len(rows) + 1}: expected one row of {schema.keys[0]} "
    yield "a long row", [*table[:-1], [*rows[-1], "1"]], f"row {len(rows)}: expected {len(names)} cells"
    yield "a short row", [*table[:-1], rows[-1][:-1]], f"row {len(rows)}: expected {len(names)} cells"
    yield "no columns", [], "expected a table, got no columns"
    if schema.has_rows:
        yield "no rows", table[:1], "expected rows, got none"
    if "ticket" in names:
        others = [["dense", *row[1:]] for row in rows if row[0] == "dense"] or [["dense", *rows[-1][1:]]]
        yield "other tickets", [names, *others], "uticket/r0"


@pytest.mark.parametrize("path", READ, ids=str)
def test_every_change_of_every_column_is_one_line_that_names_it(line: Callable[[], str], path: Path):
    with path.open(newline="") as file:
        table = list(csv.reader(file))
    schema = READ[path]
    assert set(schema.columns) <= set(table[0])
    for change, changed, expected in changes(table, schema):
        with path.open("w", newline="") as file:
            csv.writer(file).writerows(changed)
        text = line()
        assert str(path) in text, change
        assert expected in text, change
        assert text.endswith("; run the stage that writes it\n"), change


def test_a_part_of_a_pe_has_both_energies(line: Callable[[], str]):
    path = simulation_files("lth").tickets
    path.write_text(path.read_text().replace("mac_leakage_pj", "mac_leaking_pj"))
    assert "tickets.csv: expected the column mac_leakage_pj, got " in line()


def test_the_analytic_model_is_among_the_rows(line: Callable[[], str]):
    path = simulation_files("lth").layers
    path.write_text(path.read_text().replace("analytic", "analytical"))
    assert "layers.csv: expected rows of the model analytic, got those of analytical, events; run" in line()


def test_results_of_this_repository_fit_their_schemas():
    for folder, name in (("simulation", "tickets"), ("simulation", "layers"), ("simulation", "sweeps")):
        for path in (ROOT / folder).glob(f"*/{name}.csv"):
            assert getattr(schemas, name.upper()).read(path)
    for name in ("mappings", "storage", "rounded"):
        for path in (ROOT / "mapping").glob(f"*/{name}.csv"):
            assert getattr(schemas, name.upper()).read(path)
    for path in (ROOT / "quantization").glob("*.csv"):
        assert schemas.QUANTIZATION.read(path)
    for path in (ROOT / "tickets").rglob("training.csv"):
        assert schemas.TRAINING.read(path)
