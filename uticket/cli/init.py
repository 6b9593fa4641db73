"""`uticket init` and `version`: a project of one's own, and what it notes about the installed package."""

from pathlib import Path

import click


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--preset", "presets", metavar="NAME", multiple=True, help="Preset of params.yaml; may be repeated.")
def init(folder: Path, presets: tuple[str, ...]) -> None:
    """Write a project of your own into DIR: settings, stages, chips, a README; initialize Git and DVC if needed."""
    from uticket.project.create import create_project

    for line in create_project(folder, presets):
        click.echo(line)
    steps = ["cd " + str(folder), "git add .", 'git commit -m "uticket init"', "uticket check", "dvc repro"]
    click.echo("next: " + " && ".join([*steps, "uticket results"]))


@click.command()
def version() -> None:
    """Print the version and a digest of the installed code; stage `version` of a project notes them."""
    from uticket.project.version import installed_version

    click.echo(installed_version())
