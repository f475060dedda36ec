"""What the world is told of an event, by stream and webhook alike: that it happened, to which request.

Details, notes and links are left out: whoever may see them asks for the request.
"""

from __future__ import annotations

from collections.abc import Mapping

from gateway.domain.requests.views import HistoryLine


def happened(line: HistoryLine) -> Mapping[str, str]:
    """`denied` is there when the event did not fit and so changed nothing."""
    told = {
        "id": line.id,
        "at": line.at.isoformat().replace("+00:00", "Z"),
        "request": line.request_id,
        "event": line.event.kind.value,
        "origin": line.event.signal.origin.value,
        "before": line.before,
        "after": line.after,
    }
    return {**told, "denied": line.denied} if line.denied else told
