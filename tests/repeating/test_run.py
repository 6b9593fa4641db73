"""Seeds of a project whose stages take no time: what runs, what is taken as it is, what is gathered."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.helpers import fails, printed
from tests.cluster.helpers import commit, git
from tests.repeating.conftest import surround
from tests.repeating.helpers import project_of, seeds_in, states
from uticket.base.files import read_rows
from uticket.config.params import read_yaml
from uticket.config.schemas import BY_SEED
from uticket.repeating.hold import held

NEXT = "next: dvc repro report, which shows them"


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    """A folder with a project that has results of seed 0, committed."""
    folder = tmp_path_factory.mktemp("finished")
    with pytest.MonkeyPatch.context() as monkeypatch:
        surround(monkeypatch, folder)
        project = project_of(folder, "uticket")
        monkeypatch.chdir(project)
        dvc("repro")
        commit(project)
    assert trainings(folder) == ["dense", "uticket/r01"]
    return folder


@pytest.fixture
def project(finished, tmp_path, monkeypatch) -> Path:
    """A copy of that project as the working folder."""
    shutil.copytree(finished / "top", tmp_path / "top")
    monkeypatch.chdir(tmp_path / "top/project")
    return tmp_path / "top/project"


def dvc(*arguments: str) -> str:
    """Run dvc in the project; return what it prints."""
    return subprocess.run([sys.executable, "-m", "dvc", *arguments], capture_output=True, text=True, check=True).stdout


def trainings(folder: Path) -> list[str]:
    """What has been trained since this was last asked."""
    file = folder / "trainings"
    lines = file.read_text().splitlines() if file.exists() else []
    file.unlink(missing_ok=True)
    return [line.partition(" ")[0] for line in lines]


def test_seeds_run_once_and_their_tables_are_gathered(project, tmp_path):
    own = {name: Path("report", f"{name}.csv").read_text() for name in BY_SEED}
    said = printed("seeds", "0", "1").splitlines()
    assert said[0] == "seed 0: report/ is up to date, nothing to run"
    assert said[1] == f"seed 1 (2 of 2): runs in {project / '.uticket/seeds/seed1'}"
    assert said[2].startswith("seed 1: done in ")
    assert said[3:] == ["written: seeds/, the tables of seeds 0, 1", NEXT]
    assert trainings(tmp_path) == ["dense", "uticket/r01"]
    for name in BY_SEED:
        assert next(iter(read_rows(Path("seeds", f"{name}.csv"))[0])) == "seed"
        assert seeds_in(name) == [("0", "0"), ("1", "1")]
        assert Path("report", f"{name}.csv").read_text() == own[name]
    shared = read_yaml("seeds/params.yaml")
    assert {"seed": 0, **shared} == read_yaml("params.yaml")
    assert git(project, "status", "--porcelain").split() == ["??", "project/seeds/"]  # the rest is as it was
    assert dvc("status").startswith("Data and pipelines are up to date")
    assert states() == {"0": ["done", "report/"], "1": ["done", "2 of 2", ".uticket/seeds/seed1"]}

    # again: nothing is trained; with another order and without the clone it is as before
    before = {path: path.read_bytes() for path in Path("seeds").iterdir()}
    assert printed("seeds", "--count", "2").count("nothing to run") == 1
    printed("seeds", "--gather")
    git(project, "clean", "-xffdq", ".uticket")
    assert printed("seeds", "--gather") == f"written: seeds/, the tables of seeds 0, 1\n{NEXT}\n"
    assert {path: path.read_bytes() for path in Path("seeds").iterdir()} == before
    assert states()["1"] == ["done", "seeds/"]
    assert trainings(tmp_path) == []


def test_other_params_and_other_code_run_again_what_they_touch(project, tmp_path):
    printed("seeds", "1")
    trainings(tmp_path)
    commit(project)  # seeds/ too
    params = Path("params.yaml")
    params.write_text(params.read_text().replace('title: "', 'title: "Of '))
    assert states()["1"][0] == "done"  # decides no number
    params.write_text(params.read_text().replace("epochs: 12", "epochs: 13"))
    assert states() == {"1": ["other params", ".uticket/seeds/seed1"]}
    assert "\nwritten: seeds/, the tables of seed 1\n" in printed("seeds", "1")  # those of report/ are of other params
    assert trainings(tmp_path) == ["dense", "uticket/r01"]
    assert seeds_in("rounds") == [("1", "1")]

    git(project, "checkout", "--", ".")
    (project / "pretend.py").write_text((project / "pretend.py").read_text() + "# other code\n")
    (project / "presets/tiny.yaml").unlink()
    commit(project)
    clone = project / ".uticket/seeds/seed1/project"
    weights = (clone / "tickets/uticket/r01/weights.txt").read_text()
    printed("seeds", "1")
    assert trainings(tmp_path) == ["dense", "uticket/r01"]
    assert (clone / "pretend.py").read_text().endswith("# other code\n")
    assert not (clone / "presets/tiny.yaml").exists()
    assert list((clone / "seeds").glob("*.*")) == []  # its report is of one seed
    assert (clone / "tickets/uticket/r01/weights.txt").read_text() != weights


def test_the_own_seed_starts_from_what_the_project_has(project, tmp_path):
    Path("report/rounds.csv").write_text("method\nedited\n")
    said = printed("seeds", "0")
    assert said.startswith("seed 0 (1 of 1): runs in ")
    assert trainings(tmp_path) == []  # its cache has the tickets
    assert seeds_in("rounds") == [("0", "0")]


def test_tables_of_a_version_with_other_columns_are_left_out(project):
    printed("seeds", "1")
    for path in (".uticket/seeds/seed1/project/report/rounds.csv", "seeds/rounds.csv"):
        Path(path).write_text(Path(path).read_text().replace("accuracy", "accuracy_of_old", 1))
    said = printed("seeds", "--gather").splitlines()
    assert said[:-1] == [
        "seed 1: left out, its tables have other columns; run it again",
        "written: seeds/, the tables of seed 0",
    ]
    assert seeds_in("layers") == [("0", "0")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("meth", "rounds.csv: expected rows of seed 0, got none"),
        ("seed\nx\n", "rounds.csv: expected a seed in each row, got x"),
        (f"seed\n{'9' * 5000}\n", "rounds.csv: expected a seed in each row, got 9"),
    ],
)
def test_damaged_tables_in_seeds_are_one_line_and_stay(project, text, expected):
    printed("seeds", "--gather")
    Path("params.yaml").write_text(Path("params.yaml").read_text().replace("seed: 0", "seed: 5", 1))
    Path("seeds/rounds.csv").write_text(text)
    for option in ("--gather", "--status"):
        assert expected in fails("seeds", option)
    assert Path("seeds/rounds.csv").read_text() == text


def test_two_commands_gather_one_after_the_other(project):
    printed("seeds", "--gather")
    before = {path: path.read_bytes() for path in Path("seeds").glob("*.csv")}
    command = [sys.executable, "-m", "uticket.cli", "seeds", "--gather"]
    with held(project / ".uticket/seeds/gather.lock"):
        waits = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        with pytest.raises(subprocess.TimeoutExpired):
            waits.wait(3)
    assert waits.wait(60) == 0
    assert {path: path.read_bytes() for path in Path("seeds").glob("*.csv")} == before
