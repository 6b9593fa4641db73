"""`python -m uticket.cli`."""

from uticket.cli import main

main()
