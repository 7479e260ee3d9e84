"""Partial differential equations from recordings, through their weak form."""
