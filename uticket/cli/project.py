"""`uticket rounds`, `preset`, `check`, `estimate`, `compile` and `readme`: the project in the current folder."""

from pathlib import Path
from typing import Annotated

import click
from pydantic import Field

from uticket.base.errors import InputError, listed
from uticket.base.files import is_file
from uticket.base.progress import underway
from uticket.cli.options import Setting
from uticket.config.block import AtLeastOne
from uticket.config.paths import REPORT

PARAMS = Path("params.yaml")
RUN = "next: uticket check && dvc repro"


@click.command()
@click.argument("number", metavar="N", type=Setting(Annotated[int, Field(ge=1, le=99)]))
@click.option("--methods", default="lth,uticket", show_default=True, help="Methods, separated by commas.")
def rounds(number: int, methods: str) -> None:
    """Give each method a chain of N tickets in params.yaml; its comments stay."""
    from uticket.config.rounds import write_chains

    names = list(dict.fromkeys(name.strip() for name in methods.split(",")))
    write_chains(PARAMS, number, names)
    click.echo(f"{PARAMS}: {number} rounds of {', '.join(names)}\n{RUN}")


@click.command()
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
def preset(names: tuple[str, ...]) -> None:
    """Merge presets NAME, one after another, into params.yaml; its comments stay. presets/NAME.yaml may be yours."""
    from uticket.config.rounds import apply_presets
    from uticket.project.presets import preset_files

    apply_presets(PARAMS, preset_files(names))
    click.echo(f"{PARAMS}: {', '.join(names)} (git diff {PARAMS})\n{RUN}")


@click.command()
def check() -> None:
    """Check params.yaml, the chip file and the network that it names, and dvc.lock; report the first mistake."""
    from uticket.config.lock import check_lock
    from uticket.config.params import read_params
    from uticket.hardware.chip import Chip

    check_lock()
    params = read_params()
    Chip.read(params.hw.chip)
    checkpoint = params.dense.checkpoint
    if checkpoint is not None and not is_file(Path(checkpoint)):
        raise InputError(f"{PARAMS}: dense.checkpoint: expected a file, got none at {checkpoint}; run uticket import")
    tried = True
    if ":" in params.model.name:
        with underway(f"trying {params.model.name}"):
            from uticket.pipeline.check import check_own  # takes seconds, which networks of ours do not need

            tried = check_own(params)
    setting = f"{params.data.name}, {params.model.name}, {len(params.tickets)} tickets, {params.hw.pes} PEs"
    click.echo(f"{PARAMS}: in order ({setting})")
    if not tried:
        click.echo(f"{params.model.name}: found, not tried; dvc repro data prepares its images")
    for folder in left_over(set(params.tickets)):
        click.echo(f"{folder}: no ticket of {PARAMS}; remove it, or later stages depend on it")
    click.echo("next: dvc repro (uticket estimate: how long it takes)")


def left_over(tickets: set[str]) -> list[Path]:
    """Return the folders of tickets that params.yaml no longer has; DVC does not remove them."""
    root = Path("tickets")
    return sorted(folder for folder in root.glob("*/*/") if str(folder.relative_to(root)) not in tickets)


@click.command()
@click.option("--steps", default=20, show_default=True, type=Setting(AtLeastOne), help="Training steps to measure.")
def estimate(steps: int) -> None:
    """Estimate how long `dvc repro` will take from scratch, by stage: measure a few training steps of params.yaml."""
    from uticket.base.text import plain_table
    from uticket.config.params import read_params

    params = read_params()  # before what takes seconds to import
    with underway("loading PyTorch"):
        from uticket.pipeline.estimate import estimate_stages

    seconds = estimate_stages(params, steps)
    seconds["together"] = sum(seconds.values())
    click.echo(plain_table([{"stage": stage, "minutes": f"{value / 60:.1f}"} for stage, value in seconds.items()]))
    click.echo("on this machine, in one process; not measured: data, map, simulate and report, which train nothing")


@click.command("compile")
def compile_command() -> None:
    """Compile the loops of simulating and balancing for this processor, so that their first use does not wait."""
    with underway("compiling the loops of simulate and balance"):
        from uticket.pipeline.compile import compile_loops

        compile_loops()
    click.echo("simulate and balance: compiled")


@click.command()
def results() -> None:
    """Print what the last ticket of each method saves against the baseline, and where the page is."""
    from uticket.base.text import plain_table
    from uticket.cli.remedy import remedy
    from uticket.config.params import read_params
    from uticket.report.savings import last_tickets
    from uticket.report.seeds import rounds_over_all_seeds

    params = read_params(PARAMS)
    spread, baseline = rounds_over_all_seeds(params), params.report.baseline
    last = last_tickets(spread.tables.rounds, baseline)
    columns = ("method", "utilization", "latency_saved_pct", "energy_saved_pct", "accuracy")
    click.echo(plain_table([{name: row[name] for name in columns} for row in last]))
    of_seeds = (
        f"; mean ± one standard deviation over the seeds {listed(map(str, spread.seeds))}" if spread.seeds else ""
    )
    click.echo(f"last tickets; saved against {baseline}, analytic model{of_seeds}")
    missing = f"{REPORT.page} is not here; {remedy(REPORT.page) or 'run the stage report'}"
    click.echo(f"page: {REPORT.page.absolute().as_uri() if is_file(REPORT.page) else missing}")


@click.command()
def readme() -> None:
    """Write results into README.md and docs/, between their markers."""
    from uticket.report.readme import write_results

    for path in write_results():
        click.echo(f"{path}: results written")
