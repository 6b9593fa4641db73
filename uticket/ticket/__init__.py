"""A pruned network: layers, mask, weights, spikes, and its files."""
