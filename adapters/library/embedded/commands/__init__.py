"""`illgate library`: looking into the embedded library, its desk, and bringing in data."""

from adapters.library.embedded.commands.group import command

__all__ = ["command"]
