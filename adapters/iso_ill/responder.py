"""ISO ILL's answering side: the port `Responder`. Pure; what an APDU means for a request is done by the gateway."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from adapters.iso_ill.acknowledging import answer_to, is_duplicate, is_past_reporting, problem_of, report, seen_of
from adapters.iso_ill.codec import (
    DEFAULT_STYLE,
    ApduSplitter,
    Decoded,
    Limits,
    Peek,
    decode,
    digest_of,
    encode,
    name_of,
    peek,
    tlv,
)
from adapters.iso_ill.dialect import IsoIllDialect, Symbols, dialect_of
from adapters.iso_ill.mapping import Context, general_problem, received
from adapters.iso_ill.mapping.identities import aliases, symbol_in
from adapters.iso_ill.mapping.unmet import unfilled, unmet
from adapters.iso_ill.messages import Apdu, ForwardNotification, IllRequest, StatusOrErrorReport
from adapters.iso_ill.messages.extensions import NAMES, Credentials, Opaque
from adapters.iso_ill.messages.external import External
from adapters.iso_ill.messages.parties import SystemId
from adapters.iso_ill.messages.reporting import ProviderError, UserError
from adapters.iso_ill.state.rules import Guard, deviation
from adapters.iso_ill.state.services import FROM_REQUESTER, FROM_RESPONDER
from gateway.domain.frozen import frozen
from gateway.domain.problems import About, Fault, MalformedMessage, Reason, Refusal, Refused
from gateway.domain.profile import Profile
from gateway.domain.requests.events import Kind
from gateway.domain.requests.request import Request
from gateway.ports.channel import FromPartner, Taken
from gateway.ports.protocol import Answer, Arrival, CallBack, Conversation, Envelope, Framing, Incoming, Outcome

MEDIA_TYPE = "application/iso-10161-ill-1"
VERSIONS = (1, 2)
NOTHING = Answer(b"", MEDIA_TYPE)

_KIND, _APDU = tlv.CLASS | tlv.CONSTRUCTED, tlv.APPLICATION | tlv.CONSTRUCTED
"""Of a first octet: what says whether it begins an APDU, and what it is where it does."""


@frozen
class Opened:
    """What `open` found. `awaited`: it is the reply that a sender of ours waits for."""

    raw: bytes
    limit: int
    at: datetime
    awaited: bool
    seen: Peek
    decoded: Decoded | None = None


class Cutter:
    """`ports.protocol.Cutter` for a stream of APDUs."""

    def __init__(self, limit: int) -> None:
        self._frames = ApduSplitter(Limits(size=limit))
        self.hopeless = False

    @property
    def begun(self) -> int:
        return self._frames.begun

    def feed(self, data: bytes) -> None:
        """What can't begin an APDU is not waited for."""
        if data and not self._frames.begun and data[0] & _KIND != _APDU:
            self.hopeless = True
        self._frames.feed(data)

    def next(self) -> bytes | None:
        if self.hopeless:
            return None
        try:
            return self._frames.next()
        except MalformedMessage:  # `open` says what is wrong with the rest
            self.hopeless = True
            return None

    def rest(self) -> bytes:
        return self._frames.rest()


