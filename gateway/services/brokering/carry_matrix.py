"""Events that a broker can carry between two partners: computed from what their channels have messages for.

A partner's own messages are taken to be those that its channel has: both sides of a profile speak one format.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gateway.domain.profile import Profile
from gateway.domain.requests.brokered_requests import CARRIED
from gateway.domain.requests.events import EventKind, EventOrigin
from gateway.domain.requests.request import Role
from gateway.domain.value import value_object
from gateway.ports.partner_channel import CarryWay, PartnerChannel, choose_carry_way

ENDS = (EventKind.UNFILLED, EventKind.RETRY, EventKind.CANCEL_ACCEPTED)
"""What a supplier says that the requester hears when the borrowing leg ends."""


@value_object(kw_only=True)
class CarriedEvent:
    """`speaker`: of the two partners; `way` None: its format has no such message, so there is nothing to carry."""

    kind: EventKind
    speaker: Role  # borrowing: the requester, lending: the supplier
    way: CarryWay | None


@value_object(kw_only=True)
class CarriedPair:
    requester: Profile
    supplier: Profile
    events: tuple[CarriedEvent, ...]

    def list_kinds(self, way: CarryWay) -> tuple[EventKind, ...]:
        return tuple(dict.fromkeys(one.kind for one in self.events if one.way is way))


def compute_carried_pair(
    requester: Profile, supplier: Profile, channels: Mapping[str, PartnerChannel]
) -> CarriedPair | None:
    """`channels`: by name. None: the supplier can't be asked by its channel, or the requester can't be answered."""
    asked = choose_carry_way(_find_channel(supplier, channels), EventKind.REQUEST, Role.BORROWING, supplier)
    answered = choose_carry_way(_find_channel(requester, channels), EventKind.UNFILLED, Role.LENDING, requester)
    if CarryWay.LOST in (asked, answered):
        return None
    events = (
        CarriedEvent(kind=kind, speaker=speaker, way=_find_way(kind, acts, speaker, (requester, supplier), channels))
        for speaker, kind, acts in _iterate_carried()
    )
    return CarriedPair(requester=requester, supplier=supplier, events=tuple(events))


def _iterate_carried() -> Iterator[tuple[Role, EventKind, tuple[EventKind, ...]]]:
    """Iterate over who says what, and as which acts it may be said on."""
    for (leg, signal), carry_rules in CARRIED.items():
        if signal.origin is EventOrigin.PARTNER:
            speaker = Role.LENDING if leg is Role.BORROWING else Role.BORROWING
            yield speaker, signal.kind, carry_rules[0].acts
    for kind in ENDS:
        yield Role.LENDING, kind, (kind,)


def _find_way(
    kind: EventKind,
    acts: tuple[EventKind, ...],
    speaker: Role,
    partners: tuple[Profile, Profile],
    channels: Mapping[str, PartnerChannel],
) -> CarryWay | None:
    requester, supplier = partners
    says, hears = (supplier, requester) if speaker is Role.LENDING else (requester, supplier)
    if choose_carry_way(_find_channel(says, channels), kind, speaker, says) is not CarryWay.CARRIED:
        return None
    ways = [choose_carry_way(_find_channel(hears, channels), act, speaker, hears) for act in acts]
    return next((way for way in CarryWay if way in ways), CarryWay.LOST)


def _find_channel(profile: Profile, channels: Mapping[str, PartnerChannel]) -> PartnerChannel | None:
    return channels.get(profile.partner.channel) if profile.partner is not None else None
