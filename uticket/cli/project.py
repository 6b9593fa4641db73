"""`uticket rounds`, `preset`, `check`, `estimate` and `readme`: the project in the current folder."""

from pathlib import Path

import click

from uticket.base.errors import InputError

PARAMS = Path("params.yaml")


@click.command()
@click.argument("number", metavar="N", type=click.IntRange(1, 99))
@click.option("--methods", default="lth,uticket", show_default=True, help="Methods, separated by commas.")
def rounds(number: int, methods: str) -> None:
    """Give each method a chain of N tickets in params.yaml; its comments stay."""
    from uticket.config.rounds import write_chains

    write_chains(PARAMS, number, methods.split(","))
    click.echo(f"{PARAMS}: {number} rounds of {methods}")


@click.command()
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
def preset(names: tuple[str, ...]) -> None:
    """Merge presets/NAME.yaml, one after another, into params.yaml; its comments stay."""
    from uticket.config.rounds import apply_presets

    presets = [Path("presets") / f"{name}.yaml" for name in names]
    known = ", ".join(sorted(path.stem for path in Path("presets").glob("*.yaml"))) or "none"
    for path in presets:
        if not path.is_file():
            raise InputError(f"{path}: expected a preset ({known}), got no such file")
    apply_presets(PARAMS, presets)
    click.echo(f"{PARAMS}: {', '.join(names)}")


@click.command()
def check() -> None:
    """Check params.yaml and the chip file that it names; report the first mistake in one line."""
    from uticket.config.params import read_params
    from uticket.hardware.chip import Chip

    params = read_params()
    Chip.read(params.hw.chip)
    setting = f"{params.data.name}, {params.model.name}, {len(params.tickets)} tickets, {params.hw.pes} PEs"
    click.echo(f"{PARAMS}: in order ({setting})")
    for folder in left_over(set(params.tickets)):
        click.echo(f"{folder}: no ticket of {PARAMS}; remove it, or later stages depend on it")


def left_over(tickets: set[str]) -> list[Path]:
    """Return the folders of tickets that params.yaml no longer has; DVC does not remove them."""
    root = Path("tickets")
    return sorted(folder for folder in root.glob("*/*/") if str(folder.relative_to(root)) not in tickets)


@click.command()
@click.option("--steps", default=20, show_default=True, type=click.IntRange(1), help="Training steps to measure.")
def estimate(steps: int) -> None:
    """Estimate how long `dvc repro` will take from scratch, by stage: measure a few training steps of params.yaml."""
    from uticket.base.progress import start_logging
    from uticket.base.text import plain_table
    from uticket.config.params import read_params
    from uticket.pipeline.estimate import estimate_stages

    start_logging()
    seconds = estimate_stages(read_params(), steps)
    seconds["together"] = sum(seconds.values())
    click.echo(plain_table([{"stage": stage, "minutes": f"{value / 60:.1f}"} for stage, value in seconds.items()]))
    click.echo("on this machine, in one process; not measured: data, map, simulate and report, which train nothing")


@click.command()
def readme() -> None:
    """Write results into README.md and docs/, between their markers."""
    from uticket.report.readme import write_results

    for path in write_results():
        click.echo(f"{path}: results written")
