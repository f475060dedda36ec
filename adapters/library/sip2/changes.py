"""How a change is sent to a SIP2 system, at most once.

It is written down, sent, and ended or dropped. Where the answer is lost, the system is asked at once whether it was
done. If it was not, or nobody can tell, the outcome stays unknown: the system may be slow and do it yet. The next call
under the same key asks again before it sends (facts/ils-backends.md section 5).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from adapters.library.sip2.client import Conversation, ServerAbility
from adapters.library.sip2.codec import Query, Reply, UnsendableValueError
from adapters.library.sip2.lookups import Sip2Desk
from gateway.domain.problems import OutcomeUnknown, RefusalReason, Refused, Unavailable
from gateway.ports.library_changes import LibraryChange

log = structlog.get_logger(component="sip2")

T = TypeVar("T")


async def send_change(
    desk: Sip2Desk,
    talk: Conversation,
    change: LibraryChange,
    query: Query,
    find_it_done: Callable[[], Awaitable[T | None]],
    *,
    before: LibraryChange | None,
) -> Reply | T:
    """The system's answer or, where it was lost, what was found to be done. `before`: what is known under this key
    already; it comes back where nothing was sent now.

    Raises Unavailable (nothing was sent), Refused (it can't be sent), OutcomeUnknown.
    """
    await desk.changes.begin_change(change)
    try:
        return await talk.change(query)
    except UnsendableValueError as error:
        await _restore_change(desk, change, before)
        raise Refused(
            RefusalReason.INVALID_VALUE, "The library's system can't take a value of this.", internal=str(error)
        ) from error
    except Unavailable:
        await _restore_change(desk, change, before)
        raise
    except OutcomeUnknown as unknown:
        log.info("sip2.answer_lost", message=query.code, reason=str(unknown))
        try:
            found = await find_it_done()
        except (Unavailable, Refused) as failure:
            raise unknown from failure
        if found is None:
            raise
        return found


async def _restore_change(desk: Sip2Desk, change: LibraryChange, before: LibraryChange | None) -> None:
    if before is not None:
        await desk.changes.begin_change(before)
    else:
        await desk.changes.drop_change(change.kind, change.key)


async def end_session(desk: Sip2Desk, talk: Conversation, patron_id: str) -> None:
    """The change is done whether or not the system hears that the patron has finished."""
    if not desk.options.end_session or not desk.can_do(ServerAbility.END_SESSION):
        return
    try:
        await talk.ask(desk.writer.end_session(patron_id, desk.now()))
    except Unavailable as down:
        log.info("sip2.session_not_ended", reason=str(down))
