"""A rota of eight suppliers whose catalogues are real servers (Zebra): two own the book, one of them doesn't lend it,
one is down, five don't own it. Exactly the right one is asked, and why each is asked or not is told."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from pymarc import Field, Indicators, Record, Subfield

from demo.two import partner
from demo.world import START, MailServer, Site, Town, fill_library, make_installation
from gateway.domain.clock import FixedClock
from gateway.domain.library import RecordId
from gateway.domain.requests.citation import Citation, CitationType
from gateway.domain.requests.drafts import BorrowingDraft
from gateway.domain.requests.request import (
    BorrowingState,
    PatronLink,
    Request,
    RequestedService,
    RotaLineStatus,
    ServiceType,
)
from gateway.domain.requests.rota import SupplierVerdict
from gateway.services.searching.search import parse_query
from tests.support.installed import NotInstalled
from tests.support.running_servers import running
from tests.support.zebra import Zebra

PATRON = "21000000000025"
ISBN, OTHER_ISBN = "9788300000012", "9788300000029"

BOOK = Citation(
    type=CitationType.BOOK,
    title="Северные сады: о реке Златоборке",
    author="Златоборский, Еремей",
    published="1987",
    identifiers=(RecordId("isbn", "83-00-00001-1"), RecordId("isbn", ISBN)),
)

HOLDINGS = [{"tag": "949", "location": "l", "barcode": "b", "policy": "p", "status": "s"}]


def book(number: str, *copies: tuple[str, str], year: str = "1987", isbn: str = ISBN) -> Record:
    """`copies`: library and policy."""
    made = Record(force_utf8=True)
    made.leader[5:9] = "nam "
    made.add_field(
        Field("001", data=number),
        Field("008", data=f"260101s{year}    xx {' ' * 17}rus d"),
        _field("020", a=f"{isbn} (в пер.)"),
        _field("100", a="Златоборский, Еремей,"),
        _field("245", a="Северные сады :", b="о реке Златоборке /", c="Еремей Златоборский"),
        _field("264", a="Верхнеозёрск :", b="Озёрное слово,", c=f"{year}."),
        *(_field("949", l=library, p=policy, b=f"{number}-{at}") for at, (library, policy) in enumerate(copies)),
    )
    return made


def _field(tag: str, **subfields: str) -> Field:
    return Field(
        tag, indicators=Indicators(" ", " "), subfields=[Subfield(code, value) for code, value in subfields.items()]
    )


@pytest.fixture(scope="module")
def union() -> Iterator[Zebra]:
    """Shared by three libraries."""
    yield from _server(
        [
            book("u1", ("HAVN", "reading-room"), ("NORD", "loan")),
            book("u2", ("SKOG", "loan"), isbn=OTHER_ISBN, year="2011"),
        ]
    )


@pytest.fixture(scope="module")
def another() -> Iterator[Zebra]:
    """It has another edition, of another year."""
    yield from _server([book("a1", ("DAL", "loan"), isbn=OTHER_ISBN, year="2011")])


def _server(records: list[Record]) -> Iterator[Zebra]:
    try:
        server = Zebra(records)
    except NotInstalled as lacking:
        pytest.skip(str(lacking))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def closed_port() -> Iterator[int]:
    """Nobody listens there, and nobody else gets it meanwhile."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def z3950(address: str) -> dict[str, Any]:
    return {"address": address, "syntaxes": ["marc21"], "records": {"holdings": HOLDINGS}}


def sru(url: str) -> dict[str, Any]:
    return {"url": url, "records": {"holdings": HOLDINGS}}


def supplier(name: str, locate: dict[str, Any], **more: Any) -> dict[str, Any]:
    lending = [{"policy": "reading-*"}]
    return partner(
        name.upper(),
        f"{name.title()} Library",
        channel="mail",
        email=f"ill@{name}.example",
        **more,
    ) | {"locate": {"lending": lending, "seconds": 30, **locate}}


SUPPLIERS = ("skog", "havn", "down", "dal", "fjell", "elv", "vik", "nord")


def site(union: Zebra, another: Zebra, closed_port: int) -> Site:
    shared = {"target": "union"}
    profiles = {
        "union": {"description": "Union catalogue", "z3950": z3950(union.address)},
        "skog": supplier("skog", {**shared, "locations": ["SKOG"]}),
        "havn": supplier("havn", {**shared, "locations": ["HAVN"]}),
        "down": {**supplier("down", {"unreachable": "skip"}), "z3950": z3950(f"127.0.0.1:{closed_port}")},
        "dal": {**supplier("dal", {}), "z3950": z3950(another.address)},
        "fjell": {**supplier("fjell", {"plan": ["isbn"]}), "z3950": z3950(another.address)},
        "elv": {**supplier("elv", {"by": "sru"}), "sru": sru(another.url)},
        "vik": {**supplier("vik", {"plan": ["isbn"], "by": "sru"}), "sru": sru(another.url)},
        "nord": supplier("nord", {**shared, "locations": ["NORD"]}),
    }
    return Site(
        symbol="NORTH",
        name="Northern Library",
        profiles=profiles,
        requests={
            "intake": {
                "mediation_default": "straight-through",
                "locally_owned": "allow",
                "duplicates": {"action": "allow"},
            },
            "rotas": {"usual": {"lines": [{"partner": name} for name in SUPPLIERS]}},
            "default_rota": "usual",
            "catalogues": {"groups": {"all": ["union", "dal", "down", "elv"]}, "look_up": "all", "ahead": 4},
        },
    )


