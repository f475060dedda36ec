"""NCIP's answering side: the port `Responder`. Pure; what a message asks for is done by the gateway's services."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from adapters.ncip import problems, versions
from adapters.ncip.codec import Limits, Parsed, Peek, decode, encode, parse, peek
from adapters.ncip.dialect import AgencySource, NcipDialect
from adapters.ncip.messages import (
    INITIATIONS,
    Body,
    Code,
    Initiation,
    InitiationHeader,
    ItemRequestedResponse,
    LookupVersion,
    LookupVersionResponse,
    Message,
    Problem,
    Problems,
    Response,
    ResponseHeader,
    Root,
    response_to,
)
from adapters.ncip.services import SERVICES
from adapters.ncip.services.reading import Reader, word
from adapters.ncip.services.wording import Writer
from adapters.ncip.versions import Version
from gateway.domain.commands import Result
from gateway.domain.problems import About, Fault, MalformedMessage, Reason, Refusal, Refused
from gateway.domain.profile import Profile
from gateway.ports.protocol import Answer, Arrival, Conversation, Envelope, Framing, Incoming, Transport

END_TAGS = (b"NCIPMessage", b"NCIPVersionMessage")
ANSWER_ENDS = {"crlf": b"\r\n", "lf": b"\n", "none": b""}
OPTIONAL_PARTS = ("item_optional_fields", "user_optional_fields", "routing_information")
"""Parts of a success answer in which free text can stand, and which no schema requires."""

_STANDARD = NcipDialect()


@dataclass(frozen=True, slots=True)
class _Opened:
    """What `open` found, handed on to `decode` and the answer; `raw` where a profile may have to parse again.

    `media_type` None: it came by a way that knows none.
    """

    raw: bytes
    limit: int
    parsed: Parsed | None = None
    seen: Peek | None = None
    media_type: str | None = None


class NcipResponder:
    protocol = "ncip"

    def framing(self, profile: Profile) -> Framing:
        tcp = _dialect(profile).tcp
        return Framing(
            end=tcp.end,
            tags=END_TAGS,
            idle_seconds=tcp.idle_seconds,
            message_seconds=tcp.message_seconds,
            keep_open=tcp.keep_open,
            answer_end=ANSWER_ENDS[tcp.answer_end],
        )

    def open(self, arrival: Arrival, limit: int) -> Envelope:
        parsed = None
        try:
            parsed = parse(arrival.body, limits=Limits(size=limit))
            seen = peek(parsed)
        except MalformedMessage as error:
            return Envelope(parsed=_Opened(arrival.body, limit, parsed), malformed=error)
        return _envelope(_Opened(arrival.body, limit, parsed, seen, _media_type(arrival)), parsed, seen)

    def decode(self, envelope: Envelope, talk: Conversation) -> Incoming:
        dialect = _dialect(talk.profile)
        if envelope.malformed is not None:
            raise envelope.malformed
        _check_media_type(envelope, dialect)
        message = decode(_reparsed(envelope, dialect), dialect.xml, talk.zone)
        if isinstance(message.body, LookupVersion):
            return Incoming("LookupVersion", None, message=message)
        if not isinstance(message.body, Initiation):
            raise MalformedMessage(
                message.service, "this is an answer or an extension, and nothing was asked", Fault.PROTOCOL
            )
        header = message.body.initiation_header
        _require(header, dialect)
        service = SERVICES.get(type(message.body))
        if service is None or not _offered(message.service, dialect):
            raise Refused(Reason.UNSUPPORTED_SERVICE, f"{message.service} is not offered here.", about=About.SERVICE)
        reader = Reader(
            dialect,
            talk.profile.circulation,
            talk,
            sender=_sender(message.body, dialect),
            receiver=word(header.to_agency_id) if header is not None else "",
        )
        return Incoming(
            service=message.service,
            command=service.read(message.body, reader),
            request_id=_id_of(message.body, "request_id"),
            item_id=_id_of(message.body, "item_id"),
            message=message,
            unknown=tuple(element.path for element in message.unknown),
        )

    def encode(
        self, envelope: Envelope, incoming: Incoming, outcome: Result | Refusal | None, talk: Conversation
    ) -> Answer:
        dialect = _dialect(talk.profile)
        message = incoming.message
        if not isinstance(message, Message):
            raise TypeError("the message was decoded by another responder")
        if isinstance(message.body, LookupVersion):
            return _answer(_versions(message), message, dialect, talk)
        if isinstance(outcome, Refusal):
            return self.refuse(envelope, outcome, talk)
        if not isinstance(message.body, Initiation):
            raise TypeError("only an initiation has a result")
        word_result = SERVICES[type(message.body)].word
        response = response_to(type(message.body))()
        if word_result is not None:
            writer = Writer(dialect, talk, message.service, message.version)
            response = word_result(outcome, message.body, writer)
        return _success(response, message, dialect, talk)

    def refuse(self, envelope: Envelope, refusal: Refusal | MalformedMessage, talk: Conversation | None) -> Answer:
        dialect = _dialect(talk.profile) if talk is not None else _STANDARD
        opened = envelope.parsed
        seen = opened.seen if isinstance(opened, _Opened) else None
        version = seen.version if seen is not None else dialect.xml.version
        service = envelope.service
        if isinstance(refusal, MalformedMessage):
            problem = problems.of_malformation(refusal, service, dialect.errors, version)
        else:
            problem = problems.of_refusal(refusal, service, dialect, version)
        header = seen.header if seen is not None and isinstance(seen.header, InitiationHeader) else None
        body = _refusal_body(service, problem, header, dialect, talk)
        root = Root.VERSION_MESSAGE if seen is not None and seen.root is Root.VERSION_MESSAGE else Root.MESSAGE
        if root is Root.VERSION_MESSAGE and not isinstance(body, LookupVersionResponse):
            root = Root.MESSAGE
        written = _write(body, version, root, dialect, talk)
        return Answer(written, dialect.http.content_type, dialect.http.status_on_problem)


# --- reading ---------------------------------------------------------------------------------------------


def _dialect(profile: Profile) -> NcipDialect:
    dialect = profile.dialects.get("ncip")
    return dialect if isinstance(dialect, NcipDialect) else _STANDARD


def _parsed(opened: _Opened) -> Parsed:
    if opened.parsed is None:
        raise TypeError("nothing was parsed")
    return opened.parsed


def _envelope(opened: _Opened, parsed: Parsed, seen: Peek) -> Envelope:
    header = seen.header
    initiation = header if isinstance(header, InitiationHeader) else None
    if header is None:
        return Envelope(service=seen.service, version=seen.version.value, repairs=parsed.notes, parsed=opened)
    return Envelope(
        service=seen.service,
        version=seen.version.value,
        from_agency=word(header.from_agency_id),
        to_agency=word(header.to_agency_id),
        profile_type=word(initiation.application_profile_type) if initiation is not None else "",
        from_system=word(header.from_system_id),
        agency_secret=header.from_agency_authentication or "",
        system_secret=header.from_system_authentication or "",
        repairs=parsed.notes,
        parsed=opened,
    )


def _reparsed(envelope: Envelope, dialect: NcipDialect) -> Parsed:
    """The document as this profile has it read; parsed anew only where the profile differs from what `open` assumes."""
    opened = envelope.parsed
    if not isinstance(opened, _Opened):
        raise TypeError("the envelope was opened by another responder")
    if _reads_like_standard(dialect) or not (opened.parsed is None or opened.parsed.notes or dialect.xml.charset_in):
        return _parsed(opened)
    return parse(opened.raw, dialect.xml, limits=Limits(size=opened.limit), http=dialect.http)


def _media_type(arrival: Arrival) -> str | None:
    """In lower case, without parameters; empty where HTTP named none."""
    if arrival.transport is not Transport.HTTP:
        return None
    return arrival.content_type.partition(";")[0].strip().lower()


def _check_media_type(envelope: Envelope, dialect: NcipDialect) -> None:
    accepted, opened = dialect.http.accepted, envelope.parsed
    if not accepted or not isinstance(opened, _Opened) or opened.media_type is None:
        return
    if opened.media_type not in accepted:
        raise MalformedMessage("Content-Type", f"only {', '.join(accepted)} is accepted here", Fault.PROTOCOL)


def _reads_like_standard(dialect: NcipDialect) -> bool:
    ours, standard = dialect.xml, _STANDARD.xml
    return (
        ours.charset_in == standard.charset_in
        and ours.repair == standard.repair
        and dialect.http.body_encoding == _STANDARD.http.body_encoding
        and dialect.http.form_fields == _STANDARD.http.form_fields
    )


def _require(header: InitiationHeader | None, dialect: NcipDialect) -> None:
    """Raises Refused(DATA_MISSING) for header parts that the profile insists on."""
    for part in dialect.header.require:
        match part:
            case "header":
                present, element = header is not None, "InitiationHeader"
            case "from-agency":
                present = header is not None and bool(word(header.from_agency_id))
                element = "InitiationHeader/FromAgencyId"
            case "to-agency":
                present = header is not None and bool(word(header.to_agency_id))
                element = "InitiationHeader/ToAgencyId"
            case "profile-type":
                present = header is not None and bool(word(header.application_profile_type))
                element = "InitiationHeader/ApplicationProfileType"
        if not present:
            raise Refused(Reason.DATA_MISSING, f"{element} is missing or empty.", about=About.SENDER)


def _offered(service: str, dialect: NcipDialect) -> bool:
    return service not in dialect.withheld and (not dialect.services or service in dialect.services)


def _sender(body: Initiation, dialect: NcipDialect) -> str:
    header = body.initiation_header or InitiationHeader()
    request = getattr(body, "request_id", None)
    found = {
        AgencySource.FROM_AGENCY: word(header.from_agency_id),
        AgencySource.PROFILE_TYPE: word(header.application_profile_type),
        AgencySource.REQUEST_AGENCY: word(request.agency_id) if request is not None else "",
        AgencySource.AGENCY_AUTHENTICATION: header.from_agency_authentication or "",
    }
    return next((found[source] for source in dialect.header.agency_from if found[source]), "")


def _id_of(body: Initiation, name: str) -> str:
    several = getattr(body, f"{name}s", ())
    one = getattr(body, name, None) or (several[0] if several else None)
    return one.value if one is not None else ""


# --- answering -------------------------------------------------------------------------------------------


def _versions(message: Message) -> LookupVersionResponse:
    """Namespaces in NCIPVersionMessage, schema URLs in NCIPMessage (facts/ncip.md 1.4)."""
    if message.root is Root.VERSION_MESSAGE:
        return LookupVersionResponse(versions_supported=(versions.NAMESPACE, "http://www.niso.org/2001/ncip"))
    return LookupVersionResponse(versions_supported=tuple(versions.VERSION_STRINGS.values()))


def _header(
    sent: InitiationHeader | None, service: str, dialect: NcipDialect, talk: Conversation | None
) -> ResponseHeader | None:
    rules = dialect.header
    if rules.answer == "never" or (rules.answer == "when-sent" and sent is None):
        return None
    ours = rules.our_agency or (talk.symbol if talk is not None else "")
    partner = rules.partner_agency
    scheme = rules.agency_scheme or None
    source = sent or InitiationHeader()
    to_us = _filled(source.to_agency_id, ours, scheme)
    from_them = _filled(source.from_agency_id, partner, scheme)
    swapped = rules.agencies_of.get(service, rules.agencies) == "swapped"
    from_agency, to_agency = (to_us, from_them) if swapped else (from_them, to_us)
    from_system, to_system = source.to_system_id, source.from_system_id
    if not swapped:
        from_system, to_system = to_system, from_system
    if from_agency is None or to_agency is None:
        return None  # the schema wants both; half a header would be invalid
    return ResponseHeader(
        from_system_id=from_system, from_agency_id=from_agency, to_system_id=to_system, to_agency_id=to_agency
    )


def _filled(sent: Code | None, value: str, scheme: str | None) -> Code | None:
    if sent is not None and sent.value:
        return sent
    return Code(value, scheme) if value else None


def _success(response: Response, message: Message, dialect: NcipDialect, talk: Conversation) -> Answer:
    """With all its parts; but where the client searches the text for failure, without those that hold such a word."""
    answer = _answer(response, message, dialect, talk)
    words = dialect.answers.failure_words
    if not words or not _holds(answer.body, words):
        return answer
    present = {field.name for field in dataclasses.fields(response)}
    optional: dict[str, Any] = {name: None for name in OPTIONAL_PARTS if name in present}
    bare = dataclasses.replace(response, **optional)
    return _answer(bare, message, dialect, talk)


def _holds(body: bytes, words: tuple[str, ...]) -> bool:
    return any(word.encode() in body for word in words)


def _answer(response: Response, message: Message, dialect: NcipDialect, talk: Conversation) -> Answer:
    sent = message.body.initiation_header if isinstance(message.body, Initiation) else None
    header = None if message.root is Root.VERSION_MESSAGE else _header(sent, message.service, dialect, talk)
    complete = dataclasses.replace(response, response_header=header)
    return Answer(_write(complete, message.version, message.root, dialect, talk), dialect.http.content_type)


def _refusal_body(
    service: str, problem: Problem, header: InitiationHeader | None, dialect: NcipDialect, talk: Conversation | None
) -> Body:
    initiation = INITIATIONS.get(service)
    answer_header = _header(header, service, dialect, talk)
    match dialect.errors.shape_of.get(service, dialect.errors.shape):
        case "item-requested":
            told = ResponseHeader(
                from_agency_id=header.from_agency_id if header is not None else None,
                to_agency_id=Code(problem.detail or word(problem.type)),
            )
            return ItemRequestedResponse(response_header=told)
        case "service" if initiation is not None:
            response = response_to(initiation)
            return response(response_header=answer_header, problems=(problem,))
    return Problems(problems=(problem,))


def _write(body: Body, version: Version, root: Root, dialect: NcipDialect, talk: Conversation | None) -> bytes:
    message = Message(body=body, version=version, root=root)
    zone = talk.zone if talk is not None else None
    return encode(message, dialect.xml, zone) if zone is not None else encode(message, dialect.xml)
