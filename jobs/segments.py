"""Segments and clusters of a day: spark-submit jobs/segments.py --project DIR --as-of YYYY-MM-DD."""

import sys

from strata.cli import main

if __name__ == "__main__":
    sys.exit(main(["segments", *sys.argv[1:]]))
