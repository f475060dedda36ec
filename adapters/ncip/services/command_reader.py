"""Parts of messages -> command values."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from adapters.ncip.dialect import NcipDialect
from adapters.ncip.messages import (
    AuthenticationInput,
    BibliographicDescription,
    BibliographicId,
    BibliographicItemId,
    BibliographicRecordId,
    Code,
    FiscalTransactionInformation,
    ItemId,
    ItemOptionalFields,
    Location,
    NameInformation,
    RequestId,
    UserAddressInformation,
    UserId,
    UserOptionalFields,
    UserPrivilege,
    When,
)
from adapters.ncip.wire_values import money_of_minor_units
from gateway.domain.circulation_policy import CirculationPolicy
from gateway.domain.commands import Credential, Named, PatronRef
from gateway.domain.library import (
    Bib,
    Contact,
    ContactKind,
    ItemStatus,
    Money,
    PatronDraft,
    PatronIdentifier,
    PersonName,
    PostalAddress,
    RecordId,
)
from gateway.domain.problems import MessagePart, RefusalReason, Refused
from gateway.domain.requests.events import LoanCondition
from gateway.domain.sentences import write_sentence
from gateway.domain.value import value_object
from gateway.ports.responder import ExchangeContext

RequestKind = Literal["hold", "loan", "page", "recall"]


@value_object
class CommandReader:
    """The facts that reading a message needs beside the message."""

    dialect: NcipDialect
    policy: CirculationPolicy
    exchange_context: ExchangeContext
    sender: str  # the partner's agency, as `header.agency_from` finds it
    receiver: str  # ToAgencyId


def text_of_code(code: Code | None) -> str:
    """The text of a code, empty when absent."""
    return code.value if code is not None else ""


def read_item_reference(identifier: UserId | ItemId | RequestId | None) -> Named | None:
    if identifier is None or not identifier.value:
        return None
    return Named(identifier.value, text_of_code(identifier.identifier_type), text_of_code(identifier.agency_id))


def require_value(identifier: UserId | ItemId | RequestId | None, about: MessagePart, element: str) -> Named:
    """Require a value; raises Refused(DATA_MISSING) when it is absent."""
    item_reference = read_item_reference(identifier)
    if item_reference is None:
        raise Refused(
            RefusalReason.DATA_MISSING, write_sentence("%(element)s is missing or empty.", element=element), about=about
        )
    return item_reference


def read_patron_reference(user_id: UserId | None, inputs: tuple[AuthenticationInput, ...]) -> PatronRef | None:
    """None when the message names no user at all."""
    who = read_item_reference(user_id)
    credentials = tuple(Credential(text_of_code(i.input_type).strip().lower(), i.data) for i in inputs if i.data)
    return PatronRef(who, credentials) if who or credentials else None


def require_patron(user_id: UserId | None, inputs: tuple[AuthenticationInput, ...]) -> PatronRef:
    patron_reference = read_patron_reference(user_id, inputs)
    if patron_reference is None:
        raise Refused(
            RefusalReason.DATA_MISSING,
            "UserId or AuthenticationInput is required to identify the user.",
            about=MessagePart.PATRON,
        )
    return patron_reference


def read_request_kind(code: Code | None, reader: CommandReader) -> RequestKind:
    """Read a kind; raises Refused(INVALID_VALUE) for a RequestType that the profile doesn't map."""
    sent = text_of_code(code).strip().lower()
    if not sent:
        return reader.policy.requests.default_kind
    kind = reader.dialect.requests.types.get(sent)
    if kind is None:
        raise Refused(
            RefusalReason.INVALID_VALUE,
            "This RequestType is not supported.",
            about=MessagePart.REQUEST_TYPE,
            value=text_of_code(code),
        )
    return kind


