"""Commands, run in the process of the test."""

import json
from typing import Any

from click.testing import CliRunner

from uticket.cli.main import main


def printed(*arguments: object) -> str:
    """Run a command that succeeds; return what it prints."""
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    return result.output


def run(*arguments: object) -> Any:
    """Run a command that succeeds, with --json; return its answer."""
    result = CliRunner().invoke(main, [*map(str, arguments), "--json"])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)  # loops may be compiled meanwhile, which the log on standard error says


def fails(*arguments: object) -> str:
    """Run a command that fails as all do: one line and exit code 2. Returns the line."""
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert result.exit_code == 2, result.output
    assert result.output.count("\n") == 1
    assert result.output.startswith("Error: ")
    return result.output
