"""Run: python -m bench [NAME ...]."""

from bench.command_line import main

if __name__ == "__main__":
    main()
