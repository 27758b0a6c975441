"""What `python -m plantlab` runs: the command line."""

import sys

from plantlab.cli import main

if __name__ == "__main__":
    sys.exit(main())
