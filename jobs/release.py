"""Releases and the way back to one: spark-submit jobs/release.py --project DIR --list | --show ID | --rollback ID."""

import sys

from strata.cli import main

if __name__ == "__main__":
    sys.exit(main(["release", *sys.argv[1:]]))
