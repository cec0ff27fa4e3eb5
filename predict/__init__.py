"""The trained model, used on pictures: `python -m predict`."""


class PredictError(Exception):
    """A user-correctable error. The text is one line, without the name of the file."""
