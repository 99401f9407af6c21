"""`python -m strata <job> ...`: the same as the command `strata`."""

import sys

from strata.cli import main

if __name__ == "__main__":
    sys.exit(main())
