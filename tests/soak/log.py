"""The log of a soak, a line of JSON for each kill and each end, and what it comes to."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

Record = dict[str, Any]
FILES = ("differing", "missing", "left_over")  # lists of names
TOLD_AT_MOST = 20


def append(log: Path, record: Record) -> None:
    """Add a line; of one that was cut off, what is there becomes a line of its own."""
    whole = log.read_text(encoding="utf-8")[-1:] in ("", "\n") if log.exists() else True
    with log.open("a", encoding="utf-8") as file:
        file.write(("" if whole else "\n") + json.dumps(record) + "\n")


def records(log: Path) -> list[Record]:
    """Return all whole lines: of a soak that was killed itself, the last one may be half."""
    found = []
    for line in log.read_text(encoding="utf-8").splitlines() if log.exists() else []:
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return found


def is_wrong(record: Record) -> bool:
    """Return whether a record is of something that must not happen."""
    failed = record["code"] != 0 and not record.get("killed")
    lost = record.get("torn_lock") and not record["mended_lock"]
    wrong = any(record[name] for name in ("tracebacks", "hang", "orphans"))
    return bool(failed or lost or wrong or any(record.get(name) for name in FILES))


def summary(found: list[Record], seed: int) -> Record:
    """Return the counts of all records; what is wrong is told one by one, without what was printed, with its paths."""
    kills, ends = [r for r in found if r.get("killed")], [r for r in found if r.get("end")]
    wrong = [r for r in found if is_wrong(r)]
    return {
        "seed": seed,
        "minutes": round(sum(r["seconds"] for r in found) / 60, 1),
        "kills": len(kills),
        "runs_compared": len(ends),
        "by_kind": counted(kills, "kind"),
        "by_name": counted(kills, "name"),
        "by_signal": counted(kills, "signal"),
        "by_whom": counted(kills, "whom"),
        "by_moment": counted(kills, "moment"),
        "table": table(found),
        "tracebacks": sum(r["tracebacks"] for r in found),
        "tracebacks_of_dvc": sum(r["tracebacks_of_dvc"] for r in found),
        "hangs": sum(r["hang"] for r in found),
        "orphans": sum(r["orphans"] for r in found),
        "failures": sum(r["code"] != 0 and not r.get("killed") for r in found),
        **{f"{name}_files": sum(len(r.get(name, ())) for r in found) for name in FILES},
        "torn_locks": sum("torn_lock" in r for r in found),
        "torn_locks_mended": sum(bool(r.get("mended_lock")) for r in found),
        "wrong": len(wrong),
        "told": [{n: v for n, v in r.items() if n not in ("printed", "said")} for r in wrong[:TOLD_AT_MOST]],
    }


def counted(kills: list[Record], name: str) -> dict[str, int]:
    """Return how many kills have each value of a field."""
    return dict(sorted(Counter(record[name] for record in kills).items()))


def table(found: list[Record]) -> list[Record]:
    """Return a row for each kind of command: its kills by signal, and what was wrong."""
    rows = []
    for kind, name in sorted({(r["kind"], r["name"]) for r in found}):
        mine = [r for r in found if (r["kind"], r["name"]) == (kind, name)]
        kills = [r for r in mine if r.get("killed")]
        by_signal = counted(kills, "signal")
        row: Record = {"kind": kind, "name": name, "kills": len(kills), **by_signal}
        row |= {"runs_compared": sum("end" in r for r in mine), "wrong": sum(map(is_wrong, mine))}
        rows.append(row)
    return rows
