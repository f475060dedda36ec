"""Requests <-> order lines. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from adapters.artemail import codec
from adapters.artemail.codec import ArtemailOrder, OrderFile
from adapters.artemail.dialect import (
    ITEM_FIELDS,
    AddressForm,
    ArtemailDialect,
    Conditions,
    Customer,
    KeywordRule,
    Mode,
    OrderItems,
    RequestNumbers,
)
from adapters.artemail.replies import find_file_reference
from adapters.artemail.text_templates import AsciiTranscriber, LineTemplate, parse_template
from gateway.domain.library import RecordId
from gateway.domain.patterns import LinearPattern, compile_pattern
from gateway.domain.problems import MalformationKind, MalformedMessage, MessagePart, RefusalReason, Refused
from gateway.domain.profile import Profile
from gateway.domain.requests.citation import Citation, CitationExtra, CitationType
from gateway.domain.requests.drafts import LendingDraft
from gateway.domain.requests.events import EventDetails, EventKind
from gateway.domain.requests.note_terms import read_note_terms, write_cost_term
from gateway.domain.requests.prices import find_told_limit
from gateway.domain.requests.request import LibraryParty, Request, RequestedService, Role, ServiceType
from gateway.domain.requests.volume_notes import read_wanted_volumes, tell_volumes
from gateway.domain.sentences import write_sentence
from gateway.domain.value import replace, value_object
from gateway.ports.incoming_mail import IncomingMail, MailEvent, MailInterpretation
from gateway.ports.library_system import LibraryInfo
from gateway.ports.partner_channel import PartnerMessage

KEYWORD = "artemail-keyword"
"""Name of the extra that a keyword becomes which no rule explains."""

FILE = "artemail-file"
"""Name of the extra that the number of the requester's file becomes: each answer quotes it."""

PATTERNS: Mapping[str, str] = {
    "year": r"[^\s,]*\d{4}[^\s,]*|\d{2}",
    "number": r"(?:IS[BS]N:?\s*)?[\dXx][\dXx -]{6,16}[\dXx]",
    "isbn": r"[\dXx][\dXx -]{8,16}[\dXx]",
    "issn": r"\d{4}-?\d{3}[\dXx]",
}
"""Of fields that can be told by their look."""

MAX_LINES = 60
"""Of one item; more are kept as its note."""

MAX_LINE_CHARS = 400
"""Of a line that is looked into; a longer one is kept as note."""


@value_object
class PreparedOrder:
    """An order ready to be sent. `notes`: what was changed to fit, for the history."""

    order: ArtemailOrder
    address: tuple[str, ...]  # of the whole file
    notes: tuple[str, ...] = ()


# --- written ---------------------------------------------------------------------------------------------


def choose_customer(message: PartnerMessage, dialect: ArtemailDialect) -> Customer:
    """Choose the customer; raises Refused: no rule fits."""
    request = message.request
    for customer in dialect.customers:
        if _is_rule_applicable(customer, request) and (not customer.branches or request.branch in customer.branches):
            return customer
    raise Refused(
        RefusalReason.DATA_MISSING, "The profile has no customer code for this request.", about=MessagePart.SENDER
    )


