"""Recovery of the workspace."""
