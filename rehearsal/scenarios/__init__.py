"""Scenarios: what whoever is played says to which message. Those that come along are in `shipped`."""
