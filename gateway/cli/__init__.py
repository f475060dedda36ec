"""The command `illgate`.

Exit codes, so that scripts can tell causes apart:

- 0: done
- 1: a business refusal, or `check` has found problems
- 2: wrong usage
- 3: gateway.yml, a profile or an adapter can't be used
- 4: the store, a library's system or a partner can't be reached
- 5: sent, but no answer came: the outcome is not known
"""

from gateway.cli.app import main

__all__ = ["main"]
