"""Automata that learn the texture of a picture, and the rules that are distilled from them."""
