"""Which settings differ between revisions."""

from collections.abc import Sequence
from dataclasses import dataclass

from uticket.comparing.results import Results

ABSENT = "absent"
NAMED_BY_USERS = ("balance.", "tickets.", "hw.sweeps.")  # below them an absent key is a choice


@dataclass(frozen=True)
class Settings:
    """values: dotted key -> text at each revision, of the settings that differ.

    unknown: settings that only some revisions have, and with one value: other versions of the code do not know them.
    """

    values: dict[str, list[str]]
    unknown: list[str]


def compare_settings(results: Sequence[Results]) -> Settings:
    """Return the settings that differ, in the order of params.yaml."""
    found = Settings({}, [])
    for key in dict.fromkeys(key for result in results for key in result.params):
        texts = [result.params.get(key, ABSENT) for result in results]
        if len(set(texts)) == 1:
            continue
        if ABSENT in texts and len(set(texts)) == 2 and not key.startswith(NAMED_BY_USERS):
            found.unknown.append(key)
        else:
            found.values[key] = texts
    return found
