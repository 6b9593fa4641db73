"""What is compiled, and what is found in the cache, computes the same."""

import os
import subprocess
import sys

from tests.helpers import ROOT

SCRIPT = """
import hashlib
import numpy as np
from uticket.engine import norm_loops, sparse_loops
from uticket.engine.sparse import KeptWeights
draw = np.random.default_rng(0)
x, grad_spikes = draw.standard_normal((2, 16, 3, 700), dtype=np.float32)
scale, shift, mean, variance = draw.random((4, 16), dtype=np.float32)
grad = np.empty_like(x)
norm_loops.statistics(x, mean, variance)
sums = np.stack([mean, 1 / np.sqrt(variance)], 1).astype(np.float64)
norm_loops.backward(x, grad_spikes, scale, shift, (0.25, 1.0, 2.0), True, grad, sums)
mask = draw.random((24, 16, 3, 3)) < 0.05
kept = KeptWeights.of(mask, 1, 1)
source = draw.standard_normal((16, 2, 8, 8, 64), np.float32)
grad_out = draw.standard_normal((24, 2, 8, 8, 64), np.float32)
taps = kept.forward
weights = draw.standard_normal(int(mask.sum()), np.float32)
out, found = np.empty_like(grad_out), np.empty_like(weights)
lists = taps.begin, taps.plane, taps.row, taps.column
sparse_loops.convolve(source, *lists, weights, 1, 1, out)
sparse_loops.weight_gradient(source, grad_out, *lists, 1, found)
print(hashlib.sha256(b"".join(values.tobytes() for values in (mean, variance, grad, sums, out, found))).hexdigest())
"""


def test_first_process_computes_what_later_ones_do(tmp_path):
    """Sums that the compiler may reorder differ between a process that compiles and one that loads the cache."""
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-c", SCRIPT]
    found = [subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True) for _ in range(2)]
    assert found[0].stdout == found[1].stdout != "", found[0].stderr
