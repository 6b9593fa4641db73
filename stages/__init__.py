"""The stages of dvc.yaml: each reads params and files and calls `uticket.pipeline`; `python -m stages.NAME`.

Settings are checked before what takes seconds to import is imported.
"""
