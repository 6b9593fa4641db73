"""What the stages do."""
