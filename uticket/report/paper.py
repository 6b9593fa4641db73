"""What the paper reports beside what was measured here, and how the two settings differ."""

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from uticket.base.files import Row
from uticket.config.params import read_yaml
from uticket.report.run import Run

FILE = Path(__file__).with_name("paper.yaml")


@cache
def paper() -> Mapping[str, Any]:
    """Return paper.yaml."""
    values: Mapping[str, Any] = read_yaml(FILE)
    return values


def nearest(run: Run) -> tuple[str, str]:
    """Return the network and the data set of the paper that are closest to those of a run."""
    setting = paper()["setting"]
    network, data = setting["nearest"]
    own_network, own_data = run.blocks["model"].name, run.blocks["data"].name
    return (own_network if own_network in setting["network"] else network), (
        own_data if own_data in setting["data"] else data
    )


def case(run: Run) -> str:
    """Return the paper's network and data set in words, such as `VGG-16 on CIFAR-10`."""
    network, data = nearest(run)
    setting = paper()["setting"]
    return f"{setting['network'][network]} on {setting['data'][data]}"


def reported(run: Run) -> dict[str, Row]:
    """Return what the paper reports by method, `lth` and `uticket`, of the case that is nearest to the run.

    work and idle in 1e8 cycles; latency_saved_pct and energy_saved_pct are against LTH, in percent.
    """
    network, data = nearest(run)
    rows = {row["method"]: row for row in paper()["tickets"] if (row["network"], row["data"]) == (network, data)}
    latency = {method: row["work"] + row["idle"] for method, row in rows.items()}
    saved = 100 * (1 - latency["uticket"] / latency["lth"])
    return {**rows, "uticket": {**rows["uticket"], "latency_saved_pct": saved}}


def differences(run: Run) -> list[Row]:
    """Return the settings in which a run differs from the paper: what, here, in the paper."""
    blocks, setting = run.blocks, paper()["setting"]
    network, data = nearest(run)
    model, train, prune = blocks["model"], blocks["train"], blocks["prune"]
    every = [
        ("network", model.name, network, f"{setting['network'][network]}"),
        ("data", blocks["data"].name, data, f"{setting['data'][data]}"),
        ("filters of each layer", f"{model.width:g} times", "1 times", "all"),
        ("timesteps T", model.timesteps, setting["timesteps"], setting["timesteps"]),
        ("epochs", train.epochs, setting["epochs"], setting["epochs"]),
        ("batch", train.batch_size, setting["batch_size"], setting["batch_size"]),
        ("rewinds to epoch", blocks["rewind"].epoch, setting["rewind"], setting["rewind"]),
        ("removed in a round", f"{prune.fraction:.0%}", f"{setting['fraction']:.0%}", f"{setting['fraction']:.0%}"),
        ("rounds", run.rounds, None, setting["rounds"]),
        ("PEs", run.pes, setting["pes"], setting["pes"]),
    ]
    found = [_row(what, _here(run, what, here), shown) for what, here, there, shown in every if here != there]
    accuracy = _row("accuracy of a ticket", "after the last epoch", "best epoch on the test set (published code)")
    return [
        *found,
        accuracy,
        _row("a round prunes from", "the balanced mask", "the mask before balancing (published code)"),
    ]


def _row(what: str, here: Any, there: Any) -> Row:
    return {"setting": what, "here": str(here), "paper": str(there)}


def _here(run: Run, what: str, value: Any) -> Any:
    """Return a value as it is shown; for the data set, with its size."""
    if what != "data" or run.data is None:
        return value
    about = run.data
    sides = " x ".join(str(side) for side in about.image_shape)
    return f"{value}: {about.train_images:,} training and {about.test_images:,} test images of {sides}"


def note(name: str) -> Callable[[object, object], str]:
    """Return what says one of the sentences of paper.yaml, in the form of a `Sentence` of a section."""
    return lambda tables, run: str(paper()["notes"][name])
