"""Port Responder: messages received, and their confirmations. Pure; what a message means for a request is done by the
gateway.

A confirmation says that a message was taken or why not, and never what was decided: that is a message of its own, which
goes out by the channel (docs/facts/iso-18626.md 1). It looks like the message that it answers: version, namespace and
root are the sender's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from adapters.iso18626.codec import (
    NAMESPACE,
    DecodedDocument,
    Iso18626Style,
    WireShape,
    decode_message,
    encode_message,
)
from adapters.iso18626.dialect import DEFAULT_DIALECT, SECTION, Symbols, dialect_of
from adapters.iso18626.mapping.events_received import event_of_message
from adapters.iso18626.mapping.identities import (
    MappingContext,
    digest_message,
    is_same_agency_symbol,
    list_symbols_of_agency,
    symbol_of_agency,
)
from adapters.iso18626.mapping.requests import command_of_patron_request, is_patron_request
from adapters.iso18626.messages import (
    Confirmation,
    Message,
    OpenCode,
    Request,
    RequestConfirmation,
    RequestingAgencyMessage,
    RequestingAgencyMessageConfirmation,
    SupplyingAgencyMessage,
    SupplyingAgencyMessageConfirmation,
)
from adapters.iso18626.messages.codes import (
    WORDS_SINCE_2021,
    Action,
    ErrorType,
    MessageStatus,
    ReasonForMessage,
    RequestSubType,
)
from adapters.iso18626.messages.declaration import SchemaVersion
from adapters.iso18626.messages.structures import AgencyId, Authentication, ConfirmationHeader, ErrorData
from gateway.domain.circulation_policy import ManagedRole
from gateway.domain.problems import MalformationKind, MalformedMessage, MessagePart, Refusal, RefusalReason, Refused
from gateway.domain.profile import Profile
from gateway.domain.requests.events import EventKind
from gateway.domain.requests.request import Request as ManagedRequest
from gateway.domain.requests.request import Role
from gateway.domain.secret_reference import CONCEALED
from gateway.domain.value import replace, value_object
from gateway.ports.partner_channel import InboxResult, IncomingPartnerMessage
from gateway.ports.responder import DecodedMessage as IncomingMessage
from gateway.ports.responder import (
    ExchangeContext,
    MessageEnvelope,
    Outcome,
    RawMessage,
    ResponderAnswer,
    StreamFraming,
)

MEDIA_TYPE = "application/xml; charset=utf-8"
_PLAIN = "text/plain; charset=utf-8"

_XML_TYPES = re.compile(r"(application|text)/([\w.+-]*\+)?xml", re.IGNORECASE)
_UNSAID_TYPES = frozenset({"", "application/octet-stream", "application/x-www-form-urlencoded"})
"""What programs send that don't care: curl's own among them."""

_SECURITY_CODE = re.compile(rb"(<(?:[\w.-]{1,64}:)?securityCode(?:\s[^<>]{0,1000})?(?<!/)>)(?:\s*<!\[CDATA\[)?[^<]*")
"""Up to the next tag, or the end of a message that was cut off."""

_SERVICES = frozenset(
    {
        "request",
        *(f"requestingAgencyMessage {word.value}" for word in Action),
        *(f"supplyingAgencyMessage {word.value}" for word in ReasonForMessage),
    }
)
_ERROR_TYPES: Mapping[RefusalReason, ErrorType] = {
    RefusalReason.DATA_MISSING: ErrorType.UNRECOGNISED_DATA_ELEMENT,
    RefusalReason.CALL_NOT_ACCEPTED: ErrorType.BADLY_FORMED_MESSAGE,
    RefusalReason.OTHER: ErrorType.BADLY_FORMED_MESSAGE,
}
"""All other refusals are about a value."""

_ACTIONS = frozenset(Action)
_REASONS_FOR_MESSAGE = frozenset(ReasonForMessage)
_NOT_NOW = frozenset({RefusalReason.TEMPORARY_FAILURE})


@value_object
class OpenedMessage:
    """The message that `open` found. `status`: of HTTP, where the message can't be taken whatever is in it."""

    raw: bytes
    at: datetime
    decoded: DecodedDocument | None = None
    status: int = 0


