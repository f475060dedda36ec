"""Where a patron fetches an item: what the message says, as the profile reads it."""

from __future__ import annotations

from gateway.domain.library import Patron, PickupLocation
from gateway.domain.policy import PickupSource, UnknownPickup
from gateway.domain.problems import About, Reason, Refused
from gateway.ports.library import Capability
from gateway.services.circulation.desk import Desk


def asks_for_no_hold(pickup: str, receiver: str, desk: Desk) -> bool:
    """Whether the place says that no hold is wanted (USMAI sends `NONE`, facts/ncip.md 2.2)."""
    return _said(pickup, receiver, desk).lower() in desk.policy.pickup.no_hold_words


async def resolve_pickup(pickup: str, receiver: str, patron: Patron, desk: Desk) -> PickupLocation:
    """`receiver` is ToAgencyId. Raises Refused(BAD_PICKUP_LOCATION)."""
    rules = desk.policy.pickup
    sent = _said(pickup, receiver, desk)
    if not sent:
        return await default(patron, desk)
    code = next((ours for theirs, ours in rules.map.items() if theirs.casefold() == sent.casefold()), sent)
    if found := await _known(code, desk):
        return found
    if rules.unknown is UnknownPickup.DEFAULT:
        return await default(patron, desk)
    raise Refused(
        Reason.BAD_PICKUP_LOCATION, "There is no such pickup location.", about=About.PICKUP_LOCATION, value=sent
    )


async def default(patron: Patron, desk: Desk) -> PickupLocation:
    """The profile's default, else a place at the patron's home library, else the library's first one."""
    rules = desk.policy.pickup
    if rules.default:
        if found := await _known(rules.default, desk):
            return found
        raise _none(f"profile {desk.profile}: circulation.pickup.default {rules.default!r} is not a pickup location")
    if not desk.can(Capability.PICKUP_LIST):
        return PickupLocation(patron.home_library, patron.home_library, patron.home_library)
    places = await desk.library.pickup_locations()
    if not places:
        raise _none("the library has no pickup location")
    return next((place for place in places if place.library == patron.home_library), places[0])


def _none(internal: str) -> Refused:
    return Refused(
        Reason.BAD_PICKUP_LOCATION,
        "No pickup location could be chosen.",
        about=About.PICKUP_LOCATION,
        internal=internal,
    )


def _said(pickup: str, receiver: str, desk: Desk) -> str:
    """The first source that says something; empty when none does or a fixed place comes first."""
    rules = desk.policy.pickup
    values = {PickupSource.PICKUP_LOCATION: pickup, PickupSource.RECEIVER: receiver}
    for source in rules.source:
        if source is PickupSource.FIXED:
            return ""
        value = values[source].strip()
        if value and value.lower() not in rules.none_words:
            return value
    return ""


async def _known(code: str, desk: Desk) -> PickupLocation | None:
    """A system that can't list its places is trusted with the code."""
    if not desk.can(Capability.PICKUP_LIST):
        return PickupLocation(code, code, "")
    places = await desk.library.pickup_locations()
    return next((place for place in places if place.code.casefold() == code.casefold()), None)