class IsoIllResponder:
    protocol = "iso_ill"

    def framing(self, profile: Profile | None) -> Framing:
        transport = dialect_of(profile).transport
        return Framing(
            end="cut",
            cutter=Cutter,
            idle_seconds=transport.idle_seconds,
            message_seconds=transport.message_seconds,
            answer_end=b"",
        )

    def open(self, arrival: Arrival, limit: int) -> Envelope:
        body, at, awaited = arrival.body, arrival.received, arrival.awaited
        try:
            decoded = decode(body, DEFAULT_STYLE, Limits(size=limit))
        except MalformedMessage as error:
            return _envelope(Opened(body, limit, at, awaited, _peeked(body, limit)), malformed=error)
        return _envelope(Opened(body, limit, at, awaited, seen_of(decoded.apdu), decoded))

    def decode(self, envelope: Envelope, talk: Conversation) -> Incoming:
        """Raises MalformedMessage, Refused."""
        dialect, opened = dialect_of(talk.profile), _opened(envelope)
        decoded = _read(opened, dialect)
        apdu = decoded.apdu
        _check_version(apdu)
        context = context_of(talk)
        _check_role(apdu, context)
        _check_extensions(apdu, dialect)
        told = received(apdu, context, digest_of(opened.raw, Limits(size=opened.limit)))
        _check_receiver(told, context)
        return Incoming(
            service=name_of(apdu.type),
            command=None,
            request_id=apdu.transaction_id.group_qualifier,
            message=apdu,
            unknown=tuple(map(str, decoded.oddities)),
            told=None if _is_not_news(apdu, told, opened, context) else guarded(told, apdu, context),
        )

    def encode(self, envelope: Envelope, incoming: Incoming, outcome: Outcome, talk: Conversation) -> Answer:
        if isinstance(outcome, Refusal):
            return self.refuse(envelope, outcome, talk)
        apdu, context = incoming.message, context_of(talk)
        if isinstance(apdu, IllRequest) and (why := unmet(apdu, context)) is not None:
            return _answer(unfilled(apdu, why, talk.now, context), talk)
        if not isinstance(outcome, Taken) or not isinstance(apdu, Apdu):
            return NOTHING
        answer = answer_to(apdu, outcome, context, talk.now)
        guard = incoming.told.guard if incoming.told is not None else None
        return _answer(answer, talk, _remark(apdu, outcome, context, guard, answered=answer is not None))

    def refuse(self, envelope: Envelope, refusal: Refusal | MalformedMessage, talk: Conversation | None) -> Answer:
        """What can't be read is said to be so, whoever sent it."""
        opened = _opened(envelope)
        malformed = refusal if isinstance(refusal, MalformedMessage) else envelope.malformed
        if is_past_reporting(opened.seen):
            return NOTHING
        problem: ProviderError | UserError
        if malformed is not None:
            problem, note = general_problem(malformed), str(malformed)
        else:
            assert isinstance(refusal, Refusal)
            problem, note = problem_of(refusal, opened.seen), refusal.detail
        return _answer(report(opened.seen, problem, note, opened.at, context_of(talk)), talk)


def context_of(talk: Conversation | None) -> Context:
    """None: the sender is not known, so that there is no library either."""
    if talk is None:
        return Context(library_zone=UTC, currency="")
    return Context(
        library_zone=talk.zone, currency=talk.currency, ours=(talk.symbol,), dialect=dialect_of(talk.profile)
    )


# --- before a profile is known ---------------------------------------------------------------------------


def _opened(envelope: Envelope) -> Opened:
    if not isinstance(envelope.parsed, Opened):
        raise TypeError("the envelope was opened by another responder")
    return envelope.parsed


def _peeked(body: bytes, limit: int) -> Peek:
    try:
        return peek(body, DEFAULT_STYLE, Limits(size=limit))
    except MalformedMessage:
        return Peek(None)


