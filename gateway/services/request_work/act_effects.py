"""Effects outside of an act of staff: messages, letters and calls to the library's system, as outbox rows.

They are made with the event, so that what a page says of an act can be read from them.
"""

from __future__ import annotations

from gateway.domain.problems import Refused, Unavailable
from gateway.domain.requests.events import EventKind
from gateway.domain.value import value_object
from gateway.services.letters.renderer import mail_address
from gateway.services.request_work.patron_notices import find_reader
from gateway.services.requests.effects import LETTER, LIBRARY, PARTNER
from gateway.services.requests.library_context import LibraryContext, require_request
from gateway.services.requests.undone_acts import list_effect_rows
from gateway.store.requests.order_batches import ORDER
from gateway.store.requests.request_rows import parse_message


@value_object(kw_only=True)
class ActEffects:
    """`messages`: kinds of those to partners; `letters`: to the patron, by
    template; `steps`: of the library's system. `has_mail_address`: of the patron who gets the letters; None: there are
    none, or it isn't known."""

    messages: tuple[EventKind, ...] = ()
    letters: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    has_mail_address: bool | None = None


async def find_act_effects(context: LibraryContext, request_id: str, kind: EventKind) -> ActEffects:
    """Find the effects; raises NotFound."""
    rows = await context.store.read(lambda c: list_effect_rows(c, context, request_id, kind))
    letters = tuple(row.target for row in rows if row.kind == LETTER)
    return ActEffects(
        messages=tuple(parse_message(row.payload).kind for row in rows if row.kind in (PARTNER, ORDER)),
        letters=letters,
        steps=tuple(row.target for row in rows if row.kind == LIBRARY),
        has_mail_address=await _has_mail_address(context, request_id) if letters else None,
    )


async def _has_mail_address(context: LibraryContext, request_id: str) -> bool | None:
    try:
        patron = await find_reader(context, await require_request(context, request_id))
    except (Refused, Unavailable):
        return None
    return bool(mail_address(patron, context.today()))
