"""What the daemon asks of the outside. Adapters implement these ports; the gateway calls nothing else.

- `library`: the library's own system
- `protocol`: a wire protocol that asks us things, and how we play a partner in it
- `adapter`: how an adapter offers itself under the entry point group `illgate.adapters`
"""
