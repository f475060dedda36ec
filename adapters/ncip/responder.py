"""NCIP's answering side: the port `Responder`. Pure; what a message asks for is done by the gateway's services."""

from __future__ import annotations

from lxml import etree

from adapters.ncip import answers, concealment
from adapters.ncip.codec import MessagePeek, decode_message, peek_message
from adapters.ncip.dialect import AgencySource, NcipDialect
from adapters.ncip.messages import (
    INITIATIONS,
    RESPONSES,
    Initiation,
    InitiationHeader,
    LookupVersion,
    Message,
    response_to,
)
from adapters.ncip.messages.declaration import RawElement
from adapters.ncip.services import SERVICES
from adapters.ncip.services.command_reader import CommandReader, text_of_code
from adapters.ncip.services.result_writer import ResultWriter
from adapters.ncip.xml_parser import DocumentLimits, ParsedDocument, parse_xml
from gateway.domain.problems import MalformationKind, MalformedMessage, MessagePart, Refusal, RefusalReason, Refused
from gateway.domain.profile import Profile
from gateway.domain.sentences import write_sentence
from gateway.domain.value import value_object
from gateway.ports.responder import (
    DecodedMessage,
    ExchangeContext,
    MessageEnvelope,
    Outcome,
    RawMessage,
    ResponderAnswer,
    StreamFraming,
    TransportKind,
)

END_TAGS = (b"NCIPMessage", b"NCIPVersionMessage")
ANSWER_ENDS = {"crlf": b"\r\n", "lf": b"\n", "none": b""}
_STANDARD = NcipDialect()


@value_object
class _OpenedMessage:
    """The message that `open` found, handed on to `decode` and the answer; `raw` where a profile may have to parse
    again.

    `media_type` None: it came by a way that knows none.
    """

    raw: bytes
    limit: int
    parsed: ParsedDocument | None = None
    seen: MessagePeek | None = None
    media_type: str | None = None


class NcipResponder:
    protocol = "ncip"
    services = frozenset((*INITIATIONS, *RESPONSES))

    def framing(self, profile: Profile | None) -> StreamFraming:
        tcp = (get_ncip_dialect(profile) if profile is not None else _STANDARD).tcp
        return StreamFraming(
            end=tcp.end,
            tags=END_TAGS,
            idle_seconds=tcp.idle_seconds,
            message_seconds=tcp.message_seconds,
            keep_open=tcp.keep_open,
            answer_end=ANSWER_ENDS[tcp.answer_end],
        )

    def open(self, arrival: RawMessage, limit: int) -> MessageEnvelope:
        parsed = None
        try:
            parsed = parse_xml(arrival.body, limits=DocumentLimits(size=limit))
            peek = peek_message(parsed)
        except MalformedMessage as error:
            return MessageEnvelope(parsed=_OpenedMessage(arrival.body, limit, parsed), malformed=error)
        return _build_envelope(
            _OpenedMessage(arrival.body, limit, parsed, peek, _read_media_type(arrival)), parsed, peek
        )

    def decode(self, envelope: MessageEnvelope, exchange: ExchangeContext) -> DecodedMessage:
        dialect = get_ncip_dialect(exchange.profile)
        message = read_opened_message(envelope, exchange)
        name = message.service
        if isinstance(message.body, LookupVersion):
            if not dialect.is_service_offered(name):
                raise _refuse_service(name)
            return DecodedMessage("LookupVersion", None, message=message)
        if not isinstance(message.body, Initiation):
            raise MalformedMessage(
                name, "this is an answer or an extension, and nothing was asked", MalformationKind.PROTOCOL
            )
        header = message.body.initiation_header
        _check_required_header(header, dialect)
        service = SERVICES.get(type(message.body))
        if service is None or not dialect.is_service_offered(name):
            raise _refuse_service(name)
        if not dialect.is_form_answered(name, message.version, in_ext=message.in_ext):
            detail = f"{name} does not exist in NCIP {message.version.value}."
            if message.in_ext:
                detail = f"{name} is not answered inside Ext here."
            raise Refused(RefusalReason.UNSUPPORTED_SERVICE, detail, about=MessagePart.SERVICE)
        return DecodedMessage(
            service=name,
            command=service.read(message.body, make_command_reader(message.body, exchange)),
            request_id=_read_identifier(message.body, "request_id"),
            item_id=_read_identifier(message.body, "item_id"),
            message=message,
            unknown=tuple(element.path for element in message.unknown),
        )

    def encode(
        self, envelope: MessageEnvelope, incoming: DecodedMessage, outcome: Outcome, exchange: ExchangeContext
    ) -> ResponderAnswer:
        dialect = get_ncip_dialect(exchange.profile)
        message = incoming.message
        if not isinstance(message, Message):
            raise TypeError("the message was decoded by another responder")
        if isinstance(message.body, LookupVersion):
            return answers.service_answer(answers.build_version_response(message), message, dialect, exchange)
        if isinstance(outcome, Refusal):
            return self.refuse(envelope, outcome, exchange)
        if not isinstance(message.body, Initiation):
            raise TypeError("only an initiation has a result")
        word_result = SERVICES[type(message.body)].word
        response = response_to(type(message.body))()
        if word_result is not None:
            writer = ResultWriter(dialect, exchange, message.service, message.version)
            response = word_result(outcome, message.body, writer)
        return answers.success_response(response, message, dialect, exchange)

    def refuse(
        self,
        envelope: MessageEnvelope,
        refusal: Refusal | MalformedMessage,
        exchange: ExchangeContext | None,
        ext: tuple[RawElement, ...] = (),
    ) -> ResponderAnswer:
        """`ext`: what the service's own answer says besides, for those who need more than a Problem."""
        dialect = get_ncip_dialect(exchange.profile) if exchange is not None else _STANDARD
        opened = envelope.parsed
        seen, parsed = (opened.seen, opened.parsed) if isinstance(opened, _OpenedMessage) else (None, None)
        return answers.refusal_response(refusal, envelope.service, seen, parsed, dialect, exchange, ext)

    def conceal_secrets(self, body: bytes) -> bytes:
        """See `adapters.ncip.concealment`."""
        return concealment.conceal_secrets(body)

    def describe_concealed(self, envelope: MessageEnvelope, profile: Profile) -> str:
        opened = envelope.parsed
        if not isinstance(opened, _OpenedMessage):
            raise TypeError("the envelope was opened by another responder")
        if concealment.has_concealed_input(opened.raw):
            return write_sentence("the patron's PIN or password (AuthenticationInputData)")
        sources = get_ncip_dialect(profile).header.agency_from
        if AgencySource.AGENCY_AUTHENTICATION in sources and concealment.has_concealed_agency(opened.raw):
            return write_sentence("FromAgencyAuthentication, from which this profile takes the sender's agency")
        return ""


