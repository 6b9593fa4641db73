"""Results of Git revisions side by side, read from the files that Git has."""
