"""Plain frozen facts: what is traded, what happened, what was found. Standard library only."""
