"""Managed requests: one use case a module.

`happen` is the one way in which a request changes; `intake`, `incoming` and `acts` are how events come about,
`sourcing`, `locating` and the other followers what goes on from them.
"""
