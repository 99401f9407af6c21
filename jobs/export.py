"""An audience as a file, without Spark: python jobs/export.py AUDIENCE --for RECIPIENT --project DIR."""

import sys

from strata.cli import main

if __name__ == "__main__":
    sys.exit(main(["export", *sys.argv[1:]]))
