"""`python -m uticket.cli`."""

from uticket.cli.main import main

main()
