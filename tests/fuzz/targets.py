"""The kinds of files that are damaged, and what reads them: commands in this process, or the functions of a stage.

Every target works in a folder of its own, which `make` fills with whole files once.
"""

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
from click.testing import CliRunner, Result

from tests.helpers import PARAMS, ROOT, layer_of, mask_of, sparse_weights
from uticket.base.files import write_json
from uticket.cli.main import main
from uticket.cli.oneline import OneLine
from uticket.config.array import Array
from uticket.config.params import Report, read_params
from uticket.config.plan import ChainPlan, TicketPlan, read_chain, read_plan
from uticket.config.training import Data
from uticket.foreign.write import write_arrays
from uticket.hardware.chip import DEFAULT_CHIP
from uticket.ticket.mask import Mask
from uticket.ticket.ticket import Ticket

Arguments = Sequence[str]


@dataclass(frozen=True)
class Target:
    """A kind of file. make: fills a folder, returns the files to be damaged. read: reads them from the current folder.

    share: of the cases, in relation to the other kinds. out: what reading may write.
    """

    make: Callable[[Path], list[Path]]
    read: Callable[[Path], Result]
    share: float = 1.0
    out: tuple[str, ...] = ()


def command(*arguments: str) -> Callable[[Path], Result]:
    """Return what runs a command; FILE stands for the damaged file."""

    def run(path: Path) -> Result:
        words = [str(path) if word == "FILE" else word for word in arguments]
        return CliRunner().invoke(main, words)

    return run


def stage(read: Callable[[Path], object]) -> Callable[[Path], Result]:
    """Return what runs a function as a stage does: its errors are one line."""

    def run(path: Path) -> Result:
        return CliRunner().invoke(OneLine("stage", callback=lambda: click.echo(bool(read(path)))), [])

    return run


def _params(folder: Path) -> list[Path]:
    shutil.copy(PARAMS, folder / "params.yaml")
    (folder / "uticket" / "hardware" / "chips").mkdir(parents=True)
    shutil.copy(DEFAULT_CHIP, folder / "uticket" / "hardware" / "chips")
    return [folder / "params.yaml"]


def _lock(folder: Path) -> list[Path]:
    _params(folder)
    lines = (ROOT / "dvc.lock").read_text(encoding="utf-8").splitlines(keepends=True)
    (folder / "dvc.lock").write_text("".join(lines[:60]), encoding="utf-8")
    return [folder / "dvc.lock"]


def _preset(folder: Path) -> list[Path]:
    _params(folder)
    (folder / "presets").mkdir()
    shutil.copy(ROOT / "presets" / "paper.yaml", folder / "presets" / "own.yaml")
    return [folder / "presets" / "own.yaml"]


def _ticket(folder: Path) -> Path:
    """A ticket of two convolutions and a linear layer, with the chip file beside it."""
    rng = np.random.default_rng(0)
    first = layer_of(name="conv2")
    layers = [first, layer_of(name="conv3", channels=4), layer_of(name="conv4", channels=4, adds_to="sum")]
    masks = {n.name: mask_of(5, 1, 2, 0, shape=n.weight_shape) for n in layers}
    weights = {n.name: rng.normal(size=n.weight_shape).astype(np.float32) * masks[n.name] for n in layers}
    spikes = {n.name: rng.random((2, 3, n.channels, *n.input_size)) < 0.4 for n in layers}
    Ticket(tuple(layers), Mask(masks), weights, 3, spikes).write(folder / "ticket")
    write_json(folder / "ticket" / "notes.json", ["captured with the guess that T is 3"])
    findings: dict[str, Any] = {"timesteps_because": "the loop", "guesses": ["T is 3"], "factors": {"conv3": 0.5}}
    write_json(folder / "ticket" / "capture.json", {**findings, "images": 2, "footprint_bytes": 99})
    write_arrays(folder / "ticket" / "nonzeros.npz", {"conv9": np.ones((2, 3, 3), dtype=np.int64)})
    shutil.copy(DEFAULT_CHIP, folder / "chip.yaml")
    return folder / "ticket"


def _of_ticket(*names: str) -> Callable[[Path], list[Path]]:
    return lambda folder: [_ticket(folder) / name for name in names]


