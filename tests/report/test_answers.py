"""The answer at the top of the page, and the paragraphs below the questions."""

from dataclasses import replace
from typing import Any

import pytest

from tests.report.conftest import SETTINGS, MakeOutputs
from uticket.config.document import About
from uticket.report.cards import cards
from uticket.report.headline import beside_paper, results_with_errors, warnings
from uticket.report.paper import case, differences, reported
from uticket.report.provenance import facts, machines, settings
from uticket.report.run import Run
from uticket.report.sections import costs, sections
from uticket.report.tables import Tables, gather

DIGITS = About(name="digits", image_shape=(1, 8, 8), train_images=1437, test_images=360, classes=("0", "1"))


@pytest.fixture
def found(outputs: MakeOutputs) -> tuple[Tables, Run]:
    chains = outputs()
    return gather(chains, "lth"), replace(Run.read(SETTINGS, chains), data=DIGITS)


def with_events(tables: Tables, **values: Any) -> Tables:
    """Tables with other numbers of uticket in the event model."""
    models = [
        {**row, **values} if (row["method"], row["model"]) == ("uticket", "events") else row for row in tables.models
    ]
    return replace(tables, models=models)


def test_the_answer_is_four_numbers_with_both_models_and_the_error(found: tuple[Tables, Run]):
    utilization, latency, energy, accuracy = cards(*found)
    assert utilization.value == "70.0 %"
    assert (latency.value, latency.meaning) == (
        "20.0 % less",
        "than lth, by uticket in the analytic model. Under real spikes (event model): 22.9 % less.",
    )
    assert "In pJ by the chip file; by Eq. 3: 20.0 % less." in energy.meaning
    assert energy.meaning.endswith("Memories included (event model): 22.8 % less.")
    assert accuracy.value == "+0.0 ± 2.2 points"
    assert "worth 0.28 points" in accuracy.error
    assert "One seed (0)" in accuracy.error


def test_one_method_has_its_own_numbers_and_nothing_is_compared(outputs: MakeOutputs):
    chains = outputs(methods=["mine"], models=("analytic",))
    tables, run = gather(chains, "lth"), Run.read(SETTINGS, chains)
    assert [card.value for card in cards(tables, run)] == ["70.0 %", "80 cycles", "800 pJ", "90.0 %"]
    assert beside_paper(tables, run) == []
    assert "No method is compared" in costs.answer(tables, run)
    assert "event model was not run" in costs.answer(tables, run)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, "Both models put the methods into the same order by latency and by PE energy."),
        (
            {"pe_energy_saved_pct": -9.0, "pe_pj": 1e9},
            "The models disagree: PE energy of uticket is 20.0 % less than lth in the analytic model, but 9.0 % more "
            "under real spikes. They order the methods differently by PE energy.",
        ),
        (
            {"latency_saved_pct": 0.0, "latency_cycles": 70},
            "The models disagree: latency of uticket is 20.0 % less than lth in the analytic model, but as much under "
            "real spikes.",
        ),
    ],
    ids=["agree", "reversed", "nothing left"],
)
def test_models_that_disagree_are_called_so(found: tuple[Tables, Run], values: dict[str, Any], expected: str):
    tables, run = found
    assert expected in costs.answer(with_events(tables, **values), run)


def test_every_section_answers_its_question(found: tuple[Tables, Run]):
    tables, run = found
    answers = {section.name: section.answer(tables, run) for section in sections(tables)}
    assert "from 100.0 % to" not in answers["utilization"]
    assert "that of lth stays at 70.0 %" in answers["utilization"]
    assert (
        "from 0 to inf: latency of lth goes from 70 to 70 cycles (1.00 times)"
        in answers["sweep-broadcast.fifo_depth-section"]
    )
    assert "uticket is as fast with FIFOs of 0 tokens" in answers["rivals"]
    assert "4 bits: plain 70.0 %, accuracy 5.0 points lower, more than twice" in answers["quantization"]
    assert "worth 1/360" in answers["accuracy"]
    assert "is its best one" in answers["training"]
    assert all(text.endswith(".") and "  " not in text for text in answers.values())


def test_a_ticket_that_guesses_is_a_warning(found: tuple[Tables, Run]):
    tables, run = found
    curves = [{**row, "test_accuracy": 0.51} if row["ticket"] == "lth/r02" else row for row in tables.training]
    better = [{**row, "test_accuracy": 0.9} if row["ticket"] != "lth/r02" else row for row in curves]
    (warning,) = warnings(replace(tables, training=better), run)
    assert warning.endswith("them: lth/r02.")
    assert "DVC" not in warning
    assert "accuracies have no error" in next(iter(warnings(tables, replace(run, data=None))))


def test_the_paper_stands_beside_its_methods(found: tuple[Tables, Run]):
    tables, run = found
    assert case(run) == "VGG-16 on CIFAR-10"
    assert reported(run)["uticket"]["latency_saved_pct"] == pytest.approx(100 * (1 - 0.94 / 1.75))
    rows = {row["number"]: row for row in beside_paper(tables, run)}
    assert rows["utilization %"] == {
        "number": "utilization %",
        **{"lth, here": "70.00", "lth, paper": "59.00", "uticket, here": "70.00", "uticket, paper": "100.00"},
        "in the paper": "Table II",
    }
    differing = {row["setting"]: (row["here"], row["paper"]) for row in differences(run)}
    assert differing["data"] == ("digits: 1,437 training and 360 test images of 1 x 8 x 8", "CIFAR-10")
    assert "timesteps T" not in differing
    assert differing["accuracy of a ticket"][0] == "after the last epoch"


def test_the_paper_has_other_cases_too(found: tuple[Tables, Run]):
    _, run = found
    blocks = {name: SETTINGS[name].model_copy(update={"name": own}) for name, own in (("model", "resnet19"),)}
    blocks["data"] = SETTINGS["data"].model_copy(update={"name": "svhn"})
    other = replace(run, blocks={**run.blocks, **blocks})
    assert case(other) == "ResNet-19 on SVHN"
    assert reported(other)["lth"]["utilization"] == 0.30
    assert not {"network", "data"} & {row["setting"] for row in differences(other)}


def test_results_have_errors_and_both_latencies(found: tuple[Tables, Run]):
    rows = {row["method"]: row for row in results_with_errors(*found)}
    assert rows["uticket"]["accuracy"] == "90.0 ± 1.6 %"
    assert (rows["uticket"]["latency_cycles"], rows["uticket"]["latency cycles, events"]) == (64, "54")


def test_provenance_names_settings_seed_and_machines(found: tuple[Tables, Run]):
    _, run = found
    values = {row["setting"]: row["here"] for row in settings(run)}
    assert (values["hw.pes"], values["prune.epochs"], values["balance.lth"]) == ("16", "null", "null")
    known = replace(run, machines={"dense": {"device": "cpu", "threads": 2}})
    assert [row["tickets"] for row in machines(known)] == ["dense", "lth/r01, lth/r02, uticket/r01 and 1 more"]
    assert machines(known)[0]["threads"] == "2"
    assert {row["what"]: row["value"] for row in facts(run)}["seed"] == "0"
