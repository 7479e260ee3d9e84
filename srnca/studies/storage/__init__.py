"""What a study holds and where: the names of its attributes, journal or database, checks, and its trials as read."""
