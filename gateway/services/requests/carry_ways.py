"""Whether a partner can be told of an event at all: as it is, in a note, or not."""

from __future__ import annotations

from enum import StrEnum

from gateway.domain.profile import Profile
from gateway.domain.requests.events import EventKind
from gateway.domain.requests.request import Role
from gateway.ports.partner_channel import LimitedChannel, PartnerChannel


class CarryWay(StrEnum):
    CARRIED = "carried"
    NOTE = "as note"
    LOST = "lost"


def choose_carry_way(channel: PartnerChannel | None, kind: EventKind, role: Role, profile: Profile) -> CarryWay:
    """`channel`: the partner's; None: it has none. `role`: ours."""
    if channel is None:
        return CarryWay.LOST
    if not isinstance(channel, LimitedChannel) or channel.has_message(kind, role, profile):
        return CarryWay.CARRIED
    return CarryWay.NOTE if channel.has_message(EventKind.MESSAGE, role, profile) else CarryWay.LOST
