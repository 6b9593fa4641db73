"""The whole DVC pipeline on a tiny setting, in a repository of its own."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from ruamel.yaml import YAML

from tests.helpers import ROOT, copy_of_tree
from tests.pipeline.project import WRITTEN, Project
from uticket.config.rounds import apply_presets

METHODS = ("lth", "uticket", "mine")  # `mine` is made up here


def of_methods(*stages: str) -> set[str]:
    return {f"{stage}@{method}" for stage in stages for method in METHODS}


TICKETS = {"lth/r01": "dense", "lth/r02": "lth/r01", "uticket/r01": "dense", "mine/r01": "lth/r01"}
EVERYTHING = {"data", "dense", "plan", "report", *(f"ticket@{ticket}" for ticket in TICKETS)}
EVERYTHING |= of_methods("map", "simulate", "quantize")


def ran(output: str) -> set[str]:
    return set(re.findall(r"Running stage '(.*?)'", output))


def shrink(folder: Path) -> None:
    """Make the run tiny, and add a chain `mine` that is balanced by layer: entries of params.yaml, nothing else."""
    apply_presets(folder / "params.yaml", [ROOT / "presets" / "smoke.yaml"])
    yaml = YAML()
    params = yaml.load(folder / "params.yaml")
    params["train"]["device"] = "cpu"
    params["tickets"] = TICKETS
    params["balance"]["mine"] = {"scope": "layer", "mode": "both", "select": "magnitude"}
    yaml.dump(params, folder / "params.yaml")


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    """The project after one `dvc repro` from scratch, committed."""
    folder = copy_of_tree(tmp_path_factory.mktemp("pipeline") / "project", leave_out=WRITTEN)
    shrink(folder)
    project = Project(folder, tmp_path_factory.mktemp("site"))
    project.run("git", "init", "-q", "-b", "main")
    assert ran(project.dvc("repro")) == EVERYTHING
    project.commit()
    return project


def test_results_are_those_of_the_paper_in_kind(project):
    metrics = project.metrics()
    assert list(metrics) == list(METHODS)
    assert metrics["uticket"]["utilization"] == 1.0
    assert metrics["lth"]["utilization"] < 1.0
    assert metrics["lth"]["sparsity"] == pytest.approx(0.96, abs=1e-3)
    lth, uticket = metrics["lth"], metrics["uticket"]
    expected = 100 * (1 - uticket["latency_cycles"] / lth["latency_cycles"])
    assert uticket["latency_saved_pct"] == pytest.approx(expected)
    assert "latency_saved_pct" not in lth
    assert "energy_saved_pct" in metrics["mine"]
    rounds = project.table("report/rounds")
    assert (16 * rounds["latency_cycles"] == rounds["work_cycles"] + rounds["idle_cycles"]).all()
    shares = rounds[["accuracy", "spike_sparsity", "utilization", "sparsity"]].to_numpy()
    assert ((shares >= 0) & (shares <= 1)).all()
    assert rounds.set_index(["method", "ticket"])["idle_cycles"]["uticket", "uticket/r01"] == 0
    assert set(rounds["sparsity"][rounds["ticket"] == "dense"]) == {0.0}


@pytest.mark.parametrize("left", [b"", b"schema: '2.0'\nstages:\n  data:\n    cmd: pyt"], ids=["empty", "torn"])
def test_a_torn_lock_is_brought_back_without_training_again(project, left):
    """dvc is killed while it writes the lock after its last stage, the report."""
    lock = project.folder / "dvc.lock"
    whole = lock.read_bytes()
    lock.write_bytes(left)
    said = project.run("uticket", "check", code=2)
    command = re.fullmatch(r"Error: dvc.lock: expected .*, got .*; (cp .* && dvc commit .*) brings it back\n", said)
    assert command, said
    project.run("sh", "-c", command[1])
    assert lock.read_bytes() == whole
    assert not ran(project.dvc("repro"))


def test_page_and_tables_are_written(project):
    page = (project.folder / "report" / "index.html").read_text()
    assert page.count("<svg") >= 7
    assert "uticket/r01" in page
    for name in ("rounds", "layers", "sweeps", "mappings", "quantized", "training", "models", "storage"):
        assert len(project.table(f"report/{name}")) >= 5


def test_sweep_has_every_pe_count_in_order(project):
    sweeps = project.table("simulation/uticket/sweeps")
    rows = sweeps[(sweeps["knob"] == "pes") & (sweeps["model"] == "analytic")]
    assert rows["value"].tolist() == [2, 4, 8, 16, 32, 64]
    assert rows["latency_cycles"].is_monotonic_decreasing
    assert (rows["work_cycles"] == rows["work_cycles"].iloc[0]).all()


def test_event_model_stands_beside_the_analytic_one(project):
    models = project.table("report/models").set_index(["method", "model"])
    cycles = models[["starved_cycles", "blocked_cycles", "tail_cycles"]].sum(axis=1)
    assert cycles.tolist() == pytest.approx(models["idle_cycles"].tolist())
    for method in METHODS:
        latency = models["latency_cycles"][method]
        assert latency["events"] < latency["analytic"]  # silent inputs
        sweeps = project.table(f"simulation/{method}/sweeps")
        for knob in ("broadcast.fifo_depth", "broadcast.width"):
            rows = sweeps[sweeps["knob"] == knob]
            assert set(rows["model"]) == {"events"}
            assert rows["latency_cycles"].is_monotonic_decreasing
            assert (rows["work_cycles"] == rows["work_cycles"].iloc[0]).all()
    by_pe = project.table("simulation/uticket/pes")
    assert by_pe.groupby("layer").size().tolist() == [16] * 5
    assert set(by_pe["ticket"]) == {"uticket/r01"}


def test_second_run_does_nothing(project):
    output = project.dvc("repro")
    assert ran(output) == set()
    assert "up to date" in output


def test_same_params_and_code_give_the_same_bytes(project):
    before = (project.folder / "dvc.lock").read_bytes()
    upstream = {"data", "plan", "dense", "ticket@uticket/r01"}
    assert ran(project.dvc("repro", "--force", "ticket@uticket/r01")) == upstream
    single = ["map@uticket", "simulate@uticket", "quantize@uticket", "report"]
    assert ran(project.dvc("repro", "--force", "--single-item", *single)) == set(single)
    assert (project.folder / "dvc.lock").read_bytes() == before
    assert project.run("git", "status", "--porcelain") == ""


def test_fresh_clone_compares_branches_without_any_cache(project, tmp_path):
    clone = Project(tmp_path / "clone", tmp_path / "site")
    project.run("git", "clone", "-q", str(project.folder), str(clone.folder))
    clone.run("git", "checkout", "-q", "-b", "other")
    utilization = project.metrics()["lth"]["utilization"]
    for name, old, new in (
        ("params.yaml", "pes: 16", "pes: 32"),
        ("report/metrics.json", f'"utilization": {utilization}', '"utilization": 0.25'),
    ):
        path = clone.folder / name
        path.write_text(path.read_text().replace(old, new))
    clone.commit()
    clone.run("git", "checkout", "-q", "main")
    assert re.search(r"metrics.json\s+lth.utilization\s+0.25\s+0\.\d+", clone.dvc("metrics", "diff", "other"))
    assert re.search(r"params.yaml\s+hw.pes\s+32\s+16", clone.dvc("params", "diff", "other"))
    plots = json.loads(clone.dvc("plots", "diff", "other", "--json"))["data"]
    drawn = plots["utilization against round"][0]["content"]["data"]["values"]
    assert {(row["rev"], row["method"]) for row in drawn} >= {("workspace", "uticket"), ("other", "lth")}
    assert {len(plot) for plot in plots.values()} == {1}


def test_experiments_rerun_only_what_is_downstream_of_their_change(project):
    """Other PE counts skip data, dense and what is not balanced for the array; they end at utilization 1 again."""
    output = project.dvc("exp", "run", "-S", "hw.pes=8")
    balanced = {"plan", "ticket@uticket/r01", "quantize@uticket"}
    assert ran(output) == balanced | {"report"} | of_methods("map", "simulate")
    assert project.metrics()["uticket"]["utilization"] == 1.0
    energy = project.metrics()["uticket"]["energy"]
    output = project.dvc("exp", "run", "-S", "energy.leakage_ratio=0.3")
    assert ran(output) == {"report"} | of_methods("simulate")
    assert project.metrics()["uticket"]["energy"] > energy
    assert ran(project.dvc("exp", "run", "-S", "report.title=other")) == {"report"}
    output = project.dvc("exp", "run", "-S", "hw.weight_bits=4", "-S", "hw.sweeps.broadcast.fifo_depth=[0,8]")
    assert ran(output) == {"report"} | of_methods("map", "simulate")
    assert project.metrics()["uticket"]["utilization"] < 1.0


def test_a_longer_chain_reruns_nothing_of_the_others(project):
    output = project.dvc("exp", "run", "-S", "+tickets={lth/r03: lth/r02}")
    of_lth = {"map@lth", "simulate@lth", "quantize@lth"}
    assert ran(output) == {"plan", "ticket@lth/r03", "report"} | of_lth
    assert project.table("report/rounds").query("method == 'lth'")["ticket"].tolist()[-1] == "lth/r03"


def test_typo_in_a_parameter_stops_a_stage_with_one_line_and_exit_code_2(project):
    path = project.folder / "params.yaml"
    good = path.read_text()
    path.write_text(good.replace("leakage_ratio:", "leakage:"))
    before = project.run("git", "status", "--porcelain")
    try:
        for command in (
            ["-m", "stages.simulate", "lth"],
            ["-m", "stages.ticket", "lth/r01"],
            ["-m", "uticket.cli", "check"],
        ):
            output = project.run(sys.executable, *command, code=2)
            assert output.startswith("Error: params.yaml: energy.leakage")
            assert output.count("\n") == 1
            assert project.run("git", "status", "--porcelain") == before
    finally:
        path.write_text(good)


def test_without_the_event_model_the_report_is_still_whole(project):
    output = project.dvc("exp", "run", "-S", "hw.models=[analytic]", "-S", "hw.weight_bits=null")
    assert ran(output) >= {"report"} | of_methods("simulate")
    assert set(project.table("report/models")["model"]) == {"analytic"}
    assert "broadcast.fifo_depth" not in set(project.table("report/sweeps")["knob"])


def test_chip_file_of_the_user_counts_and_a_wrong_one_is_reported(project):
    chip, params = project.folder / "mine.yaml", project.folder / "params.yaml"
    default = (project.folder / "uticket" / "hardware" / "chips" / "uticket-32nm-lstp.yaml").read_text()
    chip.write_text(default.replace("value: 1.27459", "value: 10"))
    assert ran(project.dvc("exp", "run", "-S", "hw.chip=mine.yaml")) == {"report"} | of_methods("map", "simulate")
    models = project.table("report/models")
    assert models["mem_dynamic_pj"].tolist() == pytest.approx((10 * models["operations"]).tolist())
    chip.write_text(default.replace("value: 1.27459, unit: pJ", "value: 1, unit: nJ"))
    assert "chip: mine.yaml" in params.read_text()
    before = project.run("git", "status", "--porcelain")
    for stage in ("map", "simulate"):
        output = project.run(sys.executable, "-m", f"stages.{stage}", "lth", code=2)
        assert output == "Error: mine.yaml: pe.6.energy.unit: expected 'pJ', got 'nJ'\n"
    assert project.run("git", "status", "--porcelain") == before
    chip.write_text(default)  # params.yaml still names it


def test_missing_results_are_reported_in_one_line(project, tmp_path):
    empty = Project(tmp_path, tmp_path / "site")
    for name in ("params.yaml", "stages", "uticket"):
        (tmp_path / name).symlink_to(project.folder / name)
    for command in (
        ["dense"],
        ["ticket", "lth/r01"],
        ["map", "lth"],
        ["simulate", "lth"],
        ["quantize", "lth"],
        ["report"],
    ):
        output = empty.run(sys.executable, "-m", f"stages.{command[0]}", *command[1:], code=2)
        assert re.fullmatch(r"Error: \S+: expected .*\n", output), output


def test_damaged_file_of_a_ticket_is_named(project):
    path = project.folder / "tickets" / "lth" / "r01" / "mask.safetensors"
    whole = path.read_bytes()
    path.unlink()  # DVC may have linked it to its cache
    path.write_bytes(whole[: len(whole) // 2])
    try:
        output = project.run(sys.executable, "-m", "stages.map", "lth", code=2)
        assert re.search(r"Error: tickets/lth/r01/mask.safetensors: expected a safetensors file, got", output)
    finally:
        path.write_bytes(whole)


def test_intermediate_tickets_are_trained_for_less(project):
    """Dense and the tickets that lead to others are trained again, with the number of timesteps that was chosen."""
    shorter = ["-S", "prune.early_time=true", "-S", "prune.early_time_threshold=1", "-S", "prune.early_bird=true"]
    shorter += ["-S", "train.epochs=3"]  # timesteps are chosen after the second
    output = project.dvc("exp", "run", *shorter, "ticket@lth/r02")
    assert ran(output) >= {"dense", "plan", "ticket@lth/r01", "ticket@lth/r02"}
    chosen = json.loads((project.folder / "tickets" / "dense" / "search.json").read_text())
    assert chosen["timesteps"] == 3  # divergences of 2 timesteps: 1, of 3: less
    assert set(chosen["divergence"]) == {"2", "3"}
    params = project.folder / "params.yaml"
    final = "lth/r03" if "lth/r03" in params.read_text() else "lth/r02"
    for ticket in ("lth/r01", "lth/r02"):
        layers = json.loads((project.folder / "tickets" / ticket / "layers.json").read_text())
        assert layers["timesteps"] == (4 if ticket == final else 3)


def test_training_ends_within_seconds_after_dvc_was_killed(project):
    """SIGKILL leaves dvc no time to end its children."""
    command = [sys.executable, "-m", "dvc", "exp", "run", "-S", "train.epochs=100000", "-S", "train.save_minutes=0.001"]
    with subprocess.Popen(command, cwd=project.folder, env=project.env, stdout=subprocess.DEVNULL) as dvc:
        try:
            state = wait_until(lambda: next(project.folder.glob(".uticket/scratch/dense-*/state.safetensors"), None))
            children = psutil.Process(dvc.pid).children(recursive=True)  # with a shell in between or without
            (training,) = [child for child in children if child.cmdline()[-2:] == ["-m", "stages.dense"]]
        finally:
            dvc.kill()
    training.wait(10)
    assert state.exists()


def wait_until(found: Callable[[], Path | None]) -> Path:
    until = time.monotonic() + 60
    while (path := found()) is None:
        assert time.monotonic() < until
        time.sleep(0.1)
    return path
