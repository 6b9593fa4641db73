"""What other mappings, and fewer bits, make of the last tickets."""

from uticket.report.section import Listing, Section

CYCLES = "utilization work_cycles idle_cycles latency_cycles"

OTHERS = Section(
    "Other mappings of the same masks",
    [Listing("mappings", f"method ticket mapping groups {CYCLES}")],
    "contiguous: filters in their own order; patterns: those that keep the same positions next to each other; sorted: "
    "by their number of weights; paired: two filters on a PE, the densest with the sparsest. All but the first permute "
    "the filters of a layer, which is free where the next layer can be permuted too.",
)
ROUNDED = Section(
    "Rounded weights",
    [Listing("quantized", f"method ticket weight_bits quantizer accuracy nonzeros groups {CYCLES}")],
    "plain: weights below half a step become zero, which undoes the balance; keep_mask: a kept weight has at least one "
    "step.",
)
