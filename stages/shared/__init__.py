"""What the stages import."""
