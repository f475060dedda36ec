"""References to secrets in settings and profiles."""

from __future__ import annotations

from collections.abc import Callable

Secrets = Callable[[str], str]
"""Resolves `env:NAME` or `file:PATH`; raises a ConfigurationError when it can't."""
