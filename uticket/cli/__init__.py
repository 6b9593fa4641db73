"""The command `uticket`, and what its commands and the stages share."""
