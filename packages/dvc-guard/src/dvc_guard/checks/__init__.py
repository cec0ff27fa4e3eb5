"""Checks of a commit, for CI."""