def read_request_scope(code: Code | None, reader: CommandReader) -> Literal["item", "title"]:
    sent = text_of_code(code).strip().lower()
    if not sent:
        return reader.policy.requests.default_scope
    scope = reader.dialect.requests.scopes.get(sent)
    if scope is None:
        raise Refused(
            RefusalReason.INVALID_VALUE,
            "This RequestScopeType is not supported.",
            about=MessagePart.REQUEST_TYPE,
            value=text_of_code(code),
        )
    return scope


def read_item_status(code: Code | None, reader: CommandReader) -> ItemStatus | None:
    """Read a status; raises Refused(INVALID_VALUE) for a CirculationStatus that neither standard nor profile knows."""
    sent = text_of_code(code).strip().lower()
    if not sent:
        return None
    status = reader.dialect.items.status_words.get(sent) or STATUS_WORDS.get(sent)
    if status is None:
        raise Refused(
            RefusalReason.INVALID_VALUE,
            "This CirculationStatus is not supported.",
            about=MessagePart.STATUS,
            value=text_of_code(code),
        )
    return status


STATUS_WORDS = {
    "available on shelf": ItemStatus.AVAILABLE,
    "available for pickup": ItemStatus.ON_HOLD_SHELF,
    "on loan": ItemStatus.ON_LOAN,
    "in transit between library locations": ItemStatus.IN_TRANSIT,
    "pending transfer": ItemStatus.IN_TRANSIT,
    "in process": ItemStatus.IN_PROCESS,
    "waiting to be reshelved": ItemStatus.IN_PROCESS,
    "lost": ItemStatus.LOST,
    "missing": ItemStatus.MISSING,
    "claimed returned or never borrowed": ItemStatus.CLAIMED_RETURNED,
    "not available": ItemStatus.NOT_AVAILABLE,
    "circulation status undefined": ItemStatus.NOT_AVAILABLE,
    "on order": ItemStatus.NOT_AVAILABLE,
    "recalled": ItemStatus.RECALLED,
}
"""CirculationStatus, lower case -> ours (facts/ncip.md 3.6)."""


def read_fee_amount(fiscal: FiscalTransactionInformation | None, reader: CommandReader) -> Money | None:
    """Read an amount in the usual currency where none is sent; None where no amount is. Raises
    Refused(INVALID_AMOUNT)."""
    if fiscal is None or fiscal.amount is None or fiscal.amount.minor_units is None:
        return None
    sent = text_of_code(fiscal.amount.currency)
    usual = reader.policy.fees.currency or reader.exchange_context.currency
    try:
        return money_of_minor_units(fiscal.amount.minor_units, sent or usual)
    except ValueError as error:
        raise Refused(
            RefusalReason.INVALID_AMOUNT,
            "Amount does not have an ISO 4217 currency.",
            about=MessagePart.AMOUNT,
            value=sent,
        ) from error


def read_record_ids(ids: tuple[BibliographicId, ...], reader: CommandReader) -> tuple[RecordId, ...]:
    record_ids = []
    for bibliographic_id in ids:
        if bibliographic_id.bibliographic_record_id is not None:
            record_ids.append(_read_record_id(bibliographic_id.bibliographic_record_id, reader))
        elif bibliographic_id.bibliographic_item_id is not None:
            record_ids.append(_read_bib_item_id(bibliographic_id.bibliographic_item_id, reader))
    return tuple(record for record in record_ids if record.value)


def _map_record_type(sent: str, reader: CommandReader) -> str:
    sent = sent.strip().lower()
    return reader.policy.records.types.get(sent, sent)


def _read_record_id(record: BibliographicRecordId, reader: CommandReader) -> RecordId:
    return RecordId(_map_record_type(text_of_code(record.identifier_code), reader), record.identifier)


def _read_bib_item_id(item: BibliographicItemId, reader: CommandReader) -> RecordId:
    return RecordId(_map_record_type(text_of_code(item.identifier_code), reader), item.identifier)


