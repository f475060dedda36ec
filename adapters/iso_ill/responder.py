"""Port Responder: APDUs received and answered. Pure; what an APDU means for a request is done by the gateway.

Rules: facts/iso-ill-10161.md section 9.3. Answers of the kind ILL-Answer, Shipped … go out later, by the channel.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from adapters import ber
from adapters.iso_ill.codec import (
    DEFAULT_STYLE,
    ApduSplitter,
    BerLimits,
    DecodedApdu,
    PartialHeader,
    apdu_digest,
    apdu_type_name,
    conceal_credentials,
    decode_apdu,
    encode_apdu,
    peek_apdu,
)
from adapters.iso_ill.dialect import IllSymbols, IsoIllDialect, dialect_of, is_reported
from adapters.iso_ill.mapping import (
    IllContext,
    build_error_report,
    event_of_apdu,
    ill_state_of_request,
    problem_of_malformed,
)
from adapters.iso_ill.mapping.identities import incoming_symbol, list_sender_aliases, moment_in_zone, outgoing_symbol
from adapters.iso_ill.mapping.ill_request import find_unsuppliable, unfilled_answer
from adapters.iso_ill.mapping.messages_sent import write_delivery_info
from adapters.iso_ill.mapping.reports import build_status_report, last_service
from adapters.iso_ill.messages import Apdu, ForwardNotification, IllRequest, StatusOrErrorReport
from adapters.iso_ill.messages.codes import (
    ApduType,
    CurrentState,
    GeneralProblem,
    HistoryService,
    TransactionIdProblem,
    UnableToPerform,
)
from adapters.iso_ill.messages.declaration import External
from adapters.iso_ill.messages.structures import NAMES, Extension, Opaque, ServiceDateTime, ShownCredentials, SystemId
from adapters.iso_ill.messages.tracking_phase import ProviderError, StateTransitionProhibited, UserError
from adapters.iso_ill.state_rules import MessageGuard, describe_deviation
from adapters.iso_ill.state_tables import FROM_REQUESTER, FROM_RESPONDER
from gateway.domain.problems import MalformationKind, MalformedMessage, MessagePart, Refusal, RefusalReason, Refused
from gateway.domain.profile import Profile
from gateway.domain.requests.events import EventKind
from gateway.domain.requests.request import Request
from gateway.domain.sentences import write_sentence
from gateway.domain.value import replace, value_object
from gateway.ports.partner_channel import InboxResult, IncomingPartnerMessage
from gateway.ports.responder import (
    CallbackAddress,
    DecodedMessage,
    ExchangeContext,
    MessageEnvelope,
    Outcome,
    RawMessage,
    ResponderAnswer,
    StreamFraming,
)

MEDIA_TYPE = "application/iso-10161-ill-1"
VERSIONS = (1, 2)
NOTHING = ResponderAnswer(b"", MEDIA_TYPE)

_KIND, _APDU = ber.CLASS | ber.CONSTRUCTED, ber.APPLICATION | ber.CONSTRUCTED
"""Of a first octet: what says whether it begins an APDU, and what it is where it does."""

_PROBLEMS: Mapping[RefusalReason, ProviderError | UserError] = {
    RefusalReason.UNKNOWN_REQUEST: ProviderError(transaction_id_problem=TransactionIdProblem.UNKNOWN_TRANSACTION_ID),
    RefusalReason.DUPLICATE_REQUEST: ProviderError(
        transaction_id_problem=TransactionIdProblem.DUPLICATE_TRANSACTION_ID
    ),
    RefusalReason.TEMPORARY_FAILURE: UserError(unable_to_perform=UnableToPerform.RESOURCE_LIMITATION),
}
_NOT_LET_IN = frozenset(
    {RefusalReason.UNKNOWN_SENDER, RefusalReason.SENDER_AUTH_FAILED, RefusalReason.UNAUTHORIZED_SERVICE}
)
_NOT_NOW = frozenset({RefusalReason.NOT_ALLOWED, RefusalReason.REQUEST_CLOSED})


@value_object
class OpenedApdu:
    """The APDU that `open` found. `awaited`: it is the reply that a sender of ours waits for."""

    raw: bytes
    limit: int
    at: datetime
    awaited: bool
    seen: PartialHeader
    decoded: DecodedApdu | None = None


class IllStreamSplitter:
    """`ports.responder.StreamSplitter` for a stream of APDUs."""

    def __init__(self, limit: int) -> None:
        self._frames = ApduSplitter(BerLimits(size=limit))
        self.is_unrecoverable = False

    @property
    def begun(self) -> int:
        return self._frames.begun

    def add_octets(self, data: bytes) -> None:
        """Add octets; what can't begin an APDU is not waited for."""
        if data and not self._frames.begun and data[0] & _KIND != _APDU:
            self.is_unrecoverable = True
        self._frames.add_octets(data)

    def take_message(self) -> bytes | None:
        if self.is_unrecoverable:
            return None
        try:
            return self._frames.take_message()
        except MalformedMessage:  # `open` says what is wrong with the rest
            self.is_unrecoverable = True
            return None

    def take_rest(self) -> bytes:
        return self._frames.take_rest()


