"""Port Responder: what OpenRS declares to a member, and its look-ups. Pure.

RequestItem and ItemShipped are told to a lending request, AcceptItem makes a borrowing request; look-ups are answered
as NCIP does. Every answer holds the number of its request, also one that refuses: without it OpenRS takes the answer
for an error (docs/facts/openrs.md 2).
"""

from __future__ import annotations

from adapters.ncip import answers
from adapters.ncip.messages import (
    AcceptItem,
    AcceptItemResponse,
    ItemShipped,
    LookupItemSet,
    LookupUser,
    Message,
    RequestItem,
    RequestItemResponse,
    Response,
    response_to,
)
from adapters.ncip.openrs.dialect import SECTION, OpenRsDialect, get_openrs_dialect
from adapters.ncip.openrs.extension import find_request_number, write_request_ext
from adapters.ncip.openrs.messages_received import (
    DeclarationReader,
    read_accept_item,
    read_item_shipped,
    read_request_item,
)
from adapters.ncip.responder import (
    NcipResponder,
    get_ncip_dialect,
    get_opened_octets,
    get_opened_root,
    make_command_reader,
    read_opened_message,
)
from gateway.domain.commands import ItemSetFound, PatronFound
from gateway.domain.library import BlockScope
from gateway.domain.problems import MalformedMessage, MessagePart, Refusal, RefusalReason, Refused
from gateway.domain.profile import Profile
from gateway.ports.partner_channel import InboxResult
from gateway.ports.responder import (
    DecodedMessage,
    ExchangeContext,
    MessageEnvelope,
    Outcome,
    RawMessage,
    ResponderAnswer,
    StreamFraming,
)

DECLARATIONS = (RequestItem, AcceptItem, ItemShipped)
_DECLARED = frozenset(declaration.__name__ for declaration in DECLARATIONS)


class OpenRsResponder:
    protocol = SECTION
    services = frozenset((*_DECLARED, LookupItemSet.__name__, LookupUser.__name__))

    def __init__(self) -> None:
        self._ncip = NcipResponder()

    def framing(self, profile: Profile | None) -> StreamFraming:
        return self._ncip.framing(profile)

    def open(self, arrival: RawMessage, limit: int) -> MessageEnvelope:
        return self._ncip.open(arrival, limit)

    def decode(self, envelope: MessageEnvelope, exchange: ExchangeContext) -> DecodedMessage:
        """Decode a message; raises MalformedMessage, Refused."""
        _require_known_system(envelope, exchange.profile)
        if envelope.service not in _DECLARED:
            return self._ncip.decode(envelope, exchange)
        message = read_opened_message(envelope, exchange)
        body, unknown = message.body, tuple(element.path for element in message.unknown)
        assert isinstance(body, DECLARATIONS), "its name says so"
        reader = DeclarationReader(get_openrs_dialect(exchange.profile), make_command_reader(body, exchange))
        if isinstance(body, AcceptItem):
            command = read_accept_item(body, reader)
            return DecodedMessage(message.service, command, _get_number(body), message=message, unknown=unknown)
        octets = get_opened_octets(envelope)
        event = (
            read_request_item(body, octets, reader)
            if isinstance(body, RequestItem)
            else read_item_shipped(body, octets, reader)
        )
        return DecodedMessage(message.service, None, event.transaction, message=message, unknown=unknown, told=event)

    def encode(
        self, envelope: MessageEnvelope, incoming: DecodedMessage, outcome: Outcome, exchange: ExchangeContext
    ) -> ResponderAnswer:
        refusal = _find_refusal(outcome, get_openrs_dialect(exchange.profile))
        if refusal is not None:
            return self.refuse(envelope, refusal, exchange)
        message = incoming.message
        assert isinstance(message, Message), "it was decoded here"
        if not isinstance(message.body, DECLARATIONS):
            return self._ncip.encode(envelope, incoming, outcome, exchange)
        response = _build_response(message.body, get_openrs_dialect(exchange.profile))
        return answers.service_answer(response, message, get_ncip_dialect(exchange.profile), exchange)

    def refuse(
        self, envelope: MessageEnvelope, refusal: Refusal | MalformedMessage, exchange: ExchangeContext | None
    ) -> ResponderAnswer:
        root = get_opened_root(envelope)
        number = find_request_number(root) if root is not None and envelope.service in _DECLARED else ""
        return self._ncip.refuse(envelope, refusal, exchange, write_request_ext(number) if number else ())

    def conceal_secrets(self, body: bytes) -> bytes:
        """See `adapters.ncip.concealment`."""
        return self._ncip.conceal_secrets(body)

    def describe_concealed(self, envelope: MessageEnvelope, profile: Profile) -> str:
        return self._ncip.describe_concealed(envelope, profile)


def _require_known_system(envelope: MessageEnvelope, profile: Profile) -> None:
    """Require the known system: a path names the profile, whoever writes to it; raises Refused."""
    known = get_ncip_dialect(profile).header.partner_system
    if known and envelope.from_system != known:
        raise Refused(
            RefusalReason.UNKNOWN_SENDER,
            "The sending system is not known here.",
            about=MessagePart.SENDER,
            value=envelope.from_system,
        )


def _get_number(body: RequestItem | AcceptItem | ItemShipped) -> str:
    return body.request_id.value if body.request_id is not None else ""


def _find_refusal(outcome: Outcome, dialect: OpenRsDialect) -> Refusal | None:
    """Find a refusal, also what NCIP answers with a success that OpenRS would misread: it looks for neither blocks nor
    expiry, and takes a record without items for one that it can't read."""
    match outcome:
        case Refusal():
            return outcome
        case InboxResult(refused=Refusal() as refused):
            return refused
        case PatronFound(patron=patron) if patron.find_block(BlockScope.REQUEST) is not None:
            return Refusal(RefusalReason.PATRON_BLOCKED, "The patron may not request anything now.", MessagePart.PATRON)
        case ItemSetFound(entries=entries) if not any(entry.items for entry in entries):
            return Refusal(RefusalReason.UNKNOWN_RECORD, dialect.no_items, MessagePart.RECORD)
    return None


def _build_response(body: RequestItem | AcceptItem | ItemShipped, dialect: OpenRsDialect) -> Response:
    if isinstance(body, ItemShipped):
        return response_to(ItemShipped)(ext=write_request_ext(_get_number(body)))
    if isinstance(body, AcceptItem):
        return AcceptItemResponse(request_id=body.request_id, item_id=body.item_id)
    if dialect.confirm == "later" or not body.item_ids:
        return RequestItemResponse(request_id=body.request_id)
    return RequestItemResponse(
        request_id=body.request_id,
        item_id=body.item_ids[0],
        user_id=body.user_id,
        request_type=body.request_type,
        request_scope_type=body.request_scope_type,
    )
