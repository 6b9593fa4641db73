"""The tables of results in README.md and docs/simulator.md, written from files: nobody copies numbers by hand."""

from pathlib import Path
from typing import Any

import pandas as pd

from uticket.base.errors import InputError
from uticket.base.tables import read_table
from uticket.base.text import cell, heading
from uticket.config.paths import ReportFiles, read_json
from uticket.report.page import findings, summary_table, text_table

BEGIN, END = "<!-- results: written by `make readme` -->", "<!-- end of results -->"


def results_markdown(summary_path: Path) -> str:
    """Return summary.json as a Markdown table, with what each method saves."""
    summary = read_json(summary_path)
    return "\n".join([_markdown(summary_table(summary)), "", *findings(summary)])


def sweep_markdown(path: Path, setting: str) -> str:
    """Return a sweep of the event model as a Markdown table: a row for each value of `setting`, columns by method."""
    table = read_table(path)
    columns = ("utilization", "busy_share", "latency_cycles")
    rows: dict[str, dict[str, Any]] = {}
    for row in table.to_dict("records"):
        told = {f"{row['method']}: {heading(name)}": cell(name, row[name]) for name in columns}
        rows.setdefault(str(row[setting]), {}).update(told)
    return _markdown(pd.DataFrame([{heading(setting): value, **told} for value, told in rows.items()]))


def benchmark_markdown(path: Path) -> str:
    """Return the times and memory of `benchmarks/simulate.py` as a Markdown table."""
    cases = read_json(path)["cases"]
    rows = [
        {"case": name, "images": str(case["images"]), "s": f"{case['seconds']:.2f}", "GB": f"{case['memory_gb']:.2f}"}
        for name, case in cases.items()
    ]
    return _markdown(pd.DataFrame(rows))


def update_simulator_page(path: Path, report: ReportFiles, benchmark: Path) -> None:
    """Write sweeps and benchmark into docs/simulator.md. Raises InputError if a file or a marker is not there."""
    for name, setting in (("fifo_sweep", "fifo_depth"), ("width_sweep", "broadcast_width")):
        write_between(
            path, f"<!-- {name}: written by `make readme` -->", END, sweep_markdown(report.table(name), setting)
        )
    write_between(path, "<!-- benchmark: written by `make readme` -->", END, benchmark_markdown(benchmark))


def update_training_page(path: Path, dense: Path, sparse: Path) -> None:
    """Write the speed of training into docs/training.md: outputs of `benchmarks/train.py` and `benchmarks/sparse.py`.

    Raises InputError if a file or marker is not there.
    """
    rates = []
    for case, found in read_json(dense)["cases"].items():
        for way, rate in found["images_per_second"].items():
            faster = found["times_faster"].get(way)
            row = {"network": case, "trained by": way, "images/s": f"{rate:,.0f}"}
            rates.append(row | {"ours is faster": "" if faster is None else f"{faster:.2f} times"})
    write_between(path, "<!-- train: written by `make readme` -->", END, _markdown(pd.DataFrame(rates)))
    cases = read_json(sparse)["cases"]
    rows = []
    for case, found in cases.items():
        for density, seconds in found["seconds_by_density"].items():
            jelly = min((value for kind, value in seconds.items() if kind.startswith("spikingjelly")), default=None)
            others = {"snntorch": seconds.get("snntorch"), "spikingjelly": jelly}
            times = {"sparse": seconds["sparse"], "dense": seconds["dense"], **others}
            told = {f"{kind} s": "" if value is None else f"{value:.3f}" for kind, value in times.items()}
            gain = f"{seconds['dense'] / seconds['sparse']:.1f}"
            rows.append({"network": case, "kept": f"{100 * float(density):g} %", **told, "dense / sparse": gain})
    write_between(path, "<!-- sparse: written by `make readme` -->", END, _markdown(pd.DataFrame(rows)))


def _markdown(table: pd.DataFrame) -> str:
    text = text_table(table)
    lines = [text.headings, ["---", *["---:"] * (len(text.headings) - 1)], *text.rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def update_readme(path: Path, summary_path: Path) -> None:
    """Write the results into README.md. Raises InputError if the summary or the markers are not there."""
    write_between(path, BEGIN, END, results_markdown(summary_path))


def write_between(path: Path, begin: str, end: str, text: str) -> None:
    """Replace what stands between two markers of a Markdown file. Raises InputError if they are not there."""
    try:
        whole = path.read_text()
    except OSError as error:
        raise InputError(f"{path}: expected a readable file, came: {error.strerror}") from None
    before, found_begin, rest = whole.partition(begin)
    _, found_end, after = rest.partition(end)
    if not (found_begin and found_end):
        raise InputError(f"{path}: expected the markers {begin} and {end}, came none")
    path.write_text(f"{before}{begin}\n{text}\n{end}{after}")
