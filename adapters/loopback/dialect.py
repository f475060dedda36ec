"""Section `loopback` of a profile: there is nothing to be tailored yet."""

from __future__ import annotations

from gateway.domain.policy import Section


class LoopbackDialect(Section):
    """No keys."""