def prepare_order(message: PartnerMessage, dialect: ArtemailDialect, library: LibraryInfo) -> PreparedOrder:
    """Prepare an order; raises Refused: a number that the service doesn't take, or nothing that can be said in this
    format."""
    scribe = AsciiTranscriber(dialect.characters.allowed, dialect.characters.own, dialect.characters.instead)
    number = write_request_number(message.transaction, dialect.numbers)
    request, details = tell_volumes(message.request, message.kind, message.details)
    test = dialect.test.keywords if dialect.mode is Mode.TEST else ()
    file_address = _write_delivery_address(dialect.delivery.file, library, scribe)
    if message.kind is not EventKind.REQUEST:
        codes = dialect.actions.codes.get(message.kind)
        if codes is None:
            sentence = write_sentence(
                "'%(kind)s' cannot be sent in ARTEmail: `actions.codes` of the profile has no code for it.",
                kind=message.kind.value,
            )
            raise Refused(RefusalReason.UNSUPPORTED_SERVICE, sentence)
        note_lines = filter(None, (write_cost_term(details.cost), *details.note.splitlines()))
        said_lines = tuple(map(scribe.transcribe, note_lines))
        return PreparedOrder(ArtemailOrder(number, (*codes, *test), said_lines), (), _transcription_notes(scribe))
    address = _write_item_address(message, dialect, library, scribe)
    keywords = [code for group in dialect.keywords.groups for code in _choose_codes(group, request)]
    keywords += [code for code in dialect.delivery.keywords if address and code not in keywords]
    lines = order_lines(request, dialect.items, scribe)
    if not lines:
        raise Refused(
            RefusalReason.DATA_MISSING, "The citation has no data that fits into an order.", about=MessagePart.RECORD
        )
    return PreparedOrder(
        ArtemailOrder(number, (*keywords, *test), lines, address), file_address, _transcription_notes(scribe)
    )


def write_request_number(transaction: str, numbers: RequestNumbers) -> str:
    """Write a number; raises Refused."""
    number = f"{numbers.prefix}{transaction}"
    if not re.fullmatch(numbers.pattern, number) or number.split() != [number] or not re.search(r"\d", number):
        raise Refused(
            RefusalReason.INVALID_VALUE,
            "The partner does not accept this request number. Set `partner.number` in its profile.",
            about=MessagePart.REQUEST,
            value=number,
        )
    return number


def strip_number_prefix(number: str, numbers: RequestNumbers) -> str:
    """Ours again."""
    return number.removeprefix(numbers.prefix)


def _is_rule_applicable(conditions: Conditions, request: Request) -> bool:
    service, citation = request.service, request.citation
    return (
        (not conditions.services or service.type in conditions.services)
        and (not conditions.levels or service.level in conditions.levels)
        and (not conditions.formats or service.format in conditions.formats)
        and (not conditions.types or citation.type in conditions.types)
    )


def _choose_codes(group: Iterable[KeywordRule], request: Request) -> tuple[str, ...]:
    return next((rule.codes for rule in group if _is_rule_applicable(rule, request)), ())


def _write_item_address(
    message: PartnerMessage, dialect: ArtemailDialect, library: LibraryInfo, scribe: AsciiTranscriber
) -> tuple[str, ...]:
    """Write the address to which a loan is to go elsewhere (we broker it), whatever the service has on file of us."""
    if message.request.service.type is not ServiceType.LOAN:
        return _write_delivery_address(dialect.delivery.copies, library, scribe)
    if message.sender.address.strip() not in ("", library.address.strip()):
        return tuple(filter(None, map(scribe.transcribe, message.sender.address.splitlines())))
    return _write_delivery_address(dialect.delivery.loans, library, scribe)


def _write_delivery_address(form: AddressForm, library: LibraryInfo, scribe: AsciiTranscriber) -> tuple[str, ...]:
    """Our library's own: nothing about the patron is sent."""
    if form == "none":
        return ()
    lines = (library.email,) if form == "email" else (library.name, *re.split(r"\n|,\s*", library.address))
    written = tuple(filter(None, map(scribe.transcribe, lines)))
    if not written:
        what = "e-mail" if form == "email" else "postal"
        raise Refused(
            RefusalReason.DATA_MISSING,
            write_sentence("The library has no %(what)s delivery address.", what=what),
            about=MessagePart.SENDER,
        )
    return written


def _transcription_notes(scribe: AsciiTranscriber) -> tuple[str, ...]:
    return tuple(filter(None, (scribe.summarise_changes(),)))


# --- read ------------------------------------------------------------------------------------------------