def _envelope(opened: Opened, malformed: MalformedMessage | None = None) -> Envelope:
    """Who sent it follows from the kind of APDU, for those that both roles send it may be the other party."""
    seen, apdu = opened.seen, opened.decoded.apdu if opened.decoded is not None else None
    requester, responder = _symbol(seen.requester_id), _symbol(seen.responder_id)
    if isinstance(apdu, ForwardNotification):
        responder = _symbol(apdu.intermediary_id)  # the responder named there is the new one
    sender, receiver = (responder, requester) if seen.type in FROM_RESPONDER else (requester, responder)
    known = [symbol_in(one, Symbols()) for one in aliases(apdu)] if apdu is not None else []
    credentials = _credentials(apdu)
    return Envelope(
        service=name_of(seen.type) if seen.type is not None else "",
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


def _symbol(id_: SystemId | None) -> str:
    return symbol_in(id_.symbol_text, Symbols()) if id_ is not None else ""


def _credentials(apdu: Apdu | None) -> Credentials:
    found = (one.item for one in (apdu.carried if apdu is not None else ()))
    return next((item for item in found if isinstance(item, Credentials)), Credentials("", ""))


# --- what can't be taken, whatever the state of the request ----------------------------------------------


def _read(opened: Opened, dialect: IsoIllDialect) -> Decoded:
    """Read anew only where this partner's manner differs from what `open` assumes."""
    style = dialect.wire.style
    if opened.decoded is not None and (style.fallback, style.day_formats) == (
        DEFAULT_STYLE.fallback,
        DEFAULT_STYLE.day_formats,
    ):
        return opened.decoded
    return decode(opened.raw, style, Limits(size=opened.limit))


def _check_version(apdu: Apdu) -> None:
    if apdu.protocol_version not in VERSIONS:
        raise MalformedMessage(
            "protocol-version-num", f"version {apdu.protocol_version} is not spoken here", Fault.UNSUPPORTED_VERSION
        )


def _check_role(apdu: Apdu, context: Context) -> None:
    """An APDU that only the other role sends: we are named as its sender."""
    requester, responder = (_symbol(one) for one in (apdu.requester_id, apdu.responder_id))
    ours, theirs = (requester, responder) if apdu.type in FROM_REQUESTER else (responder, requester)
    one_sided = apdu.type in FROM_REQUESTER or apdu.type in FROM_RESPONDER
    if one_sided and context.is_us(ours) and not context.is_us(theirs) and not isinstance(apdu, ForwardNotification):
        raise Refused(
            Reason.UNSUPPORTED_SERVICE, f"{name_of(apdu.type)} comes from the other role.", about=About.SERVICE
        )


def _check_extensions(apdu: Apdu, dialect: IsoIllDialect) -> None:
    """A critical one that we don't know forbids us to act (facts/iso-ill-10161.md 8)."""
    for one in apdu.carried:
        opaque = isinstance(one.item, External | Opaque)
        named = one.object_identifier in NAMES or one.object_identifier in dialect.critical_extensions
        if one.critical and opaque and not named:
            raise Refused(Reason.INVALID_VALUE, f"The critical extension {one.name} is not known here.")


def _check_receiver(told: FromPartner, context: Context) -> None:
    if told.receiver and not context.is_us(told.receiver):
        raise Refused(
            Reason.UNKNOWN_AGENCY, "There is no such library here.", about=About.RECEIVER, value=told.receiver
        )


# --- in the journal, and back ----------------------------------------------------------------------------


def _is_not_news(apdu: Apdu, told: FromPartner, opened: Opened, context: Context) -> bool:
    """What the protocol itself answers, or a sender of ours waits for."""
    if isinstance(apdu, IllRequest) and unmet(apdu, context) is not None:
        return True
    return _is_receipt(apdu, told, opened.awaited)


def _is_receipt(apdu: Apdu, told: FromPartner, awaited: bool) -> bool:
    """A sender of ours waits for it and deals with it. What says that a request has come is news all the same."""
    return awaited and isinstance(apdu, StatusOrErrorReport) and told.kind is not Kind.ACKNOWLEDGED


def guarded(told: FromPartner, apdu: Apdu, context: Context) -> FromPartner:
    """With the protocol's own rules about the request as it is."""
    return replace(told, guard=_known if isinstance(apdu, IllRequest) else Guard(apdu, context))


def _known(_request: Request) -> Refusal:
    return Refusal(Reason.DUPLICATE_REQUEST, "There is a request with this transaction already.", About.REQUEST)


def _remark(
    apdu: Apdu, taken: Taken, context: Context, guard: Callable[[Request], Refusal | None] | None, *, answered: bool
) -> str:
    """For the journal."""
    if is_duplicate(apdu, taken):
        return "the transport brought it twice" if answered else "the transport brought it twice: not answered"
    if taken.refused is not None or taken.repeated or taken.request is None:
        return ""
    return deviation(apdu, taken.request, context, guard.seen if isinstance(guard, Guard) else None)


def _answer(apdu: Apdu | None, talk: Conversation | None, note: str = "") -> Answer:
    if apdu is None:
        return Answer(b"", MEDIA_TYPE, note=note)
    dialect = dialect_of(talk.profile if talk is not None else None)
    return Answer(encode(apdu, dialect.wire.style), MEDIA_TYPE, note=note, call_back=_elsewhere(apdu, talk))


def _elsewhere(apdu: Apdu, talk: Conversation | None) -> CallBack | None:
    transport = dialect_of(talk.profile if talk is not None else None).transport
    if talk is None or is_ok(apdu) or transport.reports == "same-connection" or not transport.address:
        return None
    return transport.call_back(talk.profile.name)


def is_ok(apdu: Apdu) -> bool:
    return not (isinstance(apdu, StatusOrErrorReport) and apdu.error_report is not None)
