"""The client against servers that answer as a test says."""

from __future__ import annotations

import asyncio
import base64
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from adapters.sru import adapter
from adapters.sru.client import SruSearch
from adapters.sru.dialect import SruDialect
from gateway.domain.problems import ConfigurationError, ConfigurationProblem, RefusalReason, Refused, Unavailable
from gateway.domain.profile import Profile
from gateway.ports.adapter import SearchContext
from gateway.ports.catalogue import CatalogueQuery, SearchIndex, SearchTerm
from gateway.ports.outgoing_addresses import AllowedAddresses

LAMPS = CatalogueQuery((SearchTerm(SearchIndex.TITLE, "lamps"),))
SECRETS = {"env:PASSWORD": "made-up", "env:KEY": "k3y"}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def secrets(reference: str) -> str:
    if reference not in SECRETS:
        raise ConfigurationError([ConfigurationProblem("", 0, (), f"no secret at {reference}")])
    return SECRETS[reference]


@pytest.fixture
async def client() -> AsyncIterator[SruSearch]:
    made = SruSearch(SearchContext(secrets, AllowedAddresses(["127.0.0.0/8"])))
    yield made
    await made.close()


@pytest.fixture
async def wary_client() -> AsyncIterator[SruSearch]:
    """As it is without settings: redirected to nothing but public addresses."""
    made = SruSearch(SearchContext(secrets, AllowedAddresses()))
    yield made
    await made.close()


@pytest.fixture
async def serve() -> AsyncIterator[Callable[[Handler], Awaitable[TestServer]]]:
    """Starts a server with this handler for every path."""
    servers = []

    async def start(handler: Handler) -> TestServer:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", handler)
        server = TestServer(app)
        await server.start_server()
        servers.append(server)
        return server

    yield start
    for server in servers:
        await server.close()


def target(server: TestServer, **section: Any) -> Profile:
    section.setdefault("url", str(server.make_url("/sru")))
    return Profile(name="target", dialects={"sru": SruDialect.model_validate(section)})


def books(total: int, start: int, count: int) -> web.Response:
    records = "".join(
        f"<record><recordData><dc xmlns='http://purl.org/dc/elements/1.1/'><title>Lamps {n}</title></dc></recordData>"
        f"<recordPosition>{n}</recordPosition></record>"
        for n in range(start, min(total, start + count - 1) + 1)
    )
    return web.Response(
        text=f"<searchRetrieveResponse><numberOfRecords>{total}</numberOfRecords><records>{records}</records>"
        "</searchRetrieveResponse>",
        content_type="application/xml",
    )


def shelf(total: int, most: int = 1000, asked: list[web.Request] | None = None) -> Handler:
    """So many books, of which at most so many are sent at once."""

    async def handler(request: web.Request) -> web.Response:
        if asked is not None:
            asked.append(request)
        said = await request.post() or request.query
        return books(total, int(str(said["startRecord"])), min(most, int(str(said["maximumRecords"]))))

    return handler


def always(body: str, status: int = 200) -> Handler:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(text=body, status=status, content_type="application/xml")

    return handler


async def test_a_server_that_sends_fewer_at_once_is_asked_again(client: SruSearch, serve: Any) -> None:
    asked: list[web.Request] = []
    server = await serve(shelf(25, most=4, asked=asked))

    hits = await client.search(target(server), LAMPS, start=3, count=10)

    assert (hits.total, hits.asked) == (25, 'dc.title all "lamps"')
    assert [(one.position, one.citation.title) for one in hits.records] == [(n, f"Lamps {n}") for n in range(3, 13)]
    assert [request.query["startRecord"] for request in asked] == ["3", "7", "11"]


async def test_each_setting_is_in_what_is_asked(client: SruSearch, serve: Any) -> None:
    asked: list[web.Request] = []
    server = await serve(shelf(25, asked=asked))
    for settings in ({}, {"version": "1.1", "schemas": ["mods"], "slice": 7}):
        await client.search(target(server, **settings), LAMPS, count=10)

    names = ("version", "recordSchema", "maximumRecords")
    assert [tuple(request.query[name] for name in names) for request in asked] == [
        ("1.2", "marcxml", "10"),
        ("1.1", "mods", "7"),
        ("1.1", "mods", "3"),
    ]


