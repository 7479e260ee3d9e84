"""The command line: the only part that prints, draws progress and sets exit codes."""
