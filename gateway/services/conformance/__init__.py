"""Trials of a partner's system: its answers compared with what the standard wants, in a report that can be signed
(docs/rehearsing.md)."""
