"""Every mistake of a project at once, without reading data: spark-submit jobs/check.py --project DIR."""

import sys

from strata.cli import main

if __name__ == "__main__":
    sys.exit(main(["check", *sys.argv[1:]]))
