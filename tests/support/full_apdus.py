"""Messages with everything that we can say by ISO ILL, and APDUs with every field that their kind has."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from adapters.iso_ill.codec import list_declared_fields
from adapters.iso_ill.codec.declarations import FieldDeclaration, FieldKind, is_choice
from adapters.iso_ill.dialect import IsoIllDialect
from adapters.iso_ill.mapping import IllContext, sendable_apdus
from adapters.iso_ill.messages import Apdu, IllAnswer
from adapters.iso_ill.messages.codes import Results, ServiceType
from adapters.iso_ill.messages.declaration import External
from adapters.iso_ill.messages.request_phase import Explanation
from adapters.iso_ill.messages.structures import Extension, SuppliersReference
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
from gateway.ports.partner_channel import PartnerMessage

NOW = datetime(2026, 3, 2, 9, 30, 15, tzinfo=UTC)
CONTEXT = IllContext(
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
    """What we say in this role, one of each kind, with all details that there can be."""
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
