"""Git and DVC, run in the folder of a project."""

import subprocess
import sys
from pathlib import Path

from uticket.base.errors import InputError

MOST_CHARACTERS = 200  # of what another program says


def succeed(folder: Path, *command: str) -> str:
    """Run a command in a folder; return what it printed. Raises InputError with what it says if it fails."""
    ran = run(folder, *command)
    if ran.returncode != 0:
        name, said = " ".join(command).removeprefix(f"{sys.executable} -m "), " ".join(ran.stderr.split())
        raise InputError(f"{folder}: expected `{name}` to succeed, got: {said[:MOST_CHARACTERS]}")
    return ran.stdout.strip()


def run(folder: Path, *command: str) -> "subprocess.CompletedProcess[str]":
    """Run a command in a folder, whatever its exit code. Raises InputError if there is no such program or folder.

    What it prints is read as Python reads names of files: bytes that are no UTF-8, which branches and files may have in
    their names, become surrogates.
    """
    try:
        return subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8", errors="surrogateescape")
    except OSError as error:
        raise InputError(f"{command[0]}: expected an installed program, got: {error.strerror}") from None
