"""Run: python -m tests.faults [NAME ...]."""

import sys

from tests.faults.command_line import main

if __name__ == "__main__":
    sys.exit(main())
