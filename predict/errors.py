"""The error that a user can correct."""


class PredictError(Exception):
    """A user-correctable error. The text is one line, without the name of the file."""
