"""The stages of dvc.yaml: each reads params and files and calls `uticket.pipeline`; `python -m stages.NAME`.

Settings are checked before what takes seconds to import is imported.
"""

import sys

from uticket.base.process import begin, say

if sys.argv[0] == "-m":  # Python is about to run one of them as the program
    begin()
    from uticket.base.errors import InputError  # after the first lines
    from uticket.cli.oneline import EXIT_CODE
    from uticket.config.lock import keep_copy

    try:
        keep_copy()
    except InputError as error:
        say(str(error))
        sys.exit(EXIT_CODE)
