"""`python -m scenarios`: the command line without its script."""

from __future__ import annotations

import os
import sys

if __name__ == "__main__":
    # `-m` looks into the current folder first. A module that lies there, beside a file that is only
    # to be checked, must not stand for one of ours or of Python, as it does not for the script.
    if not sys.flags.safe_path and sys.path[0] != os.path.dirname(os.path.dirname(__file__)):
        del sys.path[0]
    from scenarios.cli import main

    sys.exit(main())