def read_bib(description: BibliographicDescription | None, reader: CommandReader) -> Bib:
    if description is None:
        return Bib()
    identifiers = [_read_bib_item_id(item_id, reader) for item_id in description.bibliographic_item_ids]
    identifiers += [_read_record_id(record_id, reader) for record_id in description.bibliographic_record_ids]
    return Bib(
        title=description.title or "",
        author=description.author or "",
        identifiers=tuple(record for record in identifiers if record.value),
        edition=description.edition or "",
        publisher=description.publisher or "",
        place=description.place_of_publication or "",
        published=description.publication_date or "",
        series=description.series_title_number or "",
        pages=description.pagination or "",
        language=text_of_code(description.language),
        medium=text_of_code(description.medium_type),
        level=text_of_code(description.bibliographic_level),
        component_title=description.title_of_component or "",
        component_author=description.author_of_component or "",
    )


def read_call_number(fields: ItemOptionalFields | None) -> str:
    description = fields.item_description if fields is not None else None
    return (description.call_number or "") if description is not None else ""


CONDITIONS = {
    "in library use only": LoanCondition.LIBRARY_USE_ONLY,
    "not for loan": LoanCondition.LIBRARY_USE_ONLY,
    "use only in controlled access": LoanCondition.WATCHED,
    "supervision required": LoanCondition.SUPERVISED,
    "no reproduction": LoanCondition.NO_REPRODUCTION,
    "renewals not permitted": LoanCondition.NO_RENEWAL,
    "user signature required": LoanCondition.SIGNATURE_REQUIRED,
}
"""ItemUseRestrictionType, lower case -> condition of the loan."""

NO_RETURN = "available for supply without return"
"""The ItemUseRestrictionType that says what NonReturnableFlag does."""


def list_restrictions(fields: ItemOptionalFields | None) -> tuple[str, ...]:
    """List restrictions as sent."""
    return tuple(restriction.value for restriction in fields.item_use_restriction_types) if fields is not None else ()


def read_conditions(restrictions: tuple[str, ...], reader: CommandReader) -> tuple[LoanCondition, ...]:
    conditions = {**CONDITIONS, **reader.dialect.items.restrictions}
    words = (word.strip().lower() for word in restrictions)
    return tuple(dict.fromkeys(conditions.get(word, LoanCondition.OTHER) for word in words if word != NO_RETURN))


def read_piece_barcode(fields: ItemOptionalFields | None) -> str:
    """The barcode on the piece: VisibleItemId of version 1 (INN-Reach)."""
    description = fields.item_description if fields is not None else None
    visible = description.visible_item_id if description is not None else None
    return visible.value if visible is not None else ""


def read_named_patron(user_id: UserId | None, fields: UserOptionalFields | None) -> PatronRef | None:
    """The user of a message that knows no credentials; by the card (VisibleUserId) where it has no UserId, as INC reads
    INN-Reach's messages."""
    cards = fields.user_ids if fields is not None else ()
    return read_patron_reference(user_id, ()) or read_patron_reference(cards[0] if cards else None, ())


def read_locations(locations: tuple[Location, ...]) -> tuple[str, ...]:
    """The innermost part of each: a branch, or a shelf in it."""
    names = (location.name for location in locations if location.name is not None and location.name.instances)
    return tuple(name.instances[-1].value for name in names)


def read_medium(fields: ItemOptionalFields | None) -> str:
    """MediumType, or the non-standard Format that some broker sends."""
    if fields is None:
        return ""
    described = fields.bibliographic_description
    return fields.format or (text_of_code(described.medium_type) if described is not None else "")


def description_of_fields(fields: ItemOptionalFields | None) -> BibliographicDescription | None:
    return fields.bibliographic_description if fields is not None else None


def read_person_name(name: NameInformation | None) -> PersonName | None:
    if name is None:
        return None
    if name.organizations:
        return PersonName(surname=name.organizations[0].name, is_organisation=True)
    personal = name.personal
    if personal is None:
        return None
    if personal.structured is not None and personal.structured.surname:
        part = personal.structured
        return PersonName(
            part.surname, part.given_name or "", part.prefix or "", part.initials or "", part.suffix or ""
        )
    flat = (personal.unstructured or "").strip()
    if not flat:
        return None
    surname, comma, given = flat.partition(",")
    if comma:
        return PersonName(surname.strip(), given.strip())
    given, _, surname = flat.rpartition(" ")
    return PersonName(surname, given)


