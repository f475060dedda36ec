"""The section of an embedded library in gateway.yml."""

from __future__ import annotations

from gateway.domain.policy import Section


class EmbeddedOptions(Section):
    """Nothing but its type: who the library is stands beside it, how it works in its own tables."""
