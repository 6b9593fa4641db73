"""The results of benchmarks/ as tables for the pages of docs/."""

from pathlib import Path

from uticket.base.files import read_json
from uticket.base.text import markdown_table


def simulation_markdown(path: Path) -> str:
    """Return what `benchmarks/simulate.py` measured: time and memory of a simulation."""
    return markdown_table(
        [
            {
                "case": name,
                "images": str(case["images"]),
                "s": f"{case['seconds']:.2f}",
                "GB": f"{case['memory_gb']:.2f}",
            }
            for name, case in read_json(path)["cases"].items()
        ]
    )


def start_up_markdown(path: Path) -> str:
    """Return what `benchmarks/simulate.py` measured: time of commands from start to end."""
    return markdown_table(
        [
            {"command": name, "s": f"{taken['seconds']:.2f}", "CPU s": f"{taken['cpu_seconds']:.2f}"}
            for name, taken in read_json(path)["start_up"].items()
        ]
    )


def threads_markdown(path: Path) -> str:
    """Return what `benchmarks/simulate.py` measured: time by the number of threads."""
    rows = []
    for name, taken in read_json(path)["by_threads"].items():
        seconds = {"one thread s": f"{taken['threads_1']:.2f}", "two threads s": f"{taken['threads_2']:.2f}"}
        rows.append({"work": name, **seconds, "faster": f"{taken['times_faster']:.2f} times"})
    return markdown_table(rows)


def training_markdown(path: Path) -> str:
    """Return what `benchmarks/train.py` measured: images a second, by this library and others."""
    rows = []
    for name, case in read_json(path)["cases"].items():
        for way, rate in case["images_per_second"].items():
            times = case["times_faster"].get(way)
            faster = "" if times is None else f"{times:.2f} times"
            rows.append({"network": name, "trained by": way, "images/s": f"{rate:,.0f}", "ours is faster": faster})
    return markdown_table(rows)


def sparse_markdown(path: Path) -> str:
    """Return what `benchmarks/sparse.py` measured: seconds of a training step by the share of weights kept."""
    rows = []
    for name, case in read_json(path)["cases"].items():
        for density, seconds in case["seconds_by_density"].items():
            jelly = min((value for way, value in seconds.items() if way.startswith("spikingjelly")), default=None)
            shown = {"sparse": seconds["sparse"], "dense": seconds["dense"]}
            shown |= {"snntorch": seconds.get("snntorch"), "spikingjelly": jelly}
            times = {f"{way} s": "" if value is None else f"{value:.3f}" for way, value in shown.items()}
            gain = f"{seconds['dense'] / seconds['sparse']:.1f}"
            rows.append({"network": name, "kept": f"{100 * float(density):g} %", **times, "dense / sparse": gain})
    return markdown_table(rows)


def stages_markdown(path: Path) -> str:
    """Return what `benchmarks/stages.py` measured: CPU seconds of each stage of `make`, before and now."""
    measured = read_json(path)
    rows = []
    for name, stage in measured["cpu_seconds"].items():
        runs, before, now = stage["runs"], stage["before"], stage["now"]
        of_one = {"CPU s, before": f"{before:.1f}", "now": f"{now:.1f}"}
        of_all = {"all runs, before": f"{runs * before:.0f}", "all runs, now": f"{runs * now:.0f}"}
        rows.append({"stage": name, "runs": str(runs), **of_one, **of_all})
    totals = {f"all runs, {when}": f"{value:.0f}" for when, value in measured["cpu_seconds_of_make"].items()}
    return markdown_table([*rows, dict.fromkeys(rows[0], "") | {"stage": "together", **totals}])


def spikes_markdown(path: Path) -> str:
    """Return what `benchmarks/spikes.py` measured: how many times faster layers run, by the share of spikes."""
    rows = []
    for layer in read_json(path)["layers"]:
        shape = f"{layer['channels']} to {layer['filters']}, {layer['side']} x {layer['side']}"
        for part in ("forward", "gradient"):
            faster = {
                f"{100 * float(density):g} %": f"{seconds[f'{part} dense'] / seconds[f'{part} by spikes']:.1f}"
                for density, seconds in layer["seconds_by_density"].items()
            }
            rows.append({"layer": shape, "of": part, **faster})
    return markdown_table(rows)


def steps_markdown(path: Path) -> str:
    """Return what `benchmarks/spikes.py` measured: seconds of a whole training step of a dense network."""
    return markdown_table(
        [
            {
                "network": name,
                "by oneDNN s": f"{seconds['dense']:.2f}",
                "by spikes s": f"{seconds['by spikes']:.2f}",
                "faster": f"{seconds['dense'] / seconds['by spikes']:.2f} times",
            }
            for name, seconds in read_json(path)["step_seconds"].items()
        ]
    )


def contention_markdown(path: Path) -> str:
    """Return what `benchmarks/contention.py` measured: rates of training beside other processes, and of fair ones."""
    rows = []
    for name, case in read_json(path)["cases"].items():
        row = {"a training": name}
        for way, rate in case["images_per_second"].items():
            share = f"{100 * case['of_fair_share'][way]:.0f}"
            row |= {f"{way} images/s": f"{rate:,.0f}", f"{way} % of the fair rate": share}
        rows.append(row)
    return markdown_table(rows)


def load_markdown(path: Path) -> str:
    """Return what `benchmarks/load.py` measured: time and memory of commands on large networks."""
    rows = []
    for network, case in read_json(path)["cases"].items():
        for pes, commands in case["by_pes"].items():
            for command, taken in commands.items():
                time = {"s": f"{taken['seconds']:.1f}", "CPU s": f"{taken['cpu_seconds']:.1f}"}
                memory = {
                    "GB": f"{taken['private_gb']:.2f}",
                    "GB with mapped files": f"{taken['with_mapped_files_gb']:.2f}",
                }
                size = {"network": network, "weights": f"{case['weights']:,}", "PEs": f"{int(pes):,}"}
                rows.append({**size, "command": command, **time, **memory})
    return markdown_table(rows)
