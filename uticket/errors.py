"""The one error that a user can cause, and what a command does with it."""

import click


class InputError(click.ClickException, ValueError):
    """Wrong input: one line that says what, where, what was expected and what came.

    A command that raises it prints the line and exits with code 2; to a caller of the library it is a ValueError.
    """

    exit_code = 2
