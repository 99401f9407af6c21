"""Gate, promotion and release of a day: spark-submit jobs/publish.py --project DIR --as-of YYYY-MM-DD."""

import sys

from strata.cli import main

if __name__ == "__main__":
    sys.exit(main(["publish", *sys.argv[1:]]))
