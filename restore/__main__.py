"""Run: python -m restore."""

import sys

from restore.command_line import main

if __name__ == "__main__":
    sys.exit(main())