def interpret_orders(mail: IncomingMail, profile: Profile, dialect: ArtemailDialect) -> MailInterpretation:
    """Orders of a partner that asks us. Raises MalformedMessage."""
    file = codec.decode(mail.text, dialect.layout.codec_layout)
    if dialect.customers and file.customer not in {customer.code for customer in dialect.customers}:
        raise MalformedMessage("customer code", "it is none that the profile knows", MalformationKind.INVALID_VALUE)
    reference = find_file_reference(mail.subject, dialect)
    extras = (CitationExtra(FILE, reference),) if reference else ()
    events = tuple(_event_of_order(order, file, extras, profile, dialect) for order in file.orders)
    return MailInterpretation(events, file.rest)


def _event_of_order(
    order: ArtemailOrder, file: OrderFile, extras: tuple[CitationExtra, ...], profile: Profile, dialect: ArtemailDialect
) -> MailEvent:
    keywords = set(order.keywords)
    number = strip_number_prefix(order.number, dialect.numbers)
    meant = max(
        ((len(codes), kind) for kind, codes in dialect.actions.codes.items() if keywords >= set(codes)), default=None
    )
    if meant is not None:
        kind = meant[1]
        words = " ".join(order.keywords)
        return MailEvent(
            kind=kind,
            role=Role.LENDING,
            transaction=number,
            details=read_note_terms(kind, EventDetails(note="\n".join(order.lines))),
            explained=(write_sentence("order file, request %(number)s: %(words)s", number=order.number, words=words),),
        )
    request = _request_of_order(order, file, profile, dialect)
    request = replace(request, extras=(*request.extras, *extras))
    return MailEvent(
        kind=EventKind.REQUEST,
        role=Role.LENDING,
        transaction=number,
        request=request,
        explained=(
            write_sentence(
                "order file, request %(number)s: %(service)s, %(count)s lines",
                number=order.number,
                service=request.service.type.value,
                count=len(order.lines),
            ),
        ),
    )


def _request_of_order(
    order: ArtemailOrder, file: OrderFile, profile: Profile, dialect: ArtemailDialect
) -> LendingDraft:
    service, strange = _service_of_keywords(order.keywords, dialect)
    if dialect.mode is Mode.TEST:
        strange = tuple(code for code in strange if code not in dialect.test.keywords)
    citation = citation_of_lines(order.lines, dialect.items, service.type)
    address = order.address or file.address
    mails = [line for line in address if re.fullmatch(r"[^@\s<>]+@[^@\s<>]+", line)]
    partner = profile.partner
    return LendingDraft(
        citation=citation,
        service=service,
        volumes=read_wanted_volumes(citation.note),
        extras=tuple(CitationExtra(KEYWORD, code) for code in strange),
        requester=LibraryParty(
            symbol=partner.symbol if partner is not None else "",
            profile=profile.name,
            email=mails[0] if mails else "",
            address="\n".join(line for line in address if line not in mails),
        ),
        source="partner",
    )


def _service_of_keywords(
    keywords: tuple[str, ...], dialect: ArtemailDialect
) -> tuple[RequestedService, tuple[str, ...]]:
    """Return what the codes ask for, and those that no rule explains. Of each group the rule counts that explains
    most."""
    keyword_set, explained = set(keywords), set(dialect.delivery.keywords)
    type_, level, format_ = ServiceType.COPY, "", ""
    for index, group in enumerate(dialect.keywords.groups):
        rules = (rule for rule in group if keyword_set.issuperset(rule.codes))
        rule = max(rules, key=lambda rule: len(rule.codes), default=None)
        if rule is None:
            continue
        explained |= set(rule.codes)
        if index == 0 and rule.services:
            type_ = rule.services[0]
        level = level or (rule.levels[0] if len(rule.levels) == 1 else "")
        format_ = format_ or (rule.formats[0] if len(rule.formats) == 1 else "")
    return RequestedService(type_, format_, level), tuple(code for code in keywords if code not in explained)


