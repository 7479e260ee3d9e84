"""Pictures, films and recordings: reading and writing, each format in a file of its own."""
