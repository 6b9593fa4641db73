"""What is compiled, and what is found in the cache, computes the same."""

import os
import subprocess
import sys

from tests.helpers import ROOT

SCRIPT = """
import hashlib
import numpy as np
import torch
from uticket.engine import norm_loops
from uticket.engine.sparse import KeptWeights, SparseConv
draw = np.random.default_rng(0)
x, grad_spikes = draw.standard_normal((2, 16, 3, 700), dtype=np.float32)
scale, shift, mean, variance = draw.random((4, 16), dtype=np.float32)
grad = np.empty_like(x)
norm_loops.statistics(x, mean, variance)
sums = np.stack([mean, 1 / np.sqrt(variance)], 1).astype(np.float64)
norm_loops.backward(x, grad_spikes, scale, shift, (0.25, 1.0, 2.0), True, grad, sums)
mask = draw.random((24, 16, 3, 3)) < 0.05
mask[4:12], mask[13:17] = mask[4], mask[13]  # blocks of filters that keep the same positions, among single ones
results = []
for images in (64, 23):
    source = torch.from_numpy(draw.standard_normal((16, 2, 8, 8, images), np.float32)).requires_grad_()
    weights = torch.from_numpy(draw.standard_normal(mask.shape, np.float32)).requires_grad_()
    out = SparseConv.apply(source, weights, KeptWeights.of(mask, 1, 1))
    out.backward(torch.from_numpy(draw.standard_normal((24, 2, 8, 8, images), np.float32)))
    results += [out.detach().numpy(), source.grad.numpy(), weights.grad.numpy()]
print(hashlib.sha256(b"".join(values.tobytes() for values in (mean, variance, grad, sums, *results))).hexdigest())
"""


def test_first_process_computes_what_later_ones_do(tmp_path):
    """Sums that the compiler may reorder differ between a process that compiles and one that loads the cache."""
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-c", SCRIPT]
    found = [subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True) for _ in range(2)]
    assert found[0].stdout == found[1].stdout != "", found[0].stderr
