"""A library's own system that speaks SIP2."""
