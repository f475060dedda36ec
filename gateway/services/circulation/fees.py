"""Charges of patrons on behalf of partners."""

from __future__ import annotations

from gateway.domain.circulation_policy import LibraryService
from gateway.domain.commands import AcceptItem, FeePosted, PostFee
from gateway.domain.library import Money, Patron
from gateway.domain.partner_identifiers import list_item_barcodes, read_request_number
from gateway.domain.problems import MessagePart, RefusalReason, Refused
from gateway.domain.sentences import write_sentence
from gateway.ports.library_system import Capability
from gateway.ports.partner_things import ThingKind
from gateway.services.circulation.context import CirculationContext, change_refusals_about, require_capability
from gateway.services.circulation.items import find_visible_item
from gateway.services.circulation.own_things import Maker
from gateway.services.circulation.ownership import has_own_things, require_right
from gateway.services.circulation.patrons import resolve_patron

NO_CURRENCY = "XXX"
"""ISO 4217 for 'no currency': an amount whose currency was not sent."""


async def post_fee(command: PostFee, context: CirculationContext, key: str) -> FeePosted:
    """Post a fee; without an amount, or with zero (ReShare's `charge-default-patron-fee`, facts/ncip.md 2.4), the
    profile's default is charged. A reference, request or item (by id or title) tells two equal fees apart, and a repeat
    from another fee; without any, each message is a fee of its own: two books may have come on one day.

    Raises Refused(UNKNOWN_PATRON | INVALID_AMOUNT | UNAUTHORIZED_SERVICE).
    """
    require_capability(context, Capability.POST_FEE)
    patron = await resolve_patron(command.patron, context)
    is_allowed = context.policy.allows_on_library_things(LibraryService.POST_FEE)
    if not is_allowed and not await _is_about_own_thing(command, patron, context):
        require_right(LibraryService.POST_FEE, context)
    amount = _choose_amount(command, context)
    told_apart = command.reference or command.request is not None or command.item is not None or command.title
    item = context.policy.items.rewrite.rewrite_identifier(command.item.value) if command.item is not None else ""
    with change_refusals_about(MessagePart.AMOUNT, str(amount.amount)):
        charge = await context.library.post_fee(
            patron.id,
            amount,
            choose_fee_type(command.type, command.action, context),
            key if told_apart else f"{key}:{context.identify_message() or context.today().isoformat()}",
            description=command.description or command.title,
            item_barcode=item,
            request_id=read_request_number(command.request, context.policy).value,
        )
    return FeePosted(charge, patron)


async def _is_about_own_thing(command: PostFee, patron: Patron, context: CirculationContext) -> bool:
    """Return whether the partner has to do with this patron: it has made the patron, or the patron has what of its own
    it charges for; where it names nothing of its own, any loan or request of its making."""
    if await context.things.find_maker(ThingKind.PATRON, patron.id) is Maker.THIS_PARTNER:
        return True
    return await has_own_things(patron.id, context, await _list_own_things(command, context))


async def _list_own_things(command: PostFee, context: CirculationContext) -> list[tuple[ThingKind, str]]:
    """List what of its own the partner charges for."""
    things = context.things
    own, _ = await things.list_things_of_request(read_request_number(command.request, context.policy).value)
    own_things = [(thing.kind, thing.id) for thing in own]
    for barcode in list_item_barcodes(command.item, context.sender, context.policy) if command.item else ():
        item = await find_visible_item(barcode, context)
        if item is not None and await things.find_maker(ThingKind.ITEM, item.id) is Maker.THIS_PARTNER:
            own_things.append((ThingKind.ITEM, item.id))
    return own_things


def _choose_amount(command: PostFee, context: CirculationContext) -> Money:
    if command.amount is None or not command.amount.amount:
        return Money(context.policy.fees.default_amount, _get_usual_currency(context))
    return _check_charge(command.amount, context)


def choose_item_fee(command: AcceptItem, context: CirculationContext) -> Money | None:
    """Choose what the patron owes for an item that comes; None: nothing. Looked at before anything is made of the item,
    so that all library systems take it: they keep their accounts in one currency.

    Raises Refused(INVALID_AMOUNT | UNAUTHORIZED_SERVICE).
    """
    fees = context.policy.fees
    if command.fee is None or not command.fee.amount:
        is_default = command.fee_action.strip().lower() in fees.default_actions
        fee = Money(fees.default_amount, _get_usual_currency(context))
        if not is_default or not fee.amount:
            return None
    else:
        fee = _check_charge(command.fee, context)
    return _require_account_currency(fee, context)


def _get_usual_currency(context: CirculationContext) -> str:
    return context.policy.fees.currency or context.currency


def _check_charge(amount: Money, context: CirculationContext) -> Money:
    """Check an amount, with the usual currency where none was sent. In another than the library's no amount can be
    compared with what the partner may charge. Raises Refused(INVALID_AMOUNT | UNAUTHORIZED_SERVICE)."""
    if amount.amount < 0:
        raise Refused(
            RefusalReason.INVALID_AMOUNT,
            "Only charges can be posted, not credits.",
            about=MessagePart.AMOUNT,
            value=str(amount.amount),
        )
    if amount.currency == NO_CURRENCY:
        amount = Money(amount.amount, _get_usual_currency(context))
    amount = _require_account_currency(amount, context)
    if amount.amount > context.policy.rights.max_charge:
        raise Refused(
            RefusalReason.UNAUTHORIZED_SERVICE,
            "This partner is not allowed to charge this amount.",
            about=MessagePart.AMOUNT,
            value=str(amount.amount),
        )
    return amount


def _require_account_currency(amount: Money, context: CirculationContext) -> Money:
    if amount.currency != context.currency:
        raise Refused(
            RefusalReason.INVALID_AMOUNT,
            write_sentence("The library keeps its accounts in %(currency)s.", currency=context.currency),
            about=MessagePart.AMOUNT,
            value=amount.currency,
        )
    return amount


def choose_fee_type(type_: str, action: str, context: CirculationContext) -> str:
    """The more exact word counts first."""
    types = context.policy.fees.types
    by_type = types.get(type_.strip().lower())
    return by_type or types.get(action.strip().lower()) or context.policy.fees.default_type
