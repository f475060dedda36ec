"""The client against targets that do as a script says: what goes right, and everything that can go wrong."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from adapters.z3950 import adapter
from adapters.z3950.client import Z3950Search
from adapters.z3950.codec import load_asn1_module
from adapters.z3950.values import INIT_DIAGNOSTICS, SYNTAXES
from gateway.domain.problems import ConfigurationError, ConfigurationProblem, RefusalReason, Refused, Unavailable
from gateway.ports.adapter import SearchContext
from gateway.ports.catalogue import CatalogueQuery, SearchIndex, SearchTerm
from gateway.ports.outgoing_addresses import AllowedAddresses
from tests.support.certificates import Authority
from tests.support.targets import (
    Body,
    Script,
    accepted,
    apdu,
    diagnostic,
    found,
    presented,
    target,
)
from tests.unit.adapters.marc.support import iso2709

LAMPS = CatalogueQuery((SearchTerm(SearchIndex.TITLE, "lamps"),))
SECRETS = {"env:PASSWORD": "made-up", "env:OPEN": "desk/made-up"}


def secrets(reference: str) -> str:
    if reference not in SECRETS:
        raise ConfigurationError([ConfigurationProblem("", 0, (), f"no secret at {reference}")])
    return SECRETS[reference]


@pytest.fixture
async def client() -> AsyncIterator[Z3950Search]:
    made = Z3950Search(secrets)
    yield made
    await made.close()


def book(number: int) -> bytes:
    return iso2709(("001", b"mk%d" % number), ("245", b"10$aLamps %d" % number))


def books(total: int) -> Script:
    """A target with so many books, which sends as many as it is asked for."""

    async def script(kind: str, body: Body) -> bytes | None:
        match kind:
            case "initRequest":
                return accepted()
            case "searchRequest":
                along = min(total, body["mediumSetPresentNumber"])
                return found(total, [book(n) for n in range(1, along + 1)])
            case "presentRequest":
                start, count = body["resultSetStartPoint"], body["numberOfRecordsRequested"]
                return presented([book(n) for n in range(start, start + count)])
        return None

    return script


def answering(search: bytes | None, present: bytes | None = None, init: bytes | None = None) -> Script:
    async def script(kind: str, body: Body) -> bytes | None:
        answers = {"initRequest": init or accepted(), "searchRequest": search, "presentRequest": present}
        return answers.get(kind)

    return script


# --- searching -------------------------------------------------------------------------------------------


async def test_records_come_along_with_the_answer(client: Z3950Search) -> None:
    async with target(books(25)) as one:
        hits = await client.search(one.profile(), LAMPS, count=3)

    assert (hits.total, hits.asked, hits.notes) == (25, "@attr 1=4 @attr 4=6 lamps", ())
    assert [(record.position, record.citation.title) for record in hits.records] == [
        (1, "Lamps 1"),
        (2, "Lamps 2"),
        (3, "Lamps 3"),
    ]
    assert hits.records[0].citation.source == "target"
    assert one.kinds == ["initRequest", "searchRequest"]


async def test_more_are_fetched_in_slices(client: Z3950Search) -> None:
    async with target(books(25)) as one:
        hits = await client.search(one.profile(slice=10), LAMPS, count=100)

    assert [record.position for record in hits.records] == list(range(1, 26))
    asked = [body["numberOfRecordsRequested"] for kind, body in one.asked if kind == "presentRequest"]
    assert asked == [10, 5]


async def test_from_further_down(client: Z3950Search) -> None:
    async with target(books(25)) as one:
        hits = await client.search(one.profile(), LAMPS, start=24, count=10)
        beyond = await client.search(one.profile(), LAMPS, start=26, count=10)

    assert [(record.position, record.citation.title) for record in hits.records] == [(24, "Lamps 24"), (25, "Lamps 25")]
    assert (beyond.total, beyond.records) == (25, ())


async def test_only_how_many(client: Z3950Search) -> None:
    async with target(books(25)) as one:
        assert await client.search(one.profile(), LAMPS, count=0)
        assert one.asked[1][1]["mediumSetPresentNumber"] == 0


async def test_a_target_that_does_not_like_records_along(client: Z3950Search) -> None:
    async with target(books(3)) as one:
        hits = await client.search(one.profile(along="nothing"), LAMPS)

    assert len(hits.records) == 3
    assert one.kinds == ["initRequest", "searchRequest", "presentRequest"]


async def test_what_was_said_to_the_target(client: Z3950Search) -> None:
    async with target(books(1)) as one:
        await client.search(one.profile(databases=["books", "maps"], elements="B", syntaxes=["unimarc"]), LAMPS)
        _, said = one.asked[1]

    assert said["databaseNames"] == [b"books", b"maps"]
    assert said["mediumSetElementSetNames"] == ("genericElementSetName", b"B")
    assert said["preferredRecordSyntax"] == "1.2.840.10003.5.1"


async def test_how_terms_are_written_and_records_are_read(client: Z3950Search) -> None:
    query = CatalogueQuery((SearchTerm(SearchIndex.TITLE, "lämps"),))
    async with target(books(1)) as one:
        hits = [
            await client.search(one.profile(**more), query)
            for more in ({}, {"charset": "latin-1", "records": {"local": "none"}})
        ]
    terms = [body["query"][1]["rpn"][1][1]["term"][1] for kind, body in one.asked if kind == "searchRequest"]

    assert terms == ["lämps".encode(), "lämps".encode("latin-1")]
    assert [len(found.records[0].citation.identifiers) for found in hits] == [1, 0]


async def test_another_syntax_when_the_first_is_not_known(client: Z3950Search) -> None:
    xml = b"<record><leader/><datafield tag='245'><subfield code='a'>Lamps</subfield></datafield></record>"

    async def script(kind: str, body: Body) -> bytes | None:
        wanted = body.get("preferredRecordSyntax", "")
        match kind, wanted == SYNTAXES["xml"]:
            case "searchRequest", True:
                return found(1, [xml], wanted)
            case "searchRequest", False:
                return found(1, no=239)
            case "presentRequest", True:
                return presented([xml], wanted)
            case "presentRequest", False:
                return presented(no=239)
        return accepted()

    async with target(script) as one:
        profile = one.profile(syntaxes=["marc21", "unimarc", "xml"])
        first = await client.search(profile, LAMPS)
        second = await client.search(profile, LAMPS)

    assert [record.citation.title for record in (*first.records, *second.records)] == ["Lamps", "Lamps"]
    assert one.kinds == ["initRequest", "searchRequest", "presentRequest", "presentRequest", "searchRequest"]


async def test_no_element_sets_where_they_are_not_known(client: Z3950Search) -> None:
    async def script(kind: str, body: Body) -> bytes | None:
        match kind:
            case "searchRequest":
                return found(1, no=25)
            case "presentRequest":
                return presented(no=25) if "recordComposition" in body else presented([book(1)])
        return accepted()

    async with target(script) as one:
        hits = await client.search(one.profile(elements="X"), LAMPS)

    assert [record.citation.title for record in hits.records] == ["Lamps 1"]


async def test_a_diagnostic_in_place_of_a_record(client: Z3950Search) -> None:
    good = {
        "record": (
            "retrievalRecord",
            {"direct-reference": "1.2.840.10003.5.10", "encoding": ("octet-aligned", book(2))},
        )
    }
    bad = {"record": ("surrogateDiagnostic", ("defaultFormat", diagnostic(14, "disk")))}
    answer = apdu(
        "searchResponse",
        resultCount=2,
        numberOfRecordsReturned=2,
        nextResultSetPosition=3,
        searchStatus=True,
        records=("responseRecords", [bad, good]),
    )
    async with target(answering(answer)) as one:
        hits = await client.search(one.profile(), LAMPS)

    assert [record.problem for record in hits.records] == ["14 system error in presenting records: disk", ""]
    assert hits.records[1].citation.title == "Lamps 2"


async def test_a_target_that_sends_fewer_than_it_has(client: Z3950Search) -> None:
    async with target(answering(found(5, [book(1)]), presented())) as one:
        hits = await client.search(one.profile(), LAMPS)

    assert (hits.total, len(hits.records), hits.notes) == (5, 1, ("1 of 5 records came",))


@pytest.mark.parametrize(
    ("condition", "error", "reason"),
    [
        (114, Refused, RefusalReason.INVALID_VALUE),
        (109, Refused, RefusalReason.INVALID_VALUE),
        (236, Refused, RefusalReason.SENDER_AUTH_FAILED),
        (2, Unavailable, None),
    ],
)
async def test_a_no_of_the_target(
    client: Z3950Search, condition: int, error: type[Exception], reason: RefusalReason | None
) -> None:
    refused = apdu(
        "searchResponse",
        resultCount=0,
        numberOfRecordsReturned=0,
        nextResultSetPosition=0,
        searchStatus=False,
        records=("nonSurrogateDiagnostic", diagnostic(condition, "1211")),
    )
    async with target(answering(refused)) as one:
        with pytest.raises(error, match=rf"{condition} .*: 1211") as told:
            await client.search(one.profile(), LAMPS)
        if isinstance(told.value, Refused):
            assert told.value.reason is reason
            with pytest.raises(Refused):
                await client.search(one.profile(), LAMPS)
            assert one.connections == 1  # a no is an answer: the connection is good


# --- signing in ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sign_in", "expected"),
    [
        ({}, None),
        (
            {"user": "desk", "group": "ill", "password": "env:PASSWORD"},
            ("idPass", {"groupId": b"ill", "userId": b"desk", "password": b"made-up"}),
        ),
        ({"open": "env:OPEN"}, ("open", b"desk/made-up")),
    ],
)
async def test_how_we_sign_in(client: Z3950Search, sign_in: dict[str, str], expected: object) -> None:
    async with target(books(1)) as one:
        await client.search(one.profile(sign_in=sign_in), LAMPS)

    assert one.asked[0][1].get("idAuthentication") == expected


async def test_a_target_that_does_not_let_us_in(client: Z3950Search) -> None:
    why = load_asn1_module().encode("DiagnosticFormat", [{"diagnostic": ("defaultDiagRec", diagnostic(1011, "desk"))}])
    external = {"direct-reference": INIT_DIAGNOSTICS, "encoding": ("single-ASN1-type", why)}
    async with target(answering(None, init=accepted(False, userInformationField=external))) as one:
        with pytest.raises(Refused, match="rejected our sign-in: 1011 init: bad user id or password: desk") as told:
            await client.search(one.profile(sign_in={"user": "desk", "password": "env:PASSWORD"}), LAMPS)

    assert told.value.reason is RefusalReason.SENDER_AUTH_FAILED
    assert "made-up" not in str(told.value)


async def test_a_secret_that_is_not_there(client: Z3950Search) -> None:
    async with target(books(1)) as one:
        with pytest.raises(Refused, match="no secret at env:NOWHERE"):
            await client.search(one.profile(sign_in={"open": "env:NOWHERE"}), LAMPS)

    assert one.connections == 0


# --- what goes wrong -------------------------------------------------------------------------------------


async def test_nobody_listens(client: Z3950Search) -> None:
    async with target(books(1)) as one:
        profile = one.profile()

    with pytest.raises(Unavailable, match="not reached"):
        await client.search(profile, LAMPS)


async def test_it_never_answers(client: Z3950Search) -> None:
    async def script(kind: str, body: Body) -> bytes | None:
        return accepted() if kind == "initRequest" else b""

    async with target(script) as one:
        with pytest.raises(Unavailable, match=r"no answer within 0\.05 s"):
            await client.search(one.profile(seconds={"answer": 0.05}), LAMPS)
        await one.left()


async def test_it_never_greets(client: Z3950Search) -> None:
    async with target(books(1)) as one:
        profile = one.profile(tls={}, seconds={"connect": 0.05})
    with (
        socket.create_server(("127.0.0.1", one.port)),
        pytest.raises(Unavailable, match=r"no connection within 0\.05 s"),
    ):
        await client.search(profile, LAMPS)


async def test_it_dies_in_mid_present(client: Z3950Search) -> None:
    async def script(kind: str, body: Body) -> bytes | None:
        return await books(50)(kind, body) if kind != "presentRequest" else None

    async with target(script) as one:
        with pytest.raises(Unavailable, match="the connection was closed without an answer"):
            await client.search(one.profile(slice=10), LAMPS, count=20)
        assert one.connections == 1


async def test_the_connection_ends_in_the_middle_of_an_answer(client: Z3950Search) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.write(accepted())
        await reader.read(1000)
        writer.write(found(5, [book(1)])[:-10])
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        async with target(books(1)) as one:
            profile = one.profile(address=f"127.0.0.1:{server.sockets[0].getsockname()[1]}")
        with pytest.raises(Unavailable, match="closed in the middle of an answer"):
            await client.search(profile, LAMPS)


@pytest.mark.parametrize(
    "octets",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\x00" * 50,
        b"\xb7\x82\xff",
        b"\xb7\x03abc",
        b"220 mail.example ESMTP\r\n",
        b"\xb7\x84\x7f\xff\xff\xff",
    ],
)
async def test_it_sends_garbage(client: Z3950Search, octets: bytes) -> None:
    async with target(answering(octets)) as one:
        with pytest.raises(Unavailable):
            await client.search(one.profile(seconds={"answer": 0.2}), LAMPS)
        await one.left()


async def test_an_answer_that_is_too_long(client: Z3950Search) -> None:
    async with target(answering(found(1, [b"x" * 70_000]))) as one:
        with pytest.raises(Unavailable, match="more than 65536 octets"):
            await client.search(one.profile(max_bytes=65_536), LAMPS)


async def test_an_answer_to_something_else(client: Z3950Search) -> None:
    async with target(answering(accepted())) as one:
        with pytest.raises(Unavailable, match="the answer to a search was InitAnswer"):
            await client.search(one.profile(), LAMPS)


async def test_it_takes_leave(client: Z3950Search) -> None:
    leave = apdu("close", closeReason=7, diagnosticInformation=b"come again")
    async with target(answering(leave)) as one:
        with pytest.raises(Unavailable, match=r"lack of activity \(come again\)"):
            await client.search(one.profile(), LAMPS)


# --- connections -----------------------------------------------------------------------------------------


async def test_a_connection_is_used_again(client: Z3950Search) -> None:
    async with target(books(1)) as one:
        for _ in range(3):
            await client.search(one.profile(), LAMPS)

        assert (one.connections, one.open) == (1, 1)
        await client.close()
        await one.left()
    assert one.kinds[-1] == "close"


async def test_an_idle_connection_is_ended(client: Z3950Search) -> None:
    async with target(books(1)) as one:
        await client.search(one.profile(seconds={"idle": 0.02}), LAMPS)
        await one.left()
    assert one.kinds[-1] == "close"


async def test_a_kept_connection_that_has_ended_is_replaced(client: Z3950Search) -> None:
    searches = 0

    async def script(kind: str, body: Body) -> bytes | None:
        nonlocal searches
        if kind == "initRequest":
            return accepted()
        searches += 1
        return None if searches == 2 else found(1, [book(1)])

    async with target(script) as one:
        await client.search(one.profile(), LAMPS)
        assert (await client.search(one.profile(), LAMPS)).total == 1
        assert one.connections == 2


async def test_a_target_without_scan_is_not_asked(client: Z3950Search) -> None:
    async def script(kind: str, body: Body) -> bytes | None:
        return accepted(options=(b"\xc0", 2))

    async with target(script) as one:
        with pytest.raises(Refused, match="does not support term lists"):
            await client.terms(one.profile(), SearchTerm(SearchIndex.TITLE, "l"))
        assert one.kinds == ["initRequest"]


async def test_who_is_cancelled_leaves_no_connection_in_doubt(client: Z3950Search) -> None:
    asked = asyncio.Event()
    slow = True

    async def script(kind: str, body: Body) -> bytes | None:
        if kind == "initRequest":
            return accepted()
        asked.set()
        return b"" if slow else found(7)

    async with target(script) as one:
        task = asyncio.create_task(client.search(one.profile(), LAMPS))
        await asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await one.left()

        slow = False
        assert (await client.search(one.profile(), LAMPS, count=0)).total == 7
        assert one.connections == 2


async def test_no_more_connections_than_the_profile_allows(client: Z3950Search) -> None:
    most = 0

    async def script(kind: str, body: Body) -> bytes | None:
        nonlocal most
        most = max(most, one.open)
        await asyncio.sleep(0)
        return accepted() if kind == "initRequest" else found(1, [book(1)])

    async with target(script) as one:
        profile = one.profile(connections=2)
        await asyncio.gather(*(client.search(profile, LAMPS) for _ in range(10)))

    assert most == 2


async def test_all_connections_are_busy_for_too_long(client: Z3950Search) -> None:
    release = asyncio.Event()

    async def script(kind: str, body: Body) -> bytes | None:
        if kind == "initRequest":
            return accepted()
        await release.wait()
        return found(1, [book(1)])

    async with target(script) as one:
        profile = one.profile(connections=1, seconds={"answer": 0.2})
        both = await asyncio.gather(
            client.search(profile, LAMPS), client.search(profile, LAMPS), return_exceptions=True
        )

    assert any("busy" in str(one) or "no answer" in str(one) for one in both)
    assert all(isinstance(one, Unavailable) for one in both)


async def test_over_tls_certificates_are_checked(client: Z3950Search, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    pair = authority.issue("catalogue")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    async with target(books(1), context) as one:
        hits = await client.search(one.profile(tls={"ca": str(authority.certificate)}), LAMPS)
        with pytest.raises(Unavailable, match="not reached"):
            await client.search(one.profile(tls={}), LAMPS)
        with pytest.raises(Unavailable, match="No such file"):
            await client.search(one.profile(tls={"ca": str(tmp_path / "none.pem")}), LAMPS)

    assert hits.total == 1


async def test_a_profile_without_a_section(client: Z3950Search) -> None:
    async with target(books(1)) as one:
        profile = one.profile().model_copy(update={"dialects": {}})
    with pytest.raises(Refused, match="no section z3950"):
        await client.search(profile, LAMPS)


async def test_terms_of_an_index(client: Z3950Search) -> None:
    scanned = apdu(
        "scanResponse",
        scanStatus=0,
        numberOfEntriesReturned=2,
        entries={
            "entries": [
                ("termInfo", {"term": ("general", "łódź".encode()), "globalOccurrences": 3}),
                ("termInfo", {"term": ("general", b"x"), "displayTerm": b"Xylem"}),
            ]
        },
    )

    async def script(kind: str, body: Body) -> bytes | None:
        return accepted() if kind == "initRequest" else scanned

    async with target(script) as one:
        assert await client.terms(one.profile(), SearchTerm(SearchIndex.TITLE, "ł")) == (("łódź", 3), ("Xylem", 0))


def test_it_is_an_adapter() -> None:
    assert adapter.make(SearchContext(secrets, AllowedAddresses())).name == adapter.name == "z3950"
