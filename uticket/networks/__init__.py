"""The networks: one file each, and what they share."""
