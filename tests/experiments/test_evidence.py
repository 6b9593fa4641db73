import subprocess

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from PIL import Image

import uticket as ut
from experiments import evidence, evidence_page, evidence_results, evidence_rounded, evidence_tables
from experiments.chains import merged
from experiments.evidence import QUEUE, SEEDS, copy_images, folder_of, main, only, params_of
from experiments.evidence_results import add, overlap, shuffled
from experiments.pareto import DEPTHS
from tests.helpers import between
from uticket.base.seeds import torch_seed
from uticket.config.params import Params
from uticket.networks.network import build, weight_layers

NETWORKS = sorted(SEEDS)


@pytest.fixture
def photographs(tmp_path):
    """Four photographs of each of two classes, to train and to test with."""
    for part, name, number in [(p, c, n) for p in ("train", "test") for c in ("cat", "dog") for n in range(4)]:
        (tmp_path / "all" / part / name).mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(number).integers(0, 256, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "all" / part / name / f"{number}.png")
    return tmp_path / "all"


@pytest.fixture
def tiny(tmp_path, monkeypatch, photographs):
    """A narrow network that is trained for two epochs, chains of two rounds, in a folder of the test."""
    real = evidence.params_of
    chain = {"r01": "dense", "r02": "r01"}

    def narrow(network: str, seed: int) -> Params:
        params = real(network, seed)
        tickets = {
            f"{method}/{name}": parent if parent == "dense" else f"{method}/{parent}"
            for method in params.balance
            for name, parent in chain.items()
        }
        short = {"model": {"name": "vgg7", "width": 0.125, "timesteps": 2}, "hw": {"pes": 4}, "rewind": {"epoch": 1}}
        brief = {"train": {"epochs": 2, "batch_size": 4}, "data": {"size": 8}, "prune": {"epochs": 1}}
        values = merged(merged(params.model_dump(), short), brief)
        return Params.model_validate(values | {"tickets": tickets})

    monkeypatch.chdir(tmp_path)
    for module in (evidence, evidence_results):
        monkeypatch.setattr(module, "params_of", narrow)
    monkeypatch.setattr(evidence_results, "TICKETS", tmp_path / "tickets.csv")
    monkeypatch.setattr(evidence_results, "LAYERS", tmp_path / "layers.csv")
    monkeypatch.setattr(evidence_results, "MASKS", tmp_path / "masks")
    monkeypatch.setattr(evidence_rounded, "ROUNDED", tmp_path / "rounded.csv")
    copy_images(photographs, evidence.IMAGES, {"train": 3, "test": 2})


def run(*args: str) -> None:
    result = CliRunner().invoke(main, args, catch_exceptions=False)
    assert result.exit_code == 0, result.output


def test_first_images_of_each_class_are_copied(photographs, tmp_path):
    copy_images(photographs, tmp_path / "some", {"train": 3, "test": 1})
    names = {str(path.relative_to(tmp_path / "some")) for path in (tmp_path / "some").rglob("*.png")}
    train = {f"train/{name}/{number}.png" for name in ("cat", "dog") for number in range(3)}
    assert names == train | {"test/cat/0.png", "test/dog/0.png"}


@pytest.mark.parametrize("network", NETWORKS)
def test_presets_are_whole_networks_to_98_percent_and_rounds_are_what_is_left_after_rewinding(network):
    params = params_of(network, 1)
    assert (params.seed, params.model.name, params.model.timesteps, params.hw.pes) == (1, network, 4, 16)
    assert params.data.path == str(evidence.IMAGES)
    for method in params.balance:
        chain = params.lineage.chain(method)
        assert 9 <= len(chain) - 1 <= 13
        assert (1 - params.prune.fraction) ** (len(chain) - 1) < 0.02
        alone = only(params, method)
        assert alone.lineage.chain(method) == chain
        assert alone.balance == {method: params.balance[method]}
        assert alone.prune.epochs == params.train.epochs - params.rewind.epoch


def test_a_chain_starts_from_the_dense_network_and_is_trained_and_measured_once(tiny, tmp_path, monkeypatch):
    shrunk = []
    monkeypatch.setattr(evidence, "shrink", shrunk.append)
    run("piece", "vgg16", "0", "dense")
    folder = folder_of("vgg16", 0)
    dense = folder / "dense" / "weights.safetensors"
    made = dense.stat().st_mtime_ns
    for _ in range(2):
        run("piece", "vgg16", "0", "uticket")
        run("piece", "vgg16", "0", "dense")
    assert dense.stat().st_mtime_ns == made
    assert len(shrunk) == 1
    assert (folder / "dense" / "training.csv").read_text().count("\n") == 3  # the header, and two epochs
    assert (folder / "uticket" / "r02" / "training.csv").read_text().count("\n") == 2
    check_measured(tmp_path)


