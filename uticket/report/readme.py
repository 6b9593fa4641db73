"""The tables of results in README.md and docs/, written from files: nobody copies numbers by hand."""

from collections.abc import Sequence
from pathlib import Path

from uticket.base.errors import InputError, listed
from uticket.base.files import Row, is_file, read_text, write_text
from uticket.base.text import cell, heading, markdown_table
from uticket.config.params import Params, read_params
from uticket.config.paths import REPORT
from uticket.config.schemas import REPORT_QUANTIZED, REPORT_SWEEPS
from uticket.report.benchmarks import (
    contention_markdown,
    load_markdown,
    simulation_markdown,
    sparse_markdown,
    spikes_markdown,
    stages_markdown,
    start_up_markdown,
    steps_markdown,
    threads_markdown,
    training_markdown,
)
from uticket.report.busy_pes import busy_pes_figure
from uticket.report.fifo_area import area_figure
from uticket.report.fuzz import fuzz_markdown
from uticket.report.killed import killed_markdown
from uticket.report.savings import findings, results
from uticket.report.seeds import rounds_over_all_seeds
from uticket.report.vgg16 import (
    bandwidth_markdown,
    dataflow_markdown,
    energy_markdown,
    latency_markdown,
    network_markdown,
    swap_markdown,
)

BENCHMARKS = Path("benchmarks/results")
STUDY = Path("docs/results")
SOAK = STUDY / "soak.json"
FUZZ = STUDY / "fuzz.json"
AREA_FIGURE = Path("docs/figures/vgg16-fifo-area.svg")
BUSY_FIGURE = Path("docs/figures/busy-pes.svg")
MODELS = ("analytic", "events")
COLUMNS = ("method", "accuracy", "sparsity", "utilization", "latency_cycles", "latency_saved_pct", "energy_saved_pct")
WHOLE_FILTERS = ("lth", "uticket")  # methods that share no positions: tables with all of them are too wide
END = "<!-- end of results -->"


def write_results() -> list[Path]:
    """Write the results of the report and of the benchmarks into README.md and, where they exist, the pages of docs/.

    All paths are relative to the current folder. Returns the files written. Raises InputError, naming the file, if one
    of them, a column, a sweep or a marker is missing.
    """
    page, training, masks = (Path("docs", f"{name}.md") for name in ("simulator", "training", "masks"))
    params = read_params()
    texts = {Path("README.md"): {"results": results_markdown(params)}}
    if page.exists():
        knobs = ("broadcast.fifo_depth", "broadcast.width")
        texts[page] = {knob: sweep_markdown(REPORT.table("sweeps"), knob) for knob in knobs}
        simulate = BENCHMARKS / "simulate.json"
        texts[page] |= {"benchmark": simulation_markdown(simulate), "threads": threads_markdown(simulate)}
        texts[page]["start-up"] = start_up_markdown(simulate)
        texts[page] |= vgg16_sections()
    if training.exists():
        tables = {"train": training_markdown, "spikes": spikes_markdown, "sparse": sparse_markdown}
        tables |= {"stages": stages_markdown, "contention": contention_markdown}
        texts[training] = {name: table(BENCHMARKS / f"{name}.json") for name, table in tables.items()}
        texts[training]["steps"] = steps_markdown(BENCHMARKS / "spikes.json")
    if masks.exists():
        texts[masks] = {"rounded": rounded_markdown(REPORT.table("quantized"))}
    found = {SOAK: ("soak", killed_markdown), FUZZ: ("fuzz", fuzz_markdown)}
    found[BENCHMARKS / "load.json"] = ("load", load_markdown)
    tried = {name: markdown(path) for path, (name, markdown) in found.items() if is_file(path)}
    if tried:
        texts[Path("docs/reliability.md")] = tried
    for path, sections in texts.items():
        for name, text in sections.items():
            write_between(path, begin(name), END, text)
    if page.exists():
        write_text(AREA_FIGURE, area_figure(STUDY / "vgg16_latency.csv"))
        write_text(BUSY_FIGURE, busy_pes_figure(list(params.balance)))
    return list(texts)


def vgg16_sections() -> dict[str, str]:
    """Return the tables of `experiments/vgg16_costs.py` by section."""
    energy = {f"vgg16.energy.{model}": energy_markdown(STUDY / "vgg16_energy.csv", model) for model in MODELS}
    latency = STUDY / "vgg16_latency.csv"
    return {
        "vgg16.network": network_markdown(STUDY / "vgg16_network.csv"),
        "vgg16.latency": latency_markdown(latency, WHOLE_FILTERS),
        "vgg16.swap": swap_markdown(latency, WHOLE_FILTERS),
        "vgg16.bandwidth": bandwidth_markdown(STUDY / "vgg16_bandwidth.csv"),
        "vgg16.dataflows": dataflow_markdown(STUDY / "vgg16_dataflows.csv"),
        **energy,
    }


def begin(name: str) -> str:
    """Return the marker after which `make readme` writes."""
    return f"<!-- {name}: written by `make readme` -->"


def results_markdown(params: Params) -> str:
    """Return the last tickets of rounds.csv as a table, over all seeds, and what each method saves."""
    spread = rounds_over_all_seeds(params)
    rounds, baseline = spread.tables.rounds, params.report.baseline
    rows = [{name: row[name] for name in COLUMNS} for row in results(rounds, baseline)]
    seeds = listed(map(str, spread.seeds))
    note = f"Mean ± one standard deviation over the seeds {seeds}. " if seeds else ""
    return "\n".join([markdown_table(rows), "", note + " ".join(findings(rounds, baseline))]).rstrip()


def rounded_markdown(path: Path) -> str:
    """Return what rounding leaves of the balance of the last tickets, of quantized.csv, as a table."""
    shown = ("method", "weight_bits", "quantizer", "accuracy", "nonzeros", "utilization", "busy_share")
    rows = []
    for row in REPORT_QUANTIZED.read(path):
        work, all_cycles = row["work_cycles"], row["work_cycles"] + row["idle_cycles"]
        found = {**row, "busy_share": work / all_cycles if all_cycles else 1.0}
        rows.append({heading(name): cell(name, found[name]) for name in shown})
    return markdown_table(rows)


def sweep_markdown(path: Path, knob: str) -> str:
    """Return a sweep by the event model in sweeps.csv as a table: a row for each value of the knob."""
    shown = ("busy_share", "latency_cycles")
    found = REPORT_SWEEPS.read(path)
    points = [row for row in found if row["knob"] == knob and row["model"] == "events"]
    if not points:
        raise InputError(f"{path}: expected the knob {knob} and the model events, got no such row")
    return markdown_table(_beside(points, knob, shown))


def _beside(points: Sequence[Row], knob: str, shown: Sequence[str]) -> list[Row]:
    """Return a row for each value of a knob, the methods side by side."""
    rows: dict[str, dict[str, str]] = {}
    for point in points:
        row = rows.setdefault(point["value"], {knob.rpartition(".")[2]: point["value"]})
        row |= {f"{point['method']}: {heading(name)}": cell(name, point[name]) for name in shown}
    return list(rows.values())


def write_between(path: Path, begin: str, end: str, text: str) -> None:
    """Replace what stands between two markers of a Markdown file. Raises InputError if the file or they are missing."""
    whole = read_text(path)
    before, found_begin, rest = whole.partition(begin)
    _, found_end, after = rest.partition(end)
    if not (found_begin and found_end):
        raise InputError(f"{path}: expected the markers {begin} and {end}, got none")
    write_text(path, f"{before}{begin}\n{text}\n{end}{after}")
