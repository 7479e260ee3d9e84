"""What a study has found: tables, correlations, importances and suggestions."""
