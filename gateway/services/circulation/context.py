"""The surroundings of a command: the library, the partner's rules, and what the library's system can do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, tzinfo

from gateway.domain.circulation_policy import AS_SUCCESS, CirculationPolicy
from gateway.domain.clock import Clock
from gateway.domain.library import Patron
from gateway.domain.partner_identifiers import translate_agency
from gateway.domain.problems import MessagePart, RefusalReason, Refused
from gateway.domain.sentences import write_sentence
from gateway.domain.value import value_object
from gateway.ports.guarded_library import LibrarySystem
from gateway.ports.library_operations import refuse_unsupported
from gateway.ports.library_system import Capability, PatronKey
from gateway.services.circulation.own_things import OwnThings

Authenticate = Callable[[PatronKey, str], Awaitable[Patron]]
"""The patron whose number and secret these are; raises as `PatronAuthenticator.authenticate`."""


@value_object
class CirculationContext:
    """One library as one partner meets it.

    `things`: who made what is there. `authenticate` checks the PINs that the partner sends, and counts wrong ones.
    `sender` is the partner's agency in our own spelling (`identifiers.our_agency`).
    """

    library: LibrarySystem
    things: OwnThings
    authenticate: Authenticate
    policy: CirculationPolicy
    profile: str  # its name is part of every idempotency key
    zone: tzinfo  # of the library
    currency: str  # ISO 4217
    clock: Clock
    symbol: str
    sender: str = ""
    institution: str = ""  # the partner's symbol, where its profile has one
    identify_message: Callable[[], str] = str  # `MessageContext.identify`; empty: it came by no message

    def now(self) -> datetime:
        return self.clock.now()

    def today(self) -> date:
        """Return the day in the library's zone."""
        return self.clock.now().astimezone(self.zone).date()

    def supports(self, capability: Capability) -> bool:
        return capability in self.library.capabilities

    def agency_or_sender(self, wire: str) -> str:
        """An agency named in a command, in our spelling; the sender where none is named."""
        return translate_agency(wire, self.policy) if wire.strip() else self.sender


CAPABILITY_TEXTS = {  # what a system without it can't do
    Capability.PATRON_LOOKUP: "look up patrons",
    Capability.AUTHENTICATE: "check a PIN or password",
    Capability.PATRON_CREATE: "create patrons",
    Capability.PATRON_UPDATE: "change patrons",
    Capability.PATRON_DELETE: "delete patrons",
    Capability.BIB_FIND: "look up records",
    Capability.ITEM_AVAILABILITY: "list the items of a record",
    Capability.HOLD_ITEM: "place a hold on an item",
    Capability.HOLD_TITLE: "place a hold on a title",
    Capability.HOLD_CANCEL: "cancel holds",
    Capability.HOLD_UPDATE: "change holds",
    Capability.TEMPORARY_ITEM: "keep temporary items",
    Capability.CHECK_OUT: "check items out",
    Capability.CHECK_IN: "check items in",
    Capability.RENEW: "renew loans",
    Capability.RECALL: "recall loans",
    Capability.STATUS_UPDATE: "change the status of items",
    Capability.POST_FEE: "post fees",
    Capability.DUE_DATE_GIVEN: "set a due date",
    Capability.DUE_DATE_CHANGE: "change the due date of a loan",
    Capability.CHANGE_BARCODE: "change barcodes",
    Capability.ITEM_BY_REQUEST: "find an item by a request number",
}


UNKNOWN_DETAILS = {
    RefusalReason.UNKNOWN_PATRON: write_sentence("Patron not found."),
    RefusalReason.UNKNOWN_ITEM: write_sentence("Item not found."),
    RefusalReason.UNKNOWN_REQUEST: write_sentence("Request not found."),
}


def require_capability(context: CirculationContext, *capabilities: Capability) -> None:
    """Raise Refused(UNSUPPORTED_SERVICE) when the library's system lacks one of these."""
    for capability in capabilities:
        if not context.supports(capability):
            refuse_unsupported(CAPABILITY_TEXTS.get(capability, f"do this ({capability.value})"))


@contextmanager
def lookup_refusals_about(about: MessagePart, value: str) -> Iterator[None]:
    """Look-ups of what a message names: refusals from within are about this part, with the value as it was sent. What
    isn't there is unknown in the same words whatever the library's system says: by others one could tell it from what
    is there and another partner's."""
    try:
        yield
    except Refused as refused:
        detail, internal = refused.detail, refused.internal
        if refused.reason in UNKNOWN_DETAILS:
            detail = UNKNOWN_DETAILS[refused.reason]
            internal = internal or (str(refused.detail) if str(refused.detail) != detail else "")
        raise Refused(refused.reason, detail, about=about, value=value, internal=internal) from refused


@contextmanager
def change_refusals_about(about: MessagePart, value: str) -> Iterator[None]:
    """Changes to what a message names. A refusal for another cause (the item is found, but its patron is blocked)
    stays about that; the library's own spelling of a value never goes out."""
    try:
        yield
    except Refused as refused:
        same = refused.about in (None, about)
        raise Refused(
            refused.reason,
            refused.detail,
            about=about if same else refused.about,
            value=value if same else "",
            internal=refused.internal,
        ) from refused


def is_answered_as_success(refused: Refused, service: str, context: CirculationContext) -> bool:
    """Return whether the profile answers this refusal of a service as a success (policy `as_success`)."""
    return refused.reason in context.policy.as_success.get(service, ()) and refused.reason in AS_SUCCESS[service]
