"""Run the pipeline with several seeds, one after the other."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from uticket.base.errors import InputError
from uticket.base.files import write_text
from uticket.base.progress import in_words
from uticket.config.lock import USED, check_lock
from uticket.config.paths import DOWNLOADS, SEEDS
from uticket.config.schemas import BY_SEED
from uticket.project.clone import clone_project, set_up_clone, update_clone
from uticket.project.dvc import start_dvc, stop_dvc
from uticket.repeating.gather import gather
from uticket.repeating.repeat import Base, Repeat
from uticket.repeating.tracked import cache_of, has_report


def run_seeds(base: Base, seeds: Sequence[int]) -> Iterator[str]:
    """Run what has not run yet of each seed, and gather the tables after each; yields what was done, line by line.

    The seed of the project itself does not run if its report is up to date. Raises InputError, before anything runs, if
    stages read what is not committed; and if the pipeline fails.
    """
    store = cache_of(base.project)
    repeats = [Repeat(base, seed) for seed in seeds]
    lines = []
    for number, repeat in enumerate(repeats, 1):
        if repeat.seed == base.params.seed and has_report(base.project):
            yield f"seed {repeat.seed}: report/ is up to date, nothing to run"
        else:
            with repeat.alone() as lock:
                yield f"seed {repeat.seed} ({number} of {len(repeats)}): runs in {repeat.clone}"
                began = time.monotonic()
                _run_one(repeat, store, lock)
            yield f"seed {repeat.seed}: done in {in_words(time.monotonic() - began)}"
        lines = gather(base)
    yield from lines


def _run_one(repeat: Repeat, store: Path, lock: int) -> None:
    """Run the stages of a seed in its clone, which is made or brought to the commit and the params."""
    repeat.mark.unlink(missing_ok=True)
    prepare(repeat, store)
    check_lock(repeat.folder)
    _repro(repeat, lock)
    write_text(repeat.mark, repeat.base.commit)


def prepare(repeat: Repeat, store: Path) -> None:
    """Make the clone of a seed, or bring it to the commit and the params; what it has trained stays.

    store: the DVC cache that it uses.
    """
    project = repeat.base.project
    (project.folder / DOWNLOADS).mkdir(parents=True, exist_ok=True)  # so that what one seed downloads serves all
    if repeat.exists:
        # Left by a dvc that was killed; its process numbers may mean other processes.
        (repeat.folder / USED).unlink(missing_ok=True)
    else:
        own = repeat.seed == repeat.base.params.seed
        clone_project(project, repeat.clone, repeat.text, store, with_results=own)
    update_clone(project, repeat.clone, repeat.base.commit)
    set_up_clone(project, repeat.clone, repeat.text, store)
    for file in (SEEDS.params, *map(SEEDS.table, BY_SEED)):  # its report is of one seed, whatever the others are
        (repeat.folder / file).unlink(missing_ok=True)


def _repro(repeat: Repeat, lock: int) -> None:
    """Have DVC run the stages. lock: number of a file that it keeps open for as long as it runs."""
    # Ctrl-C reaches all processes of a terminal's group: here only this one, which lets the stage save its state.
    dvc = start_dvc(repeat.folder, "repro", start_new_session=True, pass_fds=(lock,))
    try:
        code = dvc.wait()
    finally:
        if dvc.poll() is None:
            stop_dvc(dvc.pid)
            dvc.wait()
    if code != 0:
        got = f"got exit code {code}, see above"
        raise InputError(
            f"seed {repeat.seed}: expected dvc repro to succeed in {repeat.clone}, {got}; run again to resume"
        )
