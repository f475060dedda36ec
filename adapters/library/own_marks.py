"""The mark of what the gateway makes in a system that keeps no key of ours: by it that is found again where an answer
was lost. Pure."""

from __future__ import annotations

from hashlib import sha256

MARK_PREFIX = "illgate:"
"""Holds, fees and partners' items that the gateway makes have this and a text made of the key in a note."""

LASTING_PREFIX = "illgate-item:"
"""The same of items that stay."""


def make_mark(key: str, prefix: str = MARK_PREFIX) -> str:
    return prefix + sha256(key.encode()).hexdigest()[:20]


def write_marked_note(key: str, request_id: str, note: str = "") -> str:
    parts = (f"ILL {request_id}" if request_id else "", note, make_mark(key))
    return " ".join(part for part in parts if part)