def order_lines(request: Request, items: OrderItems, scribe: AsciiTranscriber) -> tuple[str, ...]:
    """Whole lines. One of which nothing is known, or nothing can be written, is held open where the profile says so."""
    values = item_values(request)
    templates = _choose_line_templates(request.citation, items)
    written = [scribe.transcribe(parse_template(line).fill(values)) for line in templates]
    while written and not written[-1]:
        written.pop()
    lines = (_guard_item_line(line, items.missing) if line else items.missing for line in written)
    return tuple(filter(None, lines))


def _guard_item_line(line: str, missing: str) -> str:
    """A line that is known, though it looks like one that isn't, such as the author `–`."""
    return f"{codec.GUARD}{line}" if missing and line.lstrip(codec.GUARD) == missing else line


def _choose_line_templates(citation: Citation, items: OrderItems) -> tuple[str, ...]:
    if citation.type is CitationType.CONFERENCE_PAPER:
        return items.conference
    part = citation.is_part or bool(citation.component_title)
    return items.article if part else items.book


def item_values(request: Request) -> dict[str, str]:
    """Make values by the names of ITEM_FIELDS, on one line each."""
    citation, part = request.citation, request.citation.is_part or bool(request.citation.component_title)
    whole = f"{citation.title}: {citation.subtitle}" if citation.subtitle else citation.title
    first, second = ("issn", "isbn") if part else ("isbn", "issn")
    maximum = find_told_limit(request.costs)
    values = {
        "container": whole if part else "",
        "title": citation.component_title if part else whole,
        "author": (citation.component_author or citation.author) if part else citation.author,
        "year": citation.published,
        "volume": citation.volume,
        "issue": citation.issue,
        "pages": citation.pages,
        "edition": citation.edition,
        "publisher": citation.publisher,
        "place": citation.place,
        "series": citation.series,
        "number": citation.identifier(first) or citation.identifier(second),
        "isbn": citation.identifier("isbn"),
        "issn": citation.identifier("issn"),
        "doi": citation.identifier("doi"),
        "pmid": citation.identifier("pmid"),
        "oclc": citation.identifier("oclc"),
        "language": citation.language,
        "call_number": citation.call_number,
        "need_by": request.dates.need_by.isoformat() if request.dates.need_by is not None else "",
        "maximum_cost": f"{maximum.amount} {maximum.currency}" if maximum is not None else "",
        "note": " ".join((*(note.text for note in request.notes if note.for_partner), citation.note)),
    }
    return {key: " ".join(value.split()) for key, value in values.items()}


# --- reading ---------------------------------------------------------------------------------------------


def citation_of_lines(lines: Sequence[str], items: OrderItems, service: ServiceType) -> Citation:
    """The reading that explains most of the lines; lines that none explains are its note. All of them, as they came,
    are `original`."""
    taken = tuple(lines[:MAX_LINES])
    readings = {
        kind: _LineAlignment(taken, _compile_patterns(getattr(items, kind)), items.missing)
        for kind in _layout_order(service)
    }
    kind = max(readings, key=lambda reading: readings[reading].score)  # of equal ones the first
    values, rest = readings[kind].read_values()
    note = "\n".join((*filter(None, (values.get("note", ""),)), *rest, *lines[MAX_LINES:]))
    return _citation_of_values(kind, values, note, "\n".join(lines))


def _layout_order(service: ServiceType) -> tuple[str, ...]:
    return ("book", "article", "conference") if service is ServiceType.LOAN else ("article", "book", "conference")


@value_object
class _LinePattern:
    """A line of the layout as it is read. `telling`: it can be told by its look."""

    pattern: LinearPattern
    telling: bool

    def match_line(self, line: str, missing: str) -> Mapping[str, str] | None:
        """Values by field; none where the line only holds its place (`missing`). None: it doesn't fit."""
        if missing and line.lstrip(codec.GUARD) == missing:
            if line == missing:
                return {}
            line = line.removeprefix(codec.GUARD)
        match = self.pattern.fullmatch(line) if len(line) <= MAX_LINE_CHARS else None
        return {key: value.strip() for key, value in match.groupdict().items() if value} if match else None


