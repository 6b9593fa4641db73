"""PyTorch tensors that a pickle describes, as numpy arrays, without PyTorch.

Source: the functions of `torch/_utils.py` and `torch/_tensor.py` by which tensors are pickled.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from uticket.base.room import Room
from uticket.foreign.dtypes import PACKED, count, decoded, dtype_of, plain, plain_size, storage_type, unread
from uticket.foreign.inert import PERSISTENT, Name, Object
from uticket.foreign.leaf import Leaf, unreadable
from uticket.foreign.ndarrays import bytes_of
from uticket.foreign.stream import Storages, load_stream


@dataclass(frozen=True)
class Storage:
    """The numbers from which tensors are taken: their type, their key in a file, and the part of them that is meant."""

    type: str
    key: str
    part: slice
    storages: Storages


class Tensors:
    """Arrays of the tensors of one file."""

    def __init__(self, storages: Storages, room: Room) -> None:
        self._storages, self._room = storages, room
        self._read: dict[tuple[str, str], NDArray[Any]] = {}

    def leaf(self, made: Object) -> Leaf | None:
        """Return the array that a recorded call would make; None if it makes no tensor."""
        name = made.kind.rpartition(".")[2]
        if not made.kind.startswith("torch.") or name not in BUILDERS:
            return None
        return BUILDERS[name](self, *made.args)

    def strided(self, storage: Any, offset: int, size: Any, stride: Any, *others: Any) -> Leaf:
        """Return a tensor from its storage. others: requires_grad, hooks, and in version 3 the type, metadata."""
        kept = next((part.kind for part in others if isinstance(part, Name)), None)
        found = self._storage(storage)
        named = storage_type(kept) if kept else found.type
        shape, steps = _sizes(size), _sizes(stride)
        if named == PACKED and shape:
            shape = (*shape[:-1], 2 * shape[-1])
            steps = (*(2 * step for step in steps[:-1]), 1)
        dtype = dtype_of("float4_e2m1fn" if named == PACKED else named)
        if unread(dtype):
            return unreadable(shape, unread(dtype))

        def read() -> NDArray[Any]:
            self._room.take(plain_size(dtype) * count(shape), "arrays")
            return plain(_view(self._numbers(found, named)[found.part], offset, shape, steps))

        return Leaf(shape, read)

    def _numbers(self, storage: Storage, name: str) -> NDArray[Any]:
        if (storage.key, name) not in self._read:
            raw, order = storage.storages(storage.key.rpartition(" ")[2])
            self._read[storage.key, name] = decoded(raw, name, order)
        return self._read[storage.key, name]

    def _storage(self, made: Any) -> Storage:
        """Return the storage that a persistent id means, or that a plain pickle holds as the bytes of a file."""
        storages, prefix = self._storages, ""
        if isinstance(made, Object) and made.kind.endswith("Storage") and made.args:
            made = made.args[0]  # a typed storage around an untyped one
        if isinstance(made, Object) and made.kind == "torch.storage._load_from_bytes":
            prefix = f"{id(made)} "
            made, storages = load_stream(io.BytesIO(bytes_of(made.args[0])))
        if not (isinstance(made, Object) and made.kind == PERSISTENT and isinstance(made.args[0], tuple)):
            raise ValueError("a tensor without a storage")
        _, kind, key, _, _, *view = made.args[0]
        _, start, length = (view[0] if view else None) or (None, 0, None)
        part = slice(start, None if length is None else start + length)
        return Storage(storage_type(kind.kind), prefix + str(key), part, storages)

    def parameter(self, data: Any, *_: Any) -> Leaf | None:
        """Return the tensor of a parameter."""
        return self.leaf(data) if isinstance(data, Object) else None

    def of_class(self, function: Any, _kind: Any, args: Any, *_: Any) -> Leaf | None:
        """Return the tensor of an instance of a subclass of Tensor."""
        return self.leaf(Object(function.kind, args)) if isinstance(function, Name) else None

    def meta(self, _type: Any, size: Any, *_: Any) -> Leaf:
        """Return a tensor without values."""
        return unreadable(_sizes(size), "a tensor without values (meta)")

    def quantized(self, storage: Any, offset: int, size: Any, stride: Any, how: Any, *_: Any) -> Leaf:
        """Return a quantized tensor as the numbers that it stands for."""
        whole = self.strided(storage, offset, size, stride)
        scheme, scale, zero, *axes = how
        if not scheme.kind.endswith("_affine"):
            return unreadable(whole.shape, f"quantized by {scheme.kind[:40]}")

        def factor(value: Any) -> Any:
            if not isinstance(value, Object):
                return np.float64(value)
            found = self.leaf(value)
            assert found is not None, "a tensor of scales"
            return found.read().reshape([-1 if n == axes[0] else 1 for n in range(len(whole.shape))])

        def read() -> NDArray[Any]:
            values: NDArray[Any] = (whole.read() - factor(zero)) * factor(scale)
            return values.astype(np.float32)

        return Leaf(whole.shape, read, note="quantized numbers were multiplied out")

    def sparse(self, layout: Any, data: Any) -> Leaf:
        """Return a sparse tensor as a dense array; COO layout or CSR."""
        *places, held, size = (part for part in data if not isinstance(part, bool))  # without is_coalesced
        shape = _sizes(size)
        kind = layout.args[0] if isinstance(layout, Object) else ""
        leaves = [self.parameter(part) for part in (*places, held)]
        if kind not in ("torch.sparse_coo", "torch.sparse_csr") or None in leaves:
            return unreadable(shape, f"a tensor of layout {str(kind)[:40]}")
        if leaves[-1] is not None and leaves[-1].reason:
            return unreadable(shape, leaves[-1].reason)

        def read() -> NDArray[Any]:
            self._room.take(8 * count(shape), "arrays")
            *indices, values = [leaf.read() for leaf in leaves if leaf is not None]
            dense = np.zeros(shape, values.dtype)
            if kind == "torch.sparse_csr":
                starts, columns = indices
                indices = [np.stack([np.repeat(np.arange(len(starts) - 1), np.diff(starts)), columns])]
            if indices[0].min(initial=0) < 0:
                raise ValueError("a sparse tensor with negative places")
            np.add.at(dense, tuple(indices[0]), values)
            return dense

        return Leaf(shape, read)


def _sizes(value: Any) -> tuple[int, ...]:
    """Return a size or stride, which PyTorch pickles as a tuple, or as torch.Size of one."""
    sizes: Any = value.args[0] if isinstance(value, Object) and value.args else value
    sizes = () if isinstance(sizes, Object) else sizes
    count(sizes)
    return tuple(sizes)


def _view(numbers: NDArray[Any], offset: Any, shape: tuple[int, ...], stride: tuple[int, ...]) -> NDArray[Any]:
    """Return a view on a storage. Raises ValueError if it leaves the storage."""
    if len(shape) != len(stride) or type(offset) is not int or offset < 0:
        raise ValueError(f"a tensor of shape {shape} with strides {stride} at {offset}")
    if 0 in shape:
        return np.zeros(shape, numbers.dtype)
    last = offset + sum((size - 1) * step for size, step in zip(shape, stride, strict=True))
    if last >= len(numbers):
        raise ValueError(f"a tensor of shape {shape} that ends after its storage of {len(numbers)} numbers")
    view = as_strided(numbers[offset:], shape, [step * numbers.itemsize for step in stride], writeable=False)
    return np.ascontiguousarray(view).reshape(shape)  # a lone number stays one


BUILDERS: dict[str, Callable[..., Leaf | None]] = {
    "_rebuild_tensor": Tensors.strided,
    "_rebuild_tensor_v2": Tensors.strided,
    "_rebuild_tensor_v3": Tensors.strided,
    "_rebuild_parameter": Tensors.parameter,
    "_rebuild_parameter_with_state": Tensors.parameter,
    "_rebuild_device_tensor_from_cpu_tensor": Tensors.parameter,
    "_rebuild_from_type_v2": Tensors.of_class,
    "_rebuild_meta_tensor_no_storage": Tensors.meta,
    "_rebuild_qtensor": Tensors.quantized,
    "_rebuild_sparse_tensor": Tensors.sparse,
}
