"""What is compiled, where the code is kept, and what is said about it."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

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
    assert ONCE in first.stderr
    assert first.stdout == again.stdout == "simulate and balance: compiled\n"
    assert ONCE not in again.stderr
    assert uses.stderr == ""
    found = json.loads(uses.stdout)
    assert {"_walk", "send_tokens", "send_chunks", "window", "_draw", "paired_steps"} <= set(found)
    assert [misses for _, misses in found.values()] == [0] * len(found), found


BEGIN = "from uticket.base.compiled import compiled\n"
LOOP = "@compiled\ndef {}(x):\n    return {}\n"


def ran_with(folder: Path, code: str) -> subprocess.CompletedProcess[str]:
    """Run code that may import files of `folder`; compiled loops are kept in `folder`/cache."""
    environment = os.environ | {"PYTHONPATH": f"{ROOT}:{folder}", "NUMBA_CACHE_DIR": str(folder / "cache")}
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)


def test_a_loop_is_compiled_anew_when_one_that_it_imports_changes(tmp_path):
    """Imported by its own name, or in a module."""
    loops = tmp_path / "loops"
    loops.mkdir()
    (loops / "one.py").write_text(BEGIN + "from loops.inner import inner\n" + LOOP.format("outer", "inner(x)"))
    (loops / "two.py").write_text(BEGIN + "from loops import inner\n" + LOOP.format("outer", "inner.inner(x)"))
    code = "from loops import one, two\nfor part in (one, two):\n"
    code += "    print(part.outer(5), sum(part.outer.stats.cache_misses.values()))"
    for added in (1, 10):
        (loops / "inner.py").write_text(BEGIN + LOOP.format("inner", f"x + {added}"))
        assert ran_with(tmp_path, code).stdout == f"{5 + added} 1\n" * 2
        assert ran_with(tmp_path, code).stdout == f"{5 + added} 0\n" * 2


INTRINSIC = """
from numba import types
from numba.extending import intrinsic

@intrinsic
def inner(typing, x):
    return types.int64(types.int64), lambda context, builder, signature, args: builder.add(args[0], args[0].type({}))
"""


def test_a_loop_is_compiled_anew_when_an_intrinsic_changes(tmp_path):
    (tmp_path / "outer.py").write_text(BEGIN + "from inner import inner\n" + LOOP.format("outer", "inner(x)"))
    code = "from outer import outer\nprint(outer(5), sum(outer.stats.cache_misses.values()))"
    for added in (1, 10):
        (tmp_path / "inner.py").write_text(INTRINSIC.format(added))
        assert ran_with(tmp_path, code).stdout == f"{5 + added} 1\n"
        assert ran_with(tmp_path, code).stdout == f"{5 + added} 0\n"


def test_code_that_is_kept_is_loaded_without_the_compiler_which_a_later_loop_may_need(tmp_path):
    """Also loops that allocate, whose arrays the run time of numba counts, and parallel ones."""
    (tmp_path / "loop.py").write_text(
        "import numba, numpy as np\nfrom uticket.base.compiled import compiling\n"
        "@compiling(parallel=True)\ndef loop(n):\n    x = np.zeros(n)\n    for i in numba.prange(n):\n"
        "        x[i] = np.sqrt(i)\n    return x[x > 1].sum()\n"
    )
    code = "import sys; from loop import loop; print(loop(5), 'numba.np.npyimpl' in sys.modules)"
    expected = 2**0.5 + 3**0.5 + 2
    assert [ran_with(tmp_path, code).stdout for _ in range(2)] == [f"{expected} True\n", f"{expected} False\n"]
    later = "import numpy as np; from loop import loop; print(loop(5), loop(np.int8(5)), loop.stats.cache_misses)"
    assert ran_with(tmp_path, later).stdout.startswith(f"{expected} {expected} Counter({{(int8,): 1")


def test_a_cache_that_was_torn_is_written_anew(tmp_path):
    (tmp_path / "loop.py").write_text(BEGIN + LOOP.format("loop", "x + 1"))
    code = "from loop import loop; print(loop(2), sum(loop.stats.cache_misses.values()))"
    assert ran_with(tmp_path, code).stdout == "3 1\n"
    for kind in ("nbi", "nbc"):  # of the index, and of the code
        (path,) = (tmp_path / "cache").glob(f"*/*.{kind}")
        path.write_bytes(path.read_bytes()[:-20])
        assert [ran_with(tmp_path, code).stdout for _ in range(2)] == ["3 1\n", "3 0\n"], kind


TAKEN = """
import pathlib, shutil
from loop import loop
folder = pathlib.Path(loop.stats.cache_path)
shutil.rmtree(folder)
folder.touch()  # as little use as a full disk
print(loop(2))
"""


def test_a_cache_that_cannot_be_written_ends_nothing(tmp_path):
    (tmp_path / "loop.py").write_text(BEGIN + LOOP.format("loop", "x + 1"))
    ran = ran_with(tmp_path, TAKEN)
    assert ran.stdout == "3\n"
    assert re.fullmatch(r".*/cache/\S+: expected a place to keep compiled loops in, got: .*\n", ran.stderr)


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


def test_what_trains_simulates_and_balances_needs_no_place_for_the_cache():
    nowhere = os.environ | {"NUMBA_CACHE_LOCATOR_CLASSES": "IPythonCacheLocator"}  # which takes notebooks only
    code = "import uticket.pipeline.compile, uticket.engine.batch_last, uticket.engine.lif_cpu, uticket.engine.sparse"
    command = [sys.executable, "-c", code]
    ran = subprocess.run(command, cwd=ROOT, env=nowhere, capture_output=True, text=True)
    assert (ran.stderr, ran.returncode) == ("", 0)
