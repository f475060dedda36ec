"""Orders that wait for others, to go to a partner in one mail: which do, and until when.

gateway/store/requests/gathering.py says which rows of the outbox take part; `filing` does what is to be done with them.
"""

from __future__ import annotations

from sqlalchemy import Connection

from gateway.domain.profile import Profile
from gateway.domain.requests import gathering as times
from gateway.domain.requests import numbers
from gateway.domain.requests.events import Kind
from gateway.domain.requests.partner_mail import Gather
from gateway.domain.requests.request import Role
from gateway.ports.channel import Gathers, PartnerMessage
from gateway.services.requests.house import House
from gateway.store.requests import gathering, sequences
from gateway.store.requests.outbox import Row


def waits_for_others(house: House, message: PartnerMessage) -> bool:
    """Only orders do; what else is said goes at once. An order's turn comes before whatever is said about it."""
    if message.kind is not Kind.REQUEST or message.role is not Role.BORROWING:
        return False
    return _rule(house, message.receiver.profile) is not None


def _rule(house: House, target: str) -> Gather | None:
    partner = house.partner(target)
    return partner.mail.gather if partner is not None else None


def set_alarm(connection: Connection, house: House, order: Row) -> None:
    """An order that waits for others was added to the outbox."""
    rule = _rule(house, order.target)
    assert rule is not None, "it waits by a rule"
    due = times.due(rule, order.created, house.calendar)
    gathering.awaits(connection, house.symbol, order.target, order.created, due, rule.most)


def file_number(connection: Connection, house: House, profile: Profile, rule: Gather, *, taken: bool = True) -> str:
    """The next one. `taken`: nobody else gets it."""
    partner = profile.partner
    fields = numbers.NumberFields(
        at=house.now(), zone=house.zone, partner=partner.symbol if partner is not None else ""
    )
    series = numbers.series(rule.number, fields, house.policy().numbers.prefix)
    count = sequences.following if taken else sequences.upcoming
    return series.number(count(connection, house.symbol, series.sequence))


def channel_of(house: House, target: str) -> tuple[Profile, Gather, Gathers] | None:
    """None: the partner's orders are not gathered (any more)."""
    profile = house.profile(target)
    partner = profile.partner if profile is not None else None
    if profile is None or partner is None or partner.mail.gather is None:
        return None
    channel = house.channels.get(partner.channel)
    return (profile, partner.mail.gather, channel) if isinstance(channel, Gathers) else None
