"""What users write after a command: wrong words and files are one line with exit code 2."""

from pathlib import Path

import click
import numpy as np
import pytest
import torch
from click.testing import CliRunner

from tests.cli.helpers import fails, printed, run
from tests.helpers import LAYER, sparse_weights, write_foreign
from uticket.cli.main import main
from uticket.cli.options import settings_of
from uticket.config.array import Array, Broadcast, Energy
from uticket.config.tables import FORMATS
from uticket.foreign.read import read_arrays
from uticket.ticket.layer import write_layers


def test_options_choose_layers_positions_and_timesteps(tmp_path):
    path = write_foreign(tmp_path / "w.npz", sparse_weights())
    plain = run("audit", path)
    assert plain["timesteps"] == 1
    assert [layer["name"] for layer in run("audit", path, "--linear")["layers"]] == ["conv1", "conv2", "fc"]
    assert [layer["name"] for layer in run("audit", path, "--skip-first")["layers"]] == ["conv2"]
    many = run("audit", path, "--positions", "conv2=50", "--spare-pes", "idle")
    assert many["layers"][1]["work_cycles"] == 50 * plain["layers"][1]["work_cycles"]
    assert many["layers"][0] == plain["layers"][0]
    layer = LAYER.model_copy(update={"filters": 16, "channels": 8, "input_size": (5, 2), "output_size": (5, 2)})
    write_layers(tmp_path / "layers.json", [layer], timesteps=3)
    described = run("audit", path, "--layers", tmp_path / "layers.json")
    assert described["timesteps"] == 3
    assert [layer["positions"] for layer in described["layers"]] == [1, 10]
    assert run("audit", path, "--layers", tmp_path / "layers.json", "--timesteps", 1)["timesteps"] == 1


def test_positions_are_given_by_the_name_of_a_layer_or_of_its_weight(tmp_path):
    path = write_foreign(tmp_path / "w.npz", {"conv1.weight": sparse_weights()["conv1"]})
    for name in ("conv1", "conv1.weight"):
        assert run("audit", path, "--positions", f"{name}=9")["layers"][0]["positions"] == 9
    assert "expected NAME=Q with Q from 1 to 999999999" in fails("audit", path, "--positions", "conv1=" + "9" * 30)


def test_what_cannot_be_audited_is_an_error_of_one_line(tmp_path):
    good = write_foreign(tmp_path / "w.npz", sparse_weights())
    flat = write_foreign(tmp_path / "flat.npz", {"fc": np.ones((3, 4))})
    assert f"{flat}: layers: expected a convolution that reads spikes, got none" in fails("audit", flat)
    for value in (np.nan, np.inf):
        bad = write_foreign(tmp_path / "bad.npz", {"conv1": np.full((2, 2, 3, 3), value)})
        assert "expected finite weights in 'conv1'" in fails("audit", bad)
    assert "--pes: expected greater than or equal to 1, got '0'" in fails("audit", good, "--pes", 0)
    assert "--pes: expected less than or equal to 65536" in fails("audit", good, "--pes", 10**9)
    assert "expected NAME=Q" in fails("audit", good, "--positions", "conv1=many")
    assert "positions: expected a layer on the PEs (conv1, conv2), got 'conv9'" in fails(
        "audit", good, "--positions", "conv9=3"
    )
    masks = write_foreign(tmp_path / "m.npz", {"conv1": np.ones((2, 2, 3, 3), dtype=bool)})
    assert "m.npz: weight_bits: expected weights to round" in fails("audit", masks, "--weight-bits", 8)
    assert "expected a file ending in" in fails("audit", tmp_path / "w.csv")
    assert "No such option" in fails("audit", good, "--colour")


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["nope"], "No such command 'nope'."),
        (["audit"], "FILE|TICKET_DIR: expected a value, got nothing"),
        (["audit", "w.npz", "w.npz"], "Got unexpected extra argument (w.npz)"),
        (["audit", "w.npz", "--pes"], "Option '--pes' requires an argument."),
        (["audit", "w.npz", "--pes", "x"], "--pes: expected integer, got 'x'"),
        (["audit", "w.npz", "--pes", "1.5"], "--pes: expected integer, got '1.5'"),
        (
            ["audit", "w.npz", "--mapping", "zigzag"],
            "--mapping: expected one of contiguous, patterns, sorted, paired, got 'zigzag'",
        ),
        (
            ["audit", "w.npz", "--mapping", "sorte"],
            "--mapping: expected one of contiguous, patterns, sorted, paired, got 'sorte'; did you mean sorted?",
        ),
        (["audit", "w.npz", "--weight-bits", "none"], "--weight-bits: expected integer, got 'none'"),
        (["audit", "w.npz", "--timesteps", "0"], "--timesteps: expected greater than or equal to 1, got '0'"),
        (["audit", "w.npz", "--timesteps", "65536"], "--timesteps: expected less than or equal to 65535, got '65536'"),
        (["balance", "w.npz"], "OUT: expected a value, got nothing"),
        (["balance", "w.npz", "o.npz", "--seed", "-1"], "--seed: expected greater than or equal to 0, got '-1'"),
        (["balance", "w.npz", "o.npz", "--scope", "filter"], "--scope: expected one of group, layer, got 'filter'"),
        (["simulate", "w.npz"], "w.npz: expected the folder of a ticket, got a file"),
        (["simulate", "nowhere"], "nowhere: expected the folder of a ticket, got none"),
        (["simulate", ".", "--model", "spice"], "--model: expected one of analytic, events, got 'spice'"),
        (
            ["simulate", ".", "--fifo-depth", "0.5"],
            "--fifo-depth: expected a whole number from 0 to 2147483647, or inf, got 0.5",
        ),
        (["simulate", ".", "--leakage-ratio", "nan"], "--leakage-ratio: expected a finite number, got 'nan'"),
        (["simulate", ".", "--accumulators", "9" * 20], f"--accumulators: expected a smaller number, got '{'9' * 20}'"),
        (["export", ".", "o.npz", "--format", "csr"], f"--format: expected one of {', '.join(FORMATS)}, got 'csr'"),
        (["rounds", "x"], "N: expected integer, got 'x'"),
        (["preset"], "NAME...: expected a value, got nothing"),
        (["estimate", "--steps", "0"], "--steps: expected greater than or equal to 1, got '0'"),
    ],
)
def test_wrong_words_are_an_error_of_one_line_and_write_nothing(tmp_path, monkeypatch, words, error):
    monkeypatch.chdir(tmp_path)
    write_foreign(Path("w.npz"), {"conv": np.ones((2, 2, 1, 1))})
    assert fails(*words) == f"Error: {error}\n"
    assert [path.name for path in tmp_path.iterdir()] == ["w.npz"]


