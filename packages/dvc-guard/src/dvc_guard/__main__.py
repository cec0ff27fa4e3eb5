"""Run: python -m dvc_guard COMMAND."""

import sys

from dvc_guard.cli import main

if __name__ == "__main__":
    sys.exit(main())