class Iso18626Responder:
    protocol = SECTION
    services = _SERVICES

    def framing(self, profile: Profile | None) -> StreamFraming:
        """It isn't spoken by raw TCP: a stream ends where its sender closes it."""
        return StreamFraming(end="close")

    def open(self, arrival: RawMessage, limit: int) -> MessageEnvelope:
        opened = OpenedMessage(arrival.body, arrival.received)
        if not _is_xml_type(arrival.content_type):
            malformed = MalformedMessage("Content-Type", "a message of ISO 18626 is application/xml")
            return MessageEnvelope(parsed=replace(opened, status=415), malformed=malformed)
        try:
            if len(arrival.body) > limit:
                raise MalformedMessage("message", f"larger than {limit} bytes", MalformationKind.TOO_LARGE)
            decoded = decode_message(arrival.body)
            if not isinstance(decoded.message, Message):
                raise MalformedMessage(
                    "message", "a confirmation is no message of its own", MalformationKind.UNKNOWN_SERVICE
                )
        except MalformedMessage as malformed:
            status = 413 if malformed.fault is MalformationKind.TOO_LARGE else 400
            return MessageEnvelope(parsed=replace(opened, status=status), malformed=malformed)
        return _build_envelope(replace(opened, decoded=decoded), decoded.message, decoded.shape.version_string)

    def decode(self, envelope: MessageEnvelope, exchange: ExchangeContext) -> IncomingMessage:
        """Decode a message; raises MalformedMessage, Refused."""
        opened = _require_opened(envelope)
        if envelope.malformed is not None:
            raise envelope.malformed
        context = _context_of_exchange(exchange)
        decoded = _decode_in_zone(opened, context)
        message = decoded.message
        assert isinstance(message, Message), "open refuses all others"
        unknown = tuple(f"{remark.place}: {remark.what}" for remark in decoded.remarks)
        if isinstance(message, Request) and is_patron_request(message):
            command = command_of_patron_request(message, context)
            _require_managed_borrowing(exchange.profile)
            assert command.request is not None
            return IncomingMessage(envelope.service, command, command.request.value, message=message, unknown=unknown)
        received = _require_receiver(event_of_message(message, context, digest_message(opened.raw)), exchange.profile)
        return IncomingMessage(
            service=envelope.service,
            command=None,
            request_id=received.transaction,
            message=message,
            unknown=unknown,
            told=replace(received, guard=_refuse_duplicate) if received.kind is EventKind.REQUEST else received,
        )

    def encode(
        self, envelope: MessageEnvelope, incoming: IncomingMessage, outcome: Outcome, exchange: ExchangeContext
    ) -> ResponderAnswer:
        if isinstance(outcome, Refusal):
            return self.refuse(envelope, outcome, exchange)
        refused = outcome.refused if isinstance(outcome, InboxResult) else None
        if refused is not None:
            return self.refuse(envelope, refused, exchange)
        return _build_answer(_require_opened(envelope), (), exchange)

    def refuse(
        self, envelope: MessageEnvelope, refusal: Refusal | MalformedMessage, exchange: ExchangeContext | None
    ) -> ResponderAnswer:
        """Refuse a message; what isn't even one gets words and a status of HTTP; a library that can't be reached now,
        the status that makes a sender try again."""
        opened = _require_opened(envelope)
        if opened.decoded is None:
            malformed = refusal if isinstance(refusal, MalformedMessage) else envelope.malformed
            words = f"This is not a message that can be taken: {malformed or refusal}\n"
            return ResponderAnswer(words.encode(), _PLAIN, status=opened.status or 400)
        if isinstance(refusal, Refusal) and refusal.reason in _NOT_NOW:
            words = "The message can't be taken now; please send it again later.\n"
            return ResponderAnswer(words.encode(), _PLAIN, status=503, headers={"Retry-After": "60"})
        message = opened.decoded.message
        assert isinstance(message, Message), "open refuses all others"
        return _build_answer(opened, (_describe_error(refusal, message),), exchange)

    def conceal_secrets(self, body: bytes) -> bytes:
        """Conceal the security code by which a requester shows who it is."""
        if body[:2] in (b"\xff\xfe", b"\xfe\xff"):
            text = body.decode("utf-16", "replace").encode()
            return _conceal_code(text).decode().encode("utf-16")
        return _conceal_code(body)

    def describe_concealed(self, envelope: MessageEnvelope, profile: Profile) -> str:
        """Describe nothing: what is concealed is what its sender proved itself by."""
        return ""


def _conceal_code(body: bytes) -> bytes:
    if b"securityCode" not in body:  # found much sooner than by the expression
        return body
    return _SECURITY_CODE.sub(rb"\g<1>" + CONCEALED.encode(), body)


# --- before a profile is known ---------------------------------------------------------------------------


def _is_xml_type(content_type: str) -> bool:
    plain = content_type.partition(";")[0].strip()
    return plain.casefold() in _UNSAID_TYPES or _XML_TYPES.fullmatch(plain) is not None


def _require_opened(envelope: MessageEnvelope) -> OpenedMessage:
    if not isinstance(envelope.parsed, OpenedMessage):
        raise TypeError("the envelope was opened by another responder")
    return envelope.parsed


