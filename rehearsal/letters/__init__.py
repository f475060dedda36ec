"""A library that is played and reads letters."""
