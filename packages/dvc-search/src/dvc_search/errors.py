"""The errors that a user can correct."""


class SearchError(Exception):
    """A user-correctable error. Each line of its text is one error: where, what is wrong, and what is allowed."""


class GitError(Exception):
    """A Git command failed; the text is one line."""
