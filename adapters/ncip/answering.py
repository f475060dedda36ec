"""Answers on the wire: headers, roots, shapes of refusal; what an answer must never hold."""

from __future__ import annotations

import dataclasses
from typing import Any

from adapters.ncip import problems, versions
from adapters.ncip.codec import Peek, encode
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
from adapters.ncip.services.reading import word
from adapters.ncip.versions import Version
from gateway.domain.problems import MalformedMessage, Refusal
from gateway.ports.protocol import Answer, Conversation

OPTIONAL_PARTS = ("item_optional_fields", "user_optional_fields", "routing_information")
"""Parts of a success answer in which free text can stand, and which no schema requires."""


def refusal(
    told: Refusal | MalformedMessage, service: str, seen: Peek | None, dialect: NcipDialect, talk: Conversation | None
) -> Answer:
    """Why nothing was done. `seen`: what could be read of the message, None if nothing."""
    version = seen.version if seen is not None else dialect.xml.version
    if isinstance(told, MalformedMessage):
        problem = problems.of_malformation(told, service, dialect.errors, version)
    else:
        problem = problems.of_refusal(told, service, dialect, version)
    header = seen.header if seen is not None and isinstance(seen.header, InitiationHeader) else None
    body = _refusal_body(service, problem, header, version, dialect, talk)
    of_versions = isinstance(body, LookupVersionResponse) and seen is not None
    root = seen.root if seen is not None and of_versions else Root.MESSAGE
    return Answer(write(body, version, root, dialect, talk), dialect.http.content_type, dialect.http.status_on_problem)


def versions_supported(message: Message) -> LookupVersionResponse:
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


def _code_or_default(sent: Code | None, value: str, scheme: str | None) -> Code | None:
    if sent is not None and sent.value:
        return sent
    return Code(value, scheme) if value else None


def success(response: Response, message: Message, dialect: NcipDialect, talk: Conversation) -> Answer:
    """With all its parts; but where the client searches the text for failure, without those that hold such a word."""
    whole = answer(response, message, dialect, talk)
    words = dialect.answers.failure_words
    if not words or not _holds(whole.body, words):
        return whole
    present = {field.name for field in dataclasses.fields(response)}
    optional: dict[str, Any] = {name: None for name in OPTIONAL_PARTS if name in present}
    bare = dataclasses.replace(response, **optional)
    return answer(bare, message, dialect, talk)


def _holds(body: bytes, words: tuple[str, ...]) -> bool:
    return any(word.encode() in body for word in words)


def answer(response: Response, message: Message, dialect: NcipDialect, talk: Conversation) -> Answer:
    sent = message.body.initiation_header if isinstance(message.body, Initiation) else None
    header = None if message.root is Root.VERSION_MESSAGE else _header(sent, message.service, dialect, talk)
    complete = dataclasses.replace(response, response_header=header)
    return Answer(write(complete, message.version, message.root, dialect, talk), dialect.http.content_type)


def _refusal_body(
    service: str,
    problem: Problem,
    header: InitiationHeader | None,
    version: Version,
    dialect: NcipDialect,
    talk: Conversation | None,
) -> Body:
    initiation = INITIATIONS.get(service) if version.has(service) else None
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


def write(body: Body, version: Version, root: Root, dialect: NcipDialect, talk: Conversation | None) -> bytes:
    message = Message(body=body, version=version, root=root)
    zone = talk.zone if talk is not None else None
    return encode(message, dialect.xml, zone) if zone is not None else encode(message, dialect.xml)
