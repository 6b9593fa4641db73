"""What `make fuzz` found, as a table for docs/reliability.md."""

from pathlib import Path

from uticket.base.files import read_json
from uticket.base.text import markdown_table

FOREIGN = "foreign: "  # kinds of files of others, which are one row


def fuzz_markdown(path: Path) -> str:
    """Return the cases of a summary by kind of file, those of other people's files together, and in all."""
    found = read_json(path, "a summary of make fuzz")
    rows: dict[str, list[dict[str, float]]] = {}
    for name, kind in found["kinds"].items():
        rows.setdefault("files of others (docs/files.md)" if name.startswith(FOREIGN) else name, []).append(kind)
    rows["all"] = [found["together"]]
    return markdown_table([_row(name, kinds) for name, kinds in rows.items()])


def _row(name: str, kinds: list[dict[str, float]]) -> dict[str, str]:
    counts = ("cases", "refused", "accepted", "tracebacks", "hangs", "other_findings")
    numbers = {what.replace("_", " "): f"{sum(kind[what] for kind in kinds):,}" for what in counts}
    slowest, most = (max(kind[what] for kind in kinds) for what in ("slowest_s", "peak_mb"))
    return {"file": name, **numbers, "slowest s": f"{slowest:.1f}", "most MB": f"{most:.0f}"}
