"""How much of a message is looked at, whoever sent it."""

from __future__ import annotations

from gateway.domain.frozen import frozen


@frozen
class Limits:
    """`size` in bytes; `depth` of values inside values; `elements` read in one message beyond those of its own
    structure: entries of lists, unknown fields, parts of texts; `notes` kept."""

    size: int = 1_000_000
    depth: int = 32
    elements: int = 20_000
    notes: int = 100


DEFAULT_LIMITS = Limits()