def _build_envelope(opened: OpenedMessage, message: Message, version: str) -> MessageEnvelope:
    header = message.header
    requester = header.requesting_agency if header is not None else None
    supplier = header.supplying_agency if header is not None else None
    sender, receiver = (supplier, requester) if isinstance(message, SupplyingAgencyMessage) else (requester, supplier)
    authentication = (header.authentication if header is not None else None) or Authentication()
    account, code = authentication.account or "", authentication.security_code or ""
    symbols = DEFAULT_DIALECT.symbols
    return MessageEnvelope(
        service=_name_service(message),
        version=version,
        from_agency=symbol_of_agency(sender, symbols),
        to_agency=symbol_of_agency(receiver, symbols),
        from_system=account,
        symbols=(*list_symbols_of_agency(sender), *list_symbols_of_agency(receiver)),
        request_role=_find_our_role(message),
        request_number=(header.requesting_agency_request_id or "") if header is not None else "",
        agency_secret=code,
        system_secret=f"{account}:{code}" if code else "",
        parsed=opened,
    )


def _find_our_role(message: Message) -> Role | None:
    """None: it asks for something new."""
    if isinstance(message, Request):
        return None
    return Role.BORROWING if isinstance(message, SupplyingAgencyMessage) else Role.LENDING


def _name_service(message: Message) -> str:
    """Name a service with the word that says what the message is about, where the standard has it."""
    if isinstance(message, RequestingAgencyMessage):
        return f"requestingAgencyMessage {message.action or ''}".rstrip()
    if isinstance(message, SupplyingAgencyMessage):
        reason = message.message_info.reason_for_message if message.message_info is not None else ""
        return f"supplyingAgencyMessage {reason or ''}".rstrip()
    return "request"


# --- decoding --------------------------------------------------------------------------------------------


def _context_of_exchange(exchange: ExchangeContext) -> MappingContext:
    partner = exchange.profile.partner
    return MappingContext(
        library_zone=exchange.zone,
        currency=exchange.currency,
        ours=(exchange.symbol,),
        partner=partner.symbol if partner is not None else "",
        theirs=partner.symbols if partner is not None else (),
        dialect=dialect_of(exchange.profile),
    )


def _decode_in_zone(opened: OpenedMessage, context: MappingContext) -> DecodedDocument:
    """Read anew only where times have no zone of their own: then they are in the partner's."""
    if opened.decoded is None:
        raise TypeError("a message that can't be read is not decoded")
    return decode_message(opened.raw, context.zone) if opened.decoded.has_local_times else opened.decoded


def _require_managed_borrowing(profile: Profile) -> None:
    """Raise Refused where the profile doesn't say that its partner brings our patrons' wishes."""
    if profile.circulation.requests.managed is not ManagedRole.BORROWING:
        raise Refused(
            RefusalReason.UNAUTHORIZED_SERVICE,
            "Patron requests are not accepted from this sender.",
            about=MessagePart.SERVICE,
            value=RequestSubType.PATRON_REQUEST.value,
        )


def _refuse_duplicate(_request: ManagedRequest) -> Refusal:
    return Refusal(RefusalReason.DUPLICATE_REQUEST, "There is a request with this id already.", MessagePart.REQUEST)


def _require_receiver(message: IncomingPartnerMessage, profile: Profile) -> IncomingPartnerMessage:
    """Require a message for us; of a request that we broker also one for the library on its other side, from a partner
    that knows of it. Raises Refused."""
    receiver, partner = message.receiver, profile.partner
    if not receiver:
        return message
    knows_other_side = partner is not None and partner.brokered == "transparent"
    if message.kind is EventKind.REQUEST or not knows_other_side:
        raise Refused(
            RefusalReason.UNKNOWN_AGENCY,
            "Library not found.",
            about=MessagePart.RECEIVER,
            value=receiver,
        )
    return replace(message, receiver="", guard=lambda request: _refuse_other_receiver(request, receiver))


def _refuse_other_receiver(request: ManagedRequest, receiver: str) -> Refusal | None:
    """Refuse another receiver, unless it is the library on the other side."""
    side = request.other_leg.party.symbol if request.other_leg is not None else ""
    if side and is_same_agency_symbol(receiver, side):
        return None
    words = "This library has no part in the request."
    return Refusal(RefusalReason.UNKNOWN_AGENCY, words, MessagePart.RECEIVER, receiver)


# --- confirmations ---------------------------------------------------------------------------------------