def _chip(folder: Path) -> list[Path]:
    return [_ticket(folder).parent / "chip.yaml"]


def _layers(folder: Path) -> list[Path]:
    ticket = _ticket(folder)
    shutil.copy(ticket / "layers.json", folder / "layers.json")
    arrays = {f"{name}.weight": np.ones(shape) for name, shape in Ticket.read(ticket).mask.shapes.items()}
    np.savez(folder / "w.npz", **arrays)
    return [folder / "layers.json"]


def _foreign(make: Callable[[Path], Any]) -> Callable[[Path], list[Path]]:
    def files(folder: Path) -> list[Path]:
        path, _ = make(folder)
        return [path, *(other for other in folder.iterdir() if other != path)]

    return files


def _weights(folder: Path) -> list[Path]:
    for ending in (".npz", ".safetensors", ".pt"):
        write_arrays(folder / f"w{ending}", sparse_weights())
    return sorted(folder.iterdir())


def _outputs(folder: Path) -> list[Path]:
    """What all stages write for two methods: tables, plans and metrics."""
    from tests.report import conftest as made

    for place, method in enumerate(("lth", "uticket")):
        chain = ChainPlan(method=method, rounds={"dense": 0, f"{method}/r01": 1})
        chain.write(Path("plans") / f"{method}.json")
        made.write_tickets(chain)
        made.write_simulation(chain, place, made.MODELS, made.KNOBS)
        made.write_mapping(chain)
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _report(_: Path) -> object:
    """Read what the stage report reads, without drawing it."""
    from uticket.report.savings import metrics
    from uticket.report.tables import gather

    settings = Report(title="x", baseline="lth", sample_images=1)
    tables = gather([read_chain(method) for method in ("lth", "uticket")], settings.baseline)
    return metrics(tables.rounds, settings.baseline)


def _plan(folder: Path) -> list[Path]:
    from uticket.config.pruning import Balance

    plan = TicketPlan(
        ticket="lth/r01", parent="dense", round=1, final=True, balance=Balance(select="magnitude"), array=Array(pes=8)
    )
    plan.write(folder / "plans" / "lth" / "r01.json")
    write_json(folder / "search.json", {"timesteps": 3, "divergence": {"1": 0.5, "2": 0.25}})
    return [folder / "plans" / "lth" / "r01.json"]


def _search(folder: Path) -> list[Path]:
    _plan(folder)
    return [folder / "search.json"]


def _read_search(path: Path) -> object:
    from uticket.config.document import SearchFound

    return SearchFound.read(path)


def _prepared(folder: Path) -> list[Path]:
    from uticket.data.prepared import ImageSet, Prepared, save

    images = np.random.default_rng(0).integers(0, 256, (4, 1, 8, 8), dtype=np.uint8)
    every = ImageSet(images, np.array([0, 1, 0, 1]))
    save(Prepared("made up", ("a", "b"), every, every), folder / "prepared")
    return sorted((folder / "prepared").iterdir())


def _read_prepared(path: Path) -> object:
    from uticket.data.prepared import load

    return load(path.parent)


def _recordings(folder: Path) -> list[Path]:
    from tests.data.recorded import drawn, write_aedat2, write_aedat3, write_bin

    paths = []
    for number in range(2):
        events, place = drawn(60, seed=number), folder / "data" / f"class{number}"
        paths += [write(place / name, events) for name, write in (("a.bin", write_bin), ("b.aedat", write_aedat2))]
        paths += [write_aedat3(place / "c.aedat", events)]
        np.save(place / "d.npy", events)
        np.savez(place / "e.npz", **{name: events[name] for name in events.dtype.names})
        paths += [place / "d.npy", place / "e.npz"]
    return paths


def _images(folder: Path) -> list[Path]:
    from PIL import Image

    rng, paths = np.random.default_rng(0), []
    for number in range(2):
        place = folder / "data" / f"class{number}"
        place.mkdir(parents=True)
        pixels = Image.fromarray(rng.integers(0, 256, (9, 7, 3), dtype=np.uint8))
        for name in ("a.png", "b.jpg", "c.bmp", "d.ppm", "e.tif", "f.webp"):
            pixels.save(place / name)
            paths.append(place / name)
        Image.fromarray(rng.integers(0, 2**16, (8, 8), dtype=np.uint16)).save(place / "g.png")
        pixels.convert("CMYK").save(place / "h.tif")
        pixels.convert("P").save(place / "i.png")
        paths += [place / name for name in ("g.png", "h.tif", "i.png")]
    return paths