def check_measured(tmp_path):
    """Tickets are measured once, when they are there; masks of the last ones are those that `audit` reads."""
    evidence_results.measure()
    before = pd.read_csv(tmp_path / "tickets.csv")
    found = list(before[["network", "seed", "method", "round"]].itertuples(index=False, name=None))
    assert found == [("vgg16", 0, "dense", 0), ("vgg16", 0, "uticket", 1), ("vgg16", 0, "uticket", 2)]
    last = before.iloc[-1]
    assert last["utilization"] == 1 > last["utilization_drawn"]
    assert before["kept_by_initial"][0] == 1 > last["kept_by_initial"]
    assert last["cycles_fifo_0"] >= last["cycles_fifo_8"] >= last["cycles_fifo_64"] >= last["cycles_fifo_inf"]
    layers = pd.read_csv(tmp_path / "layers.csv")
    layers = layers[(layers["method"] == "uticket") & (layers["round"] == 2)]
    assert layers["latency_cycles"].sum() == last["latency_cycles"]
    kept = ut.audit(ut.Ticket.read(tmp_path / "masks" / "vgg16-0-uticket.npz"), ut.Array(pes=4)).layers
    assert [layer.nonzeros for layer in kept] == list(layers["nonzeros"])

    run("piece", "vgg16", "0", "lth")
    evidence_results.measure()
    check_rounded(tmp_path / "rounded.csv", nonzeros=layers["nonzeros"].sum())
    after = pd.read_csv(tmp_path / "tickets.csv")
    assert list(after["method"]) == ["dense", "lth", "lth", "uticket", "uticket"]
    kept = after[after["method"] != "lth"].reset_index(drop=True)
    pd.testing.assert_frame_equal(kept, before, check_dtype=False)


def check_rounded(path, nonzeros):
    """The ticket that ends a chain is rounded, once; keep_mask keeps its weights, and plain only at many bits."""
    for _ in range(2):
        evidence_rounded.measure()
    found = pd.read_csv(path).set_index(["method", "weight_bits", "quantizer"])
    assert len(found) == 2 * 3 * 2
    assert set(found["round"]) == {2}
    ours = found.loc["uticket"]
    assert set(ours.xs("keep_mask", level="quantizer")["nonzeros"]) == {nonzeros}
    assert set(ours.xs("keep_mask", level="quantizer")["utilization"]) == {1}
    assert ours.loc[(4, "plain"), "nonzeros"] < nonzeros == ours.loc[(16, "plain"), "nonzeros"]


def test_rounded_tickets_are_compared_with_lth_at_as_many_bits():
    one = {"network": "vgg16", "seed": 0, "round": 9, "quantizer": "plain", "nonzeros": 1000, "utilization": 0.5}
    rows = [one | {"method": "lth", "weight_bits": bits, "latency_cycles": 10 * bits} for bits in (8, 4)]
    rows += [one | {"method": "uticket", "weight_bits": bits, "latency_cycles": 30} for bits in (8, 4)]
    lines = evidence_rounded.markdown(pd.DataFrame(rows)).splitlines()[2:]
    assert lines[0] == "| VGG-16 | lth | 8 | plain | 1,000 | 50.0 |  |"
    assert [line.split(" | ")[6] for line in lines[2:]] == ["62.5 |", "25.0 |"]


def test_dense_networks_come_first_and_a_chain_waits_for_its_own(monkeypatch):
    done = []
    monkeypatch.setattr(evidence, "run_piece", lambda *piece: done.append(piece))
    run("train")
    assert sorted(done) == sorted(QUEUE)
    for network, seed, method in done:
        assert done.index((network, seed, "dense")) <= done.index((network, seed, method))


def test_queue_has_all_chains_of_all_seeds():
    every = {
        (network, seed, method)
        for network, seeds in SEEDS.items()
        for seed in seeds
        for method in ("dense", *params_of(network, seed).balance)
    }
    assert set(QUEUE) == every
    assert len(QUEUE) == len(every)


def test_chains_of_a_dense_network_that_failed_are_not_trained(monkeypatch):
    def fail(network: str, seed: int, method: str) -> None:
        assert method == "dense"
        raise subprocess.CalledProcessError(1, "train")

    monkeypatch.setattr(evidence, "run_piece", fail)
    with pytest.raises(subprocess.CalledProcessError):
        run("train")


def test_convolutions_start_from_smaller_weights(tiny):
    params = evidence.params_of("vgg16", 0)
    network = build(params.model, (3, 8, 8), 2, torch_seed(0, "weights"))
    found = evidence_results.initial_weights(params, classes=2)
    for name, layer in weight_layers(network).items():
        factor = 1 if name == "fc" else evidence.SHRUNK
        assert np.array_equal(found[name].ravel(), factor * layer.weight.detach().numpy().ravel())


def test_shuffled_masks_have_as_many_weights_in_each_layer():
    mask = ut.Mask({"a": np.eye(8, dtype=bool), "b": np.zeros((4, 4), dtype=bool)})
    drawn = shuffled(mask, 0)
    assert [int(kept.sum()) for kept in drawn.values()] == [8, 0]
    assert not np.array_equal(drawn["a"], mask["a"])
    assert np.array_equal(shuffled(mask, 0)["a"], drawn["a"])
    assert not np.array_equal(shuffled(mask, 1)["a"], drawn["a"])


