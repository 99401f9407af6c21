"""Delivered files to bronze and silver: spark-submit jobs/ingest.py --project DIR."""

import sys

from strata.cli import main

if __name__ == "__main__":
    sys.exit(main(["ingest", *sys.argv[1:]]))
