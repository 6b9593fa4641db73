"""The whole DVC pipeline on a tiny setting, in a repository of its own."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import psutil
import pytest
from ruamel.yaml import YAML

from tests.conftest import ROOT

METHODS = ("lth", "uticket", "constant", "mine")  # `constant` has no tickets, `mine` is made up here


def of_methods(*stages: str) -> set[str]:
    return {f"{stage}@{method}" for stage in stages for method in METHODS}


ROUNDS = {"lth@r01", "lth@r02", "uticket@r01", "mine@r01"}
EVERYTHING = {"data", "dense", "report"} | ROUNDS | of_methods("map", "simulate", "quantize")


WRITTEN = ("tickets/", "mapping/", "simulation/", "quantization/", "report/", "dvc.lock")


class Project:
    """A copy of the working tree as a Git and DVC repository."""

    def __init__(self, folder: Path, site_cache: Path) -> None:
        self.folder = folder
        self.env = (
            os.environ
            | {
                "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
                "DVC_SITE_CACHE_DIR": str(site_cache),
                "GIT_CONFIG_GLOBAL": os.devnull,
                "OMP_NUM_THREADS": "1",
            }
            | {f"GIT_{who}_{what}": "test@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        )

    def run(self, *command: str, code: int = 0) -> str:
        """Run a command in the project; return what it wrote to both streams."""
        result = subprocess.run(
            command, cwd=self.folder, env=self.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert result.returncode == code, result.stdout
        return result.stdout

    def dvc(self, *arguments: str) -> str:
        return self.run(sys.executable, "-m", "dvc", *arguments)

    def commit(self) -> None:
        self.run("git", "add", "-A")
        self.run("git", "commit", "-q", "-m", "results")

    def summary(self) -> dict:
        return json.loads((self.folder / "report" / "summary.json").read_text())


def ran(output: str) -> set[str]:
    return set(re.findall(r"Running stage '(.*?)'", output))


def shrink(folder: Path) -> None:
    """Make the run tiny, and add a chain `mine` that is balanced by layer: params and a stage entry, no code."""
    yaml = YAML()
    params = yaml.load(ROOT / "presets" / "smoke.yaml")
    params["train"]["device"] = "cpu"
    params["tickets"]["uticket"] = {"r01": "dense"}
    params["tickets"]["mine"] = {"r01": "lth/r01"}
    params["balance"]["mine"] = {"scope": "layer", "mode": "both", "select": "magnitude"}
    yaml.dump(params, folder / "params.yaml")
    stages = yaml.load(folder / "dvc.yaml")
    entry = json.dumps(stages["stages"]["constant"]).replace("constant", "mine")
    stages["stages"]["mine"] = json.loads(entry)
    yaml.dump(stages, folder / "dvc.yaml")


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    """The project after one `dvc repro` from scratch, committed."""
    folder = tmp_path_factory.mktemp("pipeline") / "project"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        written = name.startswith(WRITTEN) and not name.endswith(".gitkeep")
        if (ROOT / name).is_file() and not written:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    shrink(folder)
    project = Project(folder, tmp_path_factory.mktemp("site"))
    project.run("git", "init", "-q", "-b", "main")
    assert ran(project.dvc("repro")) == EVERYTHING
    project.commit()
    return project


def test_results_are_those_of_the_paper_in_kind(project):
    summary = project.summary()
    assert list(summary) == ["dense", "lth", "uticket", "mine"]
    assert summary["uticket"]["utilization"] == 1.0
    assert summary["uticket"]["idle_cycles"] == 0
    assert summary["lth"]["utilization"] < 1.0
    assert summary["lth"]["filter_sparsity"] == pytest.approx(0.96, abs=1e-3)
    assert summary["dense"]["filter_sparsity"] == 0.0
    for numbers in summary.values():
        assert all(0 <= numbers[name] <= 1 for name in ("accuracy", "spike_sparsity", "utilization"))
        assert 16 * numbers["latency_cycles"] == numbers["work_cycles"] + numbers["idle_cycles"]
    lth, uticket = summary["lth"], summary["uticket"]
    expected = 100 * (1 - uticket["latency_cycles"] / lth["latency_cycles"])
    assert uticket["latency_reduction_pct"] == pytest.approx(expected)
    assert "latency_reduction_pct" not in lth
    assert "energy_reduction_pct" in summary["mine"]


def test_page_and_tables_are_written(project):
    page = (project.folder / "report" / "index.html").read_text()
    assert page.count("<svg") == 7
    assert "uticket/r01" in page
    for name in ("rounds", "layers", "pe_sweep", "policies", "quantized", "training", "models", "storage"):
        assert len((project.folder / "report" / f"{name}.csv").read_text().splitlines()) > 5


def test_sweep_has_every_pe_count_in_order(project):
    sweep = pd.read_csv(project.folder / "report" / "pe_sweep.csv")
    for _, rows in sweep.groupby("method"):
        assert rows["pes"].tolist() == [2, 4, 8, 16, 32, 64]
        assert rows["latency_cycles"].is_monotonic_decreasing
        assert (rows["work_cycles"] == rows["work_cycles"].iloc[0]).all()


def test_event_model_stands_beside_the_analytic_one(project):
    events = json.loads((project.folder / "report" / "events.json").read_text())
    assert list(events) == ["lth", "uticket", "mine"]
    assert "latency_reduction_pct" in events["uticket"]
    models = pd.read_csv(project.folder / "report" / "models.csv").set_index(["method", "model"])
    cycles = models[["starved_cycles", "blocked_cycles", "tail_cycles"]].sum(axis=1)
    assert cycles.tolist() == pytest.approx(models["idle_cycles"].tolist())
    for method in events:
        assert (
            models["latency_cycles"][method, "events"] < models["latency_cycles"][method, "analytic"]
        )  # silent inputs
    for name in ("fifo_sweep", "width_sweep"):
        for _, rows in pd.read_csv(project.folder / "report" / f"{name}.csv").groupby("method"):
            assert rows["latency_cycles"].is_monotonic_decreasing
            assert (rows["work_cycles"] == rows["work_cycles"].iloc[0]).all()
    by_pe = pd.read_csv(project.folder / "simulation" / "uticket" / "pes.csv")
    assert by_pe.groupby("layer").size().tolist() == [16] * 5
    assert set(by_pe["ticket"]) == {"uticket/r01"}


def test_second_run_does_nothing(project):
    output = project.dvc("repro")
    assert ran(output) == set()
    assert "up to date" in output


def test_same_params_and_code_give_the_same_bytes(project):
    before = (project.folder / "dvc.lock").read_bytes()
    assert ran(project.dvc("repro", "--force")) == EVERYTHING
    assert (project.folder / "dvc.lock").read_bytes() == before
    assert project.run("git", "status", "--porcelain") == ""


def test_fresh_clone_compares_branches_without_any_cache(project, tmp_path):
    clone = Project(tmp_path / "clone", tmp_path / "site")
    project.run("git", "clone", "-q", str(project.folder), str(clone.folder))
    clone.run("git", "checkout", "-q", "-b", "other")
    for name, old, new in (
        ("params.yaml", "pes: 16", "pes: 32"),
        ("report/summary.json", '"idle_cycles": 0', '"idle_cycles": 7'),
    ):
        path = clone.folder / name
        path.write_text(path.read_text().replace(old, new))
    clone.commit()
    clone.run("git", "checkout", "-q", "main")
    assert re.search(r"summary.json\s+uticket.idle_cycles\s+7\s+0\s+-7", clone.dvc("metrics", "diff", "other"))
    assert re.search(r"params.yaml\s+hw.pes\s+32\s+16", clone.dvc("params", "diff", "other"))
    plots = json.loads(clone.dvc("plots", "diff", "other", "--json"))["data"]
    drawn = plots["utilization against round"][0]["content"]["data"]["values"]
    assert {(row["rev"], row["method"]) for row in drawn} >= {("workspace", "uticket"), ("other", "lth")}
    assert {len(plot) for plot in plots.values()} == {1}


def test_experiments_rerun_only_what_is_downstream_of_their_change(project):
    """Other PE counts skip data, dense and what is not balanced for the array; they end at utilization 1 again."""
    output = project.dvc("exp", "run", "-S", "hw.pes=8")
    assert ran(output) == {"uticket@r01", "quantize@uticket", "report"} | of_methods("map", "simulate")
    assert project.summary()["uticket"]["utilization"] == 1.0
    energy = project.summary()["uticket"]["energy"]
    output = project.dvc("exp", "run", "-S", "energy.leakage_ratio=0.3")
    assert ran(output) == {"report"} | of_methods("simulate")
    assert project.summary()["uticket"]["energy"] > energy
    assert ran(project.dvc("exp", "run", "-S", "report.title=other")) == {"report"}
    output = project.dvc("exp", "run", "-S", "hw.weight_bits=4")
    assert ran(output) == {"report"} | of_methods("map", "simulate")
    assert project.summary()["uticket"]["utilization"] < 1.0


def test_typo_in_a_parameter_stops_a_stage_with_one_line_and_exit_code_2(project):
    path = project.folder / "params.yaml"
    good = path.read_text()
    path.write_text(good.replace("leakage_ratio:", "leakage:"))
    try:
        for command in (
            ["-m", "stages.simulate", "lth"],
            ["-m", "stages.round", "lth/r01"],
            ["-m", "uticket.cli", "check"],
        ):
            before = project.run("git", "status", "--porcelain")
            output = project.run(sys.executable, *command, code=2)
            assert output.startswith("Error: params.yaml: energy.leakage")
            assert output.count("\n") == 1
            assert project.run("git", "status", "--porcelain") == before
    finally:
        path.write_text(good)


def test_without_the_event_model_the_report_is_still_whole(project):
    output = project.dvc("exp", "run", "-S", "hw.models=[analytic]", "-S", "hw.weight_bits=null")
    assert ran(output) >= {"report"} | of_methods("simulate")
    assert json.loads((project.folder / "report" / "events.json").read_text()) == {}
    assert not (project.folder / "report" / "figures" / "waiting.svg").exists()


def test_chip_file_of_the_user_counts_and_a_wrong_one_is_told(project):
    chip, params = project.folder / "mine.yaml", project.folder / "params.yaml"
    default = (project.folder / "uticket" / "hardware" / "chips" / "uticket-32nm.yaml").read_text()
    chip.write_text(default.replace("value: 0.586459", "value: 10"))
    assert ran(project.dvc("exp", "run", "-S", "hw.chip=mine.yaml")) == {"report"} | of_methods("map", "simulate")
    models = pd.read_csv(project.folder / "report" / "models.csv")
    assert models["mem_dynamic_pj"].tolist() == pytest.approx((10 * models["operations"]).tolist())
    chip.write_text(default.replace("value: 0.586459, unit: pJ", "value: 1, unit: nJ"))
    assert "chip: mine.yaml" in params.read_text()
    before = project.run("git", "status", "--porcelain")
    for stage in ("map", "simulate"):
        output = project.run(sys.executable, "-m", f"stages.{stage}", "lth", code=2)
        assert output == "Error: mine.yaml: pe.6.energy.unit: expected 'pJ', came 'nJ'\n"
    assert project.run("git", "status", "--porcelain") == before
    chip.write_text(default)  # params.yaml still names it


def test_missing_results_are_told_in_one_line(project, tmp_path):
    empty = Project(tmp_path, tmp_path / "site")
    for name in ("params.yaml", "stages", "uticket"):
        (tmp_path / name).symlink_to(project.folder / name)
    for command in (
        ["dense"],
        ["round", "lth/r01"],
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
        assert re.search(r"Error: tickets/lth/r01/mask.safetensors: expected a safetensors file, came", output)
    finally:
        path.write_bytes(whole)


def test_search_is_made_shorter_for_all_but_the_last_tickets(project):
    """Dense and the tickets that lead to others are trained again, with as many timesteps as were chosen."""
    shorter = ["-S", "prune.early_time=true", "-S", "prune.early_time_threshold=1", "-S", "prune.early_bird=true"]
    shorter += ["-S", "train.epochs=3"]  # timesteps are chosen after the second
    output = project.dvc("exp", "run", *shorter, "-S", "hw.pes=16", "-S", "hw.models=[analytic]")
    assert ran(output) >= {"dense"} | ROUNDS
    chosen = json.loads((project.folder / "tickets" / "dense" / "search.json").read_text())
    assert chosen["timesteps"] == 3  # divergences of 2 timesteps: 1, of 3: less
    assert set(chosen["divergence"]) == {"2", "3"}
    for ticket, final in (("lth/r01", False), ("lth/r02", True), ("uticket/r01", True)):
        folder = project.folder / "tickets" / ticket
        assert json.loads((folder / "layers.json").read_text())["timesteps"] == (4 if final else 3)
        assert json.loads((folder / "metrics.json").read_text())["final"] == final
    params = project.folder / "params.yaml"
    params.write_text(params.read_text().replace("r02: lth/r01\n", "r02: lth/r01\n    r03: lth/r02\n"))
    output = project.run(sys.executable, "-m", "stages.round", "lth/r03", code=2)
    assert "dvc repro --force --single-item lth@r02" in output


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
