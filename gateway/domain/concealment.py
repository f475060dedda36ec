"""What stands where a PIN, a password or another secret was, in everything that is kept."""

from __future__ import annotations

CONCEALED = "********"
"""Always as long, so that it tells nothing of what it stands for. Binary formats, whose lengths must stay right, fill
the place of a secret with its first character."""
