"""Messages of ISO 18626 for what the gateway says to a partner.

Total: each kind of event, on either side, either has a message or is Refused as a service that ISO 18626 doesn't have.
What a version has no element for is said in the note.
"""

from __future__ import annotations

from collections.abc import Mapping

from adapters.iso18626.dialect import Iso18626Dialect
from adapters.iso18626.mapping.amounts import tell_cents_of_request
from adapters.iso18626.mapping.identities import (
    MappingContext,
    agency_of_symbol,
    write_request_header,
    write_requester_header,
)
from adapters.iso18626.mapping.note_habits import ITEM_DAMAGED, ITEM_LOST, append_note, join_notes, write_return_term
from adapters.iso18626.mapping.requests import has_volume_elements, write_request
from adapters.iso18626.mapping.supplier_messages import SUPPLIER_WRITERS, make_no_message_error, write_supplier_message
from adapters.iso18626.messages import Message, RequestingAgencyMessage, SupplyingAgencyMessage
from adapters.iso18626.messages.codes import Action, ReasonForMessage
from adapters.iso18626.messages.declaration import SchemaVersion
from adapters.iso18626.messages.structures import MessageInfo
from gateway.domain.problems import RefusalReason, Refused
from gateway.domain.requests.events import EventKind
from gateway.domain.requests.note_terms import write_cost_term, write_due_term
from gateway.domain.requests.request import Role
from gateway.domain.requests.volume_notes import SEPARATOR, tell_volumes
from gateway.domain.sentences import write_sentence
from gateway.domain.value import replace
from gateway.ports.partner_channel import PartnerMessage


def messages_of_event(message: PartnerMessage, context: MappingContext) -> tuple[Message, ...]:
    """One, or where the partner shows notes of Notifications alone, a second one that says the note again; and where
    its answer to a condition is a word that stands alone, a second one with all other words. Raises as
    `message_of_event`."""
    agency_message = message_of_event(message, context)
    if isinstance(agency_message, RequestingAgencyMessage):
        return _part_answer_word(agency_message, message, context)
    if not context.dialect.notes.own_notification or not isinstance(agency_message, SupplyingAgencyMessage):
        return (agency_message,)
    info = agency_message.message_info
    assert info is not None, "message_of_event writes it"
    if not info.note or info.reason_for_message == ReasonForMessage.NOTIFICATION:
        return (agency_message,)
    notification = SupplyingAgencyMessage(
        header=agency_message.header,
        message_info=MessageInfo(reason_for_message=ReasonForMessage.NOTIFICATION, note=info.note),
        status_info=agency_message.status_info,
    )
    return (agency_message, notification)


def _part_answer_word(
    agency_message: RequestingAgencyMessage, message: PartnerMessage, context: MappingContext
) -> tuple[Message, ...]:
    words = context.dialect.condition_words
    answers = {EventKind.CONDITION_ACCEPTED: words.accepted, EventKind.CONDITION_REFUSED: words.refused}
    word = answers.get(message.kind, "")
    first, _, rest = (agency_message.note or "").partition(SEPARATOR)
    if not words.alone or agency_message.action != Action.NOTIFICATION or first != word or not rest:
        return (agency_message,)
    return replace(agency_message, note=word), replace(agency_message, note=rest)


def message_of_event(message: PartnerMessage, context: MappingContext) -> Message:
    """Make the message of an event; raises Refused(UNSUPPORTED_SERVICE) for what ISO 18626 has no message for, or this
    partner doesn't take."""
    if message.kind is EventKind.REQUEST and message.role is Role.BORROWING:
        partner_message = message
        if not has_volume_elements(message.request, context.dialect.schema_version):
            partner_message = replace(message, request=tell_volumes(message.request, message.kind, message.details)[0])
        written = write_request(partner_message, context)
        if context.dialect.whole_amounts:
            written = tell_cents_of_request(written)
        return replace(written, header=write_request_header(message, context))
    _, details = tell_volumes(message.request, message.kind, message.details)
    of_volumes = replace(message, details=details)
    if message.role is Role.BORROWING:
        return _write_requester_message(of_volumes, context)
    return write_supplier_message(of_volumes, context)