class IsoIllResponder:
    protocol = "iso_ill"
    services = frozenset(map(apdu_type_name, ApduType))

    def framing(self, profile: Profile | None) -> StreamFraming:
        transport = dialect_of(profile).transport
        return StreamFraming(
            end="cut",
            cutter=IllStreamSplitter,
            idle_seconds=transport.idle_seconds,
            message_seconds=transport.message_seconds,
            answer_end=b"",
        )

    def open(self, arrival: RawMessage, limit: int) -> MessageEnvelope:
        body, at, awaited = arrival.body, arrival.received, arrival.awaited
        try:
            decoded = decode_apdu(body, DEFAULT_STYLE, BerLimits(size=limit))
        except MalformedMessage as error:
            return _build_envelope(OpenedApdu(body, limit, at, awaited, _peek_or_empty(body, limit)), malformed=error)
        return _build_envelope(OpenedApdu(body, limit, at, awaited, header_of_apdu(decoded.apdu), decoded))

    def decode(self, envelope: MessageEnvelope, exchange: ExchangeContext) -> DecodedMessage:
        """Decode a message; raises MalformedMessage, Refused."""
        dialect, opened = dialect_of(exchange.profile), _require_opened(envelope)
        decoded = _decode_in_dialect(opened, dialect)
        apdu = decoded.apdu
        _check_version(apdu)
        context = context_of_exchange(exchange)
        _check_role(apdu, context)
        _check_extensions(apdu, dialect)
        message = event_of_apdu(apdu, context, apdu_digest(opened.raw, BerLimits(size=opened.limit)))
        _check_receiver(message, context)
        return DecodedMessage(
            service=apdu_type_name(apdu.type),
            command=None,
            request_id=apdu.transaction_id.group_qualifier,
            message=apdu,
            unknown=tuple(map(str, decoded.oddities)),
            told=None if _is_without_event(apdu, message, opened, context) else add_guard(message, apdu, context),
        )

    def encode(
        self, envelope: MessageEnvelope, incoming: DecodedMessage, outcome: Outcome, exchange: ExchangeContext
    ) -> ResponderAnswer:
        if isinstance(outcome, Refusal):
            return self.refuse(envelope, outcome, exchange)
        apdu, context = incoming.message, context_of_exchange(exchange)
        if isinstance(apdu, IllRequest) and (why := find_unsuppliable(apdu, context)) is not None:
            return _build_answer(unfilled_answer(apdu, why, exchange.now, context), exchange)
        if not isinstance(outcome, InboxResult) or not isinstance(apdu, Apdu):
            return NOTHING
        answer = acknowledge_apdu(apdu, outcome, context, exchange.now)
        guard = incoming.told.guard if incoming.told is not None else None
        return _build_answer(
            answer, exchange, _write_journal_note(apdu, outcome, context, guard, answered=answer is not None)
        )

    def refuse(
        self, envelope: MessageEnvelope, refusal: Refusal | MalformedMessage, exchange: ExchangeContext | None
    ) -> ResponderAnswer:
        """Refuse a message; what can't be read is said to be so, whoever sent it."""
        opened = _require_opened(envelope)
        malformed = refusal if isinstance(refusal, MalformedMessage) else envelope.malformed
        if is_unreportable(opened.seen):
            return NOTHING
        problem: ProviderError | UserError
        if malformed is not None:
            problem, note = problem_of_malformed(malformed), str(malformed)
        else:
            assert isinstance(refusal, Refusal)
            problem, note = apdu_problem(refusal, opened.seen), refusal.detail
        return _build_answer(
            build_problem_report(opened.seen, problem, note, opened.at, context_of_exchange(exchange)), exchange
        )

    def conceal_secrets(self, body: bytes) -> bytes:
        """See `adapters.iso_ill.codec`."""
        return conceal_credentials(body)

    def describe_concealed(self, envelope: MessageEnvelope, profile: Profile) -> str:
        """Describe nothing: what is concealed in an APDU is what its sender proved itself by."""
        return ""


