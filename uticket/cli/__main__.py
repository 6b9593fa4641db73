"""The program `uticket`, also `python -m uticket.cli`."""

from uticket.base.process import begin


def start() -> None:
    """Run the command that the arguments name."""
    begin()
    from uticket.cli.main import main  # imported here: takes a moment, in which signals are handled already

    main()


if __name__ == "__main__":
    start()
