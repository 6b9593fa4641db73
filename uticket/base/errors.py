"""The one error that a user can cause, and what a command does with it."""

import os
from typing import IO, Any

import click


class InputError(click.ClickException, ValueError):
    """Wrong input: one line that says what, where, what was expected and what came.

    A command that raises it prints the line and exits with code 2; to a caller of the library it is a ValueError. Of
    several processes that train together on a machine the first one prints it.
    """

    exit_code = 2

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the line."""
        if os.environ.get("LOCAL_RANK", "0") == "0":
            super().show(file)