@pytest.fixture
async def town(
    tmp_path: Path, union: Zebra, another: Zebra, closed_port: int
) -> AsyncIterator[tuple[Town, MailServer]]:
    async with running(MailServer()) as mail:
        made = site(union, another, closed_port)
        town = Town(await asyncio.to_thread(make_installation, tmp_path / "north", made, mail.port), FixedClock(START))
        await fill_library(town)
        async with running(town):
            yield town, mail


async def wish(town: Town, service: ServiceType = ServiceType.LOAN, *, mediated: bool = False) -> Request:
    draft = BorrowingDraft(
        citation=BOOK,
        service=RequestedService(service),
        patron=PatronLink(identifier=PATRON),
        mediated=mediated,
        actor="staff:ada",
    )
    request = await town.gateway.managed.libraries[town.symbol].requests.create_borrowing(draft)
    await town.gateway.managed.drain_due_work()
    return await town.see(request)


async def test_exactly_the_right_one_is_asked_and_why_each_is_told(town: tuple[Town, MailServer]) -> None:
    gateway, mail = town

    request = await wish(gateway)

    assert (request.state, request.partner.profile) == (BorrowingState.REQUESTED, "nord")
    assert [str(one["To"]) for one in mail.mails if "ill@" in str(one["To"])] == ["ill@nord.example"]
    why = {line.partner: line.why.partition(" (")[0] for line in request.rota}
    assert why == {
        "skog": "does not appear to hold it",
        "havn": "holds it but does not lend it",
        "down": "its catalogue cannot be searched",
        "dal": "does not appear to hold it",
        "fjell": "does not appear to hold it",
        "elv": "does not appear to hold it",
        "vik": "does not appear to hold it",
        "nord": "in rota order",
    }
    assert [line.standing for line in request.rota] == [*[RotaLineStatus.SKIPPED] * 7, RotaLineStatus.ASKED]
    said = {line.partner: line.why for line in request.rota}
    assert "none of its holdings is available" in said["skog"]
    assert "ISBN matches; HAVN, reading-room" in said["havn"]
    assert "same title, year differs" in said["dal"]
    assert "no hits" in said["fjell"]
    (attempt,) = request.attempts
    assert attempt.holdings.startswith("union: isbn 9788300000012: ISBN matches; NORD, loan (")


async def test_a_copy_is_made_of_what_is_not_lent(town: tuple[Town, MailServer]) -> None:
    request = await wish(town[0], ServiceType.COPY)
    assert request.partner.profile == "havn"


async def test_why_is_explained_before_anybody_is_asked(town: tuple[Town, MailServer]) -> None:
    gateway, mail = town
    request = await wish(gateway, mediated=True)

    explained = await gateway.gateway.managed.libraries[gateway.symbol].partners.explain(request.id)

    assert {line.partner: line.verdict for line in explained.lines} == {
        "nord": SupplierVerdict.NEXT,
        "havn": SupplierVerdict.NOT_LENDING,
        "down": SupplierVerdict.UNREACHABLE,
        **dict.fromkeys(("skog", "dal", "fjell", "elv", "vik"), SupplierVerdict.NOT_OWNING),
    }
    assert (await gateway.see(request)).rota == request.rota
    assert mail.subjects("ill@") == []


async def test_all_are_searched_and_a_number_is_looked_up(town: tuple[Town, MailServer]) -> None:
    finder = town[0].gateway.managed.libraries["NORTH"].search

    found = await finder.search("all", parse_query('title:"Северные сады" author:Златоборский'))

    answers = {one.target: (one.total, bool(one.problem)) for one in found.answers}
    assert answers == {"union": (2, False), "dal": (1, False), "down": (0, True), "elv": (1, False)}
    editions = {one.citation.published: {holder.target for holder in one.holders} for one in found.results}
    assert editions == {"1987": {"union"}, "2011": {"union", "dal", "elv"}}
    known = await finder.find_by_identifier(RecordId("isbn", "83-00-00001-1"))
    assert known is not None
    assert (known.title, known.author) == ("Северные сады", "Златоборский, Еремей")
