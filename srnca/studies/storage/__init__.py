"""Where a study is stored and what it holds: attributes, checks, and its trials as plain data."""
