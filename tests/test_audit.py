import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from safetensors.numpy import save_file
from safetensors.torch import save_file as save_torch
from torch.nn.utils.prune import l1_unstructured

from tests.conftest import PARAMS
from tests.test_cycles import LAYER, mask_of
from uticket.base.errors import InputError
from uticket.cli import main
from uticket.config.params import read_params
from uticket.ticket.foreign import READ, read_arrays, write_arrays
from uticket.ticket.layer import write_layers

FORMATS = sorted(READ)


def weights() -> dict[str, np.ndarray]:
    """Two convolutions at about 10 % density, and a linear layer."""
    rng = np.random.default_rng(0)
    arrays = {"conv1": rng.normal(size=(8, 3, 3, 3)), "conv2": rng.normal(size=(16, 8, 3, 3))}
    arrays |= {"fc": rng.normal(size=(10, 16)), "bias": rng.normal(size=10)}
    return {name: (values * (rng.random(values.shape) < 0.1)).astype(np.float32) for name, values in arrays.items()}


def write(path: Path, arrays: dict[str, np.ndarray]) -> Path:
    if path.suffix == ".npz":
        np.savez(path, **arrays)
    elif path.suffix == ".safetensors":
        save_file(arrays, path)
    else:
        torch.save({name: torch.from_numpy(values) for name, values in arrays.items()}, path)
    return path


def run(*arguments: object) -> dict:
    result = CliRunner().invoke(main, [str(argument) for argument in (*arguments, "--json")])
    assert result.exit_code == 0, result.output
    return json.loads(result.output)


def fails(*arguments: object) -> str:
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert result.exit_code == 2, result.output
    assert result.output.count("\n") == 1
    return result.output


@pytest.mark.parametrize("suffix", FORMATS)
def test_every_format_of_weights_gives_the_same_audit(tmp_path, suffix):
    arrays = weights()
    report = run("audit", write(tmp_path / f"weights{suffix}", arrays), "--pes", 4, "--timesteps", 2)
    assert (report["pes"], report["mapping"], report["timesteps"]) == (4, "contiguous", 2)
    assert [layer["name"] for layer in report["layers"]] == ["conv1", "conv2"]
    for layer in report["layers"]:
        counts = np.count_nonzero(arrays[layer["name"]].reshape(len(arrays[layer["name"]]), -1), axis=1).reshape(-1, 4)
        assert layer["work_cycles"] == 2 * counts.sum()
        assert layer["latency_cycles"] == 2 * counts.max(1).sum()
        assert layer["idle_cycles"] == 4 * layer["latency_cycles"] - layer["work_cycles"]
        busiest, mean = counts.max(1), counts.mean(1)
        assert layer["utilization"] == pytest.approx((1 - (busiest - mean) / busiest * 4 / 3).mean())
        rounded = (1 - (busiest - np.ceil(mean)) / busiest * 4 / 3).mean()
        assert layer["utilization_ceil"] == pytest.approx(rounded)
        assert (layer["filters"], layer["groups"], layer["positions"]) == (len(arrays[layer["name"]]), len(counts), 1)
    network = report["network"]
    assert network["nonzeros"] == sum(layer["nonzeros"] for layer in report["layers"])
    sizes = [layer["weights"] for layer in report["layers"]]
    mean = np.average([layer["utilization"] for layer in report["layers"]], weights=sizes)
    assert network["utilization"] == pytest.approx(mean)


def test_options_choose_layers_positions_and_timesteps(tmp_path):
    path = write(tmp_path / "w.npz", weights())
    plain = run("audit", path)
    assert plain["timesteps"] == 1
    assert [layer["name"] for layer in run("audit", path, "--linear")["layers"]] == ["conv1", "conv2", "fc"]
    assert [layer["name"] for layer in run("audit", path, "--skip-first")["layers"]] == ["conv2"]
    many = run("audit", path, "--positions", "conv2=50", "--spare-pes", "idle")
    assert many["layers"][1]["work_cycles"] == 50 * plain["layers"][1]["work_cycles"]
    assert many["layers"][0] == plain["layers"][0]
    layer = LAYER.model_copy(update={"filters": 16, "channels": 8, "input_size": (5, 2), "output_size": (5, 2)})
    write_layers(tmp_path / "layers.json", [layer], timesteps=3)
    told = run("audit", path, "--layers", tmp_path / "layers.json")
    assert told["timesteps"] == 3
    assert [layer["positions"] for layer in told["layers"]] == [1, 10]
    assert run("audit", path, "--layers", tmp_path / "layers.json", "--timesteps", 1)["timesteps"] == 1


