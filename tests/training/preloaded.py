"""What the processes of the tests load before they are forked; no thread may start here."""

import numba
import torch._dynamo  # noqa: F401, DistributedDataParallel imports it

import tests.training.test_keep
import tests.training.test_ranks  # noqa: F401
import uticket.engine.batch_last
import uticket.engine.lif_cpu  # noqa: F401


@numba.njit
def add_one(number: int) -> int:
    return number + 1


add_one(0)  # numba loads most of itself in the first call of any function
