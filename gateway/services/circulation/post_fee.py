"""PostFee: a patron is to pay something for an interlibrary loan."""

from __future__ import annotations

from gateway.domain.commands import FeePosted, PostFee
from gateway.domain.identifiers import request_number
from gateway.domain.library import Money
from gateway.domain.problems import About, Reason, Refused
from gateway.ports.library import Capability
from gateway.services.circulation import patrons
from gateway.services.circulation.desk import Desk, doing, need

NO_CURRENCY = "XXX"
"""ISO 4217 for 'no currency': an amount whose currency was not sent."""


async def post_fee(command: PostFee, desk: Desk, key: str) -> FeePosted:
    """Without an amount, or with zero (ReShare's `charge-default-patron-fee`, facts/ncip.md 2.4), the profile's
    default is charged. A reference, request or item tells two equal fees apart; without any, the day does.

    Raises Refused(UNKNOWN_PATRON | INVALID_AMOUNT).
    """
    need(desk, Capability.POST_FEE)
    patron = await patrons.resolve(command.patron, desk)
    amount = _amount(command, desk)
    told_apart = command.reference or command.request is not None or command.item is not None
    item = desk.policy.items.rewrite.apply(command.item.value) if command.item is not None else ""
    with doing(About.AMOUNT, str(amount.amount)):
        charge = await desk.library.post_fee(
            patron.id,
            amount,
            _type(command, desk),
            key if told_apart else f"{key}:{desk.today().isoformat()}",
            description=command.description,
            item_barcode=item,
            request_id=request_number(command.request, desk.policy).value,
        )
    return FeePosted(charge, patron)


def _amount(command: PostFee, desk: Desk) -> Money:
    fees = desk.policy.fees
    usual = fees.currency or desk.currency
    if command.amount is None or not command.amount.amount:
        return Money(fees.default_amount, usual)
    if command.amount.amount < 0:
        raise Refused(
            Reason.INVALID_AMOUNT,
            "Only amounts to be paid can be posted, no credits.",
            about=About.AMOUNT,
            value=str(command.amount.amount),
        )
    if command.amount.currency == NO_CURRENCY:
        return Money(command.amount.amount, usual)
    return command.amount


def _type(command: PostFee, desk: Desk) -> str:
    """The more exact word counts first."""
    types = desk.policy.fees.types
    by_type = types.get(command.type.strip().lower())
    return by_type or types.get(command.action.strip().lower()) or desk.policy.fees.default_type
