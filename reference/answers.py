"""The answers of commands in JSON (`--json`): what their keys hold that are neither settings nor columns of tables."""

from fnmatch import fnmatchcase

from uticket.cli.options import NAMES
from uticket.config.array import Array, Broadcast
from uticket.config.columns import COLUMNS, CYCLES, FRACTION, PJ, Column
from uticket.config.pruning import Balance

SETTINGS = {NAMES.get(name, name) for record in (Array, Broadcast, Balance) for name in record.model_fields}
# `LAYER` stands for each entry of `layers`, and for `network`
ANSWERS = {
    "timesteps": Column("timesteps that were counted", ""),
    "images": Column("images of the ticket; numbers are their mean", ""),
    "seed": Column("of random choices", ""),
    "leakage_ratio": Column("E_l / E_d of Eq. 3", "ratio"),
    "notes": Column("what was assumed of a file or looks odd in it, a line each", ""),
    "out": Column("file that was written", ""),
    "LAYER.name": Column("name of the layer, or `network`", ""),
    "LAYER.positions": Column("output positions of the layer", ""),
    "LAYER.nonzeros_before": Column("kept weights before balancing", ""),
    "LAYER.nonzeros_after": Column("kept weights after balancing", ""),
    "LAYER.utilization_before": Column("utilization before balancing", FRACTION),
    "LAYER.utilization_after": Column("utilization after balancing", FRACTION),
    "LAYER.added": Column("weights that balancing keeps and that were not kept before it", ""),
    "LAYER.removed": Column("weights that balancing no longer keeps", ""),
    "LAYER.overlap": Column("share of the weights before balancing that are still kept after it", FRACTION),
    "LAYER.overlap_consecutive": Column("the same with teams of consecutive filters; with `--team alike`", FRACTION),
    "LAYER.energy_pj.*": Column("energy by component, with the names of columns", PJ),
    "LAYER.accesses.*": Column("accesses of the memories, with the names of columns", ""),
    "LAYER.by_pe.*": Column("for each PE, with the names of columns; event model only", CYCLES),
    "LAYER.rivals.*": Column("latency on a rival", CYCLES),
    "LAYER.ratio_to_events.*": Column("this latency / that of the event model", "ratio"),
    "LAYER.ratio_to_analytic.*": Column("this latency / that of the analytic model", "ratio"),
    "rivals.*.title": Column("name of the design", ""),
    "rivals.*.source": Column("its publication", ""),
    "rivals.*.adders": Column("what its adders are in", ""),
    "rivals.*.skips": Column("what takes no cycle: spikes, windows, neurons, repeats, weights", ""),
    "rivals.*.leaves_out": Column("what its count leaves out", ""),
    "chip.name": Column("name of the chip", ""),
    "chip.leakage_ratio": Column("E_l / E_d that the chip file gives", "ratio"),
    "chip.pe_area_um2": Column("area of a PE without its FIFO", "um2"),
    "chip.fifo_area_um2": Column("area of the FIFO of a PE", "um2"),
    "left_out.layers[].name": Column("a layer that did not run on the PEs", ""),
    "left_out.layers[].why": Column("why it did not", ""),
    "left_out.layers[].weights": Column("its weights, kept or not", ""),
    "left_out.weights_share": Column("share of all weights in these layers", FRACTION),
    "skipped.numbers": Column("values of arrays that no layer was made of", ""),
    "skipped.of": Column("values of all arrays", ""),
    "skipped.share": Column("the one / the other", FRACTION),
    "skipped.parts[].name": Column("an array that no layer was made of", ""),
    "skipped.parts[].reason": Column("why none was", ""),
    "skipped.parts[].numbers": Column("its values", ""),
    "skipped.parts[].share": Column("its values / those of all arrays", FRACTION),
    "neurobench.footprint_bytes": Column("parameters and buffers of the model; not captured: weights only", "bytes"),
    "neurobench.connection_sparsity": Column("share of the weights that are pruned", FRACTION),
    "neurobench.activation_sparsity": Column(
        "share of the neurons' outputs that are zero; not captured: inputs", FRACTION
    ),
    "neurobench.dense_operations": Column("weights, kept or not, times the inputs that each meets, of one image", ""),
    "neurobench.effective_acs": Column("kept weights that meet spikes, of one image; null without spikes", ""),
    "neurobench.effective_macs": Column("kept weights that meet other inputs, such as counts", ""),
    "neurobench.not_counted": Column("layers whose inputs are not known", ""),
}


def meaning_of(path: str) -> Column | None:
    """Return what a key of an answer holds, by its path such as `layers[].by_pe.work_cycles`; None for a setting.

    Raises KeyError if it is not documented.
    """
    for begin in ("layers[].", "network."):
        if path.startswith(begin):
            path = f"LAYER.{path.removeprefix(begin)}"
    pattern = next((pattern for pattern in ANSWERS if fnmatchcase(path, pattern.replace("[]", "[[]]"))), None)
    if pattern is not None:
        return ANSWERS[pattern]
    name = path.rpartition(".")[2]
    return None if name in SETTINGS else COLUMNS[name]
