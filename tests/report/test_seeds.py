"""The page over several seeds: means, spread, and what the spread swallows."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.figure import Figure

from tests.helpers import PARAMS
from tests.report.conftest import SETTINGS, MakeOutputs
from tests.report.test_answers import DIGITS
from uticket.base.errors import InputError
from uticket.base.files import Row, read_rows, write_rows, write_text
from uticket.base.spread import Mean
from uticket.config.params import Report
from uticket.config.paths import REPORT, SEEDS
from uticket.config.plan import ChainPlan
from uticket.config.schemas import BY_SEED
from uticket.report.cards import cards
from uticket.report.headline import results_with_errors, warnings
from uticket.report.paired import differences, listing, sentence
from uticket.report.run import Run
from uticket.report.section import Chart
from uticket.report.sections import accuracy, quantized, sections
from uticket.report.sections.layers import plot_layers
from uticket.report.sections.rounds import plot_rounds
from uticket.report.seeds import over_all_seeds
from uticket.report.tables import Tables, gather
from uticket.report.write import write_report

BASE = {0: 0.90, 1: 0.80, 2: 0.70}  # accuracy of lth with each seed
GAIN = {0: 0.01, 1: 0.02, 2: 0.03}  # of uticket over it: mean 2 points, sd 1, 95 % interval 2 ± 4.303 / sqrt(3)


def of_seed(row: Row, seed: int) -> Row:
    """The row of a seed: another accuracy and latency; the PE energy saved by the event model changes its sign."""
    accuracy = BASE[seed] + (GAIN[seed] if row.get("method") == "uticket" else 0)
    changed = {"seed": seed, **row, "latency_cycles": row.get("latency_cycles", 0) * (10 + seed)}
    if "pe_pj" in row and (row["method"], row.get("model")) == ("uticket", "events"):
        changed["pe_pj"] = row["pe_pj"] * (0.5 + seed)
    return {name: accuracy if name == "accuracy" else changed[name] for name in ("seed", *row)}


def write_seeds(tables: Tables, seeds: Sequence[int], leave_out: Mapping[int, str] = {}, params: str = "") -> None:
    """Write `seeds/` as `uticket seeds` does. leave_out: seed -> method that has no results. params: of all seeds."""
    for name in BY_SEED:
        rows: list[Row] = getattr(tables, name)
        kept = [of_seed(row, seed) for seed in seeds for row in rows if row["method"] != leave_out.get(seed)]
        write_rows(SEEDS.table(name), kept, header=["seed", "method", "ticket"])
    text = re.sub("sample_images: .*", "sample_images: 1", PARAMS.read_text())
    write_text(SEEDS.params, params or re.sub("(?m)^seed: .*$", "", text))


def over(chains: list[ChainPlan], **changed: Any) -> tuple[Tables, Run]:
    """The tables over all seeds, and the run as the page has it."""
    blocks = {**SETTINGS, **changed}
    spread = over_all_seeds(gather(chains, "lth"), blocks)
    return spread.tables, replace(Run.read(blocks, chains), seeds=spread.seeds, left_out=spread.left_out)


@pytest.fixture
def chains(outputs: MakeOutputs) -> list[ChainPlan]:
    found = outputs()
    write_seeds(gather(found, "lth"), [0, 1, 2])
    return found


def test_tables_are_means_over_seeds(chains: list[ChainPlan]):
    tables, run = over(chains)
    assert run.seeds == [0, 1, 2]
    row = {row["ticket"]: row for row in tables.rounds}["lth/r02"]
    assert row["accuracy"] == pytest.approx(0.8)
    assert row["accuracy"].sd == pytest.approx(0.1)
    assert row["latency_cycles"].samples == {0: 800, 1: 880, 2: 960}
    assert (row["round"], row["method"], row["weight_format"]) == (2, "lth", "wsp")
    assert [len(getattr(tables, name)) for name in BY_SEED] == [len(getattr(gather(chains, "lth"), n)) for n in BY_SEED]
    assert tables.training == gather(chains, "lth").training


def test_savings_are_those_of_each_seed(chains: list[ChainPlan]):
    tables, _ = over(chains)
    own, base = (
        next(row for row in tables.models if (row["method"], row["model"]) == (method, "events"))
        for method in ("uticket", "lth")
    )
    saved = own["pe_energy_saved_pct"].samples
    assert saved == pytest.approx({seed: 100 * (1 - 540 * (0.5 + seed) / 700) for seed in (0, 1, 2)})
    assert base["pe_energy_saved_pct"] is None
    assert own["latency_saved_pct"].sd == pytest.approx(0)


def test_the_seed_of_the_run_counts_once(outputs: MakeOutputs):
    chains = outputs()
    write_seeds(gather(chains, "lth"), [1, 2])
    accuracies = over(chains)[0].rounds[2]["accuracy"].samples
    assert accuracies == {0: 0.9, 1: 0.8, 2: 0.7}  # that of the run is 0.9
    assert over(chains, seed=1)[0].rounds[2]["accuracy"].samples == {1: 0.8, 2: 0.7}


def test_the_order_of_rows_changes_nothing(chains: list[ChainPlan]):
    before, _ = over(chains)
    for name in BY_SEED:
        write_rows(SEEDS.table(name), read_rows(SEEDS.table(name))[::-1])
    after, _ = over(chains)
    assert after == before
    assert all(
        a.get("accuracy", 0.0) == b.get("accuracy", 0.0) for a, b in zip(after.rounds, before.rounds, strict=True)
    )


def test_differences_pair_the_seeds(chains: list[ChainPlan]):
    found = {(one.method, one.what): one for one in differences(*over(chains))}
    gain = found["uticket", "accuracy"]
    assert (float(gain.mean), gain.mean.sd) == pytest.approx((2, 1))  # unpaired, the spread would be 10 points
    assert gain.mean.interval == pytest.approx((2 - 4.3027 / 3**0.5, 2 + 4.3027 / 3**0.5), abs=1e-3)
    assert {method for method, _ in found} == {"uticket"}
    rows = {row["against lth"]: row for row in listing([*found.values()], "lth")}
    assert rows["accuracy, points"] == {
        "method": "uticket",
        "against lth": "accuracy, points",
        "seeds": 3,
        "mean": "+2.0",
        "standard deviation": "1.0",
        "95 % interval": "\u22120.5 to +4.5",
        "the spread over seeds": "swallowed",
    }
    assert rows["utilization, points"]["the spread over seeds"] == "none in any seed"
    assert rows["latency saved (analytic model), %"]["the spread over seeds"] == "less than the difference"


def test_what_the_spread_swallows_is_said_everywhere(chains: list[ChainPlan]):
    tables, run = over(chains)
    utilization, latency, energy, accurate = cards(tables, run)
    assert utilization.error.startswith("±: one standard deviation over 3 seeds.")
    assert latency.value == "20.0 ± 0.0 % less"
    assert "is more than the spread over 3 seeds (95 % interval +20.0 to +20.0 %)" in latency.error
    assert "(event model): 15.7 ± 77.1 % more (swallowed by the spread)" in energy.meaning
    assert accurate.value == "+2.0 ± 1.0 points"
    assert "swallowed by the spread over 3 seeds (95 % interval \u22120.5 to +4.5 points)" in accurate.error
    assert "One seed" not in accurate.error
    swallowed = sentence(differences(tables, run), run)
    assert "over the seeds 0, 1 and 2: the spread swallows" in swallowed
    assert "accuracy of uticket (+2.0 ± 1.0 points)" in swallowed
    assert "2.0 ± 1.0 points higher, swallowed by the spread" in accuracy.answer(tables, run)
    assert "plain 70.0 ± 0.0 %, accuracy the same in every seed" in quantized.answer(tables, run)


def test_two_seeds_are_called_few(outputs: MakeOutputs):
    chains = outputs()
    write_seeds(gather(chains, "lth"), [0, 1])
    tables, run = over(chains)
    assert "wide since they are two" in cards(tables, run)[3].error
    assert "of three 4.3." in sentence(differences(tables, run), run)


def test_a_run_of_one_seed_is_as_without_seeds(outputs: MakeOutputs):
    def report() -> dict[Path, bytes]:
        write_report(SETTINGS, chains)
        return {path: path.read_bytes() for path in REPORT.folder.rglob("*") if path.is_file()}

    chains = outputs(["lth"], 1, knobs={})
    before = report()
    write_text(SEEDS.folder / "README.md", "empty")
    assert report() == before
    write_seeds(gather(chains, "lth"), [0])
    assert report() == before
    page = REPORT.page.read_text()
    assert "One seed (0): no spread is known; <code>uticket seeds 0 1 2</code> measures it." in page
    assert "Differences over seeds" not in page


def test_the_report_shows_the_spread_and_keeps_the_tables_of_its_seed(outputs: MakeOutputs):
    chains = outputs(knobs={})
    write_report(SETTINGS, chains)
    own = {path.name: path.read_bytes() for path in REPORT.folder.iterdir() if path.suffix in (".csv", ".json")}
    write_seeds(gather(chains, "lth"), [0, 1, 2])
    write_report(SETTINGS, chains)
    found = {path.name: path.read_bytes() for path in REPORT.folder.iterdir() if path.suffix in (".csv", ".json")}
    assert found == own
    assert json.loads(REPORT.metrics.read_text())["uticket"]["accuracy"] == 0.9
    page = REPORT.page.read_text()
    assert "Differences over seeds" in page
    assert "; mean ± one standard deviation over 3 seeds)" in page
    assert "one binomial standard error of the accuracy" not in page
    points = read_rows(REPORT.figures / "rounds.csv")
    last = [row for row in points if row["series"] == "uticket" and row["accuracy (%)"]][-1]
    assert (float(last["accuracy (%)"]), float(last["accuracy (%) sd"])) == pytest.approx((82, 9))
    assert "82.00 $\\pm$ 9.00" in (REPORT.paper / "results.tex").read_text()
    assert "$-$0.5 to +4.5" in (REPORT.paper / "differences.tex").read_text()
    assert (REPORT.paper / "results.tex").read_text().startswith("% ±: one standard deviation over the seeds 0, 1, 2\n")
    write_seeds(gather(chains, "lth"), [0])
    write_report(SETTINGS, chains)
    assert not (REPORT.paper / "differences.tex").exists()


@pytest.mark.parametrize(("methods", "seeds"), [(["uticket"], [0, 1, 2]), (["lth", "uticket"], [0, 1])])
def test_any_run_over_seeds_has_a_page(outputs: MakeOutputs, methods: list[str], seeds: list[int]):
    chains = outputs(methods, 1, knobs={"pes": (8, 16), "mapping": ("sorted", "paired")})
    write_seeds(gather(chains, "lth"), seeds)
    write_report(SETTINGS, chains)
    text = re.sub(r"<svg.*?</svg>|<script.*?</script>", "", REPORT.page.read_text(), flags=re.DOTALL)
    assert not re.search(r"\b(None|nan|inf cycles)\b|<tbody>\n</tbody>|<p[^>]*>\s*</p>", text)
    assert ("Differences over seeds" in text) == (len(methods) == 2)
    assert f"over {len(seeds)} seeds" in text


def test_a_method_without_results_of_a_seed_has_the_mean_of_the_others(outputs: MakeOutputs):
    chains = outputs()
    write_seeds(gather(chains, "lth"), [0, 1, 2], leave_out={2: "uticket"})
    tables, run = over(chains)
    assert run.left_out == ["uticket has no last ticket of seed 2: its numbers are means over the other seeds."]
    (gain,) = [one for one in differences(tables, run) if one.what == "accuracy"]
    assert gain.mean.samples == pytest.approx({0: 1, 1: 2})
    assert next(iter(warnings(tables, run))) == run.left_out[0]


def test_a_method_of_one_seed_only_has_no_spread(outputs: MakeOutputs):
    chains = outputs()
    write_seeds(gather(chains, "lth"), [0, 1], leave_out={1: "uticket"})
    tables, run = over(chains)
    assert {row["the spread over seeds"] for row in listing(differences(tables, run), "lth")} == {"unknown: one seed"}
    assert sentence(differences(tables, run), run) == ""
    assert cards(tables, run)[3].value == "+1.0 points"
    rows = {row["method"]: row["accuracy"] for row in results_with_errors(tables, replace(run, data=DIGITS))}
    assert (rows["lth"], rows["uticket"]) == ("85.0 ± 7.1 %", "91.0 %")  # no binomial error among spreads


def test_a_ticket_that_guesses_with_another_seed_is_a_warning(chains: list[ChainPlan]):
    tables, run = over(chains)
    rounds = [{**row, "accuracy": Mean({**row["accuracy"].samples, 1: 0.5})} for row in tables.rounds[2:3]]
    found = list(warnings(replace(tables, rounds=rounds, training=[]), replace(run, data=DIGITS)))
    assert found == ["No better than guessing, so that what is below says little about them: lth/r02 of seed 1."]


def test_figures_draw_one_standard_deviation(chains: list[ChainPlan]):
    tables, _ = over(chains)
    lines, bars = Figure(), Figure()
    plot_rounds(replace(tables, rounds=[{**row, "accuracy_error": 0.3} for row in tables.rounds]), lines)
    (band, _) = (found for found in lines.axes[1].collections if isinstance(found, PolyCollection))
    ends = [y for x, y in band.get_paths()[0].vertices if x == 25]  # the last ticket of lth
    assert (min(ends), max(ends)) == pytest.approx((0.7, 0.9))
    plot_layers(replace(tables, layers=[{**row, "utilization": row["latency_cycles"]} for row in tables.layers]), bars)
    (errors, _) = (found for found in bars.axes[0].collections if isinstance(found, LineCollection))
    low, high = errors.get_segments()[0][:, 1]  # conv2 of lth: 400, 440 and 480 cycles
    assert (low, high) == pytest.approx((400, 480))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("pes: 16", "pes: 8", "they were run with other params (hw.pes). `uticket seeds 0 1 2` runs them again."),
        ("leakage_ratio: 0.21", "leak: 0.21", "their settings are no longer valid (seeds/params.yaml: energy"),
        ("title: ", "# title: other\n  title: ", None),
        ("save_minutes: 5", "save_minutes: 9", None),
    ],
)
def test_seeds_of_other_params_are_left_out(chains: list[ChainPlan], old: str, new: str, expected: str | None):
    text = SEEDS.params.read_text()
    assert text.count(old) == 1
    SEEDS.params.write_text(text.replace(old, new))
    tables, run = over(chains)
    if expected is None:
        assert run.seeds == [0, 1, 2]
    else:
        (line,) = warnings_of(tables, run)
        assert line.startswith("The seeds in seeds/ are left out: ")
        assert expected in line
        assert not isinstance(tables.rounds[0]["accuracy"], Mean)


def warnings_of(tables: Tables, run: Run) -> list[str]:
    return [line for line in warnings(tables, run) if "seeds/" in line]


def test_another_baseline_needs_no_other_seeds(chains: list[ChainPlan]):
    tables, run = over(chains, report=Report(title="", baseline="uticket", sample_images=1))
    assert run.seeds == [0, 1, 2]
    saved = [row["latency_saved_pct"] for row in tables.models]
    assert [value is None for value in saved] == [False, False, True, True]
    assert saved[0] == pytest.approx(-25)


def test_seeds_with_other_columns_are_left_out(chains: list[ChainPlan]):
    path = SEEDS.table("layers")
    write_rows(path, [{**row, "waits": 1} for row in read_rows(path)])
    _, run = over(chains)
    assert "layers.csv has other columns (waits in one of both only)" in run.left_out[0]
    assert run.seeds == ()


def test_seeds_without_the_rows_of_a_table_are_left_out(chains: list[ChainPlan]):
    SEEDS.table("sweeps").write_text("meth")
    _, run = over(chains)
    assert "are left out: sweeps.csv has no rows." in run.left_out[0]


def damage_missing() -> str:
    SEEDS.table("models").unlink()
    return r"^seeds/models.csv: expected a table, got no file"


def damage_params() -> str:
    SEEDS.params.unlink()
    return r"^seeds/params.yaml: expected YAML, got no file"


def damage_seed() -> str:
    path = SEEDS.table("storage")
    write_rows(path, [row for row in read_rows(path) if row["seed"] != "1"])
    return r"^seeds/storage.csv: expected the seeds of rounds.csv, 0, 1, 2, got 0, 2; `uticket seeds` writes them"


def damage_name() -> str:
    path = SEEDS.table("rounds")
    write_rows(path, [{**row, "seed": "0.5"} for row in read_rows(path) if row["seed"] == "1"])
    return r"^seeds/rounds.csv: column seed: expected whole numbers, got 0.5"


def damage_number() -> str:
    path = SEEDS.table("rounds")
    write_rows(path, [{**row, "accuracy": "good"} for row in read_rows(path)])
    return r"^seeds/rounds.csv: row 1: column accuracy: expected a number, got 'good'"


def damage_column() -> str:
    path = SEEDS.table("mappings")
    write_rows(path, [{name: row[name] for name in row if name != "seed"} for row in read_rows(path)])
    return r"^seeds/mappings.csv: expected the column seed, got"


def damage_fraction() -> str:
    path = SEEDS.table("rounds")
    write_rows(path, [{**row, "accuracy": "1e308"} for row in read_rows(path)])
    return r"^seeds/rounds.csv: column accuracy: expected fractions in \[0, 1\], got 1e\+308"


@pytest.mark.parametrize(
    "damage", [damage_missing, damage_params, damage_seed, damage_name, damage_number, damage_column, damage_fraction]
)
def test_damaged_tables_are_one_line(chains: list[ChainPlan], damage):
    expected = damage()
    with pytest.raises(InputError, match=expected) as caught:
        over(chains)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) <= 400


def test_captions_say_which_bands_they_are(chains: list[ChainPlan], outputs: MakeOutputs):
    def captions(tables: Tables, run: Run) -> dict[str, str]:
        parts = [part for section in sections(tables) for part in section.parts]
        return {part.name: part.caption_of(run) for part in parts if isinstance(part, Chart)}

    several = captions(*over(chains))
    assert several["rounds"].endswith("bands and error bars: ± one standard deviation over seeds.")
    assert several["training"].endswith("Of seed 0 only.")
    for path in Path(SEEDS.folder).iterdir():
        path.unlink()
    assert captions(*over(chains))["rounds"].endswith("Bands: one binomial standard error of the accuracy.")
