"""Arrays from and to files of any kind that people of this field write. Nothing in a file is run."""
