import json

import pytest

from tests.report.conftest import MakeOutputs
from uticket.report.savings import findings, metrics, results, with_savings
from uticket.report.tables import gather


def test_metrics_have_at_most_a_dozen_numbers_of_the_last_tickets(outputs: MakeOutputs):
    found = metrics(gather(outputs(), "lth").rounds, "lth")
    own = {"accuracy": 0.9, "sparsity": 0.75, "utilization": 0.7}
    assert found == {
        "lth": {**own, "latency_cycles": 80, "energy": 40.0},
        "uticket": {
            **own,
            "latency_cycles": 64,
            "energy": 32.0,
            "latency_saved_pct": pytest.approx(20),
            "energy_saved_pct": pytest.approx(20),
        },
    }
    assert sum(len(numbers) for numbers in found.values()) <= 12
    json.dumps(found, allow_nan=False)


def test_results_begin_with_dense(outputs: MakeOutputs):
    rows = results(gather(outputs(), "lth").rounds, "lth")
    assert [row["method"] for row in rows] == ["dense", "lth", "uticket"]
    assert [row["latency_cycles"] for row in rows] == [1000, 80, 64]
    assert [row["energy_saved_pct"] for row in rows] == [None, None, pytest.approx(20)]


def test_any_method_may_be_the_baseline(outputs: MakeOutputs):
    rounds = gather(outputs(), "uticket").rounds
    assert findings(rounds, "uticket") == ["lth: 25.0 % more latency and 25.0 % more energy than uticket."]


def test_without_the_baseline_nothing_is_compared(outputs: MakeOutputs):
    rounds = gather(outputs(methods=["uticket"]), "lth").rounds
    assert findings(rounds, "lth") == []
    assert "latency_saved_pct" not in metrics(rounds, "lth")["uticket"]


def test_against_a_cost_of_zero_the_saving_is_unknown():
    rows = [{"method": "lth", "energy": 0}, {"method": "mine", "energy": 3}]
    assert with_savings(rows, "lth", {"energy": "saved_pct"})[1]["saved_pct"] is None


def test_each_timing_model_is_compared_with_its_own_baseline():
    rows = [
        {"method": method, "model": model, "energy": energy}
        for method, model, energy in (("lth", "analytic", 10), ("lth", "events", 4), ("mine", "events", 3))
    ]
    assert with_savings(rows, "lth", {"energy": "saved_pct"})[2]["saved_pct"] == 25.0