# --- reading ---------------------------------------------------------------------------------------------


def get_ncip_dialect(profile: Profile) -> NcipDialect:
    """Return the dialect; of a profile without such a section: the standard."""
    dialect = profile.dialects.get("ncip")
    return dialect if isinstance(dialect, NcipDialect) else _STANDARD


def read_opened_message(envelope: MessageEnvelope, exchange: ExchangeContext) -> Message:
    """The message that `NcipResponder.open` has opened, as this profile has it read. Raises MalformedMessage."""
    dialect = get_ncip_dialect(exchange.profile)
    if envelope.malformed is not None and _has_standard_reading(dialect):
        raise envelope.malformed
    _check_media_type(envelope, dialect)
    parsed, seen = _reparse_document(envelope, dialect)
    return decode_message(parsed, dialect.xml, exchange.zone, seen)


def get_opened_octets(envelope: MessageEnvelope) -> bytes:
    opened = envelope.parsed
    if not isinstance(opened, _OpenedMessage):
        raise TypeError("the envelope was opened by another responder")
    return opened.raw


def get_opened_root(envelope: MessageEnvelope) -> etree._Element | None:
    """None: it couldn't be parsed."""
    opened = envelope.parsed
    return opened.parsed.root if isinstance(opened, _OpenedMessage) and opened.parsed is not None else None


def make_command_reader(body: Initiation, exchange: ExchangeContext) -> CommandReader:
    dialect = get_ncip_dialect(exchange.profile)
    header = body.initiation_header
    return CommandReader(
        dialect,
        exchange.profile.circulation,
        exchange,
        sender=_find_sender_agency(body, dialect),
        receiver=text_of_code(header.to_agency_id) if header is not None else "",
    )


def _parse_opened(opened: _OpenedMessage) -> ParsedDocument:
    if opened.parsed is None:
        raise TypeError("nothing was parsed")
    return opened.parsed


