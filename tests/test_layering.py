import subprocess
import sys
from pathlib import Path

import pytest


def loads(slow: str, module: str, root: Path) -> bool:
    """Whether a fresh interpreter that imports `module` has loaded the module `slow`."""
    code = f"import sys, {module}; print('{slow}' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    return result.stdout.strip() == "True"


@pytest.mark.parametrize(
    "module",
    [
        "uticket.prune.prune, uticket.prune.balance, uticket.ticket",
        "uticket.hardware.analytic, uticket.hardware.simulate, uticket.hardware.export, uticket.hardware",
        "uticket.data.sources",
        "uticket.cli",
        "stages.data",
        "stages.map",
        "stages.simulate",
        "stages.report",
    ],
)
def test_torch_stays_out_of(module, root):
    assert not loads("torch", module, root)


@pytest.mark.parametrize("module", ["uticket.cli", "stages.data", "stages.map", "stages.report"])
def test_numba_stays_out_of(module, root):
    assert not loads("numba", module, root)


def test_the_check_sees_them_where_they_are(root):
    assert loads("torch", "stages.round", root)
    assert loads("numba", "stages.simulate", root)


@pytest.mark.parametrize("module", ["torch._dynamo", "torch._inductor", "triton", "torchvision"])
def test_training_starts_without(module, root, tmp_path):
    """PyTorch's compiler takes longer to import than a short training takes."""
    code = f"""
import sys, tempfile
from pathlib import Path
from tests.test_keep import LONG, training
training(Path({str(tmp_path)!r}), LONG.model_copy(update={{"epochs": 2}}))
print({module!r} in sys.modules)
"""
    result = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"
