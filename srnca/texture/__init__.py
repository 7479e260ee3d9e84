"""Automata that learn the texture of a picture, and their rules."""