async def test_where_a_record_has_its_number(client: SruSearch, serve: Any) -> None:
    fields = "<controlfield tag='001'>7</controlfield><datafield tag='907'><subfield code='a'>8</subfield></datafield>"
    record = (
        f"<record><recordData><record xmlns='http://www.loc.gov/MARC21/slim'>{fields}</record></recordData></record>"
    )
    said = f"<numberOfRecords>1</numberOfRecords><records>{record}</records>"
    server = await serve(always(f"<searchRetrieveResponse>{said}</searchRetrieveResponse>"))
    profiles = target(server), target(server, records={"local": "907a"})
    hits = [await client.search(profile, LAMPS) for profile in profiles]

    assert [one.records[0].citation.identifiers[0].value for one in hits] == ["7", "8"]


async def test_a_server_that_never_greets_is_given_up(client: SruSearch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        section = {"url": f"https://127.0.0.1:{silent.getsockname()[1]}/sru", "seconds": {"connect": 0.1, "answer": 3}}
        profile = Profile(name="target", dialects={"sru": SruDialect.model_validate(section)})
        begun = time.monotonic()
        with pytest.raises(Unavailable):
            await client.search(profile, LAMPS)

    assert time.monotonic() - begun < 2


async def test_beyond_the_end(client: SruSearch, serve: Any) -> None:
    hits = await client.search(target(await serve(shelf(5))), LAMPS, start=9)

    assert (hits.total, hits.records) == (5, ())


async def test_a_server_that_stops_sending(client: SruSearch, serve: Any) -> None:
    async def handler(request: web.Request) -> web.Response:
        return books(9, 1, 2) if request.query["startRecord"] == "1" else books(9, 1, 0)

    hits = await client.search(target(await serve(handler)), LAMPS)

    assert (len(hits.records), hits.notes) == (2, ("2 of 9 records came",))


async def test_further_parameters_by_form(client: SruSearch, serve: Any) -> None:
    said: dict[str, Any] = {}

    async def handler(request: web.Request) -> web.Response:
        said.update(await request.post(), method=request.method, in_the_url=request.query_string)
        return books(1, 1, 1)

    server = await serve(handler)
    await client.search(target(server, method="POST", parameters={"x-collection": "maps"}), LAMPS)

    assert (said["method"], said["in_the_url"]) == ("POST", "")
    assert (said["query"], said["x-collection"]) == ('dc.title all "lamps"', "maps")


@pytest.mark.parametrize(
    "sign_in", [{"user": "desk", "password": "env:PASSWORD"}, {"parameter": "accessToken", "key": "env:KEY"}]
)
async def test_how_we_sign_in_and_that_it_goes_nowhere_else(
    client: SruSearch, serve: Any, sign_in: dict[str, str]
) -> None:
    asked: list[web.Request] = []
    elsewhere = await serve(shelf(1, asked=asked))

    async def handler(request: web.Request) -> web.Response:
        asked.append(request)
        raise web.HTTPFound(str(elsewhere.make_url("/moved")) + "?" + "startRecord=1&maximumRecords=1")

    await client.search(target(await serve(handler), sign_in=sign_in), LAMPS, count=1)

    home, away = asked
    if "user" in sign_in:
        assert home.headers["Authorization"] == "Basic " + base64.b64encode(b"desk:made-up").decode()
    else:
        assert home.query["accessToken"] == "k3y"
    assert "Authorization" not in away.headers
    assert "accessToken" not in away.query


async def test_redirects_have_an_end(client: SruSearch, serve: Any) -> None:
    async def handler(request: web.Request) -> web.Response:
        raise web.HTTPFound("/again")

    server = await serve(handler)
    with pytest.raises(Unavailable, match="more than 2 redirects"):
        await client.search(target(server), LAMPS)
    with pytest.raises(Unavailable, match="more than 1 redirects"):
        await client.search(target(server, redirects=1), LAMPS)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "10.0.0.1", "169.254.169.254"])
async def test_a_redirect_into_our_own_network_is_not_followed(wary_client: SruSearch, serve: Any, host: str) -> None:
    asked: list[web.Request] = []
    inside = await serve(shelf(1, asked=asked))

    async def handler(request: web.Request) -> web.Response:
        raise web.HTTPFound(f"http://{host}:{inside.port}/latest/meta-data?startRecord=1&maximumRecords=1")

    with pytest.raises(Unavailable, match=r"(a redirect was not followed|not reached): .*public"):
        await wary_client.search(target(await serve(handler)), LAMPS, count=1)
    assert asked == []