def test_table_is_for_people(tmp_path):
    output = CliRunner().invoke(main, ["audit", str(write(tmp_path / "w.npz", weights()))]).output
    assert output.splitlines()[0].split()[:4] == ["name", "filters", "groups", "nonzeros"]
    assert output.splitlines()[-1].startswith("network")


def test_checkpoint_that_wraps_its_weights_and_weights_pruned_by_torch_are_understood(tmp_path):
    conv = torch.nn.Conv2d(3, 4, 3)
    l1_unstructured(conv, "weight", 0.75)
    wrapped = {"epoch": 3, "state_dict": {f"features.0.{n}": v for n, v in conv.state_dict().items()}}
    torch.save(wrapped, tmp_path / "checkpoint.pth")
    report = run("audit", tmp_path / "checkpoint.pth", "--pes", 2)
    assert [layer["name"] for layer in report["layers"]] == ["features.0.weight"]
    assert report["network"]["nonzeros"] == 27


class Harmful:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (Path("harm").touch, ())  # type: ignore[return-value]


def test_pickle_that_wants_to_run_code_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save({"conv": Harmful()}, tmp_path / "evil.pt")
    assert "a pickle that wants to run code, which is refused" in fails("audit", "evil.pt")
    (tmp_path / "bare.pt").write_bytes(pickle.dumps(Harmful()))
    assert "bare.pt: expected a PyTorch checkpoint" in fails("audit", "bare.pt")
    np.savez("evil.npz", conv=np.array([Harmful()], dtype=object))
    assert "evil.npz: expected an .npz archive of arrays" in fails("audit", "evil.npz")
    assert not Path("harm").exists()


@pytest.mark.parametrize("suffix", FORMATS)
def test_damaged_and_missing_files_are_told_in_one_line(tmp_path, suffix):
    path = write(tmp_path / f"weights{suffix}", weights())
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert f"{path}: expected " in fails("audit", path)
    assert "absent" in fails("audit", tmp_path / f"absent{suffix}")


def test_what_cannot_be_audited_is_told_in_one_line(tmp_path):
    good = write(tmp_path / "w.npz", weights())
    assert "expected a convolution (a 4-D array), came none" in fails(
        "audit", write(tmp_path / "flat.npz", {"fc": np.ones((3, 4))})
    )
    for value in (np.nan, np.inf):
        bad = write(tmp_path / "bad.npz", {"conv1": np.full((2, 2, 3, 3), value)})
        assert "expected finite weights in 'conv1'" in fails("audit", bad)
    assert "'--pes': 0 is not in the range" in fails("audit", good, "--pes", 0)
    assert "'--pes'" in fails("audit", good, "--pes", 10**9)
    assert "expected NAME=Q" in fails("audit", good, "--positions", "conv1=many")
    assert "expected a layer of" in fails("audit", good, "--positions", "conv9=3")
    masks = write(tmp_path / "m.npz", {"conv1": np.ones((2, 2, 3, 3), dtype=bool)})
    assert "--weight-bits: expected weights to round" in fails("audit", masks, "--weight-bits", 8)
    assert "expected a file ending in" in fails("audit", tmp_path / "w.csv")
    assert "No such option" in fails("audit", good, "--colour")


def test_odd_tensors_of_a_checkpoint_are_read_or_told_in_one_line(tmp_path):
    kernel = torch.zeros(4, 2, 1, 1)
    kernel[0, 0] = kernel[1, 1] = 2.0
    odd = {
        "bf16": kernel.bfloat16(),
        "half": kernel.half(),
        "int8": kernel.to(torch.int8),
        "sparse": kernel.to_sparse(),
    }
    torch.save(odd, tmp_path / "odd.pt")
    assert [layer["nonzeros"] for layer in run("audit", tmp_path / "odd.pt")["layers"]] == [2, 2, 2, 2]
    save_torch({"bf16": kernel.bfloat16()}, tmp_path / "bf16.safetensors")
    assert run("audit", tmp_path / "bf16.safetensors")["network"]["nonzeros"] == 2
    torch.save({"ghost": torch.empty(4, 2, 1, 1, device="meta")}, tmp_path / "meta.pt")
    assert "expected an array in 'ghost'" in fails("audit", tmp_path / "meta.pt")


