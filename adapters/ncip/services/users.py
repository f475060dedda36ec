"""User descriptions in messages -> patron drafts, for CreateUser and UpdateUser."""

from __future__ import annotations

from datetime import date, datetime

from adapters.ncip.messages import AuthenticationInput, Code, NameInformation, UserAddressInformation, UserId, When
from adapters.ncip.services.reading import Reader, word
from gateway.domain.library import Contact, ContactKind, PatronDraft, PatronIdentifier, PersonName, PostalAddress


def person_name(name: NameInformation | None) -> PersonName | None:
    if name is None:
        return None
    if name.organizations:
        return PersonName(surname=name.organizations[0].name, is_organisation=True)
    personal = name.personal
    if personal is None:
        return None
    if personal.structured is not None and personal.structured.surname:
        one = personal.structured
        return PersonName(one.surname, one.given_name or "", one.prefix or "", one.initials or "", one.suffix or "")
    flat = (personal.unstructured or "").strip()
    if not flat:
        return None
    surname, comma, given = flat.partition(",")
    if comma:
        return PersonName(surname.strip(), given.strip())
    given, _, surname = flat.rpartition(" ")
    return PersonName(surname, given)


def contacts(addresses: tuple[UserAddressInformation, ...], reader: Reader) -> tuple[Contact, ...]:
    return tuple(found for found in (_contact(one, reader) for one in addresses) if found is not None)


def _contact(address: UserAddressInformation, reader: Reader) -> Contact | None:
    role = word(address.user_address_role_type) or "home"
    valid_from, valid_to = day(address.valid_from_date, reader), day(address.valid_to_date, reader)
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
        one = physical.structured
        street = " ".join(part for part in (one.house_name, one.street, one.post_office_box) if part)
        postal = PostalAddress(
            one.line1 or street,
            one.line2 or one.district or "",
            one.locality or "",
            one.region or "",
            one.postal_code or "",
            one.country or "",
        )
    else:
        return None
    return Contact(ContactKind.POSTAL, role, "", postal, valid_from, valid_to)


def day(when: When | None, reader: Reader) -> date | None:
    if isinstance(when, datetime):
        return when.astimezone(reader.talk.zone).date()
    return when


def secret(inputs: tuple[AuthenticationInput, ...], reader: Reader) -> str | None:
    kinds = reader.policy.patrons.secret_types
    return next((one.data for one in inputs if word(one.input_type).strip().lower() in kinds and one.data), None)


def identifiers(
    user_id: UserId | None, inputs: tuple[AuthenticationInput, ...], reader: Reader
) -> tuple[PatronIdentifier, ...]:
    found = []
    rules = reader.policy.patrons
    if user_id is not None and user_id.value:
        kind = rules.id_types.get(word(user_id.identifier_type).strip().lower(), rules.lookup_by[0])
        found.append(PatronIdentifier(kind, rules.rewrite.apply(user_id.value)))
    for one in inputs:
        named = rules.identity_types.get(word(one.input_type).strip().lower())
        if named is not None and one.data:
            found.append(PatronIdentifier(named, rules.rewrite.apply(one.data)))
    return tuple(dict.fromkeys(found))


def draft(
    *,
    ids: tuple[PatronIdentifier, ...],
    name: NameInformation | None,
    addresses: tuple[UserAddressInformation, ...],
    born: date | None,
    languages: tuple[Code, ...],
    pin: str | None,
    reader: Reader,
) -> PatronDraft:
    return PatronDraft(
        identifiers=ids,
        name=person_name(name),
        contacts=contacts(addresses, reader) or None,
        language=languages[0].value if languages else None,
        date_of_birth=born,
        secret=pin,
    )
