"""What is current, and how the last runs ended: spark-submit jobs/status.py --project DIR."""

import sys

from strata.cli import main

if __name__ == "__main__":
    sys.exit(main(["status", *sys.argv[1:]]))
