"""`illgate mock`, and what all who are played have in common."""
