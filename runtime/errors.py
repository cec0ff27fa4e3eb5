"""The error that a user can correct."""


class StageError(Exception):
    """A user-correctable error. Each line of its text is one error: where, what is wrong, and what is allowed."""

    def __init__(self, text: str, status: int = 1) -> None:
        """Set the text and the exit status of the stage."""
        super().__init__(text)
        self.status = status
