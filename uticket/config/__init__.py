"""Settings: the records of params.yaml and the names of files."""
