"""`uticket audit` and `uticket balance`."""

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from tests.cli.helpers import fails, printed, run
from tests.helpers import LAYER, mask_of, sparse_weights, write_foreign
from uticket.foreign.read import read_arrays
from uticket.foreign.write import WRITE
from uticket.ticket.layer import Layer, write_layers

FORMATS = sorted(WRITE)


@pytest.fixture
def ticket(tmp_path) -> Path:
    """The folder of a ticket with a layer that reads the image, one on the PEs and a linear one."""
    first = LAYER.model_copy(update={"name": "conv1", "reads": "image"})
    linear = Layer.of_shape("fc", (4, 2))
    write_layers(tmp_path / "layers.json", [first, LAYER, linear], timesteps=4)
    masks = {"conv1": mask_of(1, 2, 3, 4), "conv2": mask_of(7, 1, 2, 2), "fc": np.ones((4, 2), dtype=bool)}
    save_file(masks, tmp_path / "mask.safetensors")
    return tmp_path


@pytest.mark.parametrize("suffix", FORMATS)
def test_every_format_of_weights_gives_the_same_audit(tmp_path, suffix):
    arrays = sparse_weights()
    report = run("audit", write_foreign(tmp_path / f"weights{suffix}", arrays), "--pes", 4, "--timesteps", 2)
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


def test_table_is_for_people(tmp_path):
    lines = printed("audit", write_foreign(tmp_path / "w.npz", sparse_weights())).splitlines()
    assert lines[0].split()[:4] == ["name", "filters", "groups", "nonzeros"]
    assert lines[4].startswith("network")
    skipped = "11.1 % of the numbers: linear layers, which run with --linear 10.4 % (fc), biases 0.7 % (bias)"
    assert lines[5] == f"skipped: {skipped}"
    assert lines[6].startswith("note: output positions of conv1, conv2 are unknown")
    assert lines[7].startswith("note: conv1 counts as reading spikes, but has as many channels as images have (3)")
    assert lines[8:] == ["note: cycles are those of one timestep (--timesteps)"]


def test_magnitude_compares_whole_numbers_beyond_their_type(tmp_path):
    values = np.array([[-128, 1, 2], [5, 0, 0]], dtype=np.int8)[:, :, None, None]
    source = write_foreign(tmp_path / "w.npz", {"conv": values, "mask": values != 0})
    run("balance", source, tmp_path / "o.npz", "--pes", 2, "--mode", "remove", "--select", "magnitude")
    assert read_arrays(tmp_path / "o.npz").arrays["conv"][:, :, 0, 0].tolist() == [
        [True, False, False],
        [True, False, False],
    ]


def test_layers_file_that_describes_nothing_is_an_error(ticket, tmp_path):
    assert "--layers: expected it with a file only" in fails("audit", ticket, "--layers", ticket / "layers.json")
    other = write_foreign(tmp_path / "other.npz", {"first": np.ones((2, 2, 3, 3))})
    assert "layers.json: expected layers of" in fails("audit", other, "--layers", ticket / "layers.json")
    assert "absent.json: expected the layers of a ticket, got no file" in fails(
        "audit", other, "--layers", tmp_path / "absent.json"
    )


def test_layers_that_cannot_be_are_an_error_that_names_the_key(ticket):
    write_layers(ticket / "layers.json", [LAYER, LAYER], timesteps=4)
    assert "layers.1.name: expected another name for each layer, got 'conv2' twice" in fails("audit", ticket)
    parts = [LAYER.model_copy(update={"adds_to": "s"})]
    parts.append(LAYER.model_copy(update={"adds_to": "s", "name": "b", "filters": 3}))
    write_layers(ticket / "layers.json", parts, timesteps=4)
    assert "layers.1.filters: expected 4 as in the other parts of 's', got 3" in fails("audit", ticket)