def test_magnitude_compares_whole_numbers_beyond_their_type(tmp_path):
    values = np.array([[-128, 1, 2], [5, 0, 0]], dtype=np.int8)[:, :, None, None]
    source = write(tmp_path / "w.npz", {"conv": values, "mask": values != 0})
    run("balance", source, tmp_path / "o.npz", "--pes", 2, "--mode", "remove", "--select", "magnitude")
    assert read_arrays(tmp_path / "o.npz")["conv"][:, :, 0, 0].tolist() == [[True, False, False], [True, False, False]]


def test_positions_are_told_by_the_name_of_a_layer_or_of_its_weight(tmp_path):
    path = write(tmp_path / "w.npz", {"conv1.weight": weights()["conv1"]})
    for name in ("conv1", "conv1.weight"):
        assert run("audit", path, "--positions", f"{name}=9")["layers"][0]["positions"] == 9
    assert "expected NAME=Q with Q from 1 to 999999999" in fails("audit", path, "--positions", "conv1=" + "9" * 30)


def test_layers_file_that_says_nothing_is_told(ticket, tmp_path):
    assert "--layers: expected it with a file only" in fails("audit", ticket, "--layers", ticket / "layers.json")
    other = write(tmp_path / "other.npz", {"first": np.ones((2, 2, 3, 3))})
    assert "layers.json: expected layers of" in fails("audit", other, "--layers", ticket / "layers.json")
    assert "absent.json: expected a readable file" in fails("audit", other, "--layers", tmp_path / "absent.json")


def test_layers_that_cannot_be_are_told(ticket):
    write_layers(ticket / "layers.json", [LAYER, LAYER], timesteps=4)
    assert "layers.1.name: expected another name for each layer, came 'conv2' twice" in fails("audit", ticket)
    parts = [LAYER.model_copy(update={"adds_to": "s"})]
    parts.append(LAYER.model_copy(update={"adds_to": "s", "name": "b", "filters": 3}))
    write_layers(ticket / "layers.json", parts, timesteps=4)
    assert "layers.1.filters: expected 4 as in the other parts of 's', came 3" in fails("audit", ticket)


def test_names_and_places_of_files_do_not_matter(tmp_path):
    source = write(tmp_path / "w.npz", weights())
    torch.save({"file": torch.ones(2, 2, 1, 1)}, tmp_path / "file.pt")
    run("balance", tmp_path / "file.pt", tmp_path / "o.npz")
    assert list(read_arrays(tmp_path / "o.npz")) == ["file"]
    assert "expected a place to write to" in fails("balance", source, source / "x.npz")
    assert "expected a place to write to" in fails("balance", source, tmp_path / ("x" * 250 + ".npz"))
    assert "expected a file" in fails("audit", "x" * 300 + ".npz")
    np.save(tmp_path / "single.npy", np.ones(3))
    (tmp_path / "single.npy").rename(tmp_path / "single.npz")
    assert "came: a single array" in fails("audit", tmp_path / "single.npz")
    assert CliRunner().invoke(main, []).output.startswith("Usage: ")


def test_few_bits_set_small_weights_to_zero_unless_the_mask_is_kept(tmp_path):
    path = write(tmp_path / "w.npz", weights())
    plain, kept = (run("audit", path, "--weight-bits", 3, "--quantizer", q) for q in ("plain", "keep_mask"))
    whole = run("audit", path)
    assert plain["network"]["nonzeros"] < whole["network"]["nonzeros"] == kept["network"]["nonzeros"]


