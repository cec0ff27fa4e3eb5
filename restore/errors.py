"""The error that ends a restore."""


class RestoreError(Exception):
    """The workspace cannot be restored. The text is one line: why, and what to do."""
