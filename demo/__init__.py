"""Rehearsals: gateways, libraries and a mail server in one process, and stories that are played with them."""
