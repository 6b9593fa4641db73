"""Cycles of the same ticket on published accelerators, beside those of the array."""
