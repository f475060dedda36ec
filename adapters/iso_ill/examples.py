"""One of everything, made up: what the conformance table is tried out with, and what the benchmark reads."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from adapters.iso_ill.codec.declared import Declared, Kind, declared, is_choice
from adapters.iso_ill.dialect import IsoIllDialect
from adapters.iso_ill.mapping import Context, sendable
from adapters.iso_ill.messages import Apdu, IllAnswer
from adapters.iso_ill.messages.answering import Explanation
from adapters.iso_ill.messages.codes import Results, ServiceType
from adapters.iso_ill.messages.extensions import Extension, SuppliersReference
from adapters.iso_ill.messages.external import External
from gateway.domain.library import Money, RecordId
from gateway.domain.requests.citation import Citation, CitationType, Extra
from gateway.domain.requests.events import Condition, Details
from gateway.domain.requests.request import (
    Attempt,
    AttemptStatus,
    Borrowing,
    Costs,
    Dates,
    Lending,
    Party,
    Request,
    Role,
    Service,
)
from gateway.domain.requests.request import ServiceType as Wanted
from gateway.ports.channel import PartnerMessage

NOW = datetime(2026, 3, 2, 9, 30, 15, tzinfo=UTC)
CONTEXT = Context(
    library_zone=UTC,
    currency="EUR",
    ours=("ISIL:NO-0030100",),
    dialect=IsoIllDialect(reply_to="ill.library.example:499", levels={"rush": "R"}),
)
US = Party(
    symbol="ISIL:NO-0030100",
    name="Fjordby bibliotek",
    email="ill@library.example",
    address="Storgata 1\n0123 Fjordby\nNorge",
)
THEM = Party(symbol="ISIL:DE-9999", name="Stadtbücherei Seestadt")

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
    extras=(Extra("sponsoring-body", "Akademie der Wissenschaften"), Extra("publication-date", "1986")),
)


def _request(role: Role) -> Request:
    tried = Attempt(
        number=1,
        partner="one",
        symbol="ISIL:SE-S",
        channel="iso-ill",
        transaction="B-2026-17",
        asked=NOW,
        status=AttemptStatus.UNFILLED,
    )
    asked = Attempt(
        number=2, partner="two", symbol=THEM.symbol, channel="iso-ill", transaction="B-2026-17-2", asked=NOW
    )
    return Request(
        library="FJORDBY",
        id="r1",
        role=role,
        state=Borrowing.REQUESTED if role is Role.BORROWING else Lending.SHIPPED,
        number="B-2026-17" if role is Role.BORROWING else "L-2026-4",
        created=NOW,
        changed=NOW,
        citation=CITATION,
        service=Service(Wanted.COPY_OR_LOAN, "paper-copy", "rush"),
        dates=Dates(need_by=date(2026, 4, 1)),
        costs=Costs(maximum=Money(Decimal("25.00"), "EUR")),
        partner=THEM,
        transaction="248705/1@ISIL:DE-9999",
        extras=(
            Extra("copyright-compliance", "other"),
            Extra("retry", "true", "boolean"),
            Extra("place-on-hold", "no"),
        ),
        attempts=(tried, asked) if role is Role.BORROWING else (),
        current=2 if role is Role.BORROWING else 0,
    )


def messages(role: Role) -> tuple[PartnerMessage, ...]:
    """What we say in this role, one of each kind, with all details that there can be."""
    details = Details(
        due=date(2026, 4, 15),
        reason="not-held",
        note="gerne wieder",
        conditions=(Condition.LIBRARY_USE_ONLY, Condition.NO_RENEWAL),
        cost=Money(Decimal("8.50"), "EUR"),
        retry_after=date(2026, 5, 1),
        expected=date(2026, 3, 10),
        partner="ISIL:DK-800015",
        link="https://copies.library.example/x",
    )
    request = _request(role)
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
        for kind in sendable(role)
    )


REQUESTING = messages(Role.BORROWING)
LENDING = messages(Role.LENDING)


def full(cls: type[Apdu]) -> tuple[Apdu, ...]:
    """APDUs with every field that this kind can have; of an answer one for each result."""
    apdu: Apdu = _filled(cls)
    if not isinstance(apdu, IllAnswer):
        return (apdu,)
    return tuple(
        IllAnswer(
            **{
                **{one.attribute: getattr(apdu, one.attribute) for one in declared(cls)},
                "results": result,
                "explanation": Explanation(**{one.attribute: _filled(one.cls)}),
            }
        )
        for result, one in zip(_EXPLAINED, declared(Explanation), strict=True)
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


def _filled(cls: type) -> Any:
    chosen = declared(cls)[-1:] if is_choice(cls) else declared(cls)
    values: dict[str, Any] = {}
    taken: set[str] = set()
    for one in chosen:
        if one.tag.choice in taken:
            continue
        values[one.attribute] = _value(one)
        taken |= {one.tag.choice} - {""}
    return cls(**values)


def _value(one: Declared) -> Any:
    return (_single(one),) if one.many else _single(one)


def _single(one: Declared) -> Any:
    if one.cls is Extension:
        return Extension.of(SuppliersReference(authority="ISIL:DE-9999", reference="ART-77"))
    if one.cls is ServiceType:
        return ServiceType.COPY_NON_RETURNABLE
    if one.kind is Kind.CODE:
        return next(member for member in one.cls if member != one.default)
    if one.kind is Kind.STRUCTURE:
        return _filled(one.cls)
    return {
        Kind.TEXT: f"{one.name} text",
        Kind.PRINTABLE: "EUR" if one.name == "currency-code" else "12.00",
        Kind.OBJECT_IDENTIFIER: "1.0.10161.9.1.1",
        Kind.DAY: date(2026, 3, 2),
        Kind.CLOCK: time(9, 30, 15),
        Kind.NUMBER: 2,
        Kind.FLAG: not one.default,
        Kind.NULL: True,
        Kind.ANY: b"\x05\0",
        Kind.EXTERNAL: External("1.2.3.4", b"\x1b\x01x"),
    }[one.kind]


__all__ = ["CITATION", "CONTEXT", "LENDING", "NOW", "REQUESTING", "THEM", "US", "full", "messages"]
