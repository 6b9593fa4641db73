"""Masks and weights from anybody's file. Nothing in it is run."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np

from uticket.base.archive import Archive
from uticket.base.errors import InputError, one_line
from uticket.base.room import Room
from uticket.foreign.contents import Contents
from uticket.foreign.look import kind_of
from uticket.foreign.npy import read_npy, read_npz
from uticket.foreign.safetensors_file import read_safetensors
from uticket.foreign.torch_file import is_torch, read_pickle, read_torch_archive

PICKLED = dict.fromkeys((".pt", ".pth", ".pth.tar", ".ckpt", ".bin", ".pkl", ".pickle"), "a PyTorch file or pickle")
ENDINGS = {  # -> what a file that ends so is expected to be
    ".npz": "an .npz archive of arrays",
    ".npy": "an .npy array",
    ".safetensors": "a safetensors file",
    **PICKLED,
    **dict.fromkeys((".nir", ".h5"), "a NIR graph"),
    ".onnx": "an ONNX graph",
    ".index.json": "an index of shards",
}


def read_arrays(path: Path) -> Contents:
    """Read the numeric arrays of a file: which, and what else it holds, see `Contents`.

    The first bytes decide what a file is, then its ending: arrays of numpy, safetensors, what PyTorch and pickle write
    (a state dict, a checkpoint around it, a whole module, lists and dicts of masks), NIR, ONNX, and an index of shards.
    A lone array has the name of the file. Raises InputError, naming the file, if it is missing, damaged, of another
    kind, or larger than half of the free memory.
    """
    ending = next((ending for ending in ENDINGS if path.name.endswith(ending)), None)
    if ending is None:
        missing = not path.suffix and not os.path.lexists(path)
        got = "none" if missing else path.suffix or "no ending"
        expected = "a file, or the folder of a ticket" if missing else f"a file ending in {', '.join(ENDINGS)}"
        raise InputError(f"{path}: expected {expected}, got {got}")
    kind = kind_of(path)
    try:
        found = _read(path, kind, ending)
    except InputError:
        raise
    except Exception as error:  # one guard for all foreign bytes, and the libraries that read them
        raise InputError(f"{path}: expected {ENDINGS[ending]}, got: {one_line(error)}") from None
    if not found.arrays and not found.skipped:
        raise InputError(f"{path}: expected {ENDINGS[ending]}, got no arrays in it")
    return _named(path, found)


def _read(path: Path, kind: str, ending: str) -> Contents:
    if kind == "zip":
        room = Room()
        with Archive(path, room) as archive:
            return read_torch_archive(archive, room) if is_torch(archive) else read_npz(archive, room)
    if kind == "npy":
        return read_npy(path)
    if kind == "hdf5":
        from uticket.foreign.nir_file import read_nir  # imported here: stages read none

        return read_nir(path)
    if ending == ".index.json":
        from uticket.foreign.shards import read_shards

        return read_shards(path, read_arrays)
    if ending == ".onnx":
        from uticket.foreign.onnx_file import read_onnx

        return read_onnx(path)
    if kind == "safetensors" or ending == ".safetensors":
        return read_safetensors(path)
    if ending in PICKLED:
        return read_pickle(path)
    raise ValueError("bytes of another kind")


def _named(path: Path, found: Contents) -> Contents:
    """Name a lone array after its file, and give kernels of lava-dl, of five axes, the four of all others."""
    arrays = {name or path.name.partition(".")[0]: values for name, values in found.arrays.items()}
    deep = [name for name, values in arrays.items() if values.ndim == 5 and values.shape[-1] == 1]
    arrays |= {name: np.squeeze(arrays[name], axis=-1) for name in deep}
    notes = (f"the last axis of {', '.join(deep)}, of length 1, was dropped",) if deep else ()
    return replace(found, arrays=arrays, notes=(*found.notes, *notes))
