"""dvc.yaml of a user's project: the repository's own, with the version of uticket in place of its code.

The first stage, which DVC runs each time, writes the version; the stages that depend on the file run again if it
changed.
"""

from io import StringIO
from typing import Any

from ruamel.yaml import YAML

CODE = ("stages/", "uticket/")  # deps that begin so are part of the installed package
VERSION_FILE = "uticket.version"
VERSION_STAGE = {
    "desc": "Note which uticket is installed; DVC runs this each time, and all the rest if it is another one",
    "cmd": f"python -m uticket.cli version > {VERSION_FILE}",
    "always_changed": True,
    "outs": [{VERSION_FILE: {"cache": False}}],
}
HEADER = f"""\
The stages in the order of the data, written by `uticket init`. Each lists the params that it reads and every file that
it writes. {VERSION_FILE} stands for the code of uticket: with another one, all stages run again.
"""


def own_stages(text: str) -> str:
    """Return the text of a user's dvc.yaml. text: that of the repository's own."""
    yaml = YAML()
    yaml.width = 120
    yaml.indent(mapping=2, sequence=4, offset=2)
    values = yaml.load(text)
    for stage in values["stages"].values():
        entry = stage.get("do", stage)
        entry["deps"][:] = [VERSION_FILE, *(dep for dep in entry["deps"] if not is_code(dep))]
    values["stages"].insert(0, "version", VERSION_STAGE)
    values.yaml_set_start_comment(HEADER)
    out = StringIO()
    yaml.dump(values, out)
    return "".join(f"{line.rstrip()}\n" for line in out.getvalue().splitlines())  # ruamel leaves spaces where it wraps


def is_code(dep: Any) -> bool:
    """Return whether a dep of a stage is code of the package."""
    return str(dep).startswith(CODE)
