"""Sending of a change to a SIP2 system, at most once: see `adapters.library.change_sending`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from adapters.library.sip2.client import ServerAbility, Sip2Conversation
from adapters.library.sip2.codec import Query, Sip2Reply, UnsendableValueError
from adapters.library.sip2.lookups import Sip2Desk
from adapters.library.sip2.reasons import refusal_of_message
from gateway.domain.problems import RefusalReason, Refused, Unavailable
from gateway.ports.library_changes import LibraryChange

log = structlog.get_logger(component="sip2")

T = TypeVar("T")


async def send_query(talk: Sip2Conversation, query: Query) -> Sip2Reply:
    """Send a message; raises Unavailable (nothing was sent), Refused (it can't be sent), OutcomeUnknown."""
    try:
        return await talk.change(query)
    except UnsendableValueError as error:
        raise Refused(
            RefusalReason.INVALID_VALUE, "The library system cannot accept one of these values.", internal=str(error)
        ) from error


async def send_message(
    desk: Sip2Desk,
    talk: Sip2Conversation,
    change: LibraryChange,
    query: Query,
    find_it_done: Callable[[], Awaitable[T | None]],
    *,
    before: LibraryChange | None,
    refuse: Callable[[Sip2Reply], Refused] | None = None,
) -> Sip2Reply | T:
    """Send the message of a change; what is refused now may have been done at an earlier try. `refuse`: reads a no.
    Raises Unavailable (nothing was sent), Refused, OutcomeUnknown."""

    async def send_and_judge() -> Sip2Reply:
        reply = await send_query(talk, query)
        if reply.fixed["ok"] == "1":
            return reply
        if refuse is not None:
            raise refuse(reply)
        raise refusal_of_message(reply.screen_message, desk.options.reasons)

    is_again = before is not None
    return await desk.send_change(change, send_and_judge, find_it_done, before=before, is_refused_twice=is_again)


async def end_session(desk: Sip2Desk, talk: Sip2Conversation, patron_id: str) -> None:
    """The change is done whether or not the system hears that the patron has finished."""
    if not desk.options.end_session or not desk.can_do(ServerAbility.END_SESSION):
        return
    try:
        await talk.ask(desk.writer.end_session(patron_id, desk.now()))
    except Unavailable as down:
        log.info("sip2.session_not_ended", reason=str(down))