@lru_cache(maxsize=256)
def _compile_patterns(lines: tuple[str, ...]) -> tuple[_LinePattern, ...]:
    return tuple(_compile_line_pattern(parse_template(line)) for line in lines)


def _compile_line_pattern(template: LineTemplate) -> _LinePattern:
    pattern = compile_pattern(template.build_pattern(PATTERNS, loose=True), ignore_case=True)
    always = template.required
    telling = not always or any(field in PATTERNS for field in always) or any(map(str.isalnum, template.literal))
    return _LinePattern(pattern, telling)


TELLING, PLAIN = 3, 1


class _LineAlignment:
    """Lines laid beside the templates, both in their order, so that the score is best: each line to one template or to
    none. Of equal ones that in which a line stands earlier. `missing`: stands for a line that isn't known."""

    def __init__(self, lines: tuple[str, ...], templates: tuple[_LinePattern, ...], missing: str) -> None:
        self._lines, self._templates = lines, templates
        self._matches = [[template.match_line(line, missing) for template in templates] for line in lines]
        self._best = [[0] * (len(templates) + 1) for _ in range(len(lines) + 1)]
        for n in range(len(lines) - 1, -1, -1):
            for m in range(len(templates) - 1, -1, -1):
                self._best[n][m] = max(self._pair_score(n, m), self._best[n + 1][m], self._best[n][m + 1])

    @property
    def score(self) -> int:
        return self._best[0][0]

    def read_values(self) -> tuple[dict[str, str], list[str]]:
        """Read what the lines say by field, and the lines that fitted nowhere."""
        values: dict[str, str] = {}
        rest: list[str] = []
        n = m = 0
        while n < len(self._lines):
            if m < len(self._templates) and self._best[n][m] == self._pair_score(n, m) > 0:
                values |= self._matches[n][m] or {}
                n, m = n + 1, m + 1
            elif m < len(self._templates) and self._best[n][m] == self._best[n][m + 1]:
                m += 1
            else:
                rest.append(self._lines[n])
                n += 1
        return values, rest

    def _pair_score(self, n: int, m: int) -> int:
        match = self._matches[n][m]
        if match is None:
            return 0
        return (TELLING if match and self._templates[m].telling else PLAIN) + self._best[n + 1][m + 1]


def _citation_of_values(kind: str, values: Mapping[str, str], note: str, original: str) -> Citation:
    texts = {name: values.get(name, "") for name in ITEM_FIELDS}
    part = kind != "book"
    identifiers = tuple(_identifiers_of_values(texts))
    return Citation(
        type=_type_of_layout(kind, identifiers),
        title=texts["container"] if part else texts["title"],
        author="" if part else texts["author"],
        component_title=texts["title"] if part else "",
        component_author=texts["author"] if part else "",
        series=texts["series"],
        edition=texts["edition"],
        publisher=texts["publisher"],
        place=texts["place"],
        published=texts["year"],
        volume=texts["volume"],
        issue=texts["issue"],
        pages=texts["pages"],
        language=texts["language"],
        call_number=texts["call_number"],
        identifiers=identifiers,
        note=note,
        original=original,
    )


def _type_of_layout(kind: str, identifiers: tuple[RecordId, ...]) -> CitationType:
    if kind == "conference":
        return CitationType.CONFERENCE_PAPER
    if kind == "book":
        return CitationType.BOOK
    return CitationType.CHAPTER if any(id_.type == "isbn" for id_ in identifiers) else CitationType.ARTICLE


_ISSN_LENGTH = 8


def _identifiers_of_values(texts: Mapping[str, str]) -> list[RecordId]:
    ids = [RecordId(name, texts[name]) for name in ("isbn", "issn", "doi", "pmid", "oclc") if texts[name]]
    if texts["number"]:
        value = re.sub(r"^IS[BS]N:?\s*", "", texts["number"], flags=re.IGNORECASE)
        digits = re.sub(r"[^0-9Xx]", "", value)
        ids.append(RecordId("issn" if len(digits) == _ISSN_LENGTH else "isbn", value))
    return ids
