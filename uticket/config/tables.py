"""What can be added by one entry in one file: the tables of names, and the types of settings that choose from them."""

import re
from typing import Annotated

from pydantic import AfterValidator

from uticket.base.registry import Registry

DATA_SETS = Registry("data/*.py", "DATA_SETS")
NETWORKS = Registry("networks/*.py", "NETWORKS")
SCORES = Registry("pruning/scores.py", "SCORES")
TARGETS = Registry("pruning/targets.py", "TARGETS")
CHOICES = Registry("pruning/choices.py", "CHOICES")
TEAM_SCORES = Registry("pruning/team_scores.py", "TEAM_SCORES")
MAPPINGS = Registry("mapping/policies.py", "MAPPINGS")
DATAFLOWS = Registry("mapping/dataflows.py", "DATAFLOWS")
MODELS = Registry("hardware/*.py", "MODELS")
RIVALS = Registry("rivals/*.py", "RIVALS")
FORMATS = Registry("exchange/*.py", "FORMATS")

OWN = r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*"  # MODULE:FUNCTION


def check_network(name: str) -> str:
    """Return the name of a network, one of ours or MODULE:FUNCTION. Raises ValueError if it is neither."""
    if name not in NETWORKS and not re.fullmatch(OWN, name):
        raise ValueError(f"expected one of {', '.join(NETWORKS)}, or MODULE:FUNCTION, got {name!r}")
    return name


DataSet = Annotated[str, AfterValidator(DATA_SETS.check)]
Network = Annotated[str, AfterValidator(check_network)]
Score = Annotated[str, AfterValidator(SCORES.check)]
Target = Annotated[str, AfterValidator(TARGETS.check)]
Choice = Annotated[str, AfterValidator(CHOICES.check)]
TeamScore = Annotated[str, AfterValidator(TEAM_SCORES.check)]
MappingPolicy = Annotated[str, AfterValidator(MAPPINGS.check)]
Dataflow = Annotated[str, AfterValidator(DATAFLOWS.check)]
TimingModel = Annotated[str, AfterValidator(MODELS.check)]