def context_of_exchange(exchange: ExchangeContext | None) -> IllContext:
    """None: the sender is not known, so that there is no library either."""
    if exchange is None:
        return IllContext(library_zone=UTC, currency="")
    return IllContext(
        library_zone=exchange.zone,
        currency=exchange.currency,
        ours=(exchange.symbol,),
        dialect=dialect_of(exchange.profile),
    )


# --- before a profile is known ---------------------------------------------------------------------------


def _require_opened(envelope: MessageEnvelope) -> OpenedApdu:
    if not isinstance(envelope.parsed, OpenedApdu):
        raise TypeError("the envelope was opened by another responder")
    return envelope.parsed


def _peek_or_empty(body: bytes, limit: int) -> PartialHeader:
    try:
        return peek_apdu(body, DEFAULT_STYLE, BerLimits(size=limit))
    except MalformedMessage:
        return PartialHeader(None)


def _build_envelope(opened: OpenedApdu, malformed: MalformedMessage | None = None) -> MessageEnvelope:
    """Build the envelope; who sent it follows from the kind of APDU, for those that both roles send it may be the other
    party."""
    seen, apdu = opened.seen, opened.decoded.apdu if opened.decoded is not None else None
    requester, responder = _symbol_of_id(seen.requester_id), _symbol_of_id(seen.responder_id)
    if isinstance(apdu, ForwardNotification):
        responder = _symbol_of_id(apdu.intermediary_id)  # the responder named there is the new one
    sender, receiver = (responder, requester) if seen.type in FROM_RESPONDER else (requester, responder)
    known = [incoming_symbol(alias, IllSymbols()) for alias in list_sender_aliases(apdu)] if apdu is not None else []
    credentials = _find_credentials(apdu)
    return MessageEnvelope(
        service=apdu_type_name(seen.type) if seen.type is not None else "",
        version=str(seen.protocol_version or ""),
        from_agency=sender,
        to_agency=receiver,
        from_system=credentials.user,
        symbols=tuple(filter(None, (sender, *known, receiver))),
        agency_secret=credentials.password,
        system_secret=f"{credentials.user}:{credentials.password}" if credentials.password else "",
        parsed=opened,
        malformed=malformed,
    )


def _symbol_of_id(id_: SystemId | None) -> str:
    return incoming_symbol(id_.symbol_text, IllSymbols()) if id_ is not None else ""


def _find_credentials(apdu: Apdu | None) -> ShownCredentials:
    items = (extension.item for extension in (apdu.carried_extensions if apdu is not None else ()))
    return next((item for item in items if isinstance(item, ShownCredentials)), ShownCredentials("", ""))


# --- what can't be taken, whatever the state of the request ----------------------------------------------


def _decode_in_dialect(opened: OpenedApdu, dialect: IsoIllDialect) -> DecodedApdu:
    """Read anew only where this partner's manner differs from what `open` assumes."""
    style = dialect.wire.style
    if opened.decoded is not None and (style.fallback, style.day_formats) == (
        DEFAULT_STYLE.fallback,
        DEFAULT_STYLE.day_formats,
    ):
        return opened.decoded
    return decode_apdu(opened.raw, style, BerLimits(size=opened.limit))


def _check_version(apdu: Apdu) -> None:
    if apdu.protocol_version not in VERSIONS:
        raise MalformedMessage(
            "protocol-version-num",
            f"version {apdu.protocol_version} is not spoken here",
            MalformationKind.UNSUPPORTED_VERSION,
        )


