"""Tiles and the snapshot of a day: spark-submit jobs/features.py --project DIR --as-of YYYY-MM-DD."""

import sys

from strata.cli import main

if __name__ == "__main__":
    sys.exit(main(["features", *sys.argv[1:]]))
