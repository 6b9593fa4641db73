"""A project of a user's own: a folder made from `template/`, where most files are links to this repository's own."""