def _check_role(apdu: Apdu, context: IllContext) -> None:
    """An APDU that only the other role sends: we are named as its sender."""
    requester, responder = (_symbol_of_id(system_id) for system_id in (apdu.requester_id, apdu.responder_id))
    ours, theirs = (requester, responder) if apdu.type in FROM_REQUESTER else (responder, requester)
    one_sided = apdu.type in FROM_REQUESTER or apdu.type in FROM_RESPONDER
    if one_sided and context.is_us(ours) and not context.is_us(theirs) and not isinstance(apdu, ForwardNotification):
        raise Refused(
            RefusalReason.UNSUPPORTED_SERVICE,
            write_sentence("%(apdu)s is not allowed from this role.", apdu=apdu_type_name(apdu.type)),
            about=MessagePart.SERVICE,
        )


def _check_extensions(apdu: Apdu, dialect: IsoIllDialect) -> None:
    """A critical one that we don't know forbids us to act (facts/iso-ill-10161.md 8)."""
    for extension in apdu.carried_extensions:
        opaque = isinstance(extension.item, External | Opaque)
        named = extension.object_identifier in NAMES or extension.object_identifier in dialect.critical_extensions
        if extension.critical and opaque and not named:
            raise Refused(
                RefusalReason.INVALID_VALUE,
                write_sentence("The critical extension %(name)s is not supported.", name=extension.name),
            )


def _check_receiver(message: IncomingPartnerMessage, context: IllContext) -> None:
    if message.receiver and not context.is_us(message.receiver):
        raise Refused(
            RefusalReason.UNKNOWN_AGENCY,
            "Library not found.",
            about=MessagePart.RECEIVER,
            value=message.receiver,
        )


# --- in the journal, and back ----------------------------------------------------------------------------


def _is_without_event(apdu: Apdu, message: IncomingPartnerMessage, opened: OpenedApdu, context: IllContext) -> bool:
    """Return whether it has no event: the protocol itself answers it, or a sender of ours waits for it."""
    if isinstance(apdu, IllRequest) and find_unsuppliable(apdu, context) is not None:
        return True
    return _is_receipt(apdu, message, opened.awaited)


def _is_receipt(apdu: Apdu, message: IncomingPartnerMessage, awaited: bool) -> bool:
    """A sender of ours waits for it and deals with it. What says that a request has come is a notification all the
    same."""
    return awaited and isinstance(apdu, StatusOrErrorReport) and message.kind is not EventKind.ACKNOWLEDGED


def add_guard(message: IncomingPartnerMessage, apdu: Apdu, context: IllContext) -> IncomingPartnerMessage:
    """Add the protocol's own rules about the request as it is."""
    return replace(message, guard=_refuse_duplicate if isinstance(apdu, IllRequest) else MessageGuard(apdu, context))


def _refuse_duplicate(_request: Request) -> Refusal:
    return Refusal(
        RefusalReason.DUPLICATE_REQUEST, "There is a request with this transaction already.", MessagePart.REQUEST
    )


def _write_journal_note(
    apdu: Apdu,
    result: InboxResult,
    context: IllContext,
    guard: Callable[[Request], Refusal | None] | None,
    *,
    answered: bool,
) -> str:
    """Write the note for the journal."""
    if is_duplicate(apdu, result):
        return "the transport brought it twice" if answered else "the transport brought it twice: not answered"
    if result.refused is not None or result.repeated or result.request is None:
        return ""
    return describe_deviation(apdu, result.request, context, guard.seen if isinstance(guard, MessageGuard) else None)


def _build_answer(apdu: Apdu | None, exchange: ExchangeContext | None, note: str = "") -> ResponderAnswer:
    if apdu is None:
        return ResponderAnswer(b"", MEDIA_TYPE, note=note)
    dialect = dialect_of(exchange.profile if exchange is not None else None)
    return ResponderAnswer(
        encode_apdu(apdu, dialect.wire.style), MEDIA_TYPE, note=note, call_back=_choose_callback(apdu, exchange)
    )


def _choose_callback(apdu: Apdu, exchange: ExchangeContext | None) -> CallbackAddress | None:
    transport = dialect_of(exchange.profile if exchange is not None else None).transport
    if exchange is None or is_ok(apdu) or transport.reports == "same-connection" or not transport.address:
        return None
    return transport.make_callback_address(exchange.profile.name)