def test_few_bits_set_small_weights_to_zero_unless_the_mask_is_kept(tmp_path):
    path = write_foreign(tmp_path / "w.npz", sparse_weights())
    plain, kept = (run("audit", path, "--weight-bits", 3, "--quantizer", q) for q in ("plain", "keep_mask"))
    whole = run("audit", path)
    assert plain["network"]["nonzeros"] < whole["network"]["nonzeros"] == kept["network"]["nonzeros"]


def test_ticket_knows_its_positions_timesteps_and_layers(ticket):
    report = run("audit", ticket, "--pes", 2)
    assert [layer["name"] for layer in report["layers"]] == ["conv2"]
    assert (report["timesteps"], report["layers"][0]["positions"]) == (4, 20)
    assert report["network"]["latency_cycles"] == (7 + 2) * 20 * 4
    assert report["on_pes"] == "spiking_convolutions"
    assert [layer["name"] for layer in run("audit", ticket, "--on-pes", "all")["layers"]] == ["conv2", "fc"]
    assert "--linear: expected it with a file only, got the folder" in fails("audit", ticket, "--linear")


def test_layers_left_out_are_reported_with_the_reason_and_their_share(ticket, tmp_path):
    conv1 = {"name": "conv1", "why": "reads the image", "weights": 72}
    linear = {"name": "fc", "why": "linear", "weights": 8}
    for command in (["audit", ticket], ["balance", ticket, tmp_path / "o.npz", "--force"]):
        found = run(*command)["left_out"]
        assert found == {"layers": [conv1, linear], "weights_share": 80 / 152}
        line = "left out: reads the image: conv1; linear: fc; 52.6 % of the weights"
        assert line in printed(*command).splitlines()
        assert run(*command, "--on-pes", "all")["left_out"] == {"layers": [conv1], "weights_share": 72 / 152}
    alone = write_foreign(tmp_path / "w.npz", sparse_weights())
    assert run("audit", alone)["left_out"] == {"layers": [], "weights_share": 0.0}
    assert "left out" not in printed("audit", alone)


def test_ticket_whose_mask_does_not_fit_is_an_error_with_layer_and_shapes(ticket):
    save_file({"conv1": mask_of(1), "conv2": np.ones((4, 2, 1, 1), dtype=bool)}, ticket / "mask.safetensors")
    error = fails("audit", ticket)
    assert "mask.safetensors: expected the layer 'conv2' of shape (4, 2, 3, 3), got shape (4, 2, 1, 1)" in error


