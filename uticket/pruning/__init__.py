"""How a mask changes from round to round: pruning and balancing (numpy and numba)."""
