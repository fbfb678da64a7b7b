"""Where runs and their files are kept."""
