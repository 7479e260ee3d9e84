"""What people think of a study's pictures, and a score that is learned from it."""
