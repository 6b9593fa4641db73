"""docs/commands.md: every command of `uticket` with its options, as `--help` shows them."""

from collections.abc import Iterator
from inspect import cleandoc
from pathlib import Path

import click

from reference.markdown import code, made_by, plain
from uticket.cli.main import main

HEAD = """# Commands

Every command of `uticket`, as `uticket COMMAND --help` shows it. A wrong argument is one line on the standard error and
exit code 2. Options of the array and the broadcast are settings of the block `hw`
([parameters.md](parameters.md#hw))."""


def page(root: Path) -> str:
    """Return the page."""
    context = click.Context(main, info_name="uticket")
    parts = [made_by("python -m reference", "uticket/cli"), HEAD, *sections(main, context)]
    return "\n\n".join(parts) + "\n"


def sections(group: click.Group, context: click.Context) -> Iterator[str]:
    """Return the text of each command of a group, in their order; commands of a group in it follow it."""
    for name in group.commands:
        command, inner = group.commands[name], click.Context(group.commands[name], parent=context, info_name=name)
        yield section(command, inner)
        if isinstance(command, click.Group):
            yield from sections(command, inner)


def section(command: click.Command, context: click.Context) -> str:
    """Return heading, usage, meaning and options of one command."""
    path = context.command_path
    usage = " ".join([path, *command.collect_usage_pieces(context)])
    records = [option.get_help_record(context) for option in command.params if isinstance(option, click.Option)]
    options = "\n".join(f"- {code(names)}: {plain(text)}" for names, text in filter(None, records))
    meaning = plain(cleandoc(command.help or ""))
    return "\n\n".join(filter(None, [f"## {path}", f"```\n{usage}\n```", meaning, options]))