def _build_envelope(opened: _OpenedMessage, parsed: ParsedDocument, peek: MessagePeek) -> MessageEnvelope:
    header = peek.header
    initiation = header if isinstance(header, InitiationHeader) else None
    if header is None:
        return MessageEnvelope(service=peek.service, version=str(peek.version), repairs=parsed.notes, parsed=opened)
    return MessageEnvelope(
        service=peek.service,
        version=str(peek.version),
        from_agency=text_of_code(header.from_agency_id),
        to_agency=text_of_code(header.to_agency_id),
        profile_type=text_of_code(initiation.application_profile_type) if initiation is not None else "",
        from_system=text_of_code(header.from_system_id),
        agency_secret=header.from_agency_authentication or "",
        system_secret=header.from_system_authentication or "",
        repairs=parsed.notes,
        parsed=opened,
    )


def _reparse_document(envelope: MessageEnvelope, dialect: NcipDialect) -> tuple[ParsedDocument, MessagePeek | None]:
    """The document as this profile has it read, and what was seen in it; parsed anew only where the profile differs
    from what `open` assumes."""
    opened = envelope.parsed
    if not isinstance(opened, _OpenedMessage):
        raise TypeError("the envelope was opened by another responder")
    if _has_standard_reading(dialect) or not (opened.parsed is None or opened.parsed.notes or dialect.xml.charset_in):
        return _parse_opened(opened), opened.seen
    return parse_xml(opened.raw, dialect.xml, limits=DocumentLimits(size=opened.limit), http=dialect.http), None


def _read_media_type(arrival: RawMessage) -> str | None:
    """Read the media type in lower case, without parameters; empty where HTTP named none."""
    if arrival.transport is not TransportKind.HTTP:
        return None
    return arrival.content_type.partition(";")[0].strip().lower()


def _check_media_type(envelope: MessageEnvelope, dialect: NcipDialect) -> None:
    accepted, opened = dialect.http.accepted, envelope.parsed
    if not accepted or not isinstance(opened, _OpenedMessage) or opened.media_type is None:
        return
    if opened.media_type not in accepted:
        raise MalformedMessage(
            "Content-Type", f"only {', '.join(accepted)} is accepted here", MalformationKind.PROTOCOL
        )


def _has_standard_reading(dialect: NcipDialect) -> bool:
    ours, standard = dialect.xml, _STANDARD.xml
    return (
        ours.charset_in == standard.charset_in
        and ours.repair == standard.repair
        and dialect.http.body_encoding == _STANDARD.http.body_encoding
        and dialect.http.form_fields == _STANDARD.http.form_fields
    )


def _check_required_header(header: InitiationHeader | None, dialect: NcipDialect) -> None:
    """Raise Refused(DATA_MISSING) for header parts that the profile insists on."""
    for part in dialect.header.require:
        about = MessagePart.SENDER
        match part:
            case "header":
                present, element = header is not None, "InitiationHeader"
            case "from-agency":
                present = header is not None and bool(text_of_code(header.from_agency_id))
                element = "InitiationHeader/FromAgencyId"
            case "to-agency":
                present = header is not None and bool(text_of_code(header.to_agency_id))
                element, about = "InitiationHeader/ToAgencyId", MessagePart.RECEIVER
            case "profile-type":
                present = header is not None and bool(text_of_code(header.application_profile_type))
                element, about = "InitiationHeader/ApplicationProfileType", MessagePart.SERVICE
        if not present:
            raise Refused(
                RefusalReason.DATA_MISSING,
                write_sentence("%(element)s is missing or empty.", element=element),
                about=about,
            )


def _refuse_service(service: str) -> Refused:
    return Refused(
        RefusalReason.UNSUPPORTED_SERVICE,
        write_sentence("%(service)s is not supported.", service=service),
        about=MessagePart.SERVICE,
    )


def _find_sender_agency(body: Initiation, dialect: NcipDialect) -> str:
    for source in dialect.header.agency_from:
        if agency := _read_agency(source, body, body.initiation_header):
            return agency
    return ""


def _read_agency(source: AgencySource, body: Initiation, header: InitiationHeader | None) -> str:
    if source is AgencySource.REQUEST_AGENCY:
        request = getattr(body, "request_id", None)
        return text_of_code(request.agency_id) if request is not None else ""
    if header is None:
        return ""
    if source is AgencySource.AGENCY_AUTHENTICATION:
        return header.from_agency_authentication or ""
    is_sender = source is AgencySource.FROM_AGENCY
    return text_of_code(header.from_agency_id if is_sender else header.application_profile_type)


def _read_identifier(body: Initiation, name: str) -> str:
    several = getattr(body, f"{name}s", ())
    identifier = getattr(body, name, None) or (several[0] if several else None)
    return identifier.value if identifier is not None else ""
