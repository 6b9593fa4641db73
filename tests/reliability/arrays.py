"""Cases of masks, weights and arrays: pickles, archives, declared sizes."""

import io
import os
import pickle
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tests.foreign.bombs import BOMBS, STORAGE, safetensors, tensor
from tests.foreign.hostile import hostile_pickles
from tests.helpers import sparse_weights, write_foreign
from tests.reliability.cases import case

RUN = "Files that would run something"
CLIMB = "Files that lead out of their folder"
SIZE = "Files that unpack to, or say that they have, more than there is room for"
DEEP = "Deep nesting and aliases"
FLIP = "Damaged files"
PICKLES = dict(hostile_pickles())


def torch_archive(content: bytes, **storages: bytes) -> None:
    """Write w.pt as torch.save does."""
    with zipfile.ZipFile("w.pt", "w") as archive:
        archive.writestr("a/data.pkl", content)
        for name, raw in storages.items():
            archive.writestr(name, raw)


def array_file(shape: object, content: bytes, descr: str = "<f4") -> bytes:
    """An .npy file with any header."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": descr, "fortran_order": False, "shape": shape})
    return header.getvalue() + content


@case(RUN, "pickle that calls a function, of protocols 0 to 5", "uticket audit w.pkl")
def plain_pickles() -> Iterator[None]:
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        Path("w.pkl").write_bytes(PICKLES[f"reduce_ex-{protocol}"])
        yield


@case(RUN, "pickle that imports a module and evaluates text", "uticket audit w.pkl")
def importing_pickle() -> None:
    Path("w.pkl").write_bytes(PICKLES["import-reduce-4"])


@case(RUN, "the same as the checkpoint of a zip archive", "uticket audit w.pt")
def pickle_in_archive() -> None:
    torch_archive(PICKLES["import-reduce-4"])


@case(RUN, "the same as an array of Python objects", "uticket audit w.npz")
def pickle_in_array() -> None:
    with zipfile.ZipFile("w.npz", "w") as archive:
        archive.writestr("w.npy", array_file((1,), PICKLES["import-reduce-4"], "|O"))


@case(RUN, "the same as inputs of a capture", "uticket capture no:net out --inputs w.npy")
def pickle_as_inputs() -> None:
    Path("w.npy").write_bytes(array_file((1,), PICKLES["import-reduce-4"], "|O"))


@case(CLIMB, "`.npz` with members `../../w.npy` and `/w.npy`; nothing is unpacked to the disk", "uticket audit w.npz")
def climbing_members() -> None:
    content = array_file((2, 2, 1, 1), np.ones(4, np.float32).tobytes())
    with zipfile.ZipFile("w.npz", "w") as archive:
        archive.writestr("../../w.npy", content)
        archive.writestr("/w.npy", content)


@case(CLIMB, "checkpoint whose numbers lie in another member", "uticket audit w.pt")
def climbing_storage() -> None:
    key = STORAGE.replace(b"X\x01\x00\x00\x000", b"X\x0c\x00\x00\x00../../secret")
    torch_archive(tensor(key, 0, (1,), (1,)), secret=bytes(16))


@case(CLIMB, "index of shards that names another folder", "uticket audit w.safetensors.index.json")
def climbing_shards() -> None:
    Path("w.safetensors.index.json").write_text('{"weight_map": {"w": "../secret.npz"}}')


@case(CLIMB, "NIR graph with a link to another file", "uticket audit w.nir")
def climbing_link() -> None:
    import h5py

    with h5py.File("w.nir", "w") as file:
        file["node"] = h5py.ExternalLink("/etc/passwd", "/")


@case(CLIMB, "NIR graph with numbers in another file", "uticket audit w.nir")
def numbers_elsewhere() -> None:
    import h5py

    with h5py.File("w.nir", "w") as file:
        file["node/type"] = "NIRGraph"
        file["node/nodes/fc/type"] = "Linear"
        file["node/nodes/fc"].create_dataset("weight", (2, 2), "f4", external=[("/dev/zero", 0, 16)])


def claims(path: str, size: int) -> None:
    """Write an archive of one member that says how much it unpacks to."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("w.npy", array_file((size // 4,), bytes(2**20)))
        archive.getinfo("w.npy").file_size = size


