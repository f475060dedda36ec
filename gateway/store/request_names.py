"""RequestNames: what a managed request is called in rows that don't belong to it alone."""

from __future__ import annotations

from gateway.domain.value import value_object


@value_object
class RequestNames:
    """A managed request, whose whole conversation is wanted. `id`: ours; `own`: what messages of nobody's profile may
    call it; `partners`: profile and number by which a partner knows it, or we call it to that partner."""

    id: str
    own: tuple[str, ...]
    partners: tuple[tuple[str, str], ...] = ()
