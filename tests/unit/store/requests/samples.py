"""Requests as libraries have them, made up."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from gateway.domain.library import RecordId
from gateway.domain.requests.citation import Citation, CitationType
from gateway.domain.requests.request import (
    AttemptStatus,
    BorrowingState,
    LendingState,
    LibraryParty,
    PatronLink,
    Request,
    RequestDates,
    Role,
    SupplierAttempt,
)
from gateway.ports.shared_store import Store
from gateway.store.requests import requests
from gateway.store.schema import make_exchange_id

AT = datetime(2026, 3, 2, 9, 30, 0, 123456, tzinfo=UTC)
LIBRARY = "EX"

GARDEN = Citation(
    type=CitationType.BOOK,
    title="Сад расходящихся тропок",
    author="Хорхе Луис Борхес",
    publisher="Северо-Запад",
    published="1992",
    identifiers=(RecordId("isbn", "978-3-16-148410-0"),),
)

_numbers = itertools.count(1)


def restart_numbers() -> None:
    global _numbers
    _numbers = itertools.count(1)


def borrowing(**changes: Any) -> Request:
    """Asked of the supplier 'utrecht' and promised; made a minute after the one before."""
    number = next(_numbers)
    at = AT + timedelta(minutes=number)
    attempt = SupplierAttempt(
        number=1,
        partner="utrecht",
        symbol="NL-UT",
        channel="mail",
        transaction=f"B-{number}.1",
        asked=at - timedelta(days=2),
        status=AttemptStatus.WILL_SUPPLY,
    )
    plain = Request(
        library=LIBRARY,
        id=make_exchange_id(at),
        role=Role.BORROWING,
        state=BorrowingState.WILL_SUPPLY,
        number=f"B-2026-{number:05}",
        created=at,
        changed=at,
        citation=GARDEN,
        dates=RequestDates(need_by=date(2026, 4, 1)),
        partner=LibraryParty(symbol="NL-UT", profile="utrecht", name="Bibliotheek Utrecht"),
        patron=PatronLink("p-17", "2100017", "staff"),
        attempts=(attempt,),
        current=1,
        branch="north",
    )
    return replace(plain, **changes)


def lending(**changes: Any) -> Request:
    number = next(_numbers)
    at = AT + timedelta(minutes=number)
    plain = Request(
        library=LIBRARY,
        id=make_exchange_id(at),
        role=Role.LENDING,
        state=LendingState.NEW,
        number=f"L-2026-{number:05}",
        created=at,
        changed=at,
        citation=GARDEN,
        partner=LibraryParty(symbol="JP-KY", profile="kyoto", name="京都図書館"),
        transaction=f"KY-{number}",
    )
    return replace(plain, **changes)


def later(request: Request, **changes: Any) -> Request:
    """The next version, a minute on."""
    more = {"changed": request.changed + timedelta(minutes=1), "version": request.version + 1}
    return replace(request, **{**more, **changes})


def with_attempt(request: Request, **changes: Any) -> Request:
    """The only attempt, changed."""
    return replace(request, attempts=(replace(request.attempts[0], **changes),))


async def insert(store: Store, *new: Request) -> None:
    for one in new:
        await store.write(lambda c, one=one: requests.insert_request(c, one))
