"""Marks that staff give requests for themselves: who sees to it, and labels of their own.

Neither changes what happens to a request, so its version stays and nobody's work on it is in vain.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from gateway.domain.problems import MessagePart, RefusalReason, Refused
from gateway.domain.requests.request import Request
from gateway.domain.requests.take_back import MarkChange, take_back_marks
from gateway.domain.requests.views import NotFound
from gateway.domain.sentences import write_sentence
from gateway.domain.value import replace, value_object
from gateway.ports.shared_store import Transaction
from gateway.services.requests.library_context import LibraryContext
from gateway.store.requests import requests

MAX_NAME_CHARS = 100
MAX_LABEL_CHARS = 40
MAX_LABELS = 20


@value_object
class RequestMarkService:
    context: LibraryContext

    async def assign(self, request_id: str, assignee: str) -> Request:
        """Assign a request to who sees to it from now on; empty: nobody in particular. Raises NotFound, Refused
        (INVALID_VALUE)."""
        name = _check_line(assignee, "The name", MAX_NAME_CHARS)
        return await self._mark(request_id, lambda request: replace(request, assignee=name))

    async def change_labels(self, request_id: str, add: Collection[str] = (), remove: Collection[str] = ()) -> Request:
        """Change labels; raises NotFound, Refused (INVALID_VALUE)."""
        new = [checked for label in add if (checked := _check_line(label, "A label", MAX_LABEL_CHARS))]
        gone = {" ".join(label.split()) for label in remove}

        def change_request_labels(request: Request) -> Request:
            labels = tuple(dict.fromkeys(label for label in (*request.labels, *new) if label not in gone))
            if len(labels) > MAX_LABELS:
                raise Refused(
                    RefusalReason.INVALID_VALUE,
                    write_sentence("A request can have up to %(most)s labels.", most=MAX_LABELS),
                    about=MessagePart.REQUEST,
                )
            return replace(request, labels=labels)

        return await self._mark(request_id, change_request_labels)

    async def take_back_changes(self, changes: Sequence[MarkChange]) -> int:
        """All that are still to be taken back, in one transaction; how many that were."""

        def set_marks_back(connection: Transaction) -> int:
            count = 0
            for change in sorted(changes, key=lambda mark_change: mark_change.request_id):
                request = requests.lock_request(connection, self.context.symbol, change.request_id)
                if request is not None and (back := take_back_marks(request, change)) != request:
                    requests.amend_request(connection, back)
                    count += 1
            return count

        return await self.context.store.write(set_marks_back)

    async def _mark(self, request_id: str, change: Callable[[Request], Request]) -> Request:

        def save_marks(connection: Transaction) -> Request:
            request = requests.lock_request(connection, self.context.symbol, request_id)
            if request is None:
                raise NotFound("request")
            changed = change(request)
            if changed != request:
                requests.amend_request(connection, changed)
            return changed

        return await self.context.store.write(save_marks)


def _check_line(text: str, what: str, longest: int) -> str:
    """Return a line with single blanks. Raises Refused (INVALID_VALUE)."""
    line = " ".join(text.split())
    if len(line) > longest or not line.isprintable():
        raise Refused(
            RefusalReason.INVALID_VALUE,
            write_sentence("%(what)s can have up to %(longest)s printable characters.", what=what, longest=longest),
            value=text,
        )
    return line
