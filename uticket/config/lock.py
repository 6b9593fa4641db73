"""dvc.lock, which dvc writes in place after each stage: killed in that moment, it leaves half of it.

No dvc command runs then. So each stage keeps a copy as it begins, with all stages before it. dvc writes the lock once a
stage has ended well: its results are whole. The copy, and a commit of that one stage, bring everything back without
training again. dvc also writes in place which of its processes use which files; without it nothing is lost.
"""

import os
from contextlib import suppress
from pathlib import Path

from uticket.base.errors import InputError
from uticket.base.files import is_file, look, read_json, read_text, write_bytes, write_text, written_together
from uticket.config.params import parse_yaml

LOCK = Path("dvc.lock")
MOST_VALUES = 10**6  # a hundred for each ticket, or a few more
NEW = b"schema: '2.0'\nstages: {}\n"  # before the first stage has ended
USED = Path(".dvc") / "tmp" / "rwlock"  # JSON
KEPT = Path(".uticket") / "lock"  # a folder: the copy, and the stage that began then


def keep_copy() -> None:
    """Keep a copy of dvc.lock, or one without stages, if dvc runs this process as one of its stages.

    Raises InputError if it cannot be written: the results of the stage could not be either.
    """
    stage, root = os.environ.get("DVC_STAGE"), Path(os.environ.get("DVC_ROOT", "."))
    is_new = not os.path.lexists(root / LOCK)
    if stage is not None and (is_new or is_file(root / LOCK)):
        with written_together(root / KEPT) as part:
            write_bytes(part / LOCK, NEW if is_new else (root / LOCK).read_bytes())
            write_text(part / "stage", stage)


def check_lock(folder: Path = Path()) -> None:
    """Raise InputError if dvc.lock, or dvc's list of used files, is empty or torn; it names what brings it back.

    folder: of the project.
    """
    used, lock = folder / USED, folder / LOCK
    if is_file(used):
        try:
            read_json(used, "what dvc wrote")
        except InputError as error:
            raise InputError(f"{error}; if no dvc runs, rm {used} mends it") from None
    if not os.path.lexists(lock):
        return
    size = look(lock, "what dvc wrote")
    text, found = "", None
    with suppress(InputError):  # torn
        text = read_text(lock)
        found = parse_yaml(lock, text, most=MOST_VALUES)
    if not (isinstance(found, dict) and isinstance(found.get("stages"), dict) and text.endswith("\n")):
        got = "half of it" if size else "an empty file"
        raise InputError(f"{lock}: expected what dvc wrote, got {got}; {_remedy(folder)}")


def _remedy(folder: Path) -> str:
    there = "" if folder == Path() else f"cd {folder} && "
    try:
        stage = read_text(folder / KEPT / "stage")
    except InputError:
        return f"{there}git checkout {LOCK} brings back the committed one"
    return f"{there}cp {KEPT / LOCK} {LOCK} && dvc commit --force {stage} brings it back"
