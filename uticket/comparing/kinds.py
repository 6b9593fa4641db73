"""What can be compared: tables of the report, by which keys, in which columns."""

from collections.abc import Sequence
from dataclasses import dataclass

from uticket.report.savings import METRICS


@dataclass(frozen=True)
class Kind:
    """What is compared of each revision."""

    files: Sequence[str]  # tables of the report that it is made from; the first one, if any, must be there
    keys: tuple[str, ...]  # columns that name a row, whatever the revision
    columns: tuple[str, ...]  # those shown as text: fractions, percentages, counts


COSTS = ("utilization", "latency_cycles", "energy", "total_pj")
EVENTS_LATENCY = "events_latency_cycles"  # the latency of the event model, beside the analytic one
PARAMS = "params"  # the settings alone
RESULTS = "results"  # the numbers of metrics.json, from the tables: they may be of several seeds
KINDS = {
    PARAMS: Kind((), (), ()),
    RESULTS: Kind(("rounds", "models"), ("method",), (*METRICS, EVENTS_LATENCY)),
    "rounds": Kind(("rounds",), ("method", "round"), ("accuracy", "sparsity", "spike_sparsity", *COSTS)),
    "layers": Kind(("layers",), ("method", "layer"), ("nonzeros", *COSTS)),
    "models": Kind(("models",), ("method", "model"), ("busy_share", "latency_cycles", "pe_pj", "total_pj")),
    "sweeps": Kind(("sweeps",), ("method", "model", "knob", "value"), ("busy_share", "latency_cycles", "total_pj")),
    "mappings": Kind(("mappings",), ("method", "mapping"), ("utilization", "latency_cycles")),
    "quantized": Kind(
        ("quantized",), ("method", "weight_bits", "quantizer"), ("accuracy", "utilization", "latency_cycles")
    ),
    "storage": Kind(
        ("storage",), ("method", "layer"), ("wsp_bits", "csr_bits", "bitmap_bits", "dense_bits", "scratchpad_passes")
    ),
    "training": Kind(("training",), ("method", "ticket", "epoch"), ("loss", "train_accuracy", "test_accuracy")),
}
