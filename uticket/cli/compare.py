"""`uticket compare`: results of Git revisions and experiments side by side."""

import shutil
from pathlib import Path

import click

from uticket.cli.options import Word
from uticket.comparing.kinds import KINDS, RESULTS
from uticket.comparing.repository import WORKSPACE

FORMATS = ["text", "csv", "markdown", "latex"]
WIDTH = 120  # characters, where the output is no terminal


@click.command()
@click.argument("revisions", metavar="[REV]...", nargs=-1)
@click.option("--table", type=Word(list(KINDS)), default=RESULTS, show_default=True, help="What to compare.")
@click.option("--methods", default="", help="Methods, separated by commas; default: all.")
@click.option("--format", "form", type=Word(FORMATS), default=FORMATS[0], show_default=True, help="How to print it.")
def compare(revisions: tuple[str, ...], table: str, methods: str, form: str) -> None:
    """Compare settings and results of Git revisions: what differs, and by how much from the first one.

    REV is a branch, a tag, a commit, an experiment as `dvc exp show` names it, or workspace: the files of this folder.
    One REV is compared with the workspace; without one, HEAD is. Only what Git has is read: no cache is needed, and
    nothing is checked out. --format csv prints one table with all its columns, notes go to standard error.
    """
    from uticket.base.files import csv_text
    from uticket.comparing.answer import answer, as_latex, as_markdown, as_text, notes, records
    from uticket.comparing.repository import Repository
    from uticket.comparing.results import Results

    repository = Repository(Path())
    found = [Results.read(repository, repository.revision(name), table) for name in compared(revisions)]
    chosen = [name.strip() for name in methods.split(",") if name.strip()]
    if form == "csv":
        click.echo(csv_text(records(found, table, chosen)), nl=False)
        for note in notes(found):
            click.echo(note, err=True)
        return
    blocks = answer(repository, found, table, chosen)
    if form == "text":
        click.echo(as_text(blocks, shutil.get_terminal_size((WIDTH, 0)).columns))
    else:
        click.echo({"markdown": as_markdown, "latex": as_latex}[form](blocks))


def compared(names: tuple[str, ...]) -> list[str]:
    """Return the names of the revisions to compare, at least two, each once."""
    given = list(dict.fromkeys(names)) or ["HEAD"]
    if len(given) > 1:
        return given
    return ["HEAD" if given == [WORKSPACE] else given[0], WORKSPACE]
