"""`uticket compare`: two branches, experiments, seeds, other versions of the code, wrong input."""

import csv
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.cli.helpers import fails, printed
from tests.comparing.helpers import FILES, MODELS, OTHER, PARAMS, ROUNDS, commit, experiment, git, two_branches
from tests.helpers import ROOT
from uticket.cli.main import main

ONE_SEED = "One seed of each revision: the spread over seeds is unknown, and may be larger than the differences."
MINUS = "\u2212"
UNITS = "Differences to main, percentages in points, the other numbers in percent of what they were:"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> Path:
    """A repository with the branches main, which is checked out, and other, as the working folder."""
    folder = two_branches(tmp_path / "project")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "140")
    return folder


def blocks(*arguments: object) -> list[str]:
    """What the command prints, in blocks; dates and commits of a day are left out."""
    found = printed("compare", *arguments).rstrip("\n").replace(MINUS, "-").split("\n\n")
    return [re.sub(r"\b[0-9a-f]{7}\b", "COMMIT", re.sub(r"\d{4}-\d\d-\d\d", "DATE", block)) for block in found]


def table(*arguments: object) -> list[dict[str, str]]:
    """The rows of --format csv."""
    result = CliRunner().invoke(main, ["compare", *map(str, arguments), "--format", "csv"])
    assert result.exit_code == 0, result.output
    return list(csv.DictReader(io.StringIO(result.stdout)))


def row(*arguments: object, **key: str) -> dict[str, str]:
    """The row of --format csv that has a key."""
    (found,) = [row for row in table(*arguments) if key.items() <= row.items()]
    return found


def test_two_branches_side_by_side():
    """By hand: 800 cycles are 20 % less than 1,000, and 600 are 40 % less; 600 are 25 % less than 800."""
    assert blocks("main", "other") == [
        """\
revision  commit   date        subject
--------  -------  ----------  ----------
main      COMMIT  DATE  sixteen
other     COMMIT  DATE  sixty-four""",
        """\
setting  main  other
-------  ----  -----
hw.pes     16     64""",
        """\
                                                                              energy
                   accuracy  sparsity  utilization  latency          latency   saved    event
method   revision         %         %            %   cycles  energy  saved %       %  latency
-------  --------  --------  --------  -----------  -------  ------  -------  ------  -------
lth      main         90.00     75.00        50.00    1,000     500                     1,200
lth      other        90.00     75.00        50.00    1,000     500                     1,200
uticket  main         88.00     75.00       100.00      800     400     20.0    20.0      900
uticket  other        89.00     75.00       100.00      600     300     40.0    40.0      750""",
        UNITS,
        """\
                                                                               energy
                   accuracy  sparsity  utilization  latency           latency   saved    event
method   revision         %         %            %   cycles   energy  saved %       %  latency
-------  --------  --------  --------  -----------  -------  -------  -------  ------  -------
uticket  other        +1.00         0            0  -25.0 %  -25.0 %    +20.0   +20.0  -16.7 %""",
        ONE_SEED,
    ]


def test_one_revision_is_compared_with_the_workspace_and_none_is_head(folder):
    (folder / "report/rounds.csv").write_text(OTHER["report/rounds.csv"])
    for arguments in ((), ("HEAD",), ("workspace",), ("HEAD", "workspace"), ("HEAD", "HEAD")):
        found = row(*arguments, method="uticket", revision="workspace")
        assert (found["latency_cycles"], found["latency_cycles_diff"]) == ("600", "-200"), arguments
    assert blocks("other", "main", "other")[0].count("other") == 1
    assert "the files of this folder" in blocks("main")[0]


def test_a_fresh_clone_without_a_cache(folder, monkeypatch):
    """Nothing but Git is needed: neither DVC nor a cache, and what the clone holds is as it was."""
    expected = printed("compare", "main", "other")
    git(folder.parent, "clone", "--quiet", "project", "clone")
    monkeypatch.chdir(folder.parent / "clone")
    code = """
import sys
sys.argv = ["uticket", "compare", "main", "other"]
from uticket.cli.main import main
try:
    main()
finally:
    print(*{"torch", "numba", "dvc", "matplotlib", "pandas", "scipy", "numpy"} & {*sys.modules}, file=sys.stderr)
"""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert (ran.stdout, ran.stderr, ran.returncode) == (expected, "\n", 0)
    assert git(folder.parent / "clone", "status", "--porcelain") == ""


