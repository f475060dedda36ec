"""Partners that are played by ISO 18626, ISO ILL and mail."""
