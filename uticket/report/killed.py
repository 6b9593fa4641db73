"""What `make soak` counted, as text for docs/reliability.md."""

import json
from pathlib import Path
from typing import Any

from uticket.base.errors import shortened
from uticket.base.files import Row, read_json
from uticket.base.text import markdown_table

SIGNALS = ("SIGKILL", "SIGTERM", "SIGINT", "SIGHUP")
LABELS = {"dvc": "`dvc {}`", "stage": "stage `{}`", "command": "`uticket {}`"}


def killed_markdown(path: Path) -> str:
    """Return the kills of a soak by what was killed, what went wrong, and each of the first records that are wrong."""
    found = read_json(path, "the summary of a soak")
    rows = [_row(LABELS[row["kind"]].format(row["name"]), row) for row in found["table"]]
    rows.append(_row("together", found | found["by_signal"]))
    moments = ", ".join(f"{count} {moment}" for moment, count in found["by_moment"].items())
    lines = [
        markdown_table(rows),
        "",
        f"{found['kills']:,} kills in {found['minutes']:.0f} minutes (by moment: {moments}), then "
        f"{found['runs_compared']:,} runs to the end, compared byte by byte: {_counted(found)}.",
    ]
    return "\n".join([*lines, *(f"\n- `{_told(record)}`" for record in found["told"])])


def _row(killed: str, counts: dict[str, Any]) -> Row:
    by_signal = {name: counts.get(name, 0) for name in SIGNALS}
    return {"killed": killed, **by_signal} | {name: counts[name] for name in ("kills", "runs_compared", "wrong")}


def _counted(found: dict[str, Any]) -> str:
    mended = f"{found['torn_locks']} torn dvc.lock, of which {found['torn_locks_mended']} were brought back"
    names = ("tracebacks", "hangs", "orphans", "failures", "missing_files", "differing_files", "left_over_files")
    return ", ".join([*(f"{found[name]} {name.replace('_', ' ')}" for name in names), mended])


def _told(record: dict[str, Any]) -> str:
    shown = {name: value for name, value in record.items() if value not in (0, False, [], "") and name != "printed"}
    return shortened(json.dumps(shown), 300).replace("`", "'")
