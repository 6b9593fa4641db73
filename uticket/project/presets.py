"""Presets by name: those of the package, and those of a project's own folder."""

from collections.abc import Sequence
from pathlib import Path

from uticket.base.errors import InputError, suggestion

TEMPLATE = Path(__file__).parent / "template"
OWN = Path("presets")  # in the current folder


def preset_files(names: Sequence[str]) -> list[Path]:
    """Return presets/NAME.yaml of the current folder or, if it has none, of the package, for each name.

    Raises InputError, which lists the names, if there is no such preset.
    """
    known = {path.stem: path for folder in (TEMPLATE / "presets", OWN) for path in sorted(folder.glob("*.yaml"))}
    for name in names:
        if name not in known:
            listing = ", ".join(sorted(known))
            raise InputError(f"presets: expected one of {listing}, got {name!r}{suggestion(name, known)}")
    return [known[name] for name in names]
