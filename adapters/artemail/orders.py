"""Orders, and what else a requester says: our messages to lines of a file, and files of others to events. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

from adapters.artemail import codec
from adapters.artemail.characters import Scribe
from adapters.artemail.codec import Order, OrderFile
from adapters.artemail.dialect import ArtemailDialect
from adapters.artemail.dialect.orders import AddressForm, Conditions, Customer, KeywordRule, Mode, Numbers
from adapters.artemail.items import citation_of, lines_of
from adapters.artemail.replies import reference_in
from gateway.domain.frozen import frozen
from gateway.domain.problems import About, Fault, MalformedMessage, Reason, Refused
from gateway.domain.profile import Profile
from gateway.domain.requests.citation import Extra
from gateway.domain.requests.events import Details, Kind
from gateway.domain.requests.request import Lending, Party, Request, Role, Service, ServiceType
from gateway.ports.channel import PartnerMessage
from gateway.ports.library import LibraryInfo
from gateway.ports.mail_format import IncomingMail, MailEvent, Understood

KEYWORD = "artemail-keyword"
"""Name of the extra that a keyword becomes which no rule explains."""

FILE = "artemail-file"
"""Name of the extra that the number of the requester's file becomes: each answer quotes it."""

NEVER = datetime(1970, 1, 1, tzinfo=UTC)
"""Times and numbers of a request that is asked of us are ours to give."""


@frozen
class Ordered:
    """An order ready to be sent. `notes`: what was changed to fit, for the history."""

    order: Order
    address: tuple[str, ...]  # of the whole file
    notes: tuple[str, ...] = ()


# --- written ---------------------------------------------------------------------------------------------


def customer_for(message: PartnerMessage, dialect: ArtemailDialect) -> Customer:
    """Raises Refused: no rule fits."""
    request = message.request
    for one in dialect.customers:
        if _fits(one, request) and (not one.branches or request.branch in one.branches):
            return one
    raise Refused(Reason.DATA_MISSING, "The profile has no customer code for this request.", about=About.SENDER)


def order_of(message: PartnerMessage, dialect: ArtemailDialect, library: LibraryInfo) -> Ordered:
    """Raises Refused: a number that the service doesn't take, or nothing that can be said in this format."""
    scribe = Scribe(dialect.characters.allowed, dialect.characters.own, dialect.characters.instead)
    number = written_number(message.transaction, dialect.numbers)
    test = dialect.test.keywords if dialect.mode is Mode.TEST else ()
    file_address = _address(dialect.delivery.file, library, scribe)
    if message.kind is not Kind.REQUEST:
        codes = dialect.actions.codes.get(message.kind)
        if codes is None:
            said = (
                f"'{message.kind.value}' can't be said in ARTEmail: `actions.codes` of the profile has no code for it."
            )
            raise Refused(Reason.UNSUPPORTED_SERVICE, said)
        said_lines = tuple(map(scribe.write, message.details.note.splitlines()))
        return Ordered(Order(number, (*codes, *test), said_lines), (), _notes(scribe))
    request = message.request
    lending = request.service.type is ServiceType.LOAN
    address = _address(dialect.delivery.loans if lending else dialect.delivery.copies, library, scribe)
    keywords = [code for group in dialect.keywords.groups for code in _codes(group, request)]
    keywords += [code for code in dialect.delivery.keywords if address and code not in keywords]
    lines = tuple(filter(None, map(scribe.write, lines_of(request, dialect.items))))
    if not lines:
        raise Refused(Reason.DATA_MISSING, "Nothing of the citation can be written in an order.", about=About.RECORD)
    return Ordered(Order(number, (*keywords, *test), lines, address), file_address, _notes(scribe))


def written_number(transaction: str, numbers: Numbers) -> str:
    """Raises Refused."""
    number = f"{numbers.prefix}{transaction}"
    if not re.fullmatch(numbers.pattern, number) or number.split() != [number] or not re.search(r"\d", number):
        raise Refused(
            Reason.INVALID_VALUE,
            "The partner does not take such a request number; `partner.number` of its profile makes others.",
            about=About.REQUEST,
            value=number,
        )
    return number


def read_number(number: str, numbers: Numbers) -> str:
    """Ours again."""
    return number.removeprefix(numbers.prefix)


def _fits(conditions: Conditions, request: Request) -> bool:
    service, citation = request.service, request.citation
    return (
        (not conditions.services or service.type in conditions.services)
        and (not conditions.levels or service.level in conditions.levels)
        and (not conditions.formats or service.format in conditions.formats)
        and (not conditions.types or citation.type in conditions.types)
    )


