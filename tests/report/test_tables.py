from dataclasses import fields

import pytest

from tests.report.conftest import MakeOutputs
from uticket.base.errors import InputError
from uticket.base.files import read_rows, write_rows
from uticket.config.paths import mapping_files, simulation_files, ticket_files
from uticket.report.tables import gather


def test_rounds_have_dense_and_every_ticket_of_each_method_by_the_analytic_model(outputs: MakeOutputs):
    rounds = gather(outputs(), "lth").rounds
    assert [(row["method"], row["round"], row["ticket"]) for row in rounds] == [
        ("lth", 0, "dense"),
        ("lth", 1, "lth/r01"),
        ("lth", 2, "lth/r02"),
        ("uticket", 0, "dense"),
        ("uticket", 1, "uticket/r01"),
        ("uticket", 2, "uticket/r02"),
    ]
    assert [row["latency_cycles"] for row in rounds] == [1000, 100, 80, 1000, 84, 64]
    assert rounds[2]["sparsity"] == 0.75
    assert "model" not in rounds[0]


def test_rounds_have_the_best_accuracy_of_an_epoch_beside_that_of_the_last(outputs: MakeOutputs):
    chains, curve = outputs(), {"loss": 1.5, "train_accuracy": 1.0}
    accuracies = enumerate((0.2, 0.95, 0.9), 1)
    write_rows(ticket_files("lth/r02").training, [{"epoch": n, **curve, "test_accuracy": a} for n, a in accuracies])
    row = gather(chains, "lth").rounds[2]
    assert (row["ticket"], row["accuracy"], row["best_epoch_accuracy"]) == ("lth/r02", 0.9, 0.95)
    assert list(row)[3:5] == ["accuracy", "best_epoch_accuracy"]


def test_all_other_tables_are_those_of_the_last_tickets(outputs: MakeOutputs):
    tables = gather(outputs(), "lth")
    for name in ("layers", "models", "sweeps", "mappings", "quantized", "storage"):
        pairs = [(row["method"], row["ticket"]) for row in getattr(tables, name)]
        assert list(dict.fromkeys(pairs)) == [("lth", "lth/r02"), ("uticket", "uticket/r02")], name


def test_models_say_what_each_model_saves_against_the_baseline(outputs: MakeOutputs):
    models = gather(outputs(), "lth").models
    assert [(row["method"], row["model"]) for row in models] == [
        ("lth", "analytic"),
        ("lth", "events"),
        ("uticket", "analytic"),
        ("uticket", "events"),
    ]
    assert [row["latency_saved_pct"] for row in models] == [None, None, pytest.approx(20), pytest.approx(100 * 16 / 70)]
    assert models[3]["pe_energy_saved_pct"] == pytest.approx(100 * 16 / 70)


def test_accuracy_and_cycles_of_rounded_weights_stand_side_by_side(outputs: MakeOutputs):
    quantized = gather(outputs(), "lth").quantized
    keys = [(row["weight_bits"], row["quantizer"]) for row in quantized]
    assert keys == 2 * [(8, "plain"), (8, "keep_mask"), (4, "plain"), (4, "keep_mask")]
    assert (quantized[0]["accuracy"], quantized[0]["idle_cycles"]) == (0.85, 100)


def test_training_has_each_ticket_once_dense_under_its_own_name(outputs: MakeOutputs):
    training = gather(outputs(), "lth").training
    curves = [(row["method"], row["round"], row["ticket"]) for row in training if row["epoch"] == 1]
    assert curves == [
        ("dense", 0, "dense"),
        ("lth", 1, "lth/r01"),
        ("lth", 2, "lth/r02"),
        ("uticket", 1, "uticket/r01"),
        ("uticket", 2, "uticket/r02"),
    ]


def test_without_tickets_there_are_no_rows(outputs: MakeOutputs):
    tables = gather([], "lth")
    assert all(getattr(tables, field.name) == [] for field in fields(tables))


def test_numbers_are_numbers_and_names_stay_text(outputs: MakeOutputs):
    tables = gather(outputs(), "lth")
    assert [row["layer"] for row in tables.layers] == 2 * ["conv2", "7"]
    assert {row["value"] for row in tables.sweeps} == {"8", "16", "0", "4", "inf"}
    assert isinstance(tables.layers[0]["latency_cycles"], int)
    assert isinstance(tables.layers[0]["utilization"], float)


def test_a_setting_without_a_value_is_null(outputs: MakeOutputs):
    tables = gather(outputs(knobs={"weight_bits": (None, 4)}), "lth")
    assert [row["value"] for row in tables.sweeps][:2] == ["null", "4"]


def test_what_is_missing_is_named_in_one_line(outputs: MakeOutputs):
    chains = outputs()
    files = simulation_files("lth")
    tickets = read_rows(files.tickets)
    write_rows(files.tickets, tickets[:1])
    with pytest.raises(
        InputError, match=r"^simulation/lth/tickets.csv: expected the ticket lth/r01, got dense; run the"
    ):
        gather(chains, "lth")
    write_rows(files.tickets, [{"ticket": "dense", "model": "analytic"}])
    with pytest.raises(InputError, match=r"^simulation/lth/tickets.csv: expected the column filters, got ticket, mo"):
        gather(chains, "lth")
    files.tickets.unlink()
    with pytest.raises(InputError, match=r"^simulation/lth/tickets.csv: expected a table, got no file; run the"):
        gather(chains, "lth")


def test_a_ticket_without_its_metrics_is_named(outputs: MakeOutputs):
    chains = outputs()
    ticket_files("dense").metrics.write_text("[]")
    with pytest.raises(
        InputError, match=r"^tickets/dense/metrics.json: top level: expected a block of keys and values, got"
    ):
        gather(chains, "lth")


def test_a_number_of_bits_that_was_not_mapped_is_named(outputs: MakeOutputs):
    chains = outputs()
    rounded = mapping_files("lth").rounded
    write_rows(rounded, read_rows(rounded)[:1])
    with pytest.raises(InputError, match=r"^mapping/lth/rounded.csv: expected 8 bits by keep_mask, got none"):
        gather(chains, "lth")
