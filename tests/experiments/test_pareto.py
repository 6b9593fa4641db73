import click
import pandas as pd
import pytest

from experiments import pareto, pareto_page
from experiments.chains import merged
from experiments.pareto import add, folder_of, main, params_of, read, results, train_piece
from experiments.pareto_methods import DATA, METHODS, Method
from uticket.config.params import Params


@pytest.fixture
def tiny(params: Params, tmp_path, monkeypatch):
    """A narrow network that is trained for an epoch, chains of two rounds, and all files in a folder of the test."""
    values = params.model_dump()
    values["model"] |= {"width": 0.125, "timesteps": 1}
    values["train"] |= {"epochs": 1, "device": "cpu"}
    values["tickets"] = {"lth/r01": "dense", "lth/r02": "lth/r01", "uticket/r01": "dense"}
    values["hw"] |= {"pes": 4}
    monkeypatch.chdir(tmp_path)  # states of trainings are kept in the current folder
    monkeypatch.setattr(pareto, "read_params", lambda _: Params.model_validate(values))
    monkeypatch.setattr(pareto, "TICKETS", tmp_path / "tickets")
    monkeypatch.setattr(pareto, "results", lambda data: tmp_path / f"{data}.csv")


def test_nested_settings_are_merged():
    assert merged({"a": {"b": 1, "c": 2}, "d": 3}, {"a": {"b": 5}}) == {"a": {"b": 5, "c": 2}, "d": 3}


def test_methods_share_a_dense_network_unless_they_train_otherwise(monkeypatch):
    monkeypatch.setitem(METHODS, "longer", Method({}, {"train": {"epochs": 20}}))
    assert folder_of("digits", 0, "lth") == folder_of("digits", 0, "uticket")
    assert folder_of("digits", 0, "uticket-longer") == folder_of("digits", 0, "share4-longer")
    assert folder_of("digits", 1, "lth") != folder_of("digits", 0, "lth") != folder_of("digits", 0, "longer")
    assert params_of("digits", None, 3, "longer").train.epochs == 20
    assert params_of("digits", None, 3, "longer").seed == 3


def test_a_chain_is_trained_once_and_measured_at_each_depth(tiny):
    train_piece("digits", None, 0, "lth")
    dense = folder_of("digits", 0, "lth") / "dense" / "weights.safetensors"
    made = dense.stat().st_mtime_ns
    train_piece("digits", None, 0, "uticket")
    assert dense.stat().st_mtime_ns == made
    ticket = folder_of("digits", 0, "uticket") / "uticket" / "r02" / "metrics.json"
    made = ticket.stat().st_mtime_ns
    train_piece("digits", None, 0, "uticket")
    assert ticket.stat().st_mtime_ns == made
    rows = pareto.read_json(ticket.parent.parent / "results.json")
    assert [(row["seed"], row["method"], row["round"]) for row in rows] == [(0, "uticket", 1), (0, "uticket", 2)]
    for row in rows:
        assert row["utilization"] == 1
        assert row["cycles_fifo_0"] > row["cycles_fifo_8"] >= row["cycles_fifo_64"] >= row["cycles_fifo_inf"] > 0


def test_rows_are_added_in_order_and_known_chains_are_not_run_again(tmp_path, monkeypatch):
    monkeypatch.setattr(pareto, "results", lambda data: tmp_path / f"{data}.csv")
    assert len(read("digits")) == 0
    row = {"seed": 0, "method": "uticket", "round": 1, "accuracy": 0.5}
    add("digits", [row, row | {"round": 2}])
    add("digits", [row | {"seed": 1}])
    add("digits", [row | {"method": "lth"}])
    found = read("digits")
    assert list(zip(found["method"], found["seed"], found["round"], strict=True)) == [
        ("lth", 0, 1),
        ("uticket", 0, 1),
        ("uticket", 0, 2),
        ("uticket", 1, 1),
    ]
    ran = []
    monkeypatch.setattr(pareto, "run_piece", lambda command, *chain: ran.append(chain) or chain)
    monkeypatch.setattr(pareto, "read_json", lambda path: [])
    monkeypatch.setattr(pareto, "add", lambda data, rows: None)
    main(["digits", "--seeds", "2", "--methods", "lth,uticket", "--jobs", "1"], standalone_mode=False)
    assert ran == [(1, "lth")]
    ran.clear()
    main(["digits", "--seeds", "1", "--methods", "lth-sorted,share2", "--jobs", "1"], standalone_mode=False)
    assert ran == [(0, "share2"), (0, "lth-sorted")]  # what runs the tickets of lth comes last
    ran.clear()
    methods = "share2,share4,uticket-longer,share4-longer"
    main(["digits", "--seeds", "1", "--methods", methods, "--jobs", "1"], standalone_mode=False)
    first, rest = ["uticket-longer", "share2"], ["share4", "share4-longer"]  # one for each dense network, then others
    assert ran == [(0, name) for name in first + rest]
    with pytest.raises(click.BadParameter, match=r"expected some of lth, .*, got 'lht'"):
        main(["digits", "--methods", "lht"], standalone_mode=False)


def test_page_has_mean_and_spread_of_the_last_round():
    cycles = {f"cycles_{name}": 1000.0 for name in ("analytic", "fifo_0", "fifo_8", "fifo_64", "fifo_inf")}
    shares = {"sparsity": 0.98, "utilization": 1.0}
    rows = [
        {"seed": seed, "method": "uticket", "round": n, "accuracy": 0.9 + 0.02 * seed + n, **shares, **cycles}
        for seed in (0, 1)
        for n in (-1, 0)
    ]
    lines = pareto_page.markdown(pd.DataFrame(rows)).splitlines()
    assert len(lines) == 3
    assert lines[2].startswith("| uticket | 2 | 91.00 ± 1.41 | 98.00 ± 0.00 |")
    assert "FIFO 64 (area 1.02)" in lines[0]


@pytest.mark.parametrize("data", [name for name in DATA if results(name).exists()])
def test_page_has_the_table_and_the_figure_of_the_results(data):
    _, _, rest = pareto_page.PAGE.read_text().partition(pareto_page.begin(data))
    assert rest.partition(pareto_page.END)[0].strip() == pareto_page.markdown(read(data))
    assert (pareto_page.FIGURES / f"pareto-{data}.svg").read_text() == pareto_page.drawn(read(data))