def test_the_same_results_are_called_so():
    assert blocks("main", "workspace")[1:] == [
        "No setting differs.",
        blocks("main", "workspace")[2],
        "No number differs.",
    ]
    assert blocks("main", "--table", "rounds")[1:] == [
        "No number differs.",
        "Left out, rows that are equal in every revision: 3 of 3.",
    ]


def test_an_experiment(folder):
    experiment(folder, "leaky/jays", git(folder, "rev-parse", "main"), OTHER)
    assert row("main", "leaky/jays", method="uticket", revision="leaky/jays")["events_latency_cycles_diff"] == "-150"


def test_many_revisions_stay_within_the_width(folder, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    names = [f"a-branch-of-some-length-{number:02}" for number in range(20)]
    for number, name in enumerate(names):
        changed = ROUNDS.replace("1.0,800", f"1.0,{700 + number}")
        commit(folder, {"params.yaml": PARAMS.replace("16", str(number + 1)), "report/rounds.csv": changed})
        git(folder, "branch", name)
    text = printed("compare", *names)
    assert max(map(len, text.splitlines())) <= 80
    assert all(text.count(f"uticket  {name}") >= 2 for name in names)
    pieces = [piece.splitlines() for piece in text.split("\n\n") if piece.startswith("setting")]
    assert [name for piece in pieces for name in re.findall(r"a-branch\S+", piece[0])] == names
    assert [cell for piece in pieces for cell in piece[2].split()[1:]] == [str(number + 1) for number in range(20)]


def test_long_values_are_cut_where_there_are_many_revisions(folder):
    for name in ("a", "b", "c"):
        commit(folder, {"params.yaml": f"{PARAMS}chip: chips/of/a/very/long/name/{name}.yaml\n"})
        git(folder, "branch", name)
    assert "chips/of/a/very/long/name/a.yaml" in blocks("a", "b")[1]
    assert blocks("a", "b", "c")[1].splitlines()[2].split() == [
        "chip",
        *(f"chips/of/a/ver...g/name/{name}.yaml" for name in "abc"),
    ]
    assert row("a", "b", "c", "--table", "params", revision="c")["value"] == "chips/of/a/very/long/name/c.yaml"


def test_methods_and_other_tables():
    assert {row["method"] for row in table("main", "other", "--methods", "uticket")} == {"uticket"}
    found = blocks("main", "other", "--table", "models")
    assert found[1].splitlines()[-2:] == [
        "uticket  events  main          900   4",
        "uticket  events  other         750   4",
    ]
    assert found[-1] == "Left out, rows that are equal in every revision: 3 of 4."
    assert [row["round"] for row in table("main", "other", "--table", "rounds")] == ["1", "1", "2", "2", "2", "2"]


def test_settings_alone(folder):
    """A ticket that one revision lacks is a choice; a setting that it lacks is of another version of the code."""
    commit(folder, {"params.yaml": PARAMS + "tickets: {lth/r01: dense}\nnew: {one: 1, two: [2, 3]}\n"})
    assert table("other", "main", "--table", "params") == [
        {"setting": "hw.pes", "revision": "other", "value": "64"},
        {"setting": "hw.pes", "revision": "main", "value": "16"},
        {"setting": "tickets.lth/r01", "revision": "other", "value": "absent"},
        {"setting": "tickets.lth/r01", "revision": "main", "value": "dense"},
    ]
    assert (
        blocks("other", "main", "--table", "params")[2]
        == "Left out, settings that not every revision has: new.one, new.two."
    )


def test_other_versions_have_other_columns(folder):
    """The old one has no energy and no event model, and the new one no sparsity: what two of them have is compared."""
    old = "method,ticket,round,accuracy,utilization,latency_cycles,policy\nlth,lth/r09,9,0.9,0.5,1000,sorted\n"
    commit(folder, {"report/rounds.csv": old, "report/models.csv": None})
    git(folder, "branch", "old")
    found = blocks("old", "other", "--methods", "lth")
    assert [line.split() for line in found[2].splitlines()[3:]] == [
        ["lth", "old", "lth/r09", "90.00", "50.00", "1,000"],
        ["lth", "other", "lth/r02", "90.00", "50.00", "1,000"],
    ]
    expected = "sparsity, energy, latency_saved_pct, energy_saved_pct, events_latency_cycles"
    assert found[-1] == f"Left out, columns that one revision alone has: {expected}."
    three = blocks("old", "other", "other~1", "--methods", "lth")[2]
    assert three.splitlines()[3].split()[:3] == ["lth", "old", "lth/r09"]
    assert "sparsity" in three  # two of the three have it


def with_seeds(lth: tuple[float, ...], shared: str = PARAMS) -> dict[str, str]:
    """Tables of as many seeds as accuracies, and their params."""
    body = "".join(f"{seed},lth,2,lth/r02,{value},0.75,0.5,1000,500\n" for seed, value in enumerate(lth))
    return {
        "seeds/rounds.csv": f"seed,{ROUNDS.splitlines()[0]}\n{body}",
        "seeds/params.yaml": shared.replace("seed: 0\n", ""),
    }


def test_seeds_have_a_spread_and_differences_are_paired(folder):
    """By hand: differences of 1, 1 and 4 points have the mean 2 and the deviation sqrt(3); Student: 4.3027."""
    commit(folder, with_seeds((0.90, 0.92, 0.91)))
    git(folder, "branch", "base")
    commit(folder, with_seeds((0.91, 0.93, 0.95)))
    found = blocks("base", "main", "--methods", "lth")
    assert found[2].splitlines()[-2].split()[:6] == ["lth", "base", "3", "91.00", "±", "1.00"]
    assert found[2].splitlines()[-1].split()[:6] == ["lth", "main", "3", "93.00", "±", "2.00"]
    assert found[4].splitlines()[-1].split()[2:5] == ["+2.00", "[-2.30,", "+6.30]"]
    assert found[5].startswith("±: standard deviation over seeds. [low, high]: 95 % confidence interval")
    values = row("base", "main", method="lth", revision="main")
    ends = [float(values[f"accuracy_{name}"]) for name in ("sd", "diff", "diff_low", "diff_high")]
    assert ends == pytest.approx([0.02, 0.02, 0.02 - 0.0430265, 0.02 + 0.0430265], rel=1e-4)


def test_the_seed_of_the_report_joins_those_in_seeds_once(folder):
    """The report has the accuracy 0.9 of seed 0, which counts until seeds/ has that seed too."""
    files = with_seeds((0.6, 0.8, 0.7))
    own = next(line for line in files["seeds/rounds.csv"].splitlines() if line.startswith("0,"))
    commit(folder, files | {"seeds/rounds.csv": files["seeds/rounds.csv"].replace(f"{own}\n", "")})
    found = row("main", method="lth", revision="main")
    assert (found["seeds"], float(found["accuracy"])) == ("3", pytest.approx(0.8))
    commit(folder, files)
    found = row("main", method="lth", revision="main")
    assert (found["seeds"], float(found["accuracy"])) == ("3", pytest.approx(0.7))


def test_seeds_of_one_revision_alone_give_no_interval(folder):
    commit(folder, with_seeds((0.90, 0.92, 0.91)))
    values = row("other", "main", method="lth", revision="main")
    assert [values[name] for name in ("seeds", "accuracy_sd", "accuracy_diff_low")] == ["3", "0.010000000000000009", ""]
    assert float(values["accuracy_diff"]) == pytest.approx(0.01)  # of the means


def test_seeds_of_other_params_are_left_out(folder):
    commit(folder, with_seeds((0.5, 0.6), PARAMS.replace("title: a", "title: b")))
    assert row("main", method="lth", revision="main")["seeds"] == "2"  # a title decides nothing
    commit(folder, with_seeds((0.5, 0.6), PARAMS.replace("16", "8")))
    assert blocks("other", "main")[1] == "main: seeds/ is left out, since it is of other params: hw.pes"
    assert "seeds" not in row("other", "main", method="lth", revision="main")


def test_results_of_other_params_are_called_so(folder):
    lock = """\
schema: '2.0'
stages:
  report:
    cmd: x
    deps:
    - path: a
      md5: b
    params:
      params.yaml:
        energy.leakage_ratio: 0.21
        hw:
          pes: 8
          sweeps: {}
    outs:
    - path: c
"""
    commit(folder, {"dvc.lock": lock})
    assert blocks("main", "other")[1] == "main: by its dvc.lock the results are of other params: hw.pes; run dvc repro"
    commit(folder, {"dvc.lock": lock.replace("pes: 8", "pes: 16")})
    assert blocks("main", "other")[1].startswith("setting")


def test_markdown_and_latex(folder):
    git(folder, "branch", "under_score", "other")
    text = printed("compare", "main", "under_score", "--format", "markdown")
    assert "| setting | main | under_score |\n| --- | ---: | ---: |\n| hw.pes | 16 | 64 |" in text
    assert "| uticket | under_score | +1.00 | 0 | 0 | -25.0 % |" in text.replace(MINUS, "-")
    text = printed("compare", "main", "under_score", "--format", "latex")
    assert r"uticket & under\_score & +1.00 & 0 & 0 & $-$25.0 \%" in text
    assert text.count(r"\begin{tabular}{llrr") == 2
    assert f"% {ONE_SEED}" in text


def test_a_project_in_a_subfolder(tmp_path, monkeypatch):
    top = tmp_path / "top"
    top.mkdir()
    commit(top, {"read.me": ""})
    commit(top / "sub", FILES) if False else commit(top, {f"sub/{name}": text for name, text in FILES.items()})
    git(top, "switch", "--quiet", "--create", "other")
    commit(top, {f"sub/{name}": text for name, text in OTHER.items()})
    monkeypatch.chdir(top / "sub")
    assert row("main", "workspace", method="uticket", revision="workspace")["latency_cycles_diff"] == "-200"
    monkeypatch.chdir(top)
    assert "expected results, with a file params.yaml, got no such file" in fails("compare", "main", "other")


def of_seed(seed: str) -> dict[str, str]:
    """The files of seeds/ with results of one seed."""
    head, *rows = ROUNDS.splitlines()
    rounds = "\n".join([f"seed,{head}", *(f"{seed},{row}" for row in rows)])
    return {"seeds/params.yaml": PARAMS.removeprefix("seed: 0\n"), "seeds/rounds.csv": rounds}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"report/rounds.csv": ROUNDS + "lth,3\n"}, "bad:report/rounds.csv: row 4: expected 8 cells, got 2"),
        (
            {"report/rounds.csv": ROUNDS.replace("1000", "many")},
            "row 2: column latency_cycles: expected a number, got 'many'",
        ),
        (
            {"report/rounds.csv": ROUNDS.replace("method,", "m,")},
            "bad:report/rounds.csv: expected the column method, got",
        ),
        ({"report/rounds.csv": ROUNDS + ROUNDS.splitlines()[1]}, "row 4: expected one row of method lth, round 1"),
        ({"report/rounds.csv": ""}, "bad:report/rounds.csv: expected a table, got no columns"),
        ({"report/rounds.csv": "meth"}, "bad:report/rounds.csv: expected rows, got none"),
        (
            {"report/models.csv": MODELS.replace(",events", ",analytic")},
            "bad:report/models.csv: row 2: expected one row",
        ),
        ({"report/rounds.csv": None}, "bad: expected results, with a file report/rounds.csv, got no such file"),
        ({"params.yaml": None}, "bad: expected results, with a file params.yaml, got no such file"),
        ({"params.yaml": "a: [\n"}, "bad:params.yaml: expected YAML, got:"),
        ({"params.yaml": "- 1\n"}, "bad:params.yaml: expected blocks of settings, got list"),
        (of_seed("a"), "bad:seeds/rounds.csv: row 1: column seed: expected a number, got 'a'"),
        (of_seed("-1"), "bad:seeds/rounds.csv: column seed: expected whole numbers, got -1.0"),
        (of_seed("9" * 5000), "bad:seeds/rounds.csv: row 1: column seed: expected a finite number, got 9"),
    ],
)
def test_damaged_results_are_one_line(folder, files, expected):
    commit(folder, files)
    git(folder, "branch", "bad")
    assert expected in fails("compare", "other", "bad")


def test_names_of_a_table_stay_on_their_line(folder):
    commit(folder, {"report/rounds.csv": ROUNDS.replace("lth,", '"l\nth",')})
    for form in ("text", "markdown", "latex"):
        assert r"l\nth" in printed("compare", "main", "other", "--format", form).replace(r"\textbackslash n", r"\n")


def test_an_output_that_lacks_the_minus_sign(folder):
    command = [sys.executable, "-m", "uticket.cli", "compare", "main", "other"]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "latin-1"}
    ran = subprocess.run(command, cwd=folder, env=environment, capture_output=True)
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert rb"\u221225.0 %" in ran.stdout


def test_wrong_arguments_are_one_line(tmp_path, monkeypatch):
    assert "nowhere: expected a branch, tag, commit or experiment, or workspace" in fails("compare", "nowhere")
    assert "--methods: expected some of lth, uticket, got lht" in fails("compare", "main", "--methods", "lth,lht")
    assert "--table: expected one of params, results, rounds" in fails("compare", "main", "--table", "pes")
    assert "main: expected results, with a file report/layers.csv" in fails("compare", "main", "--table", "layers")
    monkeypatch.chdir(tmp_path)
    assert "expected a Git repository, got: fatal: not a git repository" in fails("compare", "main")