@pytest.fixture
def ticket(tmp_path) -> Path:
    """The folder of a ticket with a layer that reads the image, one on the PEs and a linear one."""
    first = LAYER.model_copy(update={"name": "conv1", "reads": "image"})
    linear = LAYER.model_copy(update={"name": "fc", "kind": "linear", "kernel": (1, 1), "output_size": (1, 1)})
    write_layers(tmp_path / "layers.json", [first, LAYER, linear], timesteps=4)
    masks = {"conv1": mask_of(1, 2, 3, 4), "conv2": mask_of(7, 1, 2, 2), "fc": np.ones((4, 2), dtype=bool)}
    save_file(masks, tmp_path / "mask.safetensors")
    return tmp_path


def test_ticket_tells_its_positions_timesteps_and_layers(ticket):
    report = run("audit", ticket, "--pes", 2)
    assert [layer["name"] for layer in report["layers"]] == ["conv2"]
    assert (report["timesteps"], report["layers"][0]["positions"]) == (4, 20)
    assert report["network"]["latency_cycles"] == (7 + 2) * 20 * 4
    assert [layer["name"] for layer in run("audit", ticket, "--linear")["layers"]] == ["conv2", "fc"]


def test_ticket_whose_mask_does_not_fit_is_told_by_layer_and_shapes(ticket):
    save_file({"conv1": mask_of(1), "conv2": np.ones((4, 2, 1, 1), dtype=bool)}, ticket / "mask.safetensors")
    told = fails("audit", ticket)
    assert "expected the layer 'conv2' of shape (4, 2, 3, 3), came shape (4, 2, 1, 1)" in told


