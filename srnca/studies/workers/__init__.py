"""Running a study: founding it, and the workers that train its trials."""
