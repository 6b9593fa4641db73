"""What is compiled, where the code is kept, and what is said about it."""

import json
import os
import subprocess
import sys

from tests.helpers import ROOT
from uticket.base.compiled import ALWAYS, ONCE

USES = """
import dataclasses, json, sys, numpy as np
from hypothesis import HealthCheck, given, settings
from numba.core.dispatcher import Dispatcher
from tests.hardware.plain_events import cases, run
import uticket as ut
from uticket.config.tables import CHOICES, TARGETS

@settings(max_examples=200, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(cases())
def simulated(case):
    run(*case)

simulated()
rng = np.random.default_rng(0)
ticket = ut.Ticket.from_arrays({"conv": rng.normal(size=(8, 4, 3, 3)) * (rng.random((8, 4, 3, 3)) < 0.3)})
for mode in TARGETS:
    for select in CHOICES:
        ut.balance(ticket, ut.Array(pes=4), ut.Balance(mode=mode, select=select), seed=0)
spikes = {"conv": rng.random((2, 5, 4, 3, 3)) < 0.3}
for pes in (1, 8, 128):
    ut.compare_rivals(dataclasses.replace(ticket, spikes=spikes, timesteps=5), ut.Array(pes=pes))
found = {value for name, module in list(sys.modules.items()) if name.startswith("uticket.")
         for value in vars(module).values() if isinstance(value, Dispatcher)}
print(json.dumps({loop.__name__: [sum(loop.stats.cache_hits.values()), sum(loop.stats.cache_misses.values())]
                  for loop in found}))
"""


def test_after_uticket_compile_nothing_is_compiled(tmp_path):
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}

    def ran(*command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, *command], cwd=ROOT, env=environment, capture_output=True, text=True)

    first, again, uses = ran("-m", "uticket.cli", "compile"), ran("-m", "uticket.cli", "compile"), ran("-c", USES)
    assert first.stderr.splitlines() == [ONCE]
    assert first.stdout == again.stdout == "simulate and balance: compiled\n"
    assert again.stderr == uses.stderr == ""
    found = json.loads(uses.stdout)
    assert {"_walk", "send_tokens", "send_chunks", "window", "_draw", "paired_steps"} <= set(found)
    assert [misses for _, misses in found.values()] == [0] * len(found), found


def test_a_loop_is_compiled_anew_when_one_that_it_imports_changes(tmp_path):
    environment = os.environ | {"PYTHONPATH": f"{ROOT}:{tmp_path}", "NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    begin = "from uticket.base.compiled import compiled\n"
    loop = "@compiled\ndef {}(x):\n    return {}\n"
    (tmp_path / "outer.py").write_text(begin + "from inner import inner\n" + loop.format("outer", "inner(x)"))
    script = "from outer import outer; print(outer(5), sum(outer.stats.cache_misses.values()))"

    def ran() -> str:
        return subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True).stdout

    (tmp_path / "inner.py").write_text(begin + loop.format("inner", "x + 1"))
    assert [ran(), ran()] == ["6 1\n", "6 0\n"]
    (tmp_path / "inner.py").write_text(begin + loop.format("inner", "x + 10"))
    assert [ran(), ran()] == ["15 1\n", "15 0\n"]


NOWHERE = """
from uticket.base.compiled import compiled
for module in ("theirs", "uticket.ours", "uticket.ours"):  # no file, so no place for a cache
    loop = compiled(eval("lambda x: x + 1", {"__name__": module}))
    print(loop(2), loop.stats.cache_path)
"""


def test_without_a_place_for_the_cache_a_process_compiles_and_says_so_once():
    ran = subprocess.run([sys.executable, "-c", NOWHERE], cwd=ROOT, capture_output=True, text=True)
    assert ran.stdout == "3 None\n" * 3
    assert ran.stderr.splitlines() == [ALWAYS]


def test_what_simulates_and_balances_needs_no_place_for_the_cache():
    nowhere = os.environ | {"NUMBA_CACHE_LOCATOR_CLASSES": "IPythonCacheLocator"}  # which takes notebooks only
    command = [sys.executable, "-c", "import uticket.pipeline.compile"]
    ran = subprocess.run(command, cwd=ROOT, env=nowhere, capture_output=True, text=True)
    assert (ran.stderr, ran.returncode) == ("", 0)
