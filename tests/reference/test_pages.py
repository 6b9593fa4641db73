"""The reference pages are what the code says, and say everything that it has."""

import re
import subprocess
from dataclasses import fields
from pathlib import Path

import click
import numpy as np
import pytest

import uticket as ut
from reference import commands, parameters, tables
from reference.__main__ import PAGES
from reference.answers import meaning_of
from reference.documents import DOCUMENTS
from reference.files import TABLES
from tests.cli.helpers import run
from tests.cli.test_hardware import LAYERS, MASKS, SPIKES
from tests.helpers import ROOT
from uticket.base.files import read_json
from uticket.cli.main import main
from uticket.config.columns import COLUMNS, documented
from uticket.config.document import About, SearchFound
from uticket.config.params import Params
from uticket.config.paths import REPORT
from uticket.config.plan import ChainPlan, TicketPlan
from uticket.config.schema import Schema


@pytest.mark.parametrize("name", PAGES)
def test_the_committed_page_is_the_one_that_the_code_gives(name):
    """`make readme` writes them."""
    assert (ROOT / name).read_text(encoding="utf-8") == PAGES[name](ROOT)


def test_every_setting_has_a_meaning_and_values():
    rows = [line.split(" | ") for line in parameters.page(ROOT).splitlines() if line.startswith("| `")]
    found = {row[0].strip("| `"): row for row in rows}
    assert {"seed", "hw.broadcast.fifo_depth", "balance.METHOD.share_budget", "tickets.METHOD/NAME"} <= set(found)
    assert {path.partition(".")[0] for path in found} == set(Params.model_fields)
    assert [path for path, row in found.items() if not row[2].strip() or not row[3].strip()] == []


def committed(ending: str) -> list[Path]:
    listed = subprocess.run(["git", "ls-files", f"*.{ending}"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [Path(name) for name in listed.stdout.split() if not name.startswith(("tests/", "benchmarks/"))]


def test_every_committed_table_and_column_is_documented():
    known = [re.compile(re.sub(r"METHOD/NAME|METHOD|NAME|FOLDER|\\\*", ".+", re.escape(place))) for place in TABLES]
    for path in committed("csv"):
        assert any(pattern.fullmatch(path.as_posix()) for pattern in known), path
        for column in tables.header(ROOT / path) if path.parent != REPORT.figures else ():  # labels of axes
            assert documented(column) in COLUMNS


def test_a_table_without_the_meaning_of_a_column_cannot_be_defined():
    with pytest.raises(ValueError, match="column colour: expected its meaning and unit in"):
        Schema(("ticket",), (), ("colour",))
    assert documented("mac_dynamic_pj") == "*_dynamic_pj"
    assert documented("sram_dynamic_pj") == "sram_dynamic_pj"


def keys_of(value: object, above: str = "") -> set[str]:
    """The keys of a JSON value as DOCUMENTS names them."""
    if isinstance(value, list):
        return {key for entry in value for key in keys_of(entry, f"{above}[].")}
    if not isinstance(value, dict):
        return {above.rstrip(".")}
    return {key for name, inner in value.items() for key in keys_of(inner, f"{above}{name}.")}


@pytest.mark.parametrize(
    ("place", "example"),
    [
        ("tickets/METHOD/NAME/metrics.json", "tickets/lth/r01/metrics.json"),
        ("tickets/METHOD/NAME/machine.json", "tickets/dense/machine.json"),
        ("plans/METHOD/NAME.json", "plans/uticket/r01.json"),
        ("plans/METHOD.json", "plans/uticket.json"),
    ],
)
def test_every_key_of_a_committed_document_is_documented(place, example):
    assert set(read_json(ROOT / example)) == set(DOCUMENTS[place].keys)


def test_every_key_of_metrics_and_layers_is_documented():
    metrics = read_json(ROOT / "report/metrics.json")
    assert {f"METHOD.{key}" for found in metrics.values() for key in found} == set(
        DOCUMENTS["report/metrics.json"].keys
    )
    layers = DOCUMENTS["tickets/METHOD/NAME/layers.json"].keys
    assert {key for key in layers if "[]" not in key} == {"timesteps"}
    assert {key.removeprefix("layers[].") for key in layers} - {"timesteps"} == set(ut.Layer.model_fields)


def test_documents_have_the_keys_of_their_records():
    from uticket.capturing.captured import Findings
    from uticket.training.cost import TrainingCost

    records = {
        "tickets/dense/search.json": SearchFound,
        "plans/METHOD/NAME.json": TicketPlan,
        "plans/METHOD.json": ChainPlan,
        "data/prepared/about.json": About,
    }
    for place, record in records.items():
        assert set(DOCUMENTS[place].keys) == set(record.model_fields)
    assert set(DOCUMENTS["tickets/METHOD/NAME/cost.json"].keys) == {field.name for field in fields(TrainingCost)}
    assert set(DOCUMENTS["FOLDER/capture.json"].keys) == {field.name for field in fields(Findings)} - {"nonzeros"}


def paths_of(value: object, above: str = "") -> set[str]:
    """The keys of an answer in which something stands, after those above them."""
    if isinstance(value, dict):
        return {key for name, inner in value.items() for key in paths_of(inner, f"{above}.{name}")}
    if isinstance(value, list) and all(isinstance(entry, dict) for entry in value):
        return {key for entry in value for key in paths_of(entry, f"{above}[]")}
    return {above.removeprefix(".")}


def test_every_key_of_an_answer_is_a_setting_a_column_or_documented(tmp_path):
    ut.Ticket(LAYERS, MASKS, None, 3, SPIKES).write(folder := tmp_path / "ticket")
    np.savez(arrays := tmp_path / "arrays.npz", conv=np.ones((8, 4, 3, 3)), scale=np.ones(3))
    asked = [("audit", arrays), ("simulate", folder), ("rivals", folder)]
    alike = ["--share", 2, "--team", "alike", "--mapping", "patterns"]
    asked.append(("balance", arrays, tmp_path / "out.npz", *alike))
    found = set().union(*(paths_of(run(*command)) for command in asked))
    undocumented = set()
    for path in found:
        try:
            meaning_of(path)
        except KeyError:
            undocumented.add(path)
    assert undocumented == set()
    assert {"layers[].by_pe.blocked_cycles", "skipped.parts[].reason", "network.overlap_consecutive"} <= found
    with pytest.raises(KeyError):
        meaning_of("layers[].colour")


def commands_of(group: click.Group, above: str = "uticket") -> set[str]:
    found = {f"{above} {name}" for name in group.commands}
    inner = {name: one for name, one in group.commands.items() if isinstance(one, click.Group)}
    return found.union(*(commands_of(one, f"{above} {name}") for name, one in inner.items()))


def test_every_command_and_option_is_there():
    page = commands.page(ROOT)
    assert set(re.findall(r"^## (.*)", page, re.MULTILINE)) == commands_of(main)
    assert "uticket cluster gather" in commands_of(main)
    options = [o for one in main.commands.values() for p in one.params for o in p.opts if isinstance(p, click.Option)]
    assert [option for option in options if option not in page] == []


def test_every_public_name_is_on_the_page_of_names():
    named = re.findall(r"^::: uticket\.(\w+)$", (ROOT / "docs/names.md").read_text(), re.MULTILINE)
    assert sorted(named) == [name for name in ut.__all__ if name != "__version__"]
