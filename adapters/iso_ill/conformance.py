"""Conformance tables made from the code, and one example of everything.

Fields that are *read* are those of the message classes: all of the standard. Fields that are *used* or *sent* are found
by trying: a field is used when the event that comes out is another one without it, sent when a full example of ours
has it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from adapters.iso_ill.codec import apdu_type_name, list_declared_fields
from adapters.iso_ill.codec.declarations import FieldDeclaration, FieldKind, is_choice
from adapters.iso_ill.dialect import IsoIllDialect, state_word
from adapters.iso_ill.mapping import MappingContext, apdu_of_message, event_of_apdu, sendable_apdus
from adapters.iso_ill.messages import APDUS, Apdu, IllAnswer
from adapters.iso_ill.messages.codes import ApduType, Results, ServiceType
from adapters.iso_ill.messages.declaration import External
from adapters.iso_ill.messages.request_phase import Explanation
from adapters.iso_ill.messages.structures import Extension, SuppliersReference
from adapters.iso_ill.state_tables import FROM_EITHER, FROM_REQUESTER, FROM_RESPONDER, TABLES, ServiceDirection
from gateway.domain.library import Money, RecordId
from gateway.domain.requests.citation import Citation, CitationExtra, CitationType
from gateway.domain.requests.events import EventDetails, LoanCondition
from gateway.domain.requests.request import (
    AttemptStatus,
    BorrowingState,
    LendingState,
    LibraryParty,
    Request,
    RequestCosts,
    RequestDates,
    RequestedService,
    Role,
    SupplierAttempt,
)
from gateway.domain.requests.request import ServiceType as Wanted
from gateway.domain.value import value_object
from gateway.ports.partner_channel import PartnerMessage

NOW = datetime(2026, 3, 2, 9, 30, 15, tzinfo=UTC)
CONTEXT = MappingContext(
    library_zone=UTC,
    currency="EUR",
    ours=("ISIL:NO-0030100",),
    dialect=IsoIllDialect(reply_to="ill.library.example:499", levels={"rush": "R"}),
)
US = LibraryParty(
    symbol="ISIL:NO-0030100",
    name="Fjordby bibliotek",
    email="ill@library.example",
    address="Storgata 1\n0123 Fjordby\nNorge",
)
THEM = LibraryParty(symbol="ISIL:DE-9999", name="Stadtbücherei Seestadt")

CITATION = Citation(
    type=CitationType.ARTICLE,
    title="Annalen der Küstenforschung",
    subtitle="Neue Folge",
    author="Gesellschaft für Küstenforschung",
    component_title="Über die Wanderung der Dünen",
    component_author="Ama Mensah",
    series="Reihe B",
    edition="1",
    publisher="Seestädter Verlag",
    place="Seestadt",
    published="1987",
    volume="12",
    issue="3",
    pages="45-67",
    call_number="Z 1204",
    identifiers=(RecordId("isbn", "9783161484100"), RecordId("issn", "0317-8471"), RecordId("oclc", "8675309")),
    source="Küstenbibliographie",
    note="Bitte mit Abbildungen",
    extras=(CitationExtra("sponsoring-body", "Akademie der Wissenschaften"), CitationExtra("publication-date", "1986")),
)


def _sample_request(role: Role) -> Request:
    tried = SupplierAttempt(
        number=1,
        partner="one",
        symbol="ISIL:SE-S",
        channel="iso-ill",
        transaction="B-2026-17",
        asked=NOW,
        status=AttemptStatus.UNFILLED,
    )
    asked = SupplierAttempt(
        number=2, partner="two", symbol=THEM.symbol, channel="iso-ill", transaction="B-2026-17-2", asked=NOW
    )
    return Request(
        library="FJORDBY",
        id="r1",
        role=role,
        state=BorrowingState.REQUESTED if role is Role.BORROWING else LendingState.SHIPPED,
        number="B-2026-17" if role is Role.BORROWING else "L-2026-4",
        created=NOW,
        changed=NOW,
        citation=CITATION,
        service=RequestedService(Wanted.COPY_OR_LOAN, "paper-copy", "rush"),
        dates=RequestDates(need_by=date(2026, 4, 1)),
        costs=RequestCosts(maximum=Money(Decimal("25.00"), "EUR")),
        partner=THEM,
        transaction="248705/1@ISIL:DE-9999",
        extras=(
            CitationExtra("copyright-compliance", "other"),
            CitationExtra("retry", "true", "boolean"),
            CitationExtra("place-on-hold", "no"),
        ),
        attempts=(tried, asked) if role is Role.BORROWING else (),
        current=2 if role is Role.BORROWING else 0,
    )


def sample_messages(role: Role) -> tuple[PartnerMessage, ...]:
    """Make the messages of ours in this role, one of each kind, with all details that there can be."""
    details = EventDetails(
        due=date(2026, 4, 15),
        reason="not-held",
        note="gerne wieder",
        conditions=(LoanCondition.LIBRARY_USE_ONLY, LoanCondition.NO_RENEWAL),
        cost=Money(Decimal("8.50"), "EUR"),
        retry_after=date(2026, 5, 1),
        expected=date(2026, 3, 10),
        partner="ISIL:DK-800015",
        link="https://copies.library.example/x",
    )
    request = _sample_request(role)
    return tuple(
        PartnerMessage(
            id=f"m-{kind.value}",
            kind=kind,
            at=NOW,
            sender=US,
            receiver=THEM,
            role=role,
            transaction="B-2026-17-2" if role is Role.BORROWING else request.transaction,
            details=details,
            request=request,
        )
        for kind in sendable_apdus(role)
    )


REQUESTING = sample_messages(Role.BORROWING)
LENDING = sample_messages(Role.LENDING)


def build_full_apdus(cls: type[Apdu]) -> tuple[Apdu, ...]:
    """APDUs with every field that this kind can have; of an answer one for each result."""
    apdu: Apdu = _fill_structure(cls)
    if not isinstance(apdu, IllAnswer):
        return (apdu,)
    return tuple(
        IllAnswer(
            **{
                **{one.attribute: getattr(apdu, one.attribute) for one in list_declared_fields(cls)},
                "results": result,
                "explanation": Explanation(**{one.attribute: _fill_structure(one.cls)}),
            }
        )
        for result, one in zip(_EXPLAINED, list_declared_fields(Explanation), strict=True)
    )


_EXPLAINED = (
    Results.CONDITIONAL,
    Results.RETRY,
    Results.UNFILLED,
    Results.LOCATIONS_PROVIDED,
    Results.WILL_SUPPLY,
    Results.HOLD_PLACED,
    Results.ESTIMATE,
)


def _fill_structure(cls: type) -> Any:
    chosen = list_declared_fields(cls)[-1:] if is_choice(cls) else list_declared_fields(cls)
    values: dict[str, Any] = {}
    taken: set[str] = set()
    for one in chosen:
        if one.tag.choice in taken:
            continue
        values[one.attribute] = _sample_value(one)
        taken |= {one.tag.choice} - {""}
    return cls(**values)


def _sample_value(one: FieldDeclaration) -> Any:
    return (_sample_single_value(one),) if one.many else _sample_single_value(one)


def _sample_single_value(one: FieldDeclaration) -> Any:
    if one.cls is Extension:
        return Extension.from_item(SuppliersReference(authority="ISIL:DE-9999", reference="ART-77"))
    if one.cls is ServiceType:
        return ServiceType.COPY_NON_RETURNABLE
    if one.kind is FieldKind.CODE:
        return next(member for member in one.cls if member != one.default)
    if one.kind is FieldKind.STRUCTURE:
        return _fill_structure(one.cls)
    return {
        FieldKind.TEXT: f"{one.name} text",
        FieldKind.PRINTABLE: "EUR" if one.name == "currency-code" else "12.00",
        FieldKind.OBJECT_IDENTIFIER: "1.0.10161.9.1.1",
        FieldKind.DAY: date(2026, 3, 2),
        FieldKind.CLOCK: time(9, 30, 15),
        FieldKind.NUMBER: 2,
        FieldKind.FLAG: not one.default,
        FieldKind.NULL: True,
        FieldKind.ANY: b"\x05\0",
        FieldKind.EXTERNAL: External("1.2.3.4", b"\x1b\x01x"),
    }[one.kind]


_SENDERS = {Role.BORROWING: FROM_REQUESTER | FROM_EITHER, Role.LENDING: FROM_RESPONDER | FROM_EITHER}


@value_object
class FieldSupport:
    """`sent` by us in the role that sends this APDU; `used`: what we receive means something else without it."""

    apdu: ApduType
    field: str
    mandatory: bool
    sent: bool
    used: bool


@value_object
class ApduSupport:
    apdu: ApduType
    requester_sends: bool
    requester_receives: bool
    responder_sends: bool
    responder_receives: bool


def list_apdu_support() -> tuple[ApduSupport, ...]:
    sent = {role: {type(apdu).type for apdu in _iter_sent_apdus(role)} for role in Role}
    return tuple(
        ApduSupport(
            cls.type,
            requester_sends=cls.type in sent[Role.BORROWING],
            requester_receives=cls.type in _SENDERS[Role.LENDING],
            responder_sends=cls.type in sent[Role.LENDING],
            responder_receives=cls.type in _SENDERS[Role.BORROWING],
        )
        for cls in APDUS
    )


def _iter_sent_apdus(role: Role) -> Iterator[Apdu]:
    for message in REQUESTING if role is Role.BORROWING else LENDING:
        yield apdu_of_message(message, CONTEXT)


def list_field_support() -> Iterator[FieldSupport]:
    """Field by field, with those of structures below them as `item-id.title`."""
    sent = [apdu for role in Role for apdu in _iter_sent_apdus(role)]
    for cls in APDUS:
        examples = [apdu for apdu in sent if isinstance(apdu, cls)]
        whole = build_full_apdus(cls)
        for place, one, path in _walk_fields(cls):
            yield FieldSupport(
                cls.type,
                place,
                one.required,
                sent=any(_is_present(apdu, path) for apdu in examples),
                used=any(_is_field_used(apdu, path) for apdu in whole),
            )


_Path = tuple[str, ...]
_BELOW = 2


def _walk_fields(
    cls: type, before: tuple[str, ...] = (), path: _Path = ()
) -> Iterator[tuple[str, FieldDeclaration, _Path]]:
    for one in list_declared_fields(cls):
        here, attributes = (*before, one.name), (*path, one.attribute)
        yield ".".join(here), one, attributes
        if one.kind is FieldKind.STRUCTURE and not one.many and len(here) < _BELOW:
            yield from _walk_fields(one.cls, here, attributes)


def _is_present(value: Any, path: _Path) -> bool:
    for attribute in path:
        if value is None:
            return False
        default = next((one.default for one in list_declared_fields(type(value)) if one.attribute == attribute), None)
        value = getattr(value, attribute)
        if value is None or value == "" or value == () or (value == default and not isinstance(value, int)):
            return False
    return True


def _is_field_used(apdu: Apdu, path: _Path) -> bool:
    if not _is_present(apdu, path):
        return False
    for other in _iter_without_field(apdu, path):
        before, after = event_of_apdu(apdu, CONTEXT), event_of_apdu(other, CONTEXT)
        if any(getattr(before, one.name) != getattr(after, one.name) for one in fields(before) if one.name != "id"):
            return True
    return False


def _iter_without_field(value: Any, path: _Path) -> Iterator[Any]:
    """The same without the field, or for one that has to be there with another value."""
    attribute, *below = path
    one = next(one for one in list_declared_fields(type(value)) if one.attribute == attribute)
    if below and is_choice(one.cls):
        if not one.required:
            yield replace(value, **{attribute: one.default})  # there is no choice of nothing
    elif below:
        for inner in _iter_without_field(getattr(value, attribute), tuple(below)):
            yield replace(value, **{attribute: inner})
    elif not one.required:
        yield replace(value, **{attribute: one.default})
    elif one.kind is FieldKind.CODE and not one.many:
        for member in one.cls:
            yield replace(value, **{attribute: member})
    elif one.kind is FieldKind.TEXT:
        yield replace(value, **{attribute: "other"})
    elif one.kind is FieldKind.FLAG:
        yield replace(value, **{attribute: not getattr(value, attribute)})
    elif one.kind is FieldKind.DAY:
        yield replace(value, **{attribute: getattr(value, attribute).replace(year=1999)})
    elif one.many:
        yield replace(value, **{attribute: ()})


def format_conformance_tables() -> Iterator[str]:
    """Markdown."""
    yield "| APDU | requester sends | requester receives | responder sends | responder receives |"
    yield "| --- | --- | --- | --- | --- |"
    for one in list_apdu_support():
        marks = (one.requester_sends, one.requester_receives, one.responder_sends, one.responder_receives)
        yield f"| {apdu_type_name(one.apdu)} | {' | '.join(_format_support_mark(mark) for mark in marks)} |"
    current: ApduType | None = None
    for row in list_field_support():
        if row.apdu is not current:
            current = row.apdu
            yield ""
            yield f"## {apdu_type_name(row.apdu)}"
            yield "| field | standard | sent | read | used |"
            yield "| --- | --- | --- | --- | --- |"
        standard = "M" if row.mandatory else "O"
        sent, used = _format_support_mark(row.sent), _format_support_mark(row.used)
        yield f"| {row.field} | {standard} | {sent} | yes | {used} |"
    for role, name in ((Role.BORROWING, "requester"), (Role.LENDING, "responder")):
        yield from _format_state_table(role, name)


def _format_state_table(role: Role, name: str) -> Iterator[str]:
    yield ""
    yield f"## States of the {name}"
    yield "| state | service | sent or received | next state |"
    yield "| --- | --- | --- | --- |"
    for state, row in TABLES[role].items():
        for service, to in row.items():
            way = "sent" if service.direction is ServiceDirection.REQ else "received"
            what = f"{apdu_type_name(service.apdu)} {service.result}".rstrip()
            yield f"| {state_word(state).upper()} | {what} | {way} | {state_word(to).upper()} |"


def _format_support_mark(supported: bool) -> str:
    return "yes" if supported else "–"