@case(SIZE, "`.npz` that unpacks to 3 GB", "uticket audit w.npz")
def bomb() -> None:
    claims("w.npz", 3 * 2**30)


@case(SIZE, "checkpoint of which a part unpacks to 3 GB", "uticket audit w.pt")
def torch_bomb() -> None:
    with zipfile.ZipFile("w.pt", "w") as archive:
        archive.writestr("a/data.pkl", tensor(STORAGE, 0, (4,), (1,)))
        archive.writestr("a/data/0", bytes(16))
        archive.getinfo("a/data/0").file_size = 3 * 2**30


@case(SIZE, "array with 2^40 numbers in its header and 4 in the file", "uticket audit w.npy")
def claimed_array() -> None:
    Path("w.npy").write_bytes(array_file((2**40,), bytes(16)))


@case(SIZE, "the same as inputs of a capture", "uticket capture no:net out --inputs w.npy")
def claimed_inputs() -> None:
    claimed_array()


@case(SIZE, "`.safetensors` with 2^40 numbers in its header and 1 in the file", "uticket audit w.safetensors")
def claimed_safetensors() -> None:
    header = b'{"w":{"dtype":"F32","shape":[1099511627776],"data_offsets":[0,4]}}'
    Path("w.safetensors").write_bytes(safetensors(header, bytes(4)))


@case(SIZE, "tensor with 2^40 x 2^40 numbers, all of them one", "uticket audit w.pt")
def claimed_tensor() -> None:
    torch_archive(tensor(STORAGE, 0, (2**40, 2**40), (0, 0)), **{"a/data/0": bytes(16)})


@case(SIZE, "`.safetensors` with a header of 50 MB", "uticket audit w.safetensors")
def long_header() -> None:
    Path("w.safetensors").write_bytes(safetensors(b"{" + b" " * (50 * 10**6 - 2) + b"}"))


@case(SIZE, "sparse file of 10 GB", "uticket audit w.npy")
def sparse_file() -> None:
    np.save("w.npy", np.ones(4))
    os.truncate("w.npy", 10 * 10**9)


@case(SIZE, "pickle with a text of 2^60 bytes", "uticket audit w.pkl")
def long_text() -> None:
    Path("w.pkl").write_bytes(BOMBS["long_text"])


@case(DEEP, "pickle with 200,000 lists in each other", "uticket audit w.pkl")
def deep_pickle() -> None:
    Path("w.pkl").write_bytes(BOMBS["deep_lists"])


@case(DEEP, "index of shards with 100,000 lists in each other", "uticket audit w.bin.index.json")
def deep_index() -> None:
    Path("w.bin.index.json").write_text("[" * 100_000)


@case(FLIP, "one flipped bit in weights that uticket wrote", "uticket audit balanced.safetensors")
def flipped_bit() -> None:
    from uticket.base.arrays import safetensors_bytes

    content = bytearray(safetensors_bytes(sparse_weights()))
    content[-5] ^= 1
    Path("balanced.safetensors").write_bytes(content)


@case(FLIP, "a truth value that is 7, in a mask of others", "uticket audit w.safetensors")
def odd_boolean() -> None:
    header = b'{"w":{"dtype":"BOOL","shape":[1,1,1,1],"data_offsets":[0,1]}}'
    Path("w.safetensors").write_bytes(safetensors(header, b"\7"))


@case(FLIP, "the second half of a file is missing", "uticket audit w.npz")
def half() -> None:
    content = write_foreign(Path("w.npz"), sparse_weights()).read_bytes()
    Path("w.npz").write_bytes(content[: len(content) // 2])
