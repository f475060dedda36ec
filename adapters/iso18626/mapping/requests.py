"""A request of ISO 18626 <-> a request that the gateway manages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from adapters.iso18626.dialect import SECTION
from adapters.iso18626.mapping.amounts import read_limit
from adapters.iso18626.mapping.citations import read_citation, write_bibliographic_info, write_publication_info
from adapters.iso18626.mapping.codes import (
    CONDITION_OUT,
    LEVELS,
    STANDARD_LEVEL,
    find_list_word,
    hyphenate_word,
    write_conditions,
)
from adapters.iso18626.mapping.condition_words import read_noted_terms
from adapters.iso18626.mapping.identities import (
    MappingContext,
    agency_of_symbol,
    costs_of_money,
    money_of_costs,
    symbol_of_agency,
)
from adapters.iso18626.mapping.note_habits import SHIP_TO, SHIPPING_ADDRESS, read_note, write_address_block
from adapters.iso18626.messages import Message
from adapters.iso18626.messages import Request as IllRequest
from adapters.iso18626.messages.codes import RequestSubType, RequestType
from adapters.iso18626.messages.codes import ServiceType as Wanted
from adapters.iso18626.messages.declaration import OpenCode, SchemaVersion
from adapters.iso18626.messages.structures import (
    Address,
    BibliographicInfo,
    BillingInfo,
    ElectronicAddress,
    PhysicalAddress,
    RequestedDeliveryInfo,
    RequestingAgencyInfo,
    ServiceInfo,
    SupplierInfo,
)
from gateway.domain.commands import Named, PatronRef, PlaceRequest
from gateway.domain.library import PostalAddress
from gateway.domain.problems import MalformationKind, MalformedMessage
from gateway.domain.requests.citation import POSSIBLE_SUPPLIER, PREVIOUS_REQUEST, RETRY, WANTED_ITEM, CitationExtra
from gateway.domain.requests.drafts import BorrowingDraft, LendingDraft
from gateway.domain.requests.events import LoanCondition
from gateway.domain.requests.note_terms import write_conditions_term
from gateway.domain.requests.prices import find_told_limit
from gateway.domain.requests.request import (
    OPEN_ATTEMPT,
    AttemptStatus,
    LibraryParty,
    Request,
    RequestCosts,
    RequestDates,
    RequestedService,
    ServiceType,
    SupplierAttempt,
)
from gateway.domain.requests.volume_notes import read_wanted_volumes
from gateway.domain.value import replace
from gateway.ports.partner_channel import PartnerMessage

ALREADY_TRIED = "already-tried"
REQUEST_SUB_TYPE = "request-sub-type"
ANY_EDITION = "any-edition"
PREFERRED_EDITION = "preferred-edition"
ACCEPTED_CONDITION = "accepted-condition"

_SERVICE_IN = {Wanted.COPY: ServiceType.COPY, Wanted.COPY_OR_LOAN: ServiceType.COPY_OR_LOAN}
_SERVICE_OUT = {
    ServiceType.LOAN: Wanted.LOAN,
    ServiceType.COPY: Wanted.COPY,
    ServiceType.COPY_OR_LOAN: Wanted.COPY_OR_LOAN,
}


# --- received --------------------------------------------------------------------------------------------


def read_request(message: IllRequest, sender: str, transaction: str, context: MappingContext) -> LendingDraft:
    """The patron's name and number are left out: they are of no use for lending, and personal. All else that has no
    place is in the extras."""
    info = message.bibliographic_info or BibliographicInfo()
    service = message.service_info or ServiceInfo()
    noted = read_note(service.note or "", context.dialect.notes)
    billing = message.billing_info
    maximum = money_of_costs(billing.maximum_costs, context.currency) if billing is not None else None
    terms = read_noted_terms(noted.text, context.dialect.notes) if context.dialect.notes.cost_prefix else None
    note = terms.text if terms is not None else noted.text
    citation = read_citation(info, message.publication_info, note)
    return LendingDraft(
        citation=replace(citation, call_number=noted.call_number) if noted.call_number else citation,
        service=RequestedService(
            _SERVICE_IN.get(Wanted(service.service_type), ServiceType.LOAN)
            if service.service_type in set(Wanted)
            else ServiceType.LOAN,
            _read_word(service.item_format),
            _read_word(service.service_level),
        ),
        dates=RequestDates(
            need_by=context.read_day(service.need_before_date),
            start=context.read_day(service.start_date),
            end=context.read_day(service.end_date),
        ),
        maximum_cost=maximum or (terms.cost if terms is not None else None) or read_limit(note),
        volumes=_read_volumes(info, note),
        extras=(
            *_iterate_extras(message, service, context),
            *((CitationExtra(WANTED_ITEM, noted.barcode),) if noted.barcode else ()),
        ),
        requester=_read_requester(message, sender, dict(noted.addresses).get(SHIPPING_ADDRESS, "")),
        transaction=transaction,
        source="partner",
    )


def _read_word(code: OpenCode | None) -> str:
    return hyphenate_word(code.value) if code is not None else ""


def _read_volumes(info: BibliographicInfo, note: str) -> tuple[str, ...]:
    """Those that the note names one by one (our own rule, which says labels too), else those of the elements."""
    named = read_wanted_volumes(note)
    return named or (info.volumes if len(info.volumes) > 1 else ())


def _read_requester(message: IllRequest, sender: str, noted_address: str) -> LibraryParty:
    info = message.requesting_agency_info or RequestingAgencyInfo()
    delivery = (entry.address for entry in message.requested_delivery if entry.address is not None)
    addresses = (*delivery, *info.addresses)
    return LibraryParty(
        symbol=sender,
        name=info.name or "",
        email=next(filter(None, map(_read_email, addresses)), ""),
        address=next(
            (format_postal_address(entry.physical) for entry in addresses if entry.physical is not None), noted_address
        ),
    )


def _read_email(address: Address) -> str:
    data = address.electronic.data if address.electronic is not None else None
    return data if data is not None and "@" in data else ""


def format_postal_address(postal: PhysicalAddress) -> str:
    """Lines as on an envelope."""
    parts = PostalAddress(
        line1=postal.line1 or "",
        line2=postal.line2 or "",
        locality=postal.locality or "",
        postal_code=postal.postal_code or "",
        region=postal.region or "",
        country=postal.country.value if postal.country is not None else "",
    )
    return parts.text


_REGION_CODE = re.compile(r"[A-Z]{2}-[A-Z0-9]{1,3}")
"""ISO 3166-2."""


def write_postal_address(address: str, context: MappingContext) -> PhysicalAddress | None:
    """Our own in its parts, where these are set up; any other line by line. None: there is none."""
    library = context.library
    parts = library.postal_address if library is not None and address == library.address else None
    if parts is None:
        lines = [line.strip() for line in address.splitlines() if line.strip()]
        return PhysicalAddress(line1=lines[0], line2=", ".join(lines[1:]) or None) if lines else None
    is_word = context.dialect.form.schemes and not _REGION_CODE.fullmatch(parts.region)  # the list has codes alone
    return PhysicalAddress(
        line1=parts.line1 or None,
        line2=", ".join(filter(None, (parts.line2, parts.region if is_word else ""))) or None,
        locality=parts.locality or None,
        postal_code=parts.postal_code or None,
        region=None if is_word else parts.region or None,
        country=OpenCode(parts.country) if parts.country else None,
    )


def _iterate_extras(message: IllRequest, service: ServiceInfo, context: MappingContext) -> Iterator[CitationExtra]:
    if service.request_type == RequestType.RETRY:
        yield CitationExtra(RETRY, "true", "boolean")
    if service.previous_request_id:
        yield CitationExtra(PREVIOUS_REQUEST, service.previous_request_id)
    for word in service.request_sub_types:
        yield CitationExtra(REQUEST_SUB_TYPE, word)
    if service.copyright_compliance is not None:
        yield CitationExtra("copyright-compliance", service.copyright_compliance.value)
    if service.any_edition is not None:
        yield CitationExtra(ANY_EDITION, "true" if service.any_edition else "false", "boolean")
    if service.preferred_edition:
        yield CitationExtra(PREFERRED_EDITION, service.preferred_edition)
    for condition in service.loan_conditions:
        yield CitationExtra(ACCEPTED_CONDITION, condition.value)
    for info in message.requested_delivery:
        electronic = info.address.electronic if info.address is not None else None
        if electronic is not None and electronic.data and "@" not in electronic.data:
            kind = electronic.type.value if electronic.type is not None else ""
            yield CitationExtra("electronic-delivery", f"{kind} {electronic.data}".strip())
        elif electronic is not None and not electronic.data and electronic.type is not None:
            yield CitationExtra(
                "delivery-method", electronic.type.value.upper()
            )  # ReShare: `url`, and nowhere in particular
        if info.delivery_method is not None:
            yield CitationExtra("delivery-method", info.delivery_method.value)
    for supplier in message.suppliers:
        symbol = symbol_of_agency(supplier.supplier, context.dialect.symbols)
        if symbol:
            tried = supplier.availability_note == ALREADY_TRIED
            yield CitationExtra(ALREADY_TRIED if tried else POSSIBLE_SUPPLIER, symbol)
        yield from _describe_supplier(supplier)
    yield from _describe_requester(message.requesting_agency_info or RequestingAgencyInfo())
    yield from _describe_billing(message.billing_info or BillingInfo())
    for raw in message.unknown:
        yield CitationExtra(raw.path.rpartition("/")[2], raw.text)


def _describe_supplier(supplier: SupplierInfo) -> Iterator[CitationExtra]:
    availability = supplier.availability_note if supplier.availability_note != ALREADY_TRIED else ""
    return _list_extras(
        ("call-number", supplier.call_number),
        ("supplier-description", supplier.description),
        ("supplier-holdings", supplier.summary_holdings),
        ("supplier-availability", availability),
    )


def _describe_requester(requester: RequestingAgencyInfo) -> Iterator[CitationExtra]:
    """Describe who is to be asked there, and by which telephone."""
    yield from _list_extras(("contact-name", requester.contact_name))
    for address in requester.addresses:
        electronic = address.electronic
        if electronic is not None and electronic.data and "@" not in electronic.data:
            kind = electronic.type.value if electronic.type is not None else ""
            yield CitationExtra("contact-address", f"{kind} {electronic.data}".strip())


def _describe_billing(billing: BillingInfo) -> Iterator[CitationExtra]:
    postal = billing.address.physical if billing.address is not None else None
    return _list_extras(
        ("payment-method", billing.payment_method.value if billing.payment_method is not None else ""),
        ("billing-method", billing.billing_method.value if billing.billing_method is not None else ""),
        ("billing-name", billing.billing_name),
        ("billing-address", format_postal_address(postal).replace("\n", ", ") if postal is not None else ""),
    )


def _list_extras(*named: tuple[str, str | None]) -> Iterator[CitationExtra]:
    return (CitationExtra(name, text) for name, text in named if text)


# --- for a patron of ours --------------------------------------------------------------------------------


def is_patron_request(message: Message) -> bool:
    """A patron of ours wants something, told by a system of our own (docs/facts/iso-18626.md 7)."""
    service = message.service_info if isinstance(message, IllRequest) else None
    return service is not None and RequestSubType.PATRON_REQUEST in service.request_sub_types


def command_of_patron_request(message: IllRequest, context: MappingContext) -> PlaceRequest:
    """It becomes a borrowing request, as RequestItem of NCIP does. Raises MalformedMessage where it doesn't say under
    which number, or for whom."""
    number = message.header.requesting_agency_request_id if message.header is not None else ""
    if not number:
        raise MalformedMessage("header/requestingAgencyRequestId", "missing", MalformationKind.DATA_MISSING)
    patron = message.patron_info.patron_id if message.patron_info is not None else ""
    if not patron:
        raise MalformedMessage("patronInfo/patronId", "missing", MalformationKind.DATA_MISSING)
    request = read_request(message, "", number, context)
    draft = BorrowingDraft(
        citation=request.citation,
        service=request.service,
        dates=request.dates,
        maximum_cost=request.maximum_cost,
        volumes=request.volumes,
        extras=tuple(extra for extra in request.extras if extra.name != REQUEST_SUB_TYPE),
        source=SECTION,
    )
    return PlaceRequest(patron=PatronRef(id=Named(patron)), request=Named(number), wanted=draft)


# --- sent ------------------------------------------------------------------------------------------------


def write_request(message: PartnerMessage, context: MappingContext) -> IllRequest:
    """Write a request without its header. Nothing about the patron goes out."""
    request = message.request
    extras = {extra.name: extra.value for extra in request.extras}
    previous = _find_previous_attempt(message)
    is_retry = previous is not None or extras.get(RETRY, "") == "true"
    sender = message.sender
    is_mailed = request.service.type is ServiceType.COPY and bool(sender.email)
    with_block = context.dialect.notes.addresses and not is_mailed
    ship_to = write_address_block(SHIP_TO, sender.name, sender.address) if with_block else ""
    conditions = previous.conditions if previous is not None else ()
    notes = (_write_accepted_term(conditions, context), request.citation.note, message.details.note, ship_to)
    attempt = request.find_attempt_of_transaction(message.transaction)
    bibliographic = write_bibliographic_info(
        request.citation, attempt.record if attempt is not None else "", listed_only=context.dialect.numbers == "listed"
    )
    if has_volume_elements(request, context.dialect.schema_version):
        bibliographic = replace(bibliographic, volumes=tuple(volume.label for volume in request.volumes))
    service = ServiceInfo(
        request_type=RequestType.RETRY if is_retry else RequestType.NEW,
        previous_request_id=previous.transaction if previous is not None else extras.get(PREVIOUS_REQUEST),
        service_type=_SERVICE_OUT[request.service.type],
        service_level=_write_level(request.service.level, context),
        item_format=_write_word(request.service.format),
        need_before_date=context.write_end_of_day(request.dates.need_by),
        copyright_compliance=_write_code(extras.get("copyright-compliance", "")),
        any_edition=_ANY_EDITION.get(extras.get(ANY_EDITION, "")),
        preferred_edition=extras.get(PREFERRED_EDITION),
        loan_conditions=_write_accepted_conditions(request, conditions, context),
        start_date=context.write_end_of_day(request.dates.start),
        end_date=context.write_end_of_day(request.dates.end),
        note="; ".join(part for part in notes if part) or None,
    )
    return IllRequest(
        bibliographic_info=bibliographic,
        publication_info=write_publication_info(request.citation),
        service_info=service,
        suppliers=tuple(_iterate_tried(request.attempts, message.receiver, context)),
        requested_delivery=_write_delivery(message.sender, request.service.type, context),
        requesting_agency_info=_write_requester(message.sender, message.on_behalf_of or message.sender, context),
        billing_info=_write_billing(request.costs),
    )


def has_volume_elements(request: Request, version: SchemaVersion) -> bool:
    """Return whether the volumes that are wanted can be named in elements, one for each; else the note names them."""
    labels = [volume.label for volume in request.volumes]
    return version >= SchemaVersion.V2021 and len(labels) > 1 and all(labels) and not request.citation.volume


_ANY_EDITION = {"true": True, "false": False}


def _write_accepted_conditions(
    request: Request, conditions: Iterable[LoanCondition], context: MappingContext
) -> tuple[OpenCode, ...]:
    """Those that this supplier has set, and those that whoever asks through us accepts."""
    is_known = context.dialect.schema_version >= SchemaVersion.V2021  # before, `_write_accepted_term` says them
    codes = (OpenCode(extra.value) for extra in request.extras if extra.name == ACCEPTED_CONDITION)
    return tuple(dict.fromkeys((*(write_conditions(conditions) if is_known else ()), *codes)))


def _write_accepted_term(conditions: Iterable[LoanCondition], context: MappingContext) -> str:
    """Conditions that this supplier has set, where no element can say that they are met."""
    is_known = context.dialect.schema_version >= SchemaVersion.V2021
    unsaid = [condition for condition in conditions if not (is_known and condition in CONDITION_OUT)]
    words = context.dialect.condition_words.accepted
    return "; ".join(filter(None, (words, write_conditions_term(unsaid)))) if unsaid else ""


def _write_word(word: str) -> OpenCode | None:
    return OpenCode(find_list_word(word)) if word else None


def _write_level(word: str, context: MappingContext) -> OpenCode | None:
    level = _write_word(word)
    is_known = level is None or level.value in LEVELS or context.dialect.levels == "all"
    return level if is_known else OpenCode(STANDARD_LEVEL)


def _write_code(word: str) -> OpenCode | None:
    return OpenCode(word) if word else None


def _find_previous_attempt(message: PartnerMessage) -> SupplierAttempt | None:
    """This supplier has been asked for it before, and said: later, or under a condition."""
    attempts = (attempt for attempt in reversed(message.request.attempts) if attempt.status is AttemptStatus.RETRY)
    return next((attempt for attempt in attempts if attempt.partner == message.receiver.profile), None)


def _iterate_tried(
    attempts: Iterable[SupplierAttempt], receiver: LibraryParty, context: MappingContext
) -> Iterator[SupplierInfo]:
    """Iterate over who has been asked before, in their order, but for whom it is asked now."""
    others = (attempt for attempt in attempts if attempt.partner != receiver.profile)
    tried = [attempt.symbol for attempt in others if attempt.status not in OPEN_ATTEMPT and attempt.symbol]
    for order, symbol in enumerate(dict.fromkeys(tried), 1):
        yield SupplierInfo(
            sort_order=order,
            supplier=agency_of_symbol(symbol, context.dialect.symbols),
            availability_note=ALREADY_TRIED,
        )


def _write_requester(sender: LibraryParty, requester: LibraryParty, context: MappingContext) -> RequestingAgencyInfo:
    """`requester`: who wants it; we may broker it."""
    return RequestingAgencyInfo(name=requester.name or None, addresses=tuple(_write_addresses(sender, context)))


def _write_delivery(
    sender: LibraryParty, wanted: ServiceType, context: MappingContext
) -> tuple[RequestedDeliveryInfo, ...]:
    """A copy comes by the first that is named, so a postal address stands behind: for what is to be a copy it isn't
    named at all, as long as there is another."""
    addresses = tuple(_write_addresses(sender, context))
    electronic = tuple(address for address in addresses if address.electronic is not None)
    postal = tuple(address for address in addresses if address.electronic is None)
    match wanted:
        case ServiceType.COPY:
            addresses = electronic or postal
        case ServiceType.COPY_OR_LOAN:
            addresses = (*electronic, *postal)
    return tuple(RequestedDeliveryInfo(sort_order=order, address=address) for order, address in enumerate(addresses, 1))


def _write_addresses(sender: LibraryParty, context: MappingContext) -> Iterator[Address]:
    postal = write_postal_address(sender.address, context)
    if postal is not None:
        yield Address(physical=postal)
    if sender.email:
        yield Address(electronic=ElectronicAddress(type=OpenCode("Email"), data=sender.email))


def _write_billing(costs: RequestCosts) -> BillingInfo | None:
    maximum = find_told_limit(costs)
    return BillingInfo(maximum_costs=costs_of_money(maximum)) if maximum is not None else None
