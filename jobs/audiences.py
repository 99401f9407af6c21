"""Audiences of a day: spark-submit jobs/audiences.py --project DIR --as-of YYYY-MM-DD."""

import sys

from strata.cli import main

if __name__ == "__main__":
    sys.exit(main(["audiences", *sys.argv[1:]]))
