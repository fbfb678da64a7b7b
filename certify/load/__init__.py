"""Open-loop load: what is asked of the generator, and what its stamps say about the system."""
