"""Stages of a project that take no time: `python pretend.py dense | METHOD/NAME | report`.

A ticket of the method `lth` pauses twice, until SIGTERM ends it, and resumes from the state that it then saves. Each
training is noted in the file $TRAININGS.
"""

import os
import signal
import sys
import time
from pathlib import Path

from uticket.base.files import write_rows
from uticket.cluster.gather import TABLES
from uticket.report.savings import NUMBERS

STATE = Path(".uticket/scratch/step")
PAUSES = (3, 6)


def train(ticket: str) -> None:
    step = int(STATE.read_text()) if STATE.exists() else 0
    with Path(os.environ["TRAININGS"]).open("a") as file:
        file.write(f"{ticket} from step {step}\n")
    pauses = [number for number in PAUSES if number > step] if ticket.startswith("lth") else []
    if pauses:
        signal.signal(signal.SIGTERM, lambda *_: save(pauses[0]))
        STATE.parent.mkdir(parents=True, exist_ok=True)
        STATE.with_name(f"pause{pauses[0]}").touch()
        time.sleep(600)
    path = Path("tickets") / ticket / "weights.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{ticket} {Path('params.yaml').read_text()}")
    path.with_name("metrics.json").write_text("{}")


def save(step: int) -> None:
    STATE.write_text(str(step))
    sys.exit(143)


def report() -> None:
    methods = sorted(path.name for path in Path("tickets").iterdir() if path.name != "dense")
    seed = Path("params.yaml").read_text().partition("\nseed: ")[2].split()[0]
    for name in (*TABLES, "models"):
        costs = {"lth": 200.0, "uticket": 100.0}
        rows = [
            {
                "method": method,
                "ticket": f"{method}/r01",
                **dict.fromkeys(NUMBERS, 0.5),
                "latency_cycles": costs[method],
                "trained_with": seed,
            }
            for method in methods
        ]
        write_rows(Path("report") / f"{name}.csv", rows)


if sys.argv[1] == "report":
    report()
else:
    train(sys.argv[1])
