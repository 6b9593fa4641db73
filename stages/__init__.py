"""The stages of dvc.yaml: each reads params and files, calls `uticket` and writes files; `python -m stages.NAME`."""
