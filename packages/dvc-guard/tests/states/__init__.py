"""States that a user's project may be in, and what a killed run or damage adds: restore must lose nothing in any."""
