"""Who runs the trials of a study, where they are stored, and what they leave."""
