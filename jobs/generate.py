"""An invented telco's raw files: spark-submit jobs/generate.py --project conf/telco --customers N --days D."""

import sys

from strata.cli import main

if __name__ == "__main__":
    sys.exit(main(["generate", *sys.argv[1:]]))