def _describe_error(refusal: Refusal | MalformedMessage, message: Message) -> ErrorData:
    """Describe an error by the standard's types; the value is the element's name and what is wrong with it."""
    if isinstance(refusal, MalformedMessage):
        missing = refusal.fault is MalformationKind.DATA_MISSING
        kind = ErrorType.UNRECOGNISED_DATA_ELEMENT if missing else ErrorType.BADLY_FORMED_MESSAGE
        return ErrorData(type=kind, value=f"{refusal.place}: {refusal.reason}")
    if refusal.reason is RefusalReason.UNKNOWN_REQUEST:
        header = message.header
        number = header.requesting_agency_request_id if header is not None else ""
        return ErrorData(type=ErrorType.UNRECOGNISED_DATA_VALUE, value=f"requestingAgencyRequestId: {number}")
    if refusal.about is MessagePart.STATUS and isinstance(message, SupplyingAgencyMessage):
        status = message.status_info.status if message.status_info is not None else ""
        return ErrorData(type=ErrorType.UNRECOGNISED_DATA_VALUE, value=f"status {status}: {refusal.detail}")
    if refusal.about is MessagePart.SERVICE or refusal.reason in (
        RefusalReason.NOT_ALLOWED,
        RefusalReason.REQUEST_CLOSED,
        RefusalReason.UNSUPPORTED_SERVICE,
    ):
        return _describe_unsupported(refusal, message)
    kind = _ERROR_TYPES.get(refusal.reason, ErrorType.UNRECOGNISED_DATA_VALUE)
    return ErrorData(type=kind, value=": ".join(filter(None, (refusal.value, refusal.detail))))


def _describe_unsupported(refusal: Refusal, message: Message) -> ErrorData:
    """The action or reason that isn't taken, and why."""
    if isinstance(message, RequestingAgencyMessage):
        return ErrorData(
            type=ErrorType.UNSUPPORTED_ACTION_TYPE, value=f"{message.action or ''}: {refusal.detail}".lstrip(": ")
        )
    if isinstance(message, SupplyingAgencyMessage):
        reason = (message.message_info.reason_for_message if message.message_info is not None else "") or ""
        kind = ErrorType.UNSUPPORTED_REASON_FOR_MESSAGE_TYPE
        return ErrorData(type=kind, value=f"{reason}: {refusal.detail}".lstrip(": "))
    return ErrorData(type=ErrorType.UNRECOGNISED_DATA_VALUE, value=refusal.detail)


def _build_answer(
    opened: OpenedMessage, errors: tuple[ErrorData, ...], exchange: ExchangeContext | None
) -> ResponderAnswer:
    decoded = opened.decoded
    assert decoded is not None
    dialect = dialect_of(exchange.profile if exchange is not None else None)
    at = exchange.now if exchange is not None else opened.at
    shape = decoded.shape
    encoded = encode_message(
        _build_confirmation(decoded, errors, at.astimezone(UTC), dialect.symbols),
        shape.version,
        _style_of_shape(shape, dialect.form.prefix),
        version_string=shape.version_string or dialect.version_string,
    )
    status = dialect.http.error_status if errors else dialect.http.ok_status
    return ResponderAnswer(encoded.data, MEDIA_TYPE, status=status)


def _style_of_shape(shape: WireShape, prefix: str) -> Iso18626Style:
    return Iso18626Style(shape.namespace, prefix if shape.namespace == NAMESPACE else "", wrapped=shape.wrapped)


def _build_confirmation(
    decoded: DecodedDocument, errors: tuple[ErrorData, ...], at: datetime, symbols: Symbols
) -> Confirmation:
    message = decoded.message
    assert isinstance(message, Message)
    header = message.header
    confirmed = ConfirmationHeader(
        supplying_agency=_complete_agency(header.supplying_agency, symbols) if header is not None else None,
        requesting_agency=_complete_agency(header.requesting_agency, symbols) if header is not None else None,
        timestamp=at,
        requesting_agency_request_id=header.requesting_agency_request_id if header is not None else None,
        multiple_item_request_id=(header.multiple_item_request_id if header is not None else None) or None,
        timestamp_received=(header.timestamp if header is not None else None) or at,
        message_status=MessageStatus.ERROR if errors else MessageStatus.OK,
    )
    if isinstance(message, Request):
        return RequestConfirmation(header=confirmed, errors=errors)
    if isinstance(message, RequestingAgencyMessage):
        is_beyond = decoded.shape.version < SchemaVersion.V2021 and message.action in WORDS_SINCE_2021
        action = message.action if message.action in _ACTIONS and not is_beyond else None
        return RequestingAgencyMessageConfirmation(header=confirmed, action=action, errors=errors)
    reason = message.message_info.reason_for_message if message.message_info is not None else None
    known = reason if reason in _REASONS_FOR_MESSAGE else None
    return SupplyingAgencyMessageConfirmation(header=confirmed, reason_for_message=known, errors=errors)


def _complete_agency(agency: AgencyId | None, symbols: Symbols) -> AgencyId | None:
    """Complete an agency as a confirmation can say it: with the type that is meant where none is said, and not at all
    without a value."""
    if agency is None or not agency.value:
        return None
    return agency if agency.type is not None else replace(agency, type=OpenCode(symbols.default_type))
