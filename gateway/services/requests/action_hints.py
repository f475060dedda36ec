"""What staff should know before they act: what the partner won't hear of it.

A channel that has no message for an event refuses it only when the act is done. Here it is said beforehand.
"""

from __future__ import annotations

from collections.abc import Mapping

from gateway.domain.requests.events import Event, EventKind
from gateway.domain.requests.request import Request
from gateway.domain.requests.state_machine import PartnerNotification, list_notifications
from gateway.ports.partner_channel import LimitedChannel
from gateway.services.requests.effects import find_receiver, is_partner_notified
from gateway.services.requests.library_context import LibraryContext


def find_action_hints(
    context: LibraryContext, request: Request, kinds: tuple[EventKind, ...], at: Event
) -> Mapping[EventKind, str]:
    """By kind of the act, one sentence; acts of which the partner hears, or isn't to hear, have none. `at`: an event
    whose time counts."""
    hints = {}
    for kind in kinds:
        for told in list_notifications(request, kind, context.workflow(request), at):
            hint = _describe_silence(context, request, told)
            if hint:
                hints[kind] = hint
    return hints


def _describe_silence(context: LibraryContext, request: Request, told: PartnerNotification) -> str:
    party, _ = find_receiver(context, told, request)
    profile, partner = context.profile(party.profile), context.partner(party.profile)
    if profile is None or partner is None:
        return ""
    name = party.name or partner.name or party.symbol or profile.name
    if not partner.channel:
        return f"{name} is not told: its profile names no channel. Write or telephone."
    if not is_partner_notified(context, told, request):
        return ""  # as the workflow says
    channel = context.channels.get(partner.channel)
    if isinstance(channel, LimitedChannel) and not channel.has_message(told.kind, request.role, profile):
        return f"{name} is not told: '{told.kind.value}' can't be said by {channel.name}. Write or telephone."
    return ""