def test_near_words_are_suggested():
    assert "Did you mean '--mapping'?" in fails("audit", "w.npz", "--mappin", "sorted")
    assert "Did you mean 'audit'?" in fails("audi")


def test_without_options_the_settings_are_the_defaults_of_the_records(tmp_path):
    found = run("audit", write_foreign(tmp_path / "w.npz", sparse_weights()))
    for name, value in settings_of(Array()).items():
        assert name == "accumulators" or found[name] == value
    assert found["timesteps"] == 1


@pytest.mark.parametrize("command", main.commands)
def test_every_command_explains_itself_and_each_of_its_options(command):
    text = printed(command, "--help")
    assert text.startswith("Usage: ")
    for option in main.commands[command].params:
        if isinstance(option, click.Option):
            assert option.opts[0] in text
            assert option.help, option.name
    assert len(main.commands[command].help.splitlines()[0]) > 20


def test_every_field_of_the_records_is_an_option_of_simulate():
    text = printed("simulate", "--help")
    fields = {**Array.model_fields, **Broadcast.model_fields, **Energy.model_fields}
    names = {name: name.replace("_", "-") for name in fields} | {"width": "broadcast-width", "layers": "on-pes"}
    for name, field in fields.items():
        assert f"--{names[name]} " in text.replace("/--no", " --no")
        assert " ".join(field.description.split()[:3]) in " ".join(text.split())


def test_names_and_places_of_files_do_not_matter(tmp_path):
    source = write_foreign(tmp_path / "w.npz", sparse_weights())
    torch.save({"file": torch.ones(2, 2, 1, 1)}, tmp_path / "file.pt")
    run("balance", tmp_path / "file.pt", tmp_path / "o.npz")
    assert list(read_arrays(tmp_path / "o.npz").arrays) == ["file"]
    assert "expected a place to write to" in fails("balance", source, source / "x.npz")
    assert "expected a place to write to" in fails("balance", source, tmp_path / ("x" * 250 + ".npz"))
    assert "expected a file" in fails("audit", "x" * 300 + ".npz")
    np.save(tmp_path / "single.npy", np.ones(3))
    (tmp_path / "single.npy").rename(tmp_path / "single.npz")
    assert "expected a convolution that reads spikes" in fails("audit", tmp_path / "single.npz")


def test_without_a_command_the_help_is_shown():
    result = CliRunner().invoke(main, [])
    assert result.output.startswith("Usage: ")
    assert result.exit_code == 2


def test_existing_file_is_replaced_only_by_force_and_never_half(tmp_path, monkeypatch):
    source, out = write_foreign(tmp_path / "w.npz", sparse_weights()), tmp_path / "out.npz"
    out.write_text("precious")
    assert "expected no such file, got one; --force replaces it" in fails("balance", source, out)
    assert out.read_text() == "precious"
    monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    assert "No space left" in fails("balance", source, out, "--force")
    assert out.read_text() == "precious"
    monkeypatch.undo()
    run("balance", source, out, "--force")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.npz", "w.npz"]
