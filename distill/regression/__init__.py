"""Regression on sampled cells: term library, subset selection, least squares and rounding of constants."""