def read_contacts(addresses: tuple[UserAddressInformation, ...], reader: CommandReader) -> tuple[Contact, ...]:
    return tuple(filter(None, (_read_contact(address, reader) for address in addresses)))


def _read_contact(address: UserAddressInformation, reader: CommandReader) -> Contact | None:
    role = text_of_code(address.user_address_role_type) or "home"
    valid_from, valid_to = to_local_day(address.valid_from_date, reader), to_local_day(address.valid_to_date, reader)
    if address.electronic_address is not None:
        value = address.electronic_address.data
        kind = ContactKind.EMAIL if "@" in value else ContactKind.PHONE
        return Contact(kind, role, value, None, valid_from, valid_to) if value else None
    physical = address.physical_address
    if physical is None:
        return None
    if physical.unstructured is not None:
        first, _, rest = physical.unstructured.data.partition("\n")
        postal = PostalAddress(line1=first.strip(), line2=" ".join(rest.split()))
    elif physical.structured is not None:
        lines = physical.structured
        street = " ".join(part for part in (lines.house_name, lines.street, lines.post_office_box) if part)
        postal = PostalAddress(
            lines.line1 or street,
            lines.line2 or lines.district or "",
            lines.locality or "",
            lines.region or "",
            lines.postal_code or "",
            lines.country or "",
        )
    else:
        return None
    return Contact(ContactKind.POSTAL, role, "", postal, valid_from, valid_to)


def to_local_day(when: When | None, reader: CommandReader) -> date | None:
    if isinstance(when, datetime):
        return when.astimezone(reader.exchange_context.zone).date()
    return when


def read_patron_secret(inputs: tuple[AuthenticationInput, ...], reader: CommandReader) -> str | None:
    kinds = reader.policy.patrons.secret_types
    return next(
        (entry.data for entry in inputs if text_of_code(entry.input_type).strip().lower() in kinds and entry.data), None
    )


def read_patron_identifiers(
    user_id: UserId | None, inputs: tuple[AuthenticationInput, ...], reader: CommandReader
) -> tuple[PatronIdentifier, ...]:
    identifiers = []
    rules = reader.policy.patrons
    if user_id is not None and user_id.value:
        kind = rules.id_types.get(text_of_code(user_id.identifier_type).strip().lower(), rules.lookup_by[0])
        identifiers.append(PatronIdentifier(kind, rules.rewrite.rewrite_identifier(user_id.value)))
    for authentication_input in inputs:
        named = rules.identity_types.get(text_of_code(authentication_input.input_type).strip().lower())
        if named is not None and authentication_input.data:
            identifiers.append(PatronIdentifier(named, rules.rewrite.rewrite_identifier(authentication_input.data)))
    return tuple(dict.fromkeys(identifiers))


def build_patron_draft(
    *,
    ids: tuple[PatronIdentifier, ...],
    name: NameInformation | None,
    addresses: tuple[UserAddressInformation, ...],
    born: date | None,
    languages: tuple[Code, ...],
    privileges: tuple[UserPrivilege, ...],
    pin: str | None,
    reader: CommandReader,
) -> PatronDraft:
    return PatronDraft(
        identifiers=ids,
        name=read_person_name(name),
        contacts=read_contacts(addresses, reader) or None,
        language=languages[0].value if languages else None,
        date_of_birth=born,
        expires=_read_expiry(privileges, reader),
        secret=pin,
    )


def _read_expiry(privileges: tuple[UserPrivilege, ...], reader: CommandReader) -> date | None:
    """The last day of the privilege that ends first; None when none has an end."""
    ends = (to_local_day(privilege.valid_to_date, reader) for privilege in privileges)
    return min((end for end in ends if end is not None), default=None)
