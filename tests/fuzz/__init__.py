"""Files of every kind, damaged at random, through the functions that the commands and stages call."""
