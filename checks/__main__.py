"""Run: python -m checks NAME."""

import sys

from .entry_point import run

if __name__ == "__main__":
    sys.exit(run())
