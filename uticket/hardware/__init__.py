"""What a chip does with a ticket: cycles and energy (numpy and numba)."""
