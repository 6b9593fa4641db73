"""`uticket export`."""

import subprocess
import sys

import numpy as np
import pytest

from tests.cli.helpers import fails, printed
from tests.exchange.helpers import dilated, linear_of, source_of, strided
from tests.exchange.networks import lively, saved
from tests.helpers import ROOT, layer_of
from uticket.config.tables import FORMATS
from uticket.exchange.wsp import from_wsp
from uticket.hardware.storage import unpack


@pytest.fixture
def source(tmp_path):
    """A ticket of two convolutions that run, and a linear layer."""
    return source_of(tmp_path / "ticket", layer_of(4, 2, (8, 8)), strided(), linear_of(3, 4))


@pytest.fixture
def folder(tmp_path, small, monkeypatch):
    """A ticket as the pipeline makes them, which every format can have, and params.yaml in the working folder."""
    monkeypatch.chdir(tmp_path)
    return saved(tmp_path / "ticket", lively(small, (1, 8, 8)), small, (1, 8, 8)).files.folder


@pytest.mark.parametrize("form", FORMATS)
def test_each_format_is_written_whole_and_replaced_by_force_only(folder, tmp_path, form):
    (tmp_path / "out").mkdir()
    out = tmp_path / "out" / f"file{FORMATS[form].endings[0]}"
    words = ["export", str(folder), str(out), "--format", form]
    line = printed(*words)
    assert line.startswith(f"written: {out} ({form}, ")
    assert line.endswith(")\n")
    assert line.count("\n") == 1
    assert list(out.parent.iterdir()) == [out]
    out.write_text("mine")
    assert fails(*words).endswith("got one; --force replaces it\n")
    assert out.read_text() == "mine"
    printed(*words, "--force")
    assert out.stat().st_size > 4
    endings = ", ".join(FORMATS[form].endings)
    assert f"expected an ending of {endings}, got .bin" in fails("export", folder, "x.bin", "--format", form)


@pytest.mark.parametrize("form", ["nir", "onnx"])
def test_networks_need_the_params_that_name_them(folder, tmp_path, form):
    (tmp_path / "params.yaml").rename(tmp_path / "mine.yaml")
    words = ["export", folder, tmp_path / f"out.{form}", "--format", form]
    assert f"params.yaml: expected the settings whose block model names the network of {folder}, got no" in fails(
        *words
    )
    assert "written: " in printed(*words, "--params", tmp_path / "mine.yaml")


def test_layers_left_out_are_named_with_their_share_of_the_weights(tmp_path):
    layers = [layer_of(), dilated()]
    folder = source_of(tmp_path / "ticket", *layers).files.folder
    left_out = "left out: dilation (2, 2): far; 50.0 % of the weights"
    line = printed("export", folder, tmp_path / "out.csv", "--format", "scalesim")
    assert line == f"written: {tmp_path / 'out.csv'} (scalesim, 1 rows, one timestep; {left_out})\n"


def test_wsp_is_the_default_and_takes_the_options_of_the_array(source, tmp_path):
    out = tmp_path / "out.npz"
    line = printed("export", source.files.folder, out, "--pes", 2, "--quantizer", "keep_mask")
    assert line.endswith("left out: linear: fc; 5.3 % of the weights)\n")
    with np.load(out, allow_pickle=False) as arrays:
        levels, step = unpack(from_wsp(arrays, "conv3")), float(arrays["conv3.step"])
        assert arrays["conv3.pe"].tolist() == [0, 0, 1, 1]
        assert arrays["conv3.unit"].tolist() == [0, 2, 1, 3]
    mask = source.ticket.mask["conv3"]
    assert np.allclose(levels * step, source.ticket.weights["conv3"] * mask, atol=step)
    assert np.array_equal(levels != 0, mask)


@pytest.mark.parametrize("form", ["wsp", "torch"])
def test_a_ticket_without_weights_is_reported_by_file(source, tmp_path, form):
    source.files.weights.unlink()
    out = tmp_path / f"out{FORMATS[form].endings[0]}"
    expected = f"Error: {source.files.weights}: expected the weights of the ticket, got no file\n"
    assert fails("export", source.files.folder, out, "--format", form) == expected
    assert not out.exists()


def test_a_ticket_without_a_layer_on_the_pes_has_no_streams(tmp_path):
    files = source_of(tmp_path / "ticket", layer_of(reads="image")).files
    expected = f"Error: {files.layers}: expected a convolution that reads spikes, got none\n"
    assert fails("export", files.folder, tmp_path / "out.npz") == expected


def test_help_names_every_format_and_loads_none():
    code = "import sys, uticket.cli.main; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert not {"torch", "nir", "onnx", "uticket.exchange.format"} & set(loaded.split())
    lines = [line.split() for line in printed("export", "--help").splitlines()]
    for form in FORMATS:
        assert [form, *FORMATS[form].endings] in [
            [line[0], *line[-len(FORMATS[form].endings) :]] for line in lines if line
        ]


def test_every_format_has_a_row_and_a_section_in_the_docs():
    text = (ROOT / "docs" / "exchange.md").read_text()
    for form in FORMATS:
        assert f"| `{form}` | `{'`, `'.join(FORMATS[form].endings[:1])}`" in text
        assert f"\n## {form}\n" in text or form == "wsp"