def _prepare(name: str) -> Callable[[Path], object]:
    def run(_: Path) -> object:
        from uticket.data.sources import prepare

        values = {"name": name, "path": "data", "size": 8, "channels": 3, "test_share": 0.25}
        settings = Data.model_validate({**values, "frames": "binary", "sensor": [8, 8]})
        return prepare(settings, Path("downloads"), 0, 2)

    return run


def _trained(folder: Path) -> list[Path]:
    """A checkpoint of the small network that params.yaml names, and prepared images."""
    from uticket.data.prepared import ImageSet, Prepared, save
    from uticket.networks.network import build
    from uticket.training.checkpoint import copy_state, save_state

    text = PARAMS.read_text(encoding="utf-8").replace("width: 1.0", "width: 0.05")
    (folder / "params.yaml").write_text(text, encoding="utf-8")
    images = np.random.default_rng(0).integers(0, 256, (4, 1, 8, 8), dtype=np.uint8)
    every = ImageSet(images, np.array([0, 1, 0, 1]))
    save(Prepared("digits", ("a", "b"), every, every), folder / "data" / "prepared")
    save_state(copy_state(build(read_params().model, (1, 8, 8), 2, seed=0)), folder / "own.safetensors")
    return [folder / "own.safetensors"]


def targets() -> dict[str, Target]:
    """Return all targets by name."""
    from tests.foreign.kinds import KINDS

    simulate = command("simulate", "ticket", "--chip", "chip.yaml", "--json")
    analytic = command("simulate", "ticket", "--model", "analytic", "--weight-bits", "4", "--json")
    audit = command("audit", "ticket", "--pes", "3", "--json")
    found = {
        "params.yaml": Target(_params, command("check"), 4),
        "params.yaml, rewritten": Target(_params, command("rounds", "2"), 1, ("params.yaml",)),
        "a preset": Target(_preset, command("preset", "own"), 1, ("params.yaml",)),
        "dvc.lock": Target(_lock, command("check"), 1),
        "a chip": Target(_chip, simulate, 4),
        "layers.json of a ticket": Target(_of_ticket("layers.json"), analytic, 4),
        "layers.json of a file": Target(
            _layers, command("audit", "w.npz", "--layers", "layers.json", "--pes", "999", "--json"), 3
        ),
        "mask.safetensors": Target(_of_ticket("mask.safetensors"), audit, 2),
        "weights.safetensors": Target(_of_ticket("weights.safetensors"), analytic, 2),
        "activity.npz": Target(_of_ticket("activity.npz"), simulate, 3),
        "what a capture found": Target(_of_ticket("capture.json", "nonzeros.npz", "notes.json"), audit, 2),
        "plan of a ticket": Target(_plan, stage(lambda _: read_plan("lth/r01")), 1),
        "search.json": Target(_search, stage(_read_search), 1),
        "tables, plans and metrics": Target(_outputs, stage(_report), 8),
        "prepared images": Target(_prepared, stage(_read_prepared), 2),
        "recordings of events": Target(_recordings, stage(_prepare("events_folder")), 4),
        "images in a folder": Target(_images, stage(_prepare("folder")), 4),
        "weights to balance": Target(
            _weights, command("balance", "FILE", "out.npz", "--pes", "3", "--json"), 3, ("out.npz",)
        ),
        "checkpoint to import": Target(
            _trained, command("import", "FILE", "--force"), 1, ("checkpoints", "params.yaml")
        ),
    }
    for kind in KINDS:
        if "Arrays" in str(kind.make.__annotations__) and kind.make.__name__ not in ("pipe", "folder_in_place"):
            read = command("audit", "FILE", "--linear", "--pes", "3", "--json")
            found[f"foreign: {kind.make.__name__}"] = Target(_foreign(kind.make), read)
    return found


def strict_json(text: str) -> Any:
    """Parse JSON without NaN and infinity, which are not part of it."""

    def refuse(word: str) -> Any:
        raise ValueError(f"{word} in JSON")

    return json.loads(text, parse_constant=refuse)
