"""A form that makes a request is good for one: sent twice, or by two windows at once, it is the same request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from gateway.domain.requests.request import Request
from gateway.ports.shared_store import Transaction
from gateway.services.requests.intake import Claim
from gateway.services.requests.library_context import LibraryContext
from gateway.store import patron_sessions

FORM_MEMORY = timedelta(days=2)
"""So long a form is remembered once it has been sent."""


class FormAlreadySentError(Exception):
    """The form has become a request already."""

    def __init__(self, request_id: str) -> None:
        super().__init__("the form was sent before")
        self.request_id = request_id


async def create_once(context: LibraryContext, key: str, create: Callable[[Claim], Awaitable[Request]]) -> str:
    """Id of the request, the same however often and by however many at once. `key`: of the form, not to be guessed;
    `create`: makes the request with this claim. Raises what `create` raises."""
    symbol = context.symbol
    if before := await context.store.read(lambda c: patron_sessions.find_sent_form(c, symbol, key)):
        return before

    def claim_form_key(connection: Transaction, request: Request) -> None:
        if request_id := patron_sessions.claim_form(connection, symbol, key, request.id, context.now()):
            raise FormAlreadySentError(request_id)

    try:
        return (await create(claim_form_key)).id
    except FormAlreadySentError as before_us:
        return before_us.request_id


async def prune_sent_forms(context: LibraryContext, now: datetime) -> int:
    """Those that are remembered no longer; how many. Raises Unavailable."""
    return await context.store.write(lambda c: patron_sessions.prune_forms(c, context.symbol, now - FORM_MEMORY))
