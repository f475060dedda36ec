"""Managed requests, their history, timers and outbox: plain functions over a Connection, the same on both databases.

The caller decides what makes one transaction: `await store.write(lambda c: …)`. Every row has a library, and all
access goes through it; only the workers that serve every library (outbox, timers) look across.
"""
