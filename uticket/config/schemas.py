"""What is in each table of a run (`uticket.config.paths`), and of those that README.md and docs/ are written from."""

from dataclasses import replace

from uticket.config.schema import Schema

SIZES = ("filters", "weights", "nonzeros", "groups")
CYCLES = ("work_cycles", "idle_cycles", "latency_cycles")
EVENTS = ("starved_cycles", "blocked_cycles", "tail_cycles", "fifo_mean", "fifo_max", "tokens", "dropped_tokens")
TIMING = ("utilization", "busy_share", *CYCLES, *EVENTS, "operations", "fifo_pushes", "swap_cycles", "drain_cycles")
ENERGY = ("energy", "sram_dynamic_pj", "sram_leakage_pj", "dram_pj", "pe_pj", "total_pj")  # those of PEs: by the chip
PAIRED = ("_dynamic_pj", "_leakage_pj")
SRAM = ("weight_sram_reads", "weight_sram_writes", "spike_sram_reads", "spike_sram_writes")
ACCESSES = (*SRAM, "dram_reads", "dram_writes", "sum_reads", "sum_writes")
WAITING = ("memory_cycles", "weight_sram_cycles", "spike_sram_cycles", "dram_cycles")
COST = (*SIZES, *TIMING, *ENERGY, *ACCESSES, *WAITING)  # `uticket.hardware.cost`
WORDS = ("weight_format", "bound")
LEFT_OUT = ("left_out",)  # and left_out_share, `uticket.ticket.left_out`
AREA = ("pe_area_um2",)  # infinite with FIFOs that are
MAPPED = (*SIZES, "utilization", "utilization_ceil", *CYCLES)

# by the names in `uticket.config.paths`
TRAINING = Schema(("epoch",), (), ("loss", "train_accuracy", "test_accuracy"), any_numbers=("loss",))
TICKETS = Schema(
    ("ticket", "model"),
    ("ticket", "model", *WORDS),
    (*COST, *AREA),
    any_numbers=AREA,
    maybe_texts=LEFT_OUT,
    paired=PAIRED,
)
LAYERS = Schema(("ticket", "model", "layer"), ("ticket", "model", "layer", *WORDS), COST, paired=PAIRED)
PES = Schema(
    ("ticket", "model", "layer", "pe"),
    ("ticket", "model", "layer"),
    ("work_cycles", *EVENTS[:3], "swap_cycles", "drain_cycles", "memory_cycles"),
)
SWEEPS = Schema(
    ("ticket", "model", "knob", "value"),
    ("ticket", "model", "knob", "value", *WORDS),
    (*COST, *AREA),
    any_numbers=AREA,
    null="value",
    paired=PAIRED,
    has_rows=False,
)
MAPPINGS = Schema(("ticket", "mapping"), ("ticket", "mapping"), MAPPED, maybe_texts=LEFT_OUT)
STORAGE = Schema(("ticket", "layer"), ("ticket", "layer"), ("scratchpad_words", "scratchpad_passes"))  # and *_bits
ROUNDED = Schema(
    ("ticket", "weight_bits", "quantizer"), ("ticket", "quantizer"), MAPPED, maybe_texts=LEFT_OUT, has_rows=False
)
QUANTIZATION = Schema(ROUNDED.keys, ROUNDED.texts, ("accuracy",), has_rows=False)

# tables of the report
REPORTED = ("accuracy", "sparsity", "spike_sparsity", "utilization", "work_cycles", "idle_cycles", "latency_cycles")
REPORT_ROUNDS = Schema(
    ("method", "ticket"),
    ("method", "ticket"),
    (*REPORTED, "energy"),
    any_numbers=("spike_sparsity", *AREA),
    maybe_texts=(*WORDS, *LEFT_OUT),
)
REPORT_QUANTIZED = Schema(
    ("method", *ROUNDED.keys), ("method", *ROUNDED.texts), ("accuracy", *MAPPED), maybe_texts=LEFT_OUT, has_rows=False
)
REPORT_SWEEPS = Schema(
    ("method", *SWEEPS.keys),
    ("method", *SWEEPS.texts),
    ("busy_share", "latency_cycles"),
    any_numbers=AREA,
    null="value",
    has_rows=False,
)
REPORT_LAYERS = Schema(("method", "ticket", "layer"), ("method", "ticket", "layer", *WORDS), COST, paired=PAIRED)
REPORT_MODELS = replace(TICKETS, keys=("method", *TICKETS.keys), texts=("method", *TICKETS.texts))
REPORT_MAPPINGS = replace(MAPPINGS, keys=("method", *MAPPINGS.keys), texts=("method", *MAPPINGS.texts))
REPORT_STORAGE = replace(STORAGE, keys=("method", *STORAGE.keys), texts=("method", *STORAGE.texts))


def _by_seed(schema: Schema) -> Schema:
    """Return the schema of a table of several seeds: that of one seed, with the column `seed`."""
    return replace(schema, keys=("seed", *schema.keys))


# tables of `uticket seeds`, by the names of those of the report
BY_SEED = {
    "rounds": _by_seed(REPORT_ROUNDS),
    "layers": _by_seed(REPORT_LAYERS),
    "models": _by_seed(REPORT_MODELS),
    "sweeps": _by_seed(REPORT_SWEEPS),
    "mappings": _by_seed(REPORT_MAPPINGS),
    "quantized": _by_seed(REPORT_QUANTIZED),
    "storage": _by_seed(REPORT_STORAGE),
}

# tables of `experiments/vgg16_costs.py`
NETWORK = Schema(
    ("method", "seed"), ("method",), ("images", "accuracy_dense", "spike_sparsity", "sparsity", "utilization")
)
CASE = ("model", "order", "fifo_depth", "weight_swap_cycles")
LATENCY = Schema(
    (*CASE, "method"), ("model", "order", "method"), ("latency_cycles", "busy_share", *AREA), ("fifo_depth", *AREA)
)
DATAFLOWS = Schema(
    ("method", "dataflow", "fifo_depth"), ("method", "dataflow"), ("latency_cycles", "total_pj"), ("fifo_depth",)
)
BANDWIDTH = Schema(("dataflow", "bandwidth"), ("dataflow", "bandwidth", "bound"), ("latency_cycles", *WAITING))
VGG16_ENERGY = Schema(
    ("sparsity", "chip", "format", "model", "method"),
    ("chip", "format", "model", "method"),
    ("pe_pj", "total_pj", "sram_dynamic_pj", "sram_leakage_pj", "dram_pj"),
    paired=PAIRED,
)
