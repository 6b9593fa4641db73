"""Sparse spiking networks that keep every processing element busy.

The folders follow the data: `ticket` changes masks, `snn` trains networks, `hardware` counts what a chip does with a
ticket, `report` shows it. Only `snn` imports torch.
"""

__version__ = "0.1.0"
