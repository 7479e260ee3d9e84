"""Pareto fronts of equations: which are kept, how engines compete for one, and the file of a front."""
