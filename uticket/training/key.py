"""What decides the result of a training, as one digest: a saved state is used by the very same training only."""

import hashlib
import sys
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

import torch
from torch import Tensor

import uticket
from uticket.training.checkpoint import copy_state
from uticket.training.job import Job
from uticket.training.ranks import Ranks

PACKAGE = Path(uticket.__file__).parent
FOLDERS_OF_A_TRAINING = ("base", "config", "ticket", "mapping", "pruning", "engine", "networks", "training")


def key_of(job: Job, ranks: Ranks) -> str:
    """Return a digest of all that decides the result of a job: code, settings, network, mask, images, processes."""
    texts = [job.settings.model_dump_json(exclude={"save_minutes"}), repr(job.search)]
    texts.append(f"{job.seed} {job.rewind_epoch} {job.device} {ranks.world} {job.network.timesteps}")
    data = [
        tensor for part in (job.images, job.test) for tensor in (part.images, part.labels, part.mean, part.deviation)
    ]
    weights = copy_state(job.network).values()
    return digest([*code_in_use(), *job.network.code, *texts, str(job.network), *weights, *job.masked.masks, *data])


def digest(parts: Iterable[str | Tensor]) -> str:
    """Return a digest of texts and tensors, 32 hexadecimal digits."""
    whole = hashlib.blake2b(digest_size=16)
    for part in parts:
        content = part.encode() if isinstance(part, str) else part.detach().cpu().contiguous().numpy().tobytes()
        whole.update(len(content).to_bytes(8, "big") + content)
    return whole.hexdigest()


def code_in_use() -> list[str]:
    """Return what decides a training beside its input: the code, versions of compilers, the number of threads.

    All modules that a training may import count, also those that are imported late, and the program itself.
    """
    program = getattr(sys.modules["__main__"], "__file__", None)
    files = [file for folder in FOLDERS_OF_A_TRAINING for file in sorted((PACKAGE / folder).glob("*.py"))]
    files += [Path(program)] if program is not None else []
    texts = [file.read_text(encoding="utf-8") for file in files]
    return [torch.__version__, version("numba"), str(torch.get_num_threads()), *texts]