async def test_a_redirect_within_the_server_of_the_profile_is_followed(wary_client: SruSearch, serve: Any) -> None:
    """Wherever it stands: the operator has named it."""
    answer = shelf(1, asked=[])

    async def handler(request: web.Request) -> web.StreamResponse:
        if request.path == "/sru":
            raise web.HTTPFound(f"/moved?{request.query_string}")
        return await answer(request)

    assert (await wary_client.search(target(await serve(handler)), LAMPS, count=1)).total == 1


@pytest.mark.parametrize(
    ("location", "said"),
    [
        ("file:///etc/hostname", "a redirect to file was not followed"),
        ("https:///moved", "redirect without a valid URL"),
        ("http://[", "redirect without a valid URL"),
    ],
)
async def test_a_redirect_to_what_is_no_server(client: SruSearch, serve: Any, location: str, said: str) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": location})

    with pytest.raises(Unavailable, match=said):
        await client.search(target(await serve(handler)), LAMPS)


@pytest.mark.parametrize(
    ("status", "body", "error", "said"),
    [
        (401, "", Refused, "rejected our sign-in"),
        (403, "", Refused, "rejected our sign-in"),
        (404, "gone", Unavailable, "HTTP 404"),
        (503, "<html/>", Unavailable, "HTTP 503"),
        (200, "<html/>", Unavailable, "the answer is not SRU"),
        (200, "", Unavailable, "the answer is not SRU"),
        (200, "<searchRetrieveResponse/>", Unavailable, "the answer has no count"),
        (
            400,
            "<?xml version='1.0'?><diagnostics><diagnostic><uri>info:srw/diagnostic/1/10</uri></diagnostic>"
            "</diagnostics>",
            Refused,
            "10 query syntax error",
        ),
        (
            200,
            "<diagnostics><diagnostic><uri>info:srw/diagnostic/1/2</uri></diagnostic></diagnostics>",
            Unavailable,
            "2 system temporarily unavailable",
        ),
        (
            200,
            "<diagnostics><diagnostic><uri>info:srw/diagnostic/1/3</uri></diagnostic></diagnostics>",
            Refused,
            "3 authentication error",
        ),
    ],
)
async def test_answers_that_are_none(
    client: SruSearch, serve: Any, status: int, body: str, error: type[Exception], said: str
) -> None:
    server = await serve(always(body, status))

    with pytest.raises(error, match=said) as told:
        await client.search(target(server), LAMPS)
    if isinstance(told.value, Refused) and ("rejected" in said or "authentication" in said):
        assert told.value.reason is RefusalReason.SENDER_AUTH_FAILED


async def test_an_answer_that_is_too_long(client: SruSearch, serve: Any) -> None:
    server = await serve(always("x" * 70_000))

    with pytest.raises(Unavailable, match="larger than 65,536 bytes"):
        await client.search(target(server, max_bytes=65_536), LAMPS)


async def test_it_never_answers(client: SruSearch, serve: Any) -> None:
    release = asyncio.Event()

    async def handler(request: web.Request) -> web.Response:
        await release.wait()
        return books(1, 1, 1)

    server = await serve(handler)
    with pytest.raises(Unavailable, match=r"no complete answer within 0\.05 s"):
        await client.search(target(server, seconds={"answer": 0.05}), LAMPS)
    release.set()


async def test_it_ends_in_the_middle(client: SruSearch, serve: Any) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b"<searchRetrieve")
        assert request.transport is not None
        request.transport.close()
        return response

    with pytest.raises(Unavailable):
        await client.search(target(await serve(handler)), LAMPS)


async def test_nobody_listens(client: SruSearch, serve: Any) -> None:
    server = await serve(shelf(1))
    profile = target(server)
    await server.close()

    with pytest.raises(Unavailable, match="not reached"):
        await client.search(profile, LAMPS)


async def test_a_secret_that_is_not_there(client: SruSearch, serve: Any) -> None:
    profile = target(await serve(shelf(1)), sign_in={"parameter": "key", "key": "env:NOWHERE"})

    with pytest.raises(Refused, match="no secret at env:NOWHERE"):
        await client.search(profile, LAMPS)


async def test_a_profile_without_a_section(client: SruSearch) -> None:
    with pytest.raises(Refused, match="no section sru"):
        await client.search(Profile(name="none"), LAMPS)


def test_it_is_an_adapter() -> None:
    assert adapter.make(SearchContext(secrets, AllowedAddresses())).name == adapter.name == "sru"
    assert adapter.address(SruDialect(url="https://catalogue.example/sru")) == "https://catalogue.example/sru"
