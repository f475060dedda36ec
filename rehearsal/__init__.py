"""Plays, fakes and tries other systems: `illgate mock`, `fake`, `send`, `conformance`.

Nothing in `gateway` or `adapters` imports it: its commands are found by entry points.
"""
