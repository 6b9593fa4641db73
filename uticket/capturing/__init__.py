"""Somebody's PyTorch network: its layers, mask, and the spikes that arrive at them, and a mask put back into it."""
