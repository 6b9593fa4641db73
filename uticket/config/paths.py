"""The name of every file that a stage reads or writes, relative to the project's root."""

from dataclasses import dataclass
from pathlib import Path

PREPARED = Path("data/prepared")  # the checked images and labels of the chosen data set
CHECKPOINTS = Path("checkpoints")  # trained networks from elsewhere, from which chains may start
PLANS = Path("plans")  # what decides each ticket, and the tickets of each method
DOWNLOADS = Path("data/downloads")  # what torchvision fetches; never removed by a stage
SEED_CLONES = Path(".uticket/seeds")  # working folders of `uticket seeds`, which Git ignores


@dataclass(frozen=True)
class TicketFiles:
    """The files of one ticket, in one folder that stands by itself."""

    folder: Path

    @property
    def mask(self) -> Path:
        """0/1 array by layer: 1 = weight kept."""
        return self.folder / "mask.safetensors"

    @property
    def weights(self) -> Path:
        """The trained state of the network."""
        return self.folder / "weights.safetensors"

    @property
    def rewind(self) -> Path:
        """The state at `rewind.epoch`; only the dense ticket has it."""
        return self.folder / "rewind.safetensors"

    @property
    def spikes(self) -> Path:
        """The spikes of a few test images, bit-packed, by layer."""
        return self.folder / "activity.npz"

    @property
    def activity(self) -> Path:
        """Spike sparsity and silent share by layer, over the test set."""
        return self.folder / "activity.csv"

    @property
    def layers(self) -> Path:
        """Name and shape of each layer."""
        return self.folder / "layers.json"

    @property
    def notes(self) -> Path:
        """What was assumed of the ticket, a list of lines; a ticket without notes has none."""
        return self.folder / "notes.json"

    @property
    def metrics(self) -> Path:
        """Accuracy and sparsity of the ticket."""
        return self.folder / "metrics.json"

    @property
    def training(self) -> Path:
        """Loss and accuracy by epoch."""
        return self.folder / "training.csv"

    @property
    def machine(self) -> Path:
        """Processor, threads and versions of the training: with others the last digits of its numbers differ."""
        return self.folder / "machine.json"

    @property
    def search(self) -> Path:
        """How many timesteps the search of tickets uses; only the dense ticket has it."""
        return self.folder / "search.json"

    @property
    def cost(self) -> Path:
        """Time, speed and memory of the training; tracked by nothing, since it differs from run to run."""
        return self.folder / "cost.json"


def ticket_files(ticket: str) -> TicketFiles:
    """Return the files of `dense` or METHOD/NAME."""
    return TicketFiles(Path("tickets") / ticket)


def ticket_plan_file(ticket: str) -> Path:
    """Return the plan of METHOD/NAME: what decides its mask (`uticket.config.plan`)."""
    return PLANS / f"{ticket}.json"


def chain_file(method: str) -> Path:
    """Return the list of a method's tickets (`uticket.config.plan`)."""
    return PLANS / f"{method}.json"


@dataclass(frozen=True)
class MappingFiles:
    """The tables that `map` writes for one method."""

    folder: Path

    @property
    def places(self) -> Path:
        """Which weights run where: ticket, layer, filter, group, pe, workload."""
        return self.folder / "places.csv"

    @property
    def mappings(self) -> Path:
        """How each ticket would run with each mapping."""
        return self.folder / "mappings.csv"

    @property
    def storage(self) -> Path:
        """What the weights of each layer take in each format."""
        return self.folder / "storage.csv"

    @property
    def rounded(self) -> Path:
        """How each ticket runs with its weights rounded to a few bits."""
        return self.folder / "rounded.csv"


def mapping_files(method: str) -> MappingFiles:
    """Return the tables of where one method's tickets run."""
    return MappingFiles(Path("mapping") / method)


def quantization_file(method: str) -> Path:
    """Return the table of accuracies with rounded weights."""
    return Path("quantization") / f"{method}.csv"


@dataclass(frozen=True)
class SimulationFiles:
    """The tables that `simulate` writes for one method: rows for each ticket and timing model."""

    folder: Path

    @property
    def tickets(self) -> Path:
        """Of the whole network."""
        return self.folder / "tickets.csv"

    @property
    def layers(self) -> Path:
        """By layer."""
        return self.folder / "layers.csv"

    @property
    def pes(self) -> Path:
        """By layer and PE; event model only."""
        return self.folder / "pes.csv"

    @property
    def sweeps(self) -> Path:
        """By knob (a setting such as `broadcast.fifo_depth`) and its value."""
        return self.folder / "sweeps.csv"


def simulation_files(method: str) -> SimulationFiles:
    """Return the tables of one method."""
    return SimulationFiles(Path("simulation") / method)


@dataclass(frozen=True)
class ReportFiles:
    """What the report consists of."""

    folder: Path

    @property
    def metrics(self) -> Path:
        """The numbers that matter of the last ticket of each method, which `dvc metrics` compares."""
        return self.folder / "metrics.json"

    @property
    def figures(self) -> Path:
        """For each figure an SVG, and what it shows as CSV."""
        return self.folder / "figures"

    @property
    def paper(self) -> Path:
        """Figures as wide as a column (PDF) and tables (LaTeX) for a paper."""
        return self.folder / "paper"

    @property
    def page(self) -> Path:
        """All tables and figures in one file."""
        return self.folder / "index.html"

    def table(self, name: str) -> Path:
        """A tidy CSV, one of the tables of `uticket.report.tables`."""
        return self.folder / f"{name}.csv"


REPORT = ReportFiles(Path("report"))


@dataclass(frozen=True)
class SeedFiles:
    """The tables of runs that differ in their seed only, which `uticket seeds` writes."""

    folder: Path

    @property
    def params(self) -> Path:
        """The settings that all seeds share: params.yaml without `seed`."""
        return self.folder / "params.yaml"

    def table(self, name: str) -> Path:
        """A table of the report with the column `seed` in front."""
        return self.folder / f"{name}.csv"


SEEDS = SeedFiles(Path("seeds"))
