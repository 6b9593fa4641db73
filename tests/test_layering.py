import subprocess
import sys
from pathlib import Path

import pytest


def loads_torch(module: str, root: Path) -> bool:
    """Whether a fresh interpreter that imports `module` has loaded torch."""
    code = f"import sys, {module}; print('torch' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    return result.stdout.strip() == "True"


@pytest.mark.parametrize(
    "module",
    [
        "uticket.ticket.prune, uticket.ticket.balance, uticket.ticket",
        "uticket.hardware.analytic, uticket.hardware.energy, uticket.hardware",
        "uticket.data.sources",
        "uticket.cli",
        "stages.data",
        "stages.map",
        "stages.simulate",
        "stages.report",
    ],
)
def test_torch_stays_out_of(module, root):
    assert not loads_torch(module, root)


def test_the_check_sees_torch_where_it_is(root):
    assert loads_torch("stages.round", root)
