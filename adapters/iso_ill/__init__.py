"""ISO ILL (ISO 10160/10161): README.md says what of the standard is spoken."""
