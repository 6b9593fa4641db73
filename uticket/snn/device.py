"""The device that networks run on."""

import os

import torch

from uticket.errors import InputError


def choose_device(name: str) -> torch.device:
    """Return the device of `train.device` (auto, cpu, cuda), with torch set to give the same bytes in every run.

    Raises InputError if there is no such device.
    """
    if name == "cuda" and not torch.cuda.is_available():
        raise InputError("train.device: expected a device of this machine (cpu, auto), came 'cuda'")
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it cuBLAS sums in an order that varies
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.set_flush_denormal(True)  # on CPUs, numbers near zero would take many times longer
    return torch.device(name)