def list_sendable_kinds(role: Role) -> frozenset[EventKind]:
    """Events of ours that have a message."""
    if role is Role.BORROWING:
        return frozenset({EventKind.REQUEST, *_ACTIONS})
    return frozenset(SUPPLIER_WRITERS)


def action_of_event(kind: EventKind, version: SchemaVersion) -> Action | None:
    """Return the action of a requester's event; None: none."""
    action = _ACTIONS.get(kind)
    return Action.NOTIFICATION if action is Action.LOST and version < SchemaVersion.V2021 else action


# --- as a requester --------------------------------------------------------------------------------------

_ACTIONS: Mapping[EventKind, Action] = {
    EventKind.CONDITION_ACCEPTED: Action.NOTIFICATION,
    EventKind.CONDITION_REFUSED: Action.CANCEL,
    EventKind.CANCEL: Action.CANCEL,
    EventKind.RECEIVED: Action.RECEIVED,
    EventKind.RETURNED: Action.SHIPPED_RETURN,
    EventKind.RENEW: Action.RENEW,
    EventKind.LOST: Action.LOST,
    EventKind.DAMAGED: Action.NOTIFICATION,
    EventKind.MESSAGE: Action.NOTIFICATION,
    EventKind.STATUS_QUERY: Action.STATUS_REQUEST,
}


def _write_requester_message(message: PartnerMessage, context: MappingContext) -> RequestingAgencyMessage:
    dialect = context.dialect
    action = action_of_event(message.kind, dialect.schema_version)
    if action is None:
        raise make_no_message_error(message.kind)
    if message.details.return_on_hold and _has_hold_return(message, dialect):
        action = Action.HOLD_RETURN
    if message.kind is EventKind.CONDITION_REFUSED and dialect.condition_words.refuse_by == "notification":
        action = Action.NOTIFICATION
    if not dialect.takes_action(action):
        raise Refused(
            RefusalReason.UNSUPPORTED_SERVICE,
            write_sentence("This partner does not accept %(value)s.", value=action.value),
        )
    note = append_note(join_notes(*_write_requester_terms(message, action, context)), message.details.note)
    header = write_requester_header(message, context)
    meant = message.details.supplier
    if action is Action.CANCEL and meant is not None and meant.symbol:  # the broker goes on to the next
        header = replace(header, supplying_agency=agency_of_symbol(meant.symbol, dialect.symbols))
    return RequestingAgencyMessage(header=header, action=action, note=note or None)


def _has_hold_return(message: PartnerMessage, dialect: Iso18626Dialect) -> bool:
    """Return whether the partner is told by an action; that it can be sent back again is a Notification in any
    version."""
    is_known = dialect.schema_version >= SchemaVersion.V2021 and dialect.takes_action(Action.HOLD_RETURN)
    return message.kind is EventKind.MESSAGE and is_known


def _write_requester_terms(message: PartnerMessage, action: Action, context: MappingContext) -> tuple[str, ...]:
    """Write what the action doesn't say, first in the note."""
    details, words = message.details, context.dialect.condition_words
    match message.kind:
        case EventKind.CONDITION_ACCEPTED:
            return (words.accepted, write_cost_term(details.cost))
        case EventKind.CONDITION_REFUSED:
            return (words.refused,)
        case EventKind.RENEW:
            return (write_due_term(details.due, context.zone),)
        case EventKind.LOST:
            return (ITEM_LOST if action is Action.NOTIFICATION else "", write_cost_term(details.cost))
        case EventKind.MESSAGE if action is Action.NOTIFICATION:
            return (write_return_term(details.return_on_hold),)
        case EventKind.DAMAGED:
            return (ITEM_DAMAGED, write_cost_term(details.cost))
    return ()