def _codes(group: Iterable[KeywordRule], request: Request) -> tuple[str, ...]:
    return next((rule.codes for rule in group if _fits(rule, request)), ())


def _address(form: AddressForm, library: LibraryInfo, scribe: Scribe) -> tuple[str, ...]:
    """Our library's own: nothing about the patron leaves the house."""
    if form == "none":
        return ()
    lines = (library.email,) if form == "email" else (library.name, *re.split(r"\n|,\s*", library.address))
    written = tuple(filter(None, map(scribe.write, lines)))
    if not written:
        what = "e-mail" if form == "email" else "postal"
        raise Refused(Reason.DATA_MISSING, f"The library has no {what} address to be delivered to.", about=About.SENDER)
    return written


def _notes(scribe: Scribe) -> tuple[str, ...]:
    return tuple(filter(None, (scribe.summary(),)))


# --- read ------------------------------------------------------------------------------------------------


def understood(mail: IncomingMail, profile: Profile, dialect: ArtemailDialect) -> Understood:
    """Orders of a partner that asks us. Raises MalformedMessage."""
    file = codec.decode(mail.text, dialect.layout.of_codec)
    if dialect.customers and file.customer not in {one.code for one in dialect.customers}:
        raise MalformedMessage("customer code", "it is none that the profile knows", Fault.INVALID_VALUE)
    reference = reference_in(mail.subject, dialect)
    extras = (Extra(FILE, reference),) if reference else ()
    events = tuple(_event(one, file, extras, profile, dialect) for one in file.orders)
    return Understood(events, file.rest)


def _event(
    order: Order, file: OrderFile, extras: tuple[Extra, ...], profile: Profile, dialect: ArtemailDialect
) -> MailEvent:
    said = set(order.keywords)
    number = read_number(order.number, dialect.numbers)
    here = f"order file, request {order.number}"
    meant = max(
        ((len(codes), kind) for kind, codes in dialect.actions.codes.items() if said.issuperset(codes)), default=None
    )
    if meant is not None:
        kind = meant[1]
        explained = (f"{here}: {' '.join(order.keywords)} says {kind.value}",)
        return MailEvent(
            kind=kind,
            role=Role.LENDING,
            transaction=number,
            details=Details(note="\n".join(order.lines)),
            explained=explained,
        )
    request = _request(order, file, profile, dialect)
    request = replace(request, extras=(*request.extras, *extras))
    return MailEvent(
        kind=Kind.REQUEST,
        role=Role.LENDING,
        transaction=number,
        request=request,
        explained=(f"{here}: {request.service.type.value} of {len(order.lines)} lines",),
    )


def _request(order: Order, file: OrderFile, profile: Profile, dialect: ArtemailDialect) -> Request:
    service, strange = _service(order.keywords, dialect)
    if dialect.mode is Mode.TEST:
        strange = tuple(code for code in strange if code not in dialect.test.keywords)
    citation = citation_of(order.lines, dialect.items, service.type)
    address = order.address or file.address
    mails = [line for line in address if re.fullmatch(r"[^@\s<>]+@[^@\s<>]+", line)]
    partner = profile.partner
    return Request(
        library="",
        id="",
        role=Role.LENDING,
        state=Lending.NEW,
        number="",
        created=NEVER,
        changed=NEVER,
        citation=citation,
        service=service,
        extras=tuple(Extra(KEYWORD, code) for code in strange),
        partner=Party(
            symbol=partner.symbol if partner is not None else "",
            profile=profile.name,
            email=mails[0] if mails else "",
            address="\n".join(line for line in address if line not in mails),
        ),
        source="partner",
    )


def _service(keywords: tuple[str, ...], dialect: ArtemailDialect) -> tuple[Service, tuple[str, ...]]:
    """What the codes ask for, and those that no rule explains. Of each group the rule counts that explains most."""
    said, explained = set(keywords), set(dialect.delivery.keywords)
    type_, level, format_ = ServiceType.COPY, "", ""
    for index, group in enumerate(dialect.keywords.groups):
        rule = max((one for one in group if said.issuperset(one.codes)), key=lambda one: len(one.codes), default=None)
        if rule is None:
            continue
        explained |= set(rule.codes)
        if index == 0 and rule.services:
            type_ = rule.services[0]
        level = level or (rule.levels[0] if len(rule.levels) == 1 else "")
        format_ = format_ or (rule.formats[0] if len(rule.formats) == 1 else "")
    return Service(type_, format_, level), tuple(code for code in keywords if code not in explained)