def test_balanced_ticket_is_whole_and_busy(ticket, tmp_path):
    report = run("balance", ticket, tmp_path / "out.npz", "--pes", 2)
    masks = read_arrays(tmp_path / "out.npz").arrays
    assert list(masks) == ["conv1", "conv2", "fc"]
    assert np.array_equal(masks["conv1"], mask_of(1, 2, 3, 4))
    assert masks["conv2"].reshape(4, -1).sum(1).tolist() == [4, 4, 2, 2]
    (layer,) = report["layers"]
    assert (layer["added"], layer["removed"], layer["utilization_after"]) == (3, 3, 1.0)
    assert layer["nonzeros_before"] == layer["nonzeros_after"] == 12


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("options", [["--scope", "layer"], ["--mode", "recover"], ["--select", "magnitude"]])
def test_same_input_options_and_seed_give_the_same_bytes(tmp_path, suffix, options):
    source = write_foreign(tmp_path / "w.pt", sparse_weights())
    for name in ("one", "two"):
        report = run("balance", source, tmp_path / f"{name}{suffix}", "--pes", 4, *options)
    one, two = (tmp_path / f"{name}{suffix}" for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()
    assert run("audit", one, "--pes", 4)["network"]["utilization"] == 1.0
    assert report["network"]["added"] == sum(layer["added"] for layer in report["layers"])


def test_teams_share_positions(tmp_path):
    source = write_foreign(tmp_path / "w.npz", sparse_weights())
    teams = ["--pes", 4, "--share", 2, "--select", "magnitude", "--team-score", "maximum", "--round", "nearest"]
    report = run("balance", source, tmp_path / "o.npz", *teams)
    assert (report["share"], report["team_score"], report["round"]) == (2, "maximum", "nearest")
    assert report["network"]["utilization_after"] == 1.0
    for mask in read_arrays(tmp_path / "o.npz").arrays.values():
        if mask.ndim == 4:
            assert np.array_equal(mask[::2], mask[1::2])
    alike = ["--pes", 4, "--share", 2, "--team", "alike", "--mapping", "patterns"]
    report = run("balance", source, tmp_path / "a.npz", *alike)
    for layer in [*report["layers"], report["network"]]:
        assert 0 < layer["overlap_consecutive"] < 1
        assert layer["overlap"] == 1 - layer["removed"] / layer["nonzeros_before"]
    assert report["network"]["overlap_consecutive"] < report["network"]["overlap"]
    plain = run("balance", source, tmp_path / "b.npz", "--pes", 4, "--share", 2, "--mapping", "patterns")
    assert plain["network"]["overlap"] == report["network"]["overlap_consecutive"]
    assert "overlap_consecutive" not in plain["network"]
    wrong = fails("balance", source, tmp_path / "p.npz", "--share", 3)
    assert "w.npz: share: expected a divisor of the 16 PEs, got 3" in wrong
    assert "--share" in fails("balance", source, tmp_path / "p.npz", "--share", 0)


def test_another_seed_draws_other_weights(tmp_path):
    source = write_foreign(tmp_path / "w.npz", sparse_weights())
    for seed in (0, 1):
        run("balance", source, tmp_path / f"{seed}.npz", "--seed", seed)
    assert (tmp_path / "0.npz").read_bytes() != (tmp_path / "1.npz").read_bytes()


def test_balance_refuses_what_it_cannot_do(tmp_path):
    masks = write_foreign(tmp_path / "m.npz", {"conv1": np.ones((2, 2, 3, 3), dtype=bool)})
    assert "expected weights, by which magnitude selects" in fails(
        "balance", masks, tmp_path / "o.npz", "--select", "magnitude"
    )
    assert "expected an ending of .npz" in fails("balance", masks, tmp_path / "o.txt")
    assert "expected a place to write to" in fails("balance", masks, tmp_path / "nowhere" / "o.npz")
    assert "m.npz: layers: expected a convolution" in fails("balance", masks, tmp_path / "o.npz", "--skip-first")
    assert list(tmp_path.iterdir()) == [masks]


def test_balance_takes_the_shapes_that_audit_takes(tmp_path):
    source = write_foreign(tmp_path / "m.npz", {"conv2": mask_of(7, 1, 2, 2)})
    write_layers(tmp_path / "layers.json", [LAYER], timesteps=1)
    eight = ("--pes", 8)  # two copies of each of four filters, which share the output positions
    guessed = run("balance", source, tmp_path / "o.npz", *eight)
    assert "(--positions, --layers)" in guessed["notes"][0]
    for how in (("--layers", tmp_path / "layers.json"), ("--positions", "conv2=16")):
        report = run("balance", source, tmp_path / "o.npz", *eight, *how, "--force")
        audited = run("audit", source, *eight, *how)
        assert report["network"]["utilization_before"] == audited["network"]["utilization"]
        assert report["network"]["utilization_before"] > guessed["network"]["utilization_before"]
        assert report["notes"] == []
    assert "positions: expected a layer" in fails(
        "balance", source, tmp_path / "o.npz", "--force", "--positions", "a=1"
    )


def test_skipped_arrays_and_notes_are_in_the_answers(tmp_path):
    arrays = sparse_weights() | {"lif.mem": np.ones((2, 8, 4, 4))}
    path = write_foreign(tmp_path / "w.npz", arrays)
    for report in (run("audit", path), run("balance", path, tmp_path / "o.npz")):
        skipped = report["skipped"]
        assert {part["name"]: part["numbers"] for part in skipped["parts"]} == {"fc": 160, "bias": 10, "lif.mem": 256}
        assert (skipped["numbers"], skipped["of"]) == (426, sum(values.size for values in arrays.values()))
        assert skipped["share"] == pytest.approx(sum(part["share"] for part in skipped["parts"]))
        assert any("output positions of conv1, conv2 are unknown" in note for note in report["notes"])
    lines = printed("balance", path, tmp_path / "p.npz").splitlines()
    assert lines[-4].startswith("skipped: 23.7 % of the numbers: state of a neuron 14.3 % (lif.mem), linear layers")
    assert lines[-3].startswith("note: output positions of conv1, conv2 are unknown")
    said = ("--positions", "conv1=4", "--positions", "conv2=4", "--timesteps", 2)
    assert [note.split()[0] for note in run("audit", path, *said)["notes"]] == ["conv1"]
    assert run("audit", path, "--positions", "conv2=4", "--timesteps", 2, "--skip-first")["notes"] == []


def test_balanced_masks_have_the_axes_and_shapes_of_the_file(tmp_path):
    rng = np.random.default_rng(0)
    arrays = {"a/kernel": rng.random((3, 3, 4, 8)) < 0.3, "b/kernel": rng.random((5, 8, 4)) < 0.3}
    source = write_foreign(tmp_path / "w.npz", arrays)
    run("balance", source, tmp_path / "o.npz", "--pes", 4, "--layout", "hwio")
    masks = read_arrays(tmp_path / "o.npz").arrays
    assert {name: mask.shape for name, mask in masks.items()} == {name: mask.shape for name, mask in arrays.items()}
    for mask in masks.values():
        assert set(mask.reshape(-1, mask.shape[-1] // 4, 4).sum(0).std(1)) == {0.0}  # of 4 filters together
    again = run("audit", tmp_path / "o.npz", "--pes", 4, "--layout", "hwio")
    assert again["network"]["utilization"] == 1.0
    assert "layout: expected one of oihw, hwio, iohw, got 'chwn'" in fails("audit", source, "--layout", "chwn")
    assert "layout: expected the name of a layer" in fails("audit", source, "--layout", "c=hwio")


def test_threshold_prunes_what_training_revived(tmp_path):
    weights = sparse_weights()["conv2"]
    path = write_foreign(tmp_path / "w.npz", {"conv2": np.where(weights, weights, np.float32(1e-9))})
    assert any("--threshold 1e-09" in note for note in run("audit", path)["notes"])
    found = run("audit", path, "--threshold", 1e-8)
    assert found["network"]["nonzeros"] == np.count_nonzero(weights)
    assert not any("--threshold" in note for note in found["notes"])
    assert "--threshold: expected" in fails("audit", path, "--threshold", -1)


def test_names_of_a_file_cannot_break_an_answer(tmp_path):
    odd = {"a\nb" * 3000: np.ones((2, 3, 3, 3)), "c\n.mem": np.ones((2, 2, 3, 3)), "c.weight": np.ones((2, 2, 3, 3))}
    path = write_foreign(tmp_path / "w.safetensors", odd)
    lines = printed("audit", path).splitlines()
    assert len(lines) == 10
    assert max(map(len, lines)) < 400
    assert len(fails("audit", path, "--positions", "x=1")) < 420


def test_all_layers_of_a_file_are_its_linear_ones_too(tmp_path):
    path = write_foreign(tmp_path / "w.npz", sparse_weights())
    for option in (["--linear"], ["--on-pes", "all"]):
        found = run("audit", path, *option)
        assert [layer["name"] for layer in found["layers"]] == ["conv1", "conv2", "fc"]
        assert [part["name"] for part in found["skipped"]["parts"]] == ["bias"]
