"""Run: python -m search."""

import sys

from search.command_line import main

if __name__ == "__main__":
    sys.exit(main())
