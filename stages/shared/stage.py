"""What makes a module a stage: a user's mistake ends it with one line and exit status 1, never with a traceback."""

import sys
from collections.abc import Callable


class StageError(Exception):
    """A fault that the user can mend. Its text is one line a fault: what is wrong, where, and what is allowed."""

    def __init__(self, text: str, status: int = 1) -> None:
        """Take the text, and the exit status of the stage."""
        super().__init__(text)
        self.status = status


def run(main: Callable[[], None]) -> None:
    """Call `main` and turn the faults that a user can mend into one line on standard error."""
    try:
        main()
    except StageError as error:
        print("\n".join(f"error: {line}" for line in str(error).splitlines()), file=sys.stderr)
        sys.exit(error.status)
    except FileNotFoundError as error:
        sys.exit(f"error: {error.filename or error}: no such file; run dvc repro, which makes what is missing")
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        sys.exit(f"error: {where}{error.strerror or error}")
    except KeyboardInterrupt:
        sys.exit("error: interrupted")
