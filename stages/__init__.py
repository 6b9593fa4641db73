"""The stages of dvc.yaml: each reads params and files and calls `uticket.pipeline`; `python -m stages.NAME`.

Settings are checked before what takes seconds to import is imported.
"""

import sys

from uticket.base.process import begin

if sys.argv[0] == "-m":  # Python is about to run one of them as the program
    begin()
    from uticket.config.lock import keep_copy  # after the first lines

    keep_copy()