def is_ok(apdu: Apdu) -> bool:
    return not (isinstance(apdu, StatusOrErrorReport) and apdu.error_report is not None)


def acknowledge_apdu(apdu: Apdu, result: InboxResult, context: IllContext, at: datetime) -> StatusOrErrorReport | None:
    """None: nothing is said. A repeat is answered once more, a mere duplicate only where its sender waits for it."""
    dialect = context.dialect
    wanted = is_reported(apdu.type, dialect.answers)
    waits = wanted or dialect.transport.mode == "same-connection"
    if is_duplicate(apdu, result) and not waits:
        return None
    if result.refused is not None:
        return report_refusal(apdu, result.refused, result.request, context, at)
    return _build_acknowledgement(apdu, result.request, context, at) if wanted and result.request is not None else None


def is_duplicate(apdu: Apdu, result: InboxResult) -> bool:
    """The transport brought it twice: its sender doesn't say that it is a repeat."""
    return result.repeated and apdu.service_date_time.original is None


def report_refusal(
    apdu: Apdu, refusal: Refusal, request: Request | None, context: IllContext, at: datetime
) -> StatusOrErrorReport | None:
    """Report a refusal; never about a report, nor about a Message that can't be placed."""
    header = header_of_apdu(apdu)
    if is_unreportable(header, refusal):
        return None
    return build_problem_report(header, apdu_problem(refusal, header, request), refusal.detail, at, context)


def build_problem_report(
    header: PartialHeader, problem: ProviderError | UserError, note: str, at: datetime, context: IllContext
) -> StatusOrErrorReport:
    return replace(build_error_report(header, problem, note, at, context), extensions=our_delivery_info(context))


def is_unreportable(header: PartialHeader, refusal: Refusal | None = None) -> bool:
    if header.type is ApduType.MESSAGE:
        return refusal is not None and refusal.reason is RefusalReason.UNKNOWN_REQUEST
    return header.type is ApduType.STATUS_OR_ERROR_REPORT


def apdu_problem(refusal: Refusal, header: PartialHeader, request: Request | None = None) -> ProviderError | UserError:
    if refusal.reason in _NOT_NOW and header.type is not None:
        state = ill_state_of_request(request) if request is not None else CurrentState.UNKNOWN
        return ProviderError(state_transition_prohibited=StateTransitionProhibited(apdu=header.type, state=state))
    if refusal.reason in _NOT_LET_IN:
        return UserError(security_problem=refusal.detail)
    if refusal.reason is RefusalReason.UNSUPPORTED_SERVICE and refusal.about is MessagePart.SERVICE:
        return ProviderError(general_problem=GeneralProblem.MISTYPED_APDU)
    return _PROBLEMS.get(refusal.reason, UserError(unable_to_perform=UnableToPerform.OTHER))


def header_of_apdu(apdu: Apdu) -> PartialHeader:
    return PartialHeader(
        apdu.type,
        apdu.protocol_version,
        apdu.transaction_id,
        apdu.service_date_time,
        apdu.requester_id,
        apdu.responder_id,
    )


def _build_acknowledgement(apdu: Apdu, request: Request, context: IllContext, at: datetime) -> StatusOrErrorReport:
    """A status report whose most recent service is theirs (OCLC, facts 13); ids as they came."""
    sender = apdu.requester_id if apdu.type in FROM_REQUESTER else apdu.responder_id
    listed = {int(history_service) for history_service in HistoryService}
    service = HistoryService(int(apdu.type)) if int(apdu.type) in listed else last_service(request)
    on = apdu.service_date_time.this.day
    return StatusOrErrorReport(
        protocol_version=context.dialect.version,
        transaction_id=apdu.transaction_id,
        service_date_time=ServiceDateTime(this=moment_in_zone(at, context.zone)),
        requester_id=apdu.requester_id,
        responder_id=apdu.responder_id,
        status_report=build_status_report(request, service, sender or SystemId(), on, context),
        extensions=our_delivery_info(context),
    )


def our_delivery_info(context: IllContext) -> tuple[Extension, ...]:
    ours = context.dialect.symbols.ours or next(iter(context.ours), "")
    return write_delivery_info(context.dialect, outgoing_symbol(ours, context.dialect.symbols))
