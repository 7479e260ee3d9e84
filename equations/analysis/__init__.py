"""Reading a rule: what its terms do, where it rests, and which small disturbances grow."""
