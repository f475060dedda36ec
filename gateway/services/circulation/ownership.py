"""Things that a partner may touch: those that belong to it.

Items, holds, loans and patrons that a partner made are that partner's: to another they are not there, in the same words
as one that never was. What nobody is known to have made is the library's own; what a partner may do with that, its
profile says by name (`circulation.rights`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from gateway.domain.circulation_policy import LibraryService
from gateway.domain.library import Hold, Item, Loan
from gateway.domain.problems import MessagePart, RefusalReason, Refused
from gateway.ports.partner_things import ThingKind
from gateway.services.circulation.context import CirculationContext
from gateway.services.circulation.own_things import Maker

# --- what isn't there for this partner -------------------------------------------------------------------


async def is_item_of_another(item: Item, context: CirculationContext) -> bool:
    return await context.things.find_maker(ThingKind.ITEM, item.id) is Maker.ANOTHER_PARTNER


async def list_visible_items(items: Iterable[Item], context: CirculationContext) -> tuple[Item, ...]:
    listed = tuple(items)
    makers = await context.things.find_makers(ThingKind.ITEM, (item.id for item in listed))
    return tuple(item for item in listed if makers.get(item.id) is not Maker.ANOTHER_PARTNER)


async def find_hold_maker(hold: Hold, context: CirculationContext) -> Maker:
    """A hold that nobody is known to have placed goes with its item."""
    maker = await context.things.find_maker(ThingKind.HOLD, hold.id)
    if maker is Maker.LIBRARY:
        maker = await context.things.find_maker(ThingKind.ITEM, hold.item_id)
    return maker


async def find_loan_maker(loan: Loan, context: CirculationContext) -> Maker:
    """A loan that nobody is known to have made goes with its item."""
    maker = await context.things.find_maker(ThingKind.LOAN, loan.id)
    if maker is Maker.LIBRARY:
        maker = await context.things.find_maker(ThingKind.ITEM, loan.item_id)
    return maker


async def list_visible_holds(holds: Iterable[Hold], context: CirculationContext) -> tuple[Hold, ...]:
    listed = tuple(holds)
    await _find_makers(ThingKind.HOLD, listed, context)
    return tuple([hold for hold in listed if await find_hold_maker(hold, context) is not Maker.ANOTHER_PARTNER])


async def list_visible_loans(loans: Iterable[Loan], context: CirculationContext) -> tuple[Loan, ...]:
    listed = tuple(loans)
    await _find_makers(ThingKind.LOAN, listed, context)
    return tuple([loan for loan in listed if await find_loan_maker(loan, context) is not Maker.ANOTHER_PARTNER])


async def has_own_things(
    patron_id: str, context: CirculationContext, named: Collection[tuple[ThingKind, str]] = ()
) -> bool:
    """Return whether the patron has a loan or a request of this partner's making; where things are named, one of
    those."""
    loans = await context.library.patron_loans(patron_id)
    await _find_makers(ThingKind.LOAN, loans, context)
    for loan in loans:
        if await find_loan_maker(loan, context) is Maker.THIS_PARTNER and _is_among(ThingKind.LOAN, loan, named):
            return True
    holds = await context.library.patron_holds(patron_id)
    await _find_makers(ThingKind.HOLD, holds, context)
    for hold in holds:
        if await find_hold_maker(hold, context) is Maker.THIS_PARTNER and _is_among(ThingKind.HOLD, hold, named):
            return True
    return False


def _is_among(kind: ThingKind, hold: Hold | Loan, named: Collection[tuple[ThingKind, str]]) -> bool:
    return not named or (kind, hold.id) in named or (ThingKind.ITEM, hold.item_id) in named


async def _find_makers(kind: ThingKind, holds: Iterable[Hold | Loan], context: CirculationContext) -> None:
    """Find the makers at once, however many there are: each is asked of afterwards, and known."""
    items = {hold.id: hold.item_id for hold in holds}
    makers = await context.things.find_makers(kind, items)
    await context.things.find_makers(ThingKind.ITEM, (items[id_] for id_ in makers if makers[id_] is Maker.LIBRARY))


async def is_number_of_another(number: str, context: CirculationContext) -> bool:
    """Return whether a request number is known, and not as this partner's."""
    own, has_others = await context.things.list_things_of_request(number)
    return has_others and not own


# --- what is the library's own ---------------------------------------------------------------------------


def require_right(service: LibraryService, context: CirculationContext) -> None:
    """Raise Refused(UNAUTHORIZED_SERVICE) where the profile doesn't name it."""
    if not context.policy.allows_on_library_things(service):
        raise Refused(
            RefusalReason.UNAUTHORIZED_SERVICE,
            "This partner is not allowed to do this with items, loans and requests that are not its own.",
            about=MessagePart.SERVICE,
        )


async def require_item_right(item: Item, service: LibraryService, context: CirculationContext) -> None:
    """Raise Refused(UNAUTHORIZED_SERVICE) for an item of the library that the profile doesn't let the partner use so.
    That of another partner isn't found in the first place."""
    if await context.things.find_maker(ThingKind.ITEM, item.id) is Maker.LIBRARY:
        require_right(service, context)


async def require_hold_right(hold: Hold, service: LibraryService, context: CirculationContext) -> None:
    """Require the right to a hold; raises Refused(UNAUTHORIZED_SERVICE). That of another partner isn't found in the
    first place."""
    if await find_hold_maker(hold, context) is Maker.LIBRARY:
        require_right(service, context)


async def has_hold_right(hold: Hold, service: LibraryService, context: CirculationContext) -> bool:
    maker = await find_hold_maker(hold, context)
    return maker is Maker.THIS_PARTNER or (maker is Maker.LIBRARY and context.policy.allows_on_library_things(service))


async def require_loan_right(loan: Loan, service: LibraryService, context: CirculationContext) -> None:
    """Require the right to a loan; raises Refused(UNAUTHORIZED_SERVICE). That of another partner isn't found in the
    first place."""
    if await find_loan_maker(loan, context) is Maker.LIBRARY:
        require_right(service, context)
