"""Kinds of files that people of this field have: how each is made, and what reading it gives.

docs/files.md has a table of them, written by `python -m tests.foreign.kinds`. A new kind is one function marked @kind.
"""

import argparse
import pickle
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.numpy import save_file
from torch import nn

from tests.helpers import ROOT
from uticket.report.readme import write_between

Arrays = dict[str, np.ndarray]
DOCS = ROOT / "docs" / "files.md"
BEGIN, END = "<!-- kinds -->", "<!-- end of kinds -->"


@dataclass(frozen=True)
class Kind:
    """A kind of file. make: writes it to a folder; returns its path and the arrays in it, or how its error ends."""

    words: str
    make: Callable[[Path], tuple[Path, Arrays | str]]
    skipped: tuple[str, ...]


KINDS: list[Kind] = []


def kind(words: str, *skipped: str) -> Any:
    """Add a kind. skipped: names of the parts that are left out, and reported."""

    def add(make: Callable[[Path], tuple[Path, Arrays | str]]) -> Any:
        KINDS.append(Kind(words, make, skipped))
        return make

    return add


def weights() -> Arrays:
    """Two convolutions and a linear layer, half of whose weights are zero."""
    rng = np.random.default_rng(1)
    shapes = {"conv1.weight": (4, 2, 3, 3), "conv2.weight": (6, 4, 3, 3), "fc.weight": (3, 6)}
    values = {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    return {name: array * (rng.random(array.shape) < 0.5) for name, array in values.items()}


def tensors(arrays: Arrays) -> dict[str, torch.Tensor]:
    """The same as tensors of PyTorch."""
    return OrderedDict((name, torch.from_numpy(values)) for name, values in arrays.items())


def saved(path: Path, content: Any, **how: Any) -> Path:
    """Write with torch.save."""
    torch.save(content, path, **how)
    return path


def pickled(path: Path, content: Any, protocol: int = 4) -> Path:
    """Write with pickle."""
    path.write_bytes(pickle.dumps(content, protocol))
    return path


def optimizer() -> dict[str, Any]:
    """The state of an optimizer after a step."""
    return {"state": {0: {"step": torch.tensor(3.0), "exp_avg": torch.ones(4, 2, 3, 3)}}, "param_groups": [{"lr": 0.1}]}


@kind("`.npz` of numpy")
def npz(folder: Path) -> tuple[Path, Arrays | str]:
    np.savez_compressed(folder / "w.npz", **weights())
    return folder / "w.npz", weights()


@kind("`.npz` with text, complex numbers and a member that is no array", "text", "waves", "notes.txt")
def npz_with_others(folder: Path) -> tuple[Path, Arrays | str]:
    import zipfile

    np.savez(folder / "w.npz", text=np.array(["a"]), waves=np.ones(2, complex), **weights())
    with zipfile.ZipFile(folder / "w.npz", "a") as archive:
        archive.writestr("notes.txt", "made on Monday")
    return folder / "w.npz", weights()


@kind("`.npy` of one array, in Fortran order and of the other byte order")
def npy(folder: Path) -> tuple[Path, Arrays | str]:
    values = weights()["conv1.weight"]
    np.save(folder / "conv1.npy", np.asfortranarray(values.astype(values.dtype.newbyteorder(">"))))
    return folder / "conv1.npy", {"conv1": values}


@kind("`.npy` of a list of masks of several shapes (pickled by numpy)")
def npy_of_objects(folder: Path) -> tuple[Path, Arrays | str]:
    held = np.empty(3, dtype=object)
    held[:] = [values != 0 for values in weights().values()]
    np.save(folder / "masks.npy", held)
    return folder / "masks.npy", {str(n): values for n, values in enumerate(held)}


@kind("`.npy` of a dict (pickled by numpy)")
def npy_of_dict(folder: Path) -> tuple[Path, Arrays | str]:
    np.save(folder / "w.npy", weights())  # type: ignore[arg-type]
    return folder / "w.npy", weights()


@kind("pickled list of masks with those of batch norms, as the published u-Ticket code keeps them")
def mask_list(folder: Path) -> tuple[Path, Arrays | str]:
    conv = weights()["conv1.weight"] != 0
    masks = [conv.astype(np.float32), np.ones(4, np.float32), np.ones((3, 6), np.float64)]
    return pickled(folder / "mask.pkl", masks), {str(n): values for n, values in enumerate(masks)}


@kind("list of masks of `torch.save`")
def mask_tensors(folder: Path) -> tuple[Path, Arrays | str]:
    masks = [torch.from_numpy(values != 0) for values in weights().values()]
    return saved(folder / "mask.pth", masks), {str(n): m.numpy() for n, m in enumerate(masks)}


@kind("pickled dict of tensors (`pickle.dump`)")
def pickled_tensors(folder: Path) -> tuple[Path, Arrays | str]:
    return pickled(folder / "w.pickle", dict(tensors(weights()))), weights()


@kind("pickled list of (name, array)")
def pickled_pairs(folder: Path) -> tuple[Path, Arrays | str]:
    return pickled(folder / "w.pkl", list(weights().items()), 2), weights()


@kind("state dict of `torch.save`")
def state_dict(folder: Path) -> tuple[Path, Arrays | str]:
    return saved(folder / "w.pth", tensors(weights())), weights()


@kind("state dict in the format before PyTorch 1.6")
def legacy(folder: Path) -> tuple[Path, Arrays | str]:
    how = {"_use_new_zipfile_serialization": False}
    return saved(folder / "w.pt", tensors(weights()), **how), weights()


@kind("checkpoint `.pth.tar` with epoch, `best_acc` (a numpy scalar), `args` (a Namespace), optimizer", "optimizer")
def checkpoint(folder: Path) -> tuple[Path, Arrays | str]:
    beside = {"epoch": 3, "best_acc": np.float64(91.5), "args": argparse.Namespace(lr=0.1), "optimizer": optimizer()}
    return saved(folder / "best.pth.tar", {**beside, "state_dict": tensors(weights())}), weights()


@kind("Lightning `.ckpt`", "optimizer_states")
def lightning(folder: Path) -> tuple[Path, Arrays | str]:
    beside = {"pytorch-lightning_version": "2.4.0", "optimizer_states": [optimizer()], "lr_schedulers": [], "loops": {}}
    return saved(folder / "last.ckpt", {**beside, "state_dict": tensors(weights())}), weights()


@kind("weights under `net`, with the moving average under `ema`", "ema")
def averaged(folder: Path) -> tuple[Path, Arrays | str]:
    ema = {name: values * 2 for name, values in tensors(weights()).items()}
    return saved(folder / "w.pt", {"ema": ema, "net": tensors(weights())}), weights()


@kind("weights nested in unknown names", "optim_g")
def nested(folder: Path) -> tuple[Path, Arrays | str]:
    inner = {"run": {"model_state": tensors(weights())}}
    return saved(folder / "w.pt", {"step": 3, "optim_g": optimizer(), "data": inner}), weights()


@kind("weights with masks beside them, by name (`{state_dict, masks}`)")
def weights_and_masks(folder: Path) -> tuple[Path, Arrays | str]:
    masks = {name: values != 0 for name, values in weights().items()}
    content = {"state_dict": tensors(weights()), "masks": tensors(masks)}
    return saved(folder / "w.pt", content), {**weights(), **{f"{name}_mask": m for name, m in masks.items()}}


class OwnLayer(nn.Conv2d):
    """A class that readers of its pickle do not have."""


class OwnNetwork(nn.Module):
    """A network that readers of its pickle do not have."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(OwnLayer(2, 4, 3, stride=2, bias=False), nn.BatchNorm2d(4))
        self.fc = nn.Linear(4, 3)
        self.register_buffer("mem", torch.zeros(1, 4, 2, 2), persistent=False)
        self.spikes = torch.ones(5)


@kind("whole model (`torch.save(model)`) of classes that are not there", "mem", "spikes")
def whole_model(folder: Path) -> tuple[Path, Arrays | str]:
    model = OwnNetwork()
    expected = {name: values.numpy() for name, values in model.state_dict().items()}
    return saved(folder / "model.pth", model), expected


@kind("whole model in DataParallel, in a checkpoint, in the older format", "module.mem", "module.spikes")
def whole_parallel_model(folder: Path) -> tuple[Path, Arrays | str]:
    model = OwnNetwork()
    expected = {f"module.{name}": values.numpy() for name, values in model.state_dict().items()}
    parallel = nn.Module()
    parallel.add_module("module", model)
    how = {"_use_new_zipfile_serialization": False}
    return saved(folder / "ckpt.pth", {"net": parallel, "acc": 91.2}, **how), expected


@kind("TorchScript (`torch.jit.save`)")
def torchscript(folder: Path) -> tuple[Path, Arrays | str]:
    model = nn.Sequential(nn.Conv2d(2, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 1))
    torch.jit.save(torch.jit.script(model), folder / "script.pt")
    return folder / "script.pt", {name: values.numpy() for name, values in model.state_dict().items()}


@kind("masks of NNI, `{layer: {weight: mask, bias: mask}}`")
def nni(folder: Path) -> tuple[Path, Arrays | str]:
    masks = {layer: {"weight": torch.ones(4, 2, 3, 3), "bias": torch.ones(4)} for layer in ("net", "conv2")}
    expected = {f"{layer}.{name}": m.numpy() for layer, held in masks.items() for name, m in held.items()}
    return saved(folder / "nni.pth", masks), expected


@kind("kernels of lava-dl, (filters, channels, height, width, 1)")
def lava(folder: Path) -> tuple[Path, Arrays | str]:
    name = "blocks.0.synapse.weight"
    values = weights()["conv1.weight"]
    return saved(folder / "network.pt", {name: torch.from_numpy(values[..., None])}), {name: values}


@kind("bfloat16, half and 8-bit floats, sparse and expanded tensors of PyTorch", "ghost", "waves")
def odd_tensors(folder: Path) -> tuple[Path, Arrays | str]:
    values = torch.arange(8.0).reshape(2, 4)
    odd = {"bf16": values.bfloat16(), "half": values.half(), "f8": values.to(torch.float8_e4m3fn)}
    odd |= {"coo": values.to_sparse(), "csr": values.to_sparse_csr(), "turned": values.T, "part": values[:, 1:3]}
    expected = {
        name: (tensor.float() if name == "f8" else tensor.to_dense().float()).numpy() for name, tensor in odd.items()
    }
    odd |= {"same": torch.ones(1).expand(3), "ghost": torch.empty(2, device="meta"), "waves": torch.ones(2) * 1j}
    return saved(folder / "odd.pt", odd), {**expected, "same": np.ones(3, np.float32)}


@kind("quantized tensors of PyTorch, multiplied out")
def quantized(folder: Path) -> tuple[Path, Arrays | str]:
    whole = torch.quantize_per_tensor(torch.tensor([[0.5, -1.0]]), 0.25, 3, torch.qint8)
    rows = torch.quantize_per_channel(torch.eye(2), torch.tensor([0.5, 0.25]), torch.tensor([0, 1]), 0, torch.qint8)
    expected = {"whole": whole.dequantize().numpy(), "rows": rows.dequantize().numpy()}
    return saved(folder / "q.pt", {"whole": whole, "rows": rows}), expected


@kind("`.safetensors`")
def safetensors(folder: Path) -> tuple[Path, Arrays | str]:
    save_file({name: np.ascontiguousarray(values) for name, values in weights().items()}, folder / "w.safetensors")
    return folder / "w.safetensors", weights()


@kind("`.safetensors` of bfloat16, 8-bit and 4-bit floats, and complex numbers", "waves")
def odd_safetensors(folder: Path) -> tuple[Path, Arrays | str]:
    import json

    import ml_dtypes

    values = np.array([[0.5, -1.0, 2.0, 0.0]], np.float32)
    codes = values.astype(ml_dtypes.float4_e2m1fn).view(np.uint8).ravel()
    raw = {
        "bf16": ("BF16", 4, values.astype(ml_dtypes.bfloat16).tobytes()),
        "f4": ("F4", 4, bytes(codes[::2] | codes[1::2] << 4)),
        "f8": ("F8_E4M3", 4, values.astype(ml_dtypes.float8_e4m3fn).tobytes()),
        "waves": ("C64", 1, bytes(8)),
    }
    header, end = {}, 0
    for name, (dtype, columns, content) in raw.items():
        header[name] = {"dtype": dtype, "shape": [1, columns], "data_offsets": [end, end + len(content)]}
        end += len(content)
    text = json.dumps(header).encode()
    content = len(text).to_bytes(8, "little") + text + b"".join(content for _, _, content in raw.values())
    (folder / "odd.safetensors").write_bytes(content)
    return folder / "odd.safetensors", dict.fromkeys(("bf16", "f4", "f8"), values)


@kind("shards of safetensors (`model.safetensors.index.json`)")
def shards(folder: Path) -> tuple[Path, Arrays | str]:
    import json

    files = {name: f"model-{n}.safetensors" for n, name in enumerate(weights())}
    for name, file in files.items():
        save_file({name: np.ascontiguousarray(weights()[name])}, folder / file)
    path = folder / "model.safetensors.index.json"
    path.write_text(json.dumps({"metadata": {}, "weight_map": files}))
    return path, weights()


@kind("shards of PyTorch (`pytorch_model.bin.index.json`)")
def torch_shards(folder: Path) -> tuple[Path, Arrays | str]:
    import json

    files = {name: f"pytorch_model-{n}.bin" for n, name in enumerate(weights())}
    for name, file in files.items():
        saved(folder / file, {name: torch.from_numpy(weights()[name])})
    path = folder / "pytorch_model.bin.index.json"
    path.write_text(json.dumps({"metadata": {}, "weight_map": files}))
    return path, weights()


@kind("`.nir`")
def nir_graph(folder: Path) -> tuple[Path, Arrays | str]:
    import nir

    conv, fc = weights()["conv1.weight"], weights()["fc.weight"]
    nodes = {
        "input": nir.Input({"input": np.array([2, 8, 8])}),
        "z_conv": nir.Conv2d(
            input_shape=(8, 8), weight=conv, stride=2, padding=1, dilation=1, groups=1, bias=np.zeros(4)
        ),
        "lif": nir.LIF(tau=np.ones(4), r=np.ones(4), v_leak=np.zeros(4), v_threshold=np.ones(4)),
        "fc": nir.Linear(fc),
        "output": nir.Output({"output": np.array([3])}),
    }
    order = list(nodes)
    graph = nir.NIRGraph(nodes=nodes, edges=list(pairwise(order)))
    nir.write(folder / "net.nir", graph)
    states = {"tau": np.ones(4), "r": np.ones(4), "v_leak": np.zeros(4), "v_threshold": np.ones(4)}
    states |= {"v_reset": nodes["lif"].v_reset} if getattr(nodes["lif"], "v_reset", None) is not None else {}
    expected = {"z_conv.weight": conv, "z_conv.bias": np.zeros(4), "fc.weight": fc}
    return folder / "net.nir", expected | {f"lif.{name}": values for name, values in states.items()}


def onnx_model() -> Any:
    """An ONNX model of a convolution and a linear layer."""
    from onnx import TensorProto, helper, numpy_helper

    conv, fc = weights()["conv1.weight"], weights()["fc.weight"]
    held = [numpy_helper.from_array(fc, "fc.weight"), numpy_helper.from_array(conv, "conv1.weight")]
    nodes = [
        helper.make_node("Conv", ["x", "conv1.weight"], ["y"], strides=[2, 2], pads=[1, 1, 1, 1], group=1),
        helper.make_node("GlobalAveragePool", ["y"], ["z"]),
        helper.make_node("Flatten", ["z"], ["f"]),
        helper.make_node("Gemm", ["f", "fc.weight"], ["out"], transB=1),
    ]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 2, 8, 8])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4, 4, 4])
    out = helper.make_tensor_value_info("out", TensorProto.FLOAT, [1, 3])
    return helper.make_model(helper.make_graph(nodes, "g", [x], [out], held, value_info=[y]))


@kind("`.onnx`")
def onnx_graph(folder: Path) -> tuple[Path, Arrays | str]:
    import onnx

    onnx.save(onnx_model(), folder / "net.onnx")
    return folder / "net.onnx", {name: weights()[name] for name in ("conv1.weight", "fc.weight")}


@kind("`.onnx` with its numbers in a file beside it")
def onnx_outside(folder: Path) -> tuple[Path, Arrays | str]:
    import onnx

    onnx.save(onnx_model(), folder / "net.onnx", save_as_external_data=True, location="net.data", size_threshold=0)
    return folder / "net.onnx", {name: weights()[name] for name in ("conv1.weight", "fc.weight")}


@kind("`.onnx` with its numbers in a file elsewhere")
def onnx_elsewhere(folder: Path) -> tuple[Path, Arrays | str]:
    path, _ = onnx_outside(folder)
    path.write_bytes(path.read_bytes().replace(b"net.data", b"../n.txt"))
    return path, "expected an ONNX graph, got: numbers in '../n.txt', outside of the folder of the file"


@kind("Git-LFS pointer")
def lfs(folder: Path) -> tuple[Path, Arrays | str]:
    (folder / "w.pth").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n")
    return folder / "w.pth", "expected arrays, got a Git-LFS pointer in place of the file: `git lfs pull` fetches it"


@kind("empty file")
def empty(folder: Path) -> tuple[Path, Arrays | str]:
    (folder / "w.pth").touch()
    return folder / "w.pth", "expected arrays, got an empty file"


@kind("folder that ends like a file")
def directory(folder: Path) -> tuple[Path, Arrays | str]:
    (folder / "w.npz").mkdir()
    return folder / "w.npz", "expected a file, got a folder"


@kind("gzip archive")
def gz(folder: Path) -> tuple[Path, Arrays | str]:
    import gzip

    (folder / "w.pkl").write_bytes(gzip.compress(pickle.dumps(weights())))
    return folder / "w.pkl", "expected arrays, got a gzip archive: unpack it first"


@kind("tar archive")
def tar(folder: Path) -> tuple[Path, Arrays | str]:
    import tarfile

    with tarfile.open(folder / "w.pth.tar", "w") as archive:
        archive.add(npz(folder)[0], "w.npz")
    return folder / "w.pth.tar", "expected arrays, got a tar archive: unpack it first"


@kind("web page saved in place of a file")
def html(folder: Path) -> tuple[Path, Arrays | str]:
    (folder / "w.pth").write_text("<!DOCTYPE html><html></html>")
    return folder / "w.pth", "expected arrays, got a web page in place of the file"


@kind("HDF5 that is no NIR graph")
def hdf5(folder: Path) -> tuple[Path, Arrays | str]:
    import h5py

    with h5py.File(folder / "w.h5", "w") as file:
        file["conv"] = weights()["conv1.weight"]
    return folder / "w.h5", "expected a NIR graph, got: HDF5 that is no NIR graph"


@kind("pickle without arrays")
def nothing(folder: Path) -> tuple[Path, Arrays | str]:
    return pickled(
        folder / "args.pkl", argparse.Namespace(lr=0.1)
    ), "expected a PyTorch file or pickle, got no arrays in it"


@kind("`.npz` with a damaged member")
def damaged(folder: Path) -> tuple[Path, Arrays | str]:
    np.savez(folder / "w.npz", **weights())
    content = bytearray((folder / "w.npz").read_bytes())
    content[200] ^= 1
    (folder / "w.npz").write_bytes(content)
    return folder / "w.npz", "expected an .npz archive of arrays, got: Bad CRC-32 for file 'conv1.weight.npy'"


@kind("checkpoint of which the second half is missing")
def cut_off(folder: Path) -> tuple[Path, Arrays | str]:
    torch.save({name: torch.from_numpy(values) for name, values in weights().items()}, folder / "w.pth")
    content = (folder / "w.pth").read_bytes()
    (folder / "w.pth").write_bytes(content[: len(content) // 2])
    got = "a zip archive that is cut off or damaged (File is not a zip file)"
    return folder / "w.pth", f"expected a PyTorch file or pickle, got: {got}"


@kind("pipe, device or socket")
def pipe(folder: Path) -> tuple[Path, Arrays | str]:
    import os

    os.mkfifo(folder / "w.npz")
    return folder / "w.npz", "expected a file, got a pipe, device or socket"


def table() -> str:
    """The table of all kinds, in Markdown."""
    import tempfile

    rows = ["| a file of this kind | is |", "|---|---|"]
    for found in KINDS:
        with tempfile.TemporaryDirectory() as folder:
            _, result = found.make(Path(folder))
        answer = (
            result
            if isinstance(result, str)
            else "read"
            + (f"; left out and reported: {', '.join(f'`{name}`' for name in found.skipped)}" if found.skipped else "")
        )
        rows.append(f"| {found.words} | {answer} |")
    return "\n".join(rows)


if __name__ == "__main__":
    write_between(DOCS, BEGIN, END, table())
