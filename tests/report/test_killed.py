"""The table of killed runs in docs/reliability.md."""

import json
from pathlib import Path

import pytest

from tests.soak.log import summary
from uticket.base.errors import InputError
from uticket.report.killed import killed_markdown

RIGHT = {"tracebacks": 0, "tracebacks_of_dvc": 0, "hang": False, "orphans": 0, "differing": [], "seconds": 30.0}
KILL = RIGHT | {"killed": True, "moment": "random", "whom": "group", "code": -9, "signal": "SIGKILL"}
END = RIGHT | {"end": True, "code": 0, "missing": [], "left_over": []}


def test_killed_runs_are_counted_by_what_was_killed_and_what_is_wrong_is_told(tmp_path: Path):
    dense, balance = {"kind": "stage", "name": "dense"}, {"kind": "command", "name": "balance"}
    found = [dense | KILL, dense | KILL | {"signal": "SIGINT"}, dense | END, balance | KILL]
    found += [balance | END | {"differing": ["a.npz"]}]
    (tmp_path / "soak.json").write_text(json.dumps(summary(found, seed=0)))
    assert killed_markdown(tmp_path / "soak.json").splitlines() == [
        "| killed | SIGKILL | SIGTERM | SIGINT | SIGHUP | kills | runs compared | wrong |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
        "| `uticket balance` | 1 | 0 | 0 | 0 | 1 | 1 | 1 |",
        "| stage `dense` | 1 | 0 | 1 | 0 | 2 | 1 | 0 |",
        "| together | 2 | 0 | 1 | 0 | 3 | 2 | 1 |",
        "",
        "3 kills in 2 minutes (by moment: 3 random), then 2 runs to the end, compared byte by byte: 0 tracebacks, "
        "0 hangs, 0 orphans, 0 failures, 0 missing files, 1 differing files, 0 left over files, 0 torn dvc.lock, of "
        "which 0 were brought back.",
        "",
        '- `{"kind": "command", "name": "balance", "differing": ["a.npz"], "seconds": 30.0, "end": true}`',
    ]


def test_a_missing_summary_is_named(tmp_path: Path):
    with pytest.raises(InputError, match="soak.json: expected the summary of a soak, got no file"):
        killed_markdown(tmp_path / "soak.json")
