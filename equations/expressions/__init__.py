"""Expressions: trees, operators, terms, infix notation, evaluation on arrays."""