def test_overlap_counts_kept_weights_that_are_largest_in_each_layer():
    weights = {"a": np.array([[1.0, -4.0], [3.0, 0.5]]), "b": np.array([[9.0, 8.0, -7.0]])}
    nothing = np.zeros((1, 3), dtype=bool)
    assert overlap(ut.Mask({"a": [[0, 1], [1, 0]], "b": nothing}), weights) == 1
    assert overlap(ut.Mask({"a": [[1, 1], [0, 0]], "b": nothing}), weights) == 0.5
    assert overlap(ut.Mask({"a": [[0, 1], [1, 0]], "b": [[0, 1, 1]]}), weights) == 0.75


def test_rows_are_added_in_order(tmp_path):
    one = {"network": "resnet19", "seed": 0, "method": "lth", "round": 1, "accuracy": 0.5}
    add(tmp_path / "a.csv", [one, one | {"method": "dense", "round": 0}])
    add(tmp_path / "a.csv", [])
    add(tmp_path / "a.csv", [one | {"network": "vgg16", "round": 10}, one | {"network": "vgg16", "round": 9}])
    found = pd.read_csv(tmp_path / "a.csv")
    assert list(found["network"]) == ["vgg16", "vgg16", "resnet19", "resnet19"]
    assert list(found["round"]) == [9, 10, 0, 1]


def made_up(network: str, seed: int, method: str, number: int, **values: float) -> dict[str, object]:
    """A row of evidence_tickets.csv."""
    cycles = dict.fromkeys([f"{kind}_fifo_{depth}" for kind in ("cycles", "pj") for depth in DEPTHS], 1e6)
    shares = {
        "sparsity": 0.98,
        "spike_sparsity": 0.9,
        "kept_by_initial": 0.1,
        "utilization_drawn": 0.8,
        "train_s": 1800,
    }
    own = {"network": network, "seed": seed, "method": method, "round": number, "accuracy": 0.3}
    return own | shares | cycles | {"latency_cycles": 100, "energy": 10, **values}


def test_expectations_are_met_by_all_seeds_some_or_none_at_98_percent_only():
    rows = [made_up("vgg16", seed, "lth", 9, utilization=0.6 + 0.1 * seed) for seed in (0, 1)]
    rows += [made_up("vgg16", 0, "uticket", 9, utilization=1, latency_cycles=60)]
    rows += [made_up("resnet19", 0, method, 3, sparsity=0.7, utilization=0.4) for method in ("lth", "uticket")]
    lines = evidence_tables.expectations(pd.DataFrame(rows)).splitlines()[2:]
    assert [line.split(" | ")[4] for line in lines] == ["in part", "yes", "yes", *["not trained yet"] * 3]
    assert "| 65.0 ± 7.1 |" in lines[0]
    assert "| 40.0 |" in lines[2]


def test_costs_are_compared_with_lth_of_the_same_round_and_seed():
    rows = [made_up("vgg16", 0, "lth", n, utilization=0.6, latency_cycles=1000 * n) for n in (1, 2)]
    rows += [made_up("vgg16", 0, "uticket", 1, utilization=1, latency_cycles=750, energy=5)]
    lth, ours = evidence_tables.costs(pd.DataFrame(rows)).splitlines()[2:]
    assert lth.startswith("| VGG-16 | lth | 2 | 60.0 | 2 |  |")
    assert ours.startswith("| VGG-16 | uticket | 1 | 100.0 | 1 (25 %) | 50 % |")


def test_time_is_the_sum_over_the_tickets_of_a_chain():
    rows = [made_up("vgg16", seed, "lth", n, utilization=0.6) for seed in (0, 1) for n in (1, 2)]
    assert evidence_tables.times(pd.DataFrame(rows)).splitlines()[2:] == ["| VGG-16 | lth | 2 | 4 | 2.0 |"]


def test_by_layer_compares_the_last_round_of_both_chains():
    one = {"network": "vgg16", "seed": 0, "layer": "conv2", "weights": 9216, "idle_cycles": 5000, "utilization": 1}
    layers = [one | {"method": "lth", "round": n, "nonzeros": 100 - n} for n in (1, 2, 3)]
    layers += [one | {"method": "uticket", "round": n, "nonzeros": 200 - n} for n in (1, 2)]
    (line,) = evidence_tables.by_layer(pd.DataFrame(layers)).splitlines()[2:]
    assert line == "| VGG-16 | conv2 | 9,216 | 98 | 198 | 100.0 | 100.0 | 5 | 5 |"


def test_page_has_the_tables_and_the_figures_of_the_results():
    tables = evidence_results.TICKETS, evidence_results.LAYERS, evidence_rounded.ROUNDED
    tickets, layers, rounded = (pd.read_csv(path) for path in tables)
    for name, text in evidence_page.sections(tickets, layers, rounded).items():
        assert between(evidence_page.PAGE, evidence_page.begin(name), evidence_page.END) == text
    for name, figure in evidence_page.figures(tickets, layers).items():
        assert (evidence_page.FIGURES / f"evidence-{name}.svg").read_text() == figure