def test_balanced_ticket_is_whole_and_busy(ticket, tmp_path):
    report = run("balance", ticket, tmp_path / "out.npz", "--pes", 2)
    masks = read_arrays(tmp_path / "out.npz")
    assert list(masks) == ["conv1", "conv2", "fc"]
    assert np.array_equal(masks["conv1"], mask_of(1, 2, 3, 4))
    assert masks["conv2"].reshape(4, -1).sum(1).tolist() == [4, 4, 2, 2]
    (layer,) = report["layers"]
    assert (layer["added"], layer["removed"], layer["utilization_after"]) == (3, 3, 1.0)
    assert layer["nonzeros_before"] == layer["nonzeros_after"] == 12


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("options", [["--scope", "layer"], ["--mode", "recover"], ["--select", "magnitude"]])
def test_same_input_options_and_seed_give_the_same_bytes(tmp_path, suffix, options):
    source = write(tmp_path / "w.pt", weights())
    for name in ("one", "two"):
        report = run("balance", source, tmp_path / f"{name}{suffix}", "--pes", 4, *options)
    one, two = (tmp_path / f"{name}{suffix}" for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()
    assert run("audit", one, "--pes", 4)["network"]["utilization"] == 1.0
    assert report["network"]["added"] == sum(layer["added"] for layer in report["layers"])


def test_another_seed_draws_other_weights(tmp_path):
    source = write(tmp_path / "w.npz", weights())
    for seed in (0, 1):
        run("balance", source, tmp_path / f"{seed}.npz", "--seed", seed)
    assert (tmp_path / "0.npz").read_bytes() != (tmp_path / "1.npz").read_bytes()


def test_existing_file_is_replaced_only_by_force_and_never_half(tmp_path, monkeypatch):
    source, out = write(tmp_path / "w.npz", weights()), tmp_path / "out.npz"
    out.write_text("precious")
    assert "expected no such file, came one; --force replaces it" in fails("balance", source, out)
    assert out.read_text() == "precious"
    monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    assert "No space left" in fails("balance", source, out, "--force")
    assert out.read_text() == "precious"
    monkeypatch.undo()
    run("balance", source, out, "--force")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.npz", "w.npz"]


def test_balance_refuses_what_it_cannot_do(tmp_path):
    masks = write(tmp_path / "m.npz", {"conv1": np.ones((2, 2, 3, 3), dtype=bool)})
    assert "expected weights, by which magnitude selects" in fails(
        "balance", masks, tmp_path / "o.npz", "--select", "magnitude"
    )
    assert "expected an ending of .npz" in fails("balance", masks, tmp_path / "o.txt")
    assert "expected a place to write to" in fails("balance", masks, tmp_path / "nowhere" / "o.npz")
    assert list(tmp_path.iterdir()) == [masks]


@settings(max_examples=50)
@given(values=hnp.arrays(bool, hnp.array_shapes(min_dims=4, max_dims=4, max_side=4)), suffix=st.sampled_from(FORMATS))
def test_masks_are_read_as_written(tmp_path_factory, values, suffix):
    path = tmp_path_factory.mktemp("masks") / f"out{suffix}"
    write_arrays(path, {"conv10": values, "conv9": ~values})
    read = read_arrays(path)
    assert np.array_equal(read["conv10"], values)
    assert np.array_equal(read["conv9"], ~values)
    if suffix == ".safetensors":
        assert list(read) == ["conv9", "conv10"]


def test_rounds_write_chains_and_keep_comments_and_other_methods(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text(PARAMS.read_text())
    comments = [line.partition("#")[2] for line in PARAMS.read_text().splitlines() if "#" in line]
    for number in (13, 2):
        assert CliRunner().invoke(main, ["rounds", str(number)]).exit_code == 0
        params = read_params("params.yaml")
        assert len(params.tickets["lth"]) == len(params.tickets["uticket"]) == number
        assert params.lineage("uticket/r02") == ["dense", "uticket/r01", "uticket/r02"]
        assert params.tickets["constant"] == {}
    text = Path("params.yaml").read_text()
    assert [line.partition("#")[2] for line in text.splitlines() if "#" in line] == comments
    for number in (3, 1):
        assert CliRunner().invoke(main, ["rounds", str(number), "--methods", "constant"]).exit_code == 0
        assert list(read_params("params.yaml").tickets["constant"].values())[:2] == ["dense", "constant/r01"][:number]
        assert len(read_params("params.yaml").tickets["constant"]) == number
    assert Path("params.yaml").read_text().count("#") == PARAMS.read_text().count("#")


def test_rounds_keep_the_lines_of_tickets_that_stay_and_mend_the_others(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = PARAMS.read_text().replace("r02: uticket/r01\n", "r02: uticket/r01  # mine\n    # and this\n")
    Path("params.yaml").write_text(text.replace("r03: uticket/r02\n", "r03: lth/r02\n"))
    assert CliRunner().invoke(main, ["rounds", "6"]).exit_code == 0
    assert read_params("params.yaml").lineage("uticket/r03") == ["dense", *(f"uticket/r0{n}" for n in (1, 2, 3))]
    assert "    r02: uticket/r01  # mine\n    # and this\n" in Path("params.yaml").read_text()


@pytest.mark.parametrize(
    "tickets",
    [
        "{lth: {r01: dense}, uticket: {}, constant: {}}",
        "\n  lth: {r01: dense,\n    r02: lth/r01}\n  uticket: {}\n  constant: {}",
    ],
)
def test_rounds_in_another_layout_are_told_or_written(tmp_path, monkeypatch, tickets):
    monkeypatch.chdir(tmp_path)
    head, _, rest = PARAMS.read_text().partition("tickets:\n")
    text = f"{head}tickets: {tickets}\nhw:\n{rest.partition('hw:')[2].lstrip()}"
    text = text.replace("hw:\n", "hw:\n  ", 1)
    Path("params.yaml").write_text(text)
    read_params("params.yaml")
    assert "Error: " in fails("rounds", 3)
    assert Path("params.yaml").read_text() == text
    assert [path.name for path in tmp_path.iterdir()] == ["params.yaml"]


def test_rounds_that_would_break_the_params_change_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = PARAMS.read_text().replace("constant: {}", "constant: {r01: lth/r06}")
    Path("params.yaml").write_text(text)
    assert "tickets.constant.r01: expected dense or a ticket" in fails("rounds", 3)
    assert "--methods: expected methods of params.yaml (lth, uticket, constant), came 'other'" in fails(
        "rounds", 3, "--methods", "lth,other"
    )
    assert Path("params.yaml").read_text() == text
    assert [path.name for path in tmp_path.iterdir()] == ["params.yaml"]


def test_read_arrays_refuses_other_endings(tmp_path):
    with pytest.raises(InputError, match=r"expected a file ending in .npz, .safetensors, .pt, .pth"):
        read_arrays(tmp_path / "weights.onnx")
