"""What each column of a table holds, in which unit: one meaning for a name, in whichever table it is.

A table (`uticket.config.schemas`) cannot have a column that is not here; `python -m reference` writes it for readers. A
`*` stands for any name, such as that of a part of the chip.
"""

from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True)
class Column:
    """What a column, or a key of a JSON file, holds. unit: "" for words, names and numbers of things."""

    meaning: str
    unit: str


FRACTION, CYCLES, PE_CYCLES, PJ = "fraction", "cycles", "PE-cycles", "pJ"

KEYS = {
    "method": Column("one way of making tickets: a key of `balance`, or `dense`", ""),
    "round": Column("round of its chain; 0 is the dense network", ""),
    "ticket": Column("`dense` or METHOD/NAME", ""),
    "epoch": Column("epoch of a training, from 1 on", ""),
    "model": Column("timing model: `analytic` or `events`", ""),
    "layer": Column("name of the layer", ""),
    "filter": Column("output channel, from 0 on", ""),
    "group": Column("filters that run at the same time, from 0 on", ""),
    "pe": Column("processing element, from 0 on", ""),
    "mapping": Column("how filters are put into groups (`hw.mapping`)", ""),
    "knob": Column("setting of the array of which several values were tried, such as `broadcast.width`", ""),
    "value": Column("its value; empty: null", ""),
    "weight_bits": Column("bits to which the weights were rounded", "bits"),
    "quantizer": Column("how small weights were rounded (`hw.quantizer`)", ""),
    "seed": Column("`seed` of params.yaml", ""),
    "preset": Column("entry of `presets` of search.yaml", ""),
    "panel": Column("title of the panel of a figure", ""),
    "series": Column("line, or bars, of a figure", ""),
    "hw.*": Column("a setting of space.yaml by its key in params.yaml; empty: null", ""),
}
TRAINING = {
    "loss": Column("mean loss of the epoch", ""),
    "train_accuracy": Column("share of the augmented training images classified correctly during the epoch", FRACTION),
    "test_accuracy": Column("share of the test images classified correctly after the epoch", FRACTION),
    "accuracy": Column("share of the test images classified correctly after the last epoch", FRACTION),
    "best_epoch_accuracy": Column("largest accuracy after any epoch, chosen by the test set itself", FRACTION),
    "accuracy_error": Column(
        "one binomial standard error of the accuracy, if the size of the test set is known", FRACTION
    ),
    "sparsity": Column("pruned share of all weights of the network", FRACTION),
    "spike_sparsity": Column(
        "share of (image, timestep, neuron) without a spike at the inputs of the layer, or of all layers on the PEs",
        FRACTION,
    ),
    "silent_share": Column("share of (image, neuron) without a spike in any timestep", FRACTION),
}
SIZES = {
    "filters": Column("output channels", ""),
    "weights": Column("weights, kept or not", ""),
    "nonzeros": Column("weights that are kept, and not rounded to zero", ""),
    "groups": Column("groups of filters that run one after another", ""),
    "workload": Column("kept weights of a filter, or of the slice of it that runs here", ""),
    "left_out": Column("layers that did not run on the PEs, and why; empty: all ran", ""),
    "left_out_share": Column("their share of all weights", FRACTION),
    "wsp_bits": Column("weights of the layer as weight sparsity patterns", "bits"),
    "csr_bits": Column("weights of the layer as compressed sparse rows", "bits"),
    "bitmap_bits": Column("weights of the layer as bitmaps with the kept values", "bits"),
    "dense_bits": Column("weights of the layer, kept or not", "bits"),
    "run_length_bits": Column("weights of the layer as run lengths of zeros with the kept values", "bits"),
    "scratchpad_words": Column("most words that one PE needs for the weights of a group", "16-bit words"),
    "scratchpad_passes": Column("times that the scratchpad of a PE has to be filled for the fullest group", ""),
}
TIMING = {
    "utilization": Column(
        "Eq. 2 of the paper: 1 if all PEs of a group have the same work, 0 if one has all of it", FRACTION
    ),
    "utilization_ceil": Column("the published code's variant, with the mean rounded up", FRACTION),
    "busy_share": Column("work / (PEs x latency)", FRACTION),
    "work_cycles": Column("cycles in which a PE works", PE_CYCLES),
    "idle_cycles": Column("cycles in which a PE waits: starved + blocked + tail", PE_CYCLES),
    "latency_cycles": Column("cycles from start to end, for one image", CYCLES),
    "starved_cycles": Column("waiting while something else is sent", PE_CYCLES),
    "blocked_cycles": Column("waiting while the broadcaster waits for room at another PE", PE_CYCLES),
    "tail_cycles": Column("waiting for the end of the tile, after the last token", PE_CYCLES),
    "swap_cycles": Column("getting to the next weights", PE_CYCLES),
    "drain_cycles": Column("emptying accumulators", PE_CYCLES),
    "memory_cycles": Column("what waiting for memories adds to the latency, the same for all PEs", CYCLES),
    "fifo_mean": Column("tokens that wait at a PE, mean over time and PEs", "tokens"),
    "fifo_max": Column("most tokens that wait at a PE", "tokens"),
    "fifo_pushes": Column("tokens put into FIFOs, over all PEs", ""),
    "tokens": Column("tokens sent: an activation with a spike, at one kernel position", ""),
    "dropped_tokens": Column("tokens not sent, since no PE of the group has a weight for them", ""),
    "operations": Column("times that a kept weight meets a spike", ""),
    "weight_sram_cycles": Column("what the memory for weights would take alone", CYCLES),
    "spike_sram_cycles": Column("what the memory for spikes would take alone", CYCLES),
    "dram_cycles": Column("what DRAM would take alone", CYCLES),
    "bound": Column("what needs most cycles: compute, broadcast, weight SRAM, spike SRAM or DRAM", ""),
    "latency_us": Column("latency by the clock of the chip", "us"),
    "audit_utilization": Column("utilization of the analytic model", FRACTION),
    "audit_latency_cycles": Column("latency of the analytic model", CYCLES),
}
ENERGY = {
    "energy": Column("of the PEs by Eq. 3 of the paper", "E_d"),
    "sram_dynamic_pj": Column("accesses of the on-chip memories", PJ),
    "sram_leakage_pj": Column("leakage of the on-chip memories", PJ),
    "dram_pj": Column("accesses of DRAM", PJ),
    "load_pj": Column("writing weights to the scratchpads", PJ),
    "*_dynamic_pj": Column("actions of a part of the PEs by its name in the chip file, such as `mac`", PJ),
    "*_leakage_pj": Column("leakage of this part", PJ),
    "pe_pj": Column("sum over the parts of the PEs", PJ),
    "total_pj": Column("PEs, on-chip memories and DRAM", PJ),
    "weight_sram_reads": Column("reads of the memory for weights, each of its width", ""),
    "weight_sram_writes": Column("writes of the memory for weights", ""),
    "spike_sram_reads": Column("reads of the memory for spikes", ""),
    "spike_sram_writes": Column("writes of the memory for spikes", ""),
    "dram_reads": Column("reads of DRAM", ""),
    "dram_writes": Column("writes of DRAM", ""),
    "sum_reads": Column("of these reads, those of partial sums that wait", ""),
    "sum_writes": Column("of these writes, those of partial sums that wait", ""),
    "weight_format": Column("how weights are stored (`hw.weight_format`); `mixed` if layers differ", ""),
    "pe_area_um2": Column("area of a PE with its FIFO; inf for a FIFO without a limit", "um2"),
    "area_um2": Column("area of all PEs with their FIFOs, and of the on-chip memories", "um2"),
    "latency_saved_pct": Column("latency saved against `report.baseline`", "percent"),
    "energy_saved_pct": Column("energy by Eq. 3 saved against `report.baseline`", "percent"),
    "pe_energy_saved_pct": Column("energy of the PEs by the chip file saved against `report.baseline`", "percent"),
    "pareto": Column("1 on the Pareto front of the ticket, else 0", ""),
}
STUDIES = {
    "network": Column("name of the network", ""),
    "choice": Column("how tickets were balanced", ""),
    "dataflow": Column("what a PE takes of a layer (`hw.dataflow`)", ""),
    "order": Column("order of the tokens (`hw.broadcast.order`)", ""),
    "fifo_depth": Column("tokens that can wait at a PE (`hw.broadcast.fifo_depth`)", "tokens"),
    "weight_swap_cycles": Column("cycles to the next weights (`hw.weight_swap_cycles`)", CYCLES),
    "bandwidth": Column("whether memories take time (`hw.bandwidth`)", ""),
    "chip": Column("name of the chip file", ""),
    "format": Column("how weights are stored (`hw.weight_format`)", ""),
    "images": Column("images that were simulated", ""),
    "accuracy_dense": Column("accuracy of the dense network", FRACTION),
    "utilization_drawn": Column("utilization if as many weights stood at random positions", FRACTION),
    "kept_by_initial": Column("share of kept weights that the initial weights would have kept too", FRACTION),
    "utilization_8_pes": Column("utilization of the same mask on 8 PEs", FRACTION),
    "utilization_32_pes": Column("utilization of the same mask on 32 PEs", FRACTION),
    "cycles_analytic": Column("latency of the analytic model", CYCLES),
    "cycles_fifo_*": Column("latency of the event model with FIFOs of this depth", CYCLES),
    "pj_fifo_*": Column("energy of the event model with FIFOs of this depth: PEs, on-chip memories and DRAM", PJ),
    "train_s": Column("time of the training", "s"),
    "unlimited": Column("latency of the event model with FIFOs without a limit", CYCLES),
    "events": Column("latency of the event model", CYCLES),
    "analytic": Column("latency of the analytic model", CYCLES),
    "dense": Column("latency on a dense systolic array", CYCLES),
    "loas": Column("latency on LoAS", CYCLES),
    "prosperity": Column("latency on Prosperity", CYCLES),
    "ptb": Column("latency on Parallel Time Batching", CYCLES),
    "sato": Column("latency on SATO", CYCLES),
    "spinalflow": Column("latency on SpinalFlow", CYCLES),
}
KINDS = {
    "Keys": KEYS,
    "Training": TRAINING,
    "Sizes": SIZES,
    "Time": TIMING,
    "Energy, accesses and area": ENERGY,
    "Studies of docs/results": STUDIES,
}
COLUMNS = {name: column for kind in KINDS.values() for name, column in kind.items()}


def documented(name: str) -> str:
    """Return the name, or pattern, under which a column is in COLUMNS. Raises ValueError if it is not there."""
    found = name if name in COLUMNS else next((pattern for pattern in COLUMNS if fnmatchcase(name, pattern)), None)
    if found is None:
        raise ValueError(f"column {name}: expected its meaning and unit in uticket/config/columns.py, got none")
    return found
