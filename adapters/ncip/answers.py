"""Answers and refusals, as the profile has them."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from adapters.ncip import wire_values
from adapters.ncip.codec import MessagePeek, encode_message
from adapters.ncip.dialect import NcipDialect
from adapters.ncip.messages import (
    INITIATIONS,
    Body,
    Code,
    Initiation,
    InitiationHeader,
    ItemRequestedResponse,
    LookupVersionResponse,
    Message,
    Problem,
    Problems,
    Response,
    ResponseHeader,
    Root,
    response_to,
)
from adapters.ncip.messages.declaration import RawElement
from adapters.ncip.problems import problem_of_malformation, problem_of_refusal
from adapters.ncip.services.command_reader import text_of_code
from adapters.ncip.wire_values import Version
from adapters.ncip.xml_parser import ParsedDocument
from gateway.domain.problems import MalformedMessage, Refusal
from gateway.domain.value import replace
from gateway.ports.responder import ExchangeContext, ResponderAnswer

OPTIONAL_PARTS = ("item_optional_fields", "user_optional_fields", "routing_information")
"""Parts of a success answer in which free text can stand, and which no schema requires."""


def refusal_response(
    refusal: Refusal | MalformedMessage,
    service: str,
    peek: MessagePeek | None,
    parsed: ParsedDocument | None,
    dialect: NcipDialect,
    exchange: ExchangeContext | None,
    ext: tuple[RawElement, ...] = (),
) -> ResponderAnswer:
    """Make the answer that says why nothing was done. `peek`, `parsed`: what could be read of the message, None if
    nothing. `ext`: what the service's own answer says besides."""
    version = peek.version if peek is not None else dialect.xml.version
    if isinstance(refusal, MalformedMessage):
        problem = problem_of_malformation(refusal, service, dialect, parsed)
    else:
        problem = problem_of_refusal(refusal, service, dialect, version, parsed)
    header = peek.header if peek is not None and isinstance(peek.header, InitiationHeader) else None
    in_ext = peek is not None and peek.in_ext and dialect.is_form_answered(service, version, in_ext=True)
    body = _build_refusal_body(service, problem, header, version, dialect, exchange)
    if ext and isinstance(body, Response):
        body = replace(body, ext=ext)
    of_versions = isinstance(body, LookupVersionResponse) and peek is not None
    root = peek.root if peek is not None and of_versions else Root.MESSAGE
    return ResponderAnswer(
        write_answer(body, version, root, dialect, exchange, in_ext=in_ext and not isinstance(body, Problems)),
        dialect.http.content_type,
        dialect.http.status_on_problem,
    )


def build_version_response(message: Message) -> LookupVersionResponse:
    """Namespaces in NCIPVersionMessage, schema URLs in NCIPMessage (facts/ncip.md 1.4)."""
    if message.root is Root.VERSION_MESSAGE:
        return LookupVersionResponse(versions_supported=(wire_values.NAMESPACE, "http://www.niso.org/2001/ncip"))
    return LookupVersionResponse(versions_supported=tuple(wire_values.VERSION_STRINGS.values()))


def _build_response_header(
    header: InitiationHeader | None, service: str, dialect: NcipDialect, exchange: ExchangeContext | None
) -> ResponseHeader | None:
    rules = dialect.header
    if rules.answer == "never" or (rules.answer == "when-sent" and header is None):
        return None
    ours = rules.our_agency or (exchange.symbol if exchange is not None else "")
    partner = rules.partner_agency
    scheme = rules.agency_scheme or None
    source = header or InitiationHeader()
    to_us = _code_or_default(source.to_agency_id, ours, scheme)
    from_them = _code_or_default(source.from_agency_id, partner, scheme)
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


def _code_or_default(code: Code | None, value: str, scheme: str | None) -> Code | None:
    if code is not None and code.value:
        return code
    return Code(value, scheme) if value else None


def success_response(
    response: Response, message: Message, dialect: NcipDialect, exchange: ExchangeContext
) -> ResponderAnswer:
    """Write an answer with all its parts; but where the client searches the text for failure, without those that hold
    such a word."""
    whole = service_answer(response, message, dialect, exchange)
    words = dialect.answers.failure_words
    if not words or not _contains_word(whole.body, words):
        return whole
    present = {field.name for field in fields(response)}
    optional: dict[str, Any] = {name: None for name in OPTIONAL_PARTS if name in present}
    bare = replace(response, **optional)
    return service_answer(bare, message, dialect, exchange)


def _contains_word(body: bytes, words: tuple[str, ...]) -> bool:
    return any(word.encode() in body for word in words)


def service_answer(
    response: Response, message: Message, dialect: NcipDialect, exchange: ExchangeContext
) -> ResponderAnswer:
    initiation_header = message.body.initiation_header if isinstance(message.body, Initiation) else None
    header = (
        None
        if message.root is Root.VERSION_MESSAGE
        else _build_response_header(initiation_header, message.service, dialect, exchange)
    )
    complete = replace(response, response_header=header)
    return ResponderAnswer(
        write_answer(complete, message.version, message.root, dialect, exchange, in_ext=message.in_ext),
        dialect.http.content_type,
    )


def _build_refusal_body(
    service: str,
    problem: Problem,
    header: InitiationHeader | None,
    version: Version,
    dialect: NcipDialect,
    exchange: ExchangeContext | None,
) -> Body:
    spoken = version.has_service(service) or dialect.is_form_answered(service, version, in_ext=True)
    initiation = INITIATIONS.get(service) if spoken else None
    answer_header = _build_response_header(header, service, dialect, exchange)
    match dialect.errors.shape_of.get(service, dialect.errors.shape):
        case "item-requested":
            response_header = ResponseHeader(
                from_agency_id=header.from_agency_id if header is not None else None,
                to_agency_id=Code(problem.detail or text_of_code(problem.type)),
            )
            return ItemRequestedResponse(response_header=response_header)
        case "service" if initiation is not None:
            response = response_to(initiation)
            return response(response_header=answer_header, problems=(problem,))
    return Problems(problems=(problem,))


def write_answer(
    body: Body,
    version: Version,
    root: Root,
    dialect: NcipDialect,
    exchange: ExchangeContext | None,
    *,
    in_ext: bool = False,
) -> bytes:
    message = Message(body=body, version=version, root=root, in_ext=in_ext)
    zone = exchange.zone if exchange is not None else None
    return encode_message(message, dialect.xml, zone) if zone is not None else encode_message(message, dialect.xml)
