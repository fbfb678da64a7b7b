"""What a run leaves behind: the journal, the files of the run directory, the artifacts."""
