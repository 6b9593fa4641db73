"""Where the numbers of the page come from: settings, seeds, machines, versions."""

from pathlib import Path

import uticket
from uticket.base.errors import listed
from uticket.base.files import Row
from uticket.config.flat import flat
from uticket.config.params import read_yaml
from uticket.project.presets import TEMPLATE
from uticket.report.run import Run

PACKAGED = TEMPLATE / "params.yaml"  # in a checkout it is the repository's own


def settings(run: Run) -> list[Row]:
    """Return every setting that the run reads beside that of the package: setting, here, of the package.

    Methods and tickets are named by their own keys. A setting of another kind of value is shown as YAML reads it.
    """
    here = dict(flat(run.blocks))
    there = dict(flat({name: block for name, block in read_yaml(PACKAGED).items() if name in run.blocks}))
    return [{"setting": name, "here": value, "package": there.get(name, "absent")} for name, value in here.items()]


def is_packaged(path: Path = Path("params.yaml")) -> bool:
    """Return whether params.yaml is the package's own file, as in a checkout, so that it differs in nothing."""
    return path.exists() and PACKAGED.samefile(path)


def changed(run: Run) -> list[Row]:
    """Return the settings that differ from those of the package."""
    return [row for row in settings(run) if row["here"] != row["package"] and not _same_chip(row)]


def _same_chip(row: Row) -> bool:
    """Return whether a chip file is the package's, which a project names by another folder."""
    return bool(row["setting"] == "hw.chip") and row["here"].rpartition("/")[2] == row["package"].rpartition("/")[2]


def machines(run: Run) -> list[Row]:
    """Return each machine on which tickets were trained, and which tickets; those of which nothing is known last."""
    tickets = list(dict.fromkeys(ticket for chain in run.chains for ticket in chain.rounds))
    groups: dict[str, tuple[Row, list[str]]] = {}
    for ticket in tickets:
        machine = run.machines.get(ticket, {"processor": "not recorded"})
        groups.setdefault(str(machine), (machine, []))[1].append(ticket)
    return [
        {"tickets": listed(names), **{key: str(value) for key, value in machine.items()}}
        for machine, names in groups.values()
    ]


def facts(run: Run) -> list[Row]:
    """Return what the run is, in words: what is here, and where the rest is."""
    data = run.data
    found = {
        "uticket": uticket.__version__,
        "paper": "Yin et al. 2024, arXiv 2302.06746v1",
        "seed": str(run.seed) + (f"; of the page: {', '.join(map(str, run.seeds))}" if run.seeds else ""),
        "data": f"{data.name}, {data.train_images:,} training and {data.test_images:,} test images"
        if data
        else "not here",
        "methods": listed((chain.method for chain in run.chains), most=20),
        "commit": "not on the page, which is the same for the same results: git log -1 -- dvc.lock",
        "times": "not on the page, since they differ from run to run: tickets/*/cost.json; tables: report/*.csv",
    }
    return [{"what": name, "value": value} for name, value in found.items()]
