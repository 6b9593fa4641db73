"""The pipeline of a project, repeated with other seeds on this machine."""
