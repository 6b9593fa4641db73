"""The tables that a run, a command or an experiment writes: what a row is, and where the columns can be seen."""

from dataclasses import dataclass

from uticket.config.schemas import COST
from uticket.report.savings import METRICS

ALL = "of the last ticket of each method"


@dataclass(frozen=True)
class Table:
    """A CSV. example: a committed one. columns: those of a table of which none is committed."""

    rows: str  # a row for each ...
    example: str = ""
    columns: tuple[str, ...] = ()


EXPLORED = ("latency_us", "area_um2", "pe_area_um2", "audit_utilization", "audit_latency_cycles")
TABLES = {
    "tickets/METHOD/NAME/training.csv": Table("epoch", "tickets/dense/training.csv"),
    "tickets/METHOD/NAME/activity.csv": Table(
        "layer that reads spikes, over the test set", "tickets/dense/activity.csv"
    ),
    "mapping/METHOD/places.csv": Table(
        "filter, or slice of one, of each ticket (kept by DVC)",
        columns=("ticket", "layer", "filter", "group", "pe", "workload"),
    ),
    "mapping/METHOD/storage.csv": Table("ticket and layer", "mapping/lth/storage.csv"),
    "mapping/METHOD/mappings.csv": Table("ticket and mapping", "mapping/lth/mappings.csv"),
    "mapping/METHOD/rounded.csv": Table("ticket, number of bits and quantizer", "mapping/lth/rounded.csv"),
    "quantization/METHOD.csv": Table("ticket, number of bits and quantizer", "quantization/lth.csv"),
    "simulation/METHOD/tickets.csv": Table("ticket and timing model", "simulation/lth/tickets.csv"),
    "simulation/METHOD/layers.csv": Table("ticket, timing model and layer", "simulation/lth/layers.csv"),
    "simulation/METHOD/pes.csv": Table("ticket, layer and PE; event model", "simulation/lth/pes.csv"),
    "simulation/METHOD/sweeps.csv": Table(
        "timing model, knob and value, of the last ticket", "simulation/lth/sweeps.csv"
    ),
    "report/rounds.csv": Table("method and ticket, by the analytic model", "report/rounds.csv"),
    "report/layers.csv": Table(f"layer {ALL}, by the analytic model", "report/layers.csv"),
    "report/models.csv": Table(f"timing model, {ALL}", "report/models.csv"),
    "report/sweeps.csv": Table(f"timing model, knob and value, {ALL}", "report/sweeps.csv"),
    "report/mappings.csv": Table(f"mapping, {ALL}", "report/mappings.csv"),
    "report/quantized.csv": Table(f"number of bits and quantizer, {ALL}", "report/quantized.csv"),
    "report/storage.csv": Table(f"layer {ALL}", "report/storage.csv"),
    "report/training.csv": Table("ticket and epoch", "report/training.csv"),
    "report/figures/NAME.csv": Table(
        "point of the figure; further columns are the labels of its axes, with their units, and `LABEL sd`, one "
        "standard deviation over seeds",
        columns=("panel", "series"),
    ),
    "seeds/NAME.csv": Table(
        "seed and row of `report/NAME.csv` (`uticket seeds`); further columns are those of this table",
        columns=("seed",),
    ),
    "explored/explored.csv": Table(
        "ticket and setting of the array (`uticket explore`)",
        columns=("ticket", "hw.*", "pareto", *EXPLORED, *COST, "weight_format", "bound"),
    ),
    "FOLDER/results/metrics.csv": Table(
        "chain of a search (`uticket cluster gather`); the tables of `report/` are beside it, with `preset` and `seed`",
        columns=("preset", "seed", "method", "ticket", *METRICS),
    ),
    "docs/results/evidence_tickets.csv": Table(
        "ticket of [evidence.md](evidence.md)", "docs/results/evidence_tickets.csv"
    ),
    "docs/results/evidence_layers.csv": Table("layer of these", "docs/results/evidence_layers.csv"),
    "docs/results/evidence_rounded.csv": Table(
        "last ticket of these, number of bits and quantizer", "docs/results/evidence_rounded.csv"
    ),
    "docs/results/pareto-*.csv": Table("ticket of [sharing.md](sharing.md)", "docs/results/pareto-digits.csv"),
    "docs/results/rivals.csv": Table("layer of [rivals.md](rivals.md)", "docs/results/rivals.csv"),
    "docs/results/selection.csv": Table("chain of [selection.md](selection.md)", "docs/results/selection.csv"),
    **{
        f"docs/results/vgg16_{name}.csv": Table(
            f"{rows}, [simulator.md](simulator.md#a-network-of-the-papers-size)", f"docs/results/vgg16_{name}.csv"
        )
        for name, rows in {
            "network": "method",
            "latency": "method and broadcast",
            "energy": "method and chip",
            "dataflows": "method and dataflow",
            "bandwidth": "dataflow",
        }.items()
    },
}
