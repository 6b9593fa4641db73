"""The device that networks run on."""

import ctypes
import os
from contextlib import suppress

import torch

from uticket.base.errors import InputError
from uticket.training.contention import watch_for_others


def choose_device(name: str) -> torch.device:
    """Return the device of `train.device` (auto, cpu, cuda), with torch set to give the same bytes in every run.

    Each process of torchrun gets a GPU of its own. Raises InputError if there is no such device.
    """
    if name == "cuda" and not torch.cuda.is_available():
        raise InputError("train.device: expected a device of this machine (cpu, auto), got 'cuda'")
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cpu":
        import numba  # imported here: not needed on GPUs

        keep_freed_memory()
        # both may share one OpenMP: the first compiled loop must not change PyTorch's number of threads, and its sums
        numba.set_num_threads(min(torch.get_num_threads(), numba.get_num_threads()))
        watch_for_others()
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it cuBLAS sums in an order that varies
    # torch.use_deterministic_algorithms does the same, and imports the compiler: seconds in each stage
    torch.set_deterministic_debug_mode("warn")
    # filling new memory takes a fifth of a step, and nothing reads it before it is written
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.set_flush_denormal(True)  # on CPUs, numbers near zero would take many times longer
    if name == "cpu":
        return torch.device(name)
    torch.backends.cudnn.allow_tf32 = False  # PyTorch lets convolutions round float32 to 10 bits, weights of 16 too
    device = torch.device(name, int(os.environ.get("LOCAL_RANK", 0)))
    torch.cuda.set_device(device)
    return device


def keep_freed_memory() -> None:
    """Let memory that was freed stay with the process, where the C library is glibc; elsewhere do nothing.

    Every training step allocates and frees tensors of many megabytes; fresh pages from the kernel can cost as much as
    the work on them.
    """
    options = {"M_MMAP_MAX": (-4, 0), "M_TRIM_THRESHOLD": (-1, 2**31 - 1), "M_TOP_PAD": (-2, 64 * 2**20)}
    with suppress(OSError, AttributeError):
        for number, value in options.values():  # mallopt(3)
            ctypes.CDLL("libc.so.6").mallopt(number, value)
