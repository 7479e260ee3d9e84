"""Ratings of a study's pictures by people, and a score that is learned from them."""
