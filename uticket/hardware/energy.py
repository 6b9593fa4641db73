"""The energy of the PEs."""


def pe_energy(work: float, idle: float, spike_sparsity: float, leakage_ratio: float = 0.21) -> float:
    """Return the energy of `work` and `idle` PE-cycles in units of E_d, the dynamic energy of a PE for one input spike.

    spike_sparsity: share of the inputs that carry no spike, in [0, 1]; such an input costs a cycle and leakage, but no
    dynamic energy. leakage_ratio: E_l / E_d; the paper does not print it, and 0.21 reproduces its six energy
    reductions within 0.5 points.
    Source: Yin et al. 2024, Eq. 3: E = work * (E_d * (1 - S) + E_l) + idle * E_l.
    """
    return work * (1 - spike_sparsity + leakage_ratio) + idle * leakage_ratio
