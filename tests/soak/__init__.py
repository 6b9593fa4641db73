"""The smoke pipeline again and again, killed at random moments: `make soak` (docs/reliability.md)."""
