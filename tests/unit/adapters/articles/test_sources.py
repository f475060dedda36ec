"""The services asked over HTTP: what is sent, and what each answer means."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from adapters.articles.client import CrossrefSource, PubMedSource, UnpaywallSource
from adapters.articles.transport import MAX_ANSWER_BYTES, ServiceEndpoint, ServiceHttp, ServiceLimits
from gateway.domain.clock import FixedClock
from gateway.domain.library import RecordId
from gateway.domain.problems import RefusalReason, Refused, Unavailable
from gateway.ports.article_lookup import ArticleSource, ArticleSourceContext
from tests.support.article_services import (
    CROSSREF_ARTICLE,
    DOI,
    PMID,
    PUBMED_SUMMARY,
    UNPAYWALL_ANSWER,
    ArticleServer,
    esummary,
)

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
WORK = RecordId("doi", DOI)


@pytest.fixture
async def server() -> AsyncIterator[ArticleServer]:
    one = ArticleServer()
    await one.start()
    yield one
    await one.close()


def context(server: ArticleServer, key: str = "", seconds: float = 3) -> ArticleSourceContext:
    return ArticleSourceContext(
        url=server.url, email="ill@seeberg.example", key=key, seconds=seconds, clock=FixedClock(NOW)
    )


@pytest.fixture
async def crossref(server: ArticleServer) -> AsyncIterator[ArticleSource]:
    source = CrossrefSource(context(server))
    yield source
    await source.close_connections()


async def test_crossref_is_told_whom_to_write_to(server: ArticleServer, crossref: ArticleSource) -> None:
    server.say(f"/works/{DOI}", CROSSREF_ARTICLE)
    found = await crossref.look_up(RecordId("doi", f"https://doi.org/{DOI.upper()}"))

    assert found is not None
    assert found.citation is not None
    assert found.citation.title == "Annals of Northern Meteorology"
    ((path, query, headers),) = server.asked
    assert (path, query) == (f"/works/{DOI}", {"mailto": "ill@seeberg.example"})
    assert headers["User-Agent"] == "illgate (mailto:ill@seeberg.example)"
    assert "Crossref-Plus-API-Token" not in headers


async def test_a_key_of_crossref_goes_into_its_header(server: ArticleServer) -> None:
    source = CrossrefSource(context(server, key="s3cret"))
    await source.look_up(WORK)
    await source.close_connections()
    assert server.asked[0][2]["Crossref-Plus-API-Token"] == "Bearer s3cret"


async def test_pubmed_is_told_tool_and_address(server: ArticleServer) -> None:
    server.say("/esummary.fcgi", esummary(PUBMED_SUMMARY))
    source = PubMedSource(context(server, key="s3cret"))
    found = await source.look_up(RecordId("pmid", f" 00{PMID}"))
    nonsense = await source.look_up(RecordId("pmid", "12/../3"))
    await source.close_connections()

    assert found is not None
    assert found.citation is not None
    assert nonsense is None
    ((path, query, _),) = server.asked
    assert path == "/esummary.fcgi"
    assert query == {
        "db": "pubmed",
        "retmode": "json",
        "tool": "illgate",
        "email": "ill@seeberg.example",
        "api_key": "s3cret",
        "id": PMID,
    }


async def test_unpaywall_is_told_an_address(server: ArticleServer) -> None:
    server.say(f"/{DOI}", UNPAYWALL_ANSWER)
    source = UnpaywallSource(context(server))
    found = await source.look_up(WORK)
    await source.close_connections()

    assert found is not None
    assert found.free is not None
    assert server.asked[0][1] == {"email": "ill@seeberg.example"}


async def test_any_character_of_a_doi_reaches_the_service(server: ArticleServer, crossref: ArticleSource) -> None:
    await crossref.look_up(RecordId("doi", "10.5555/(SICI)1<3::AID-x>3.0;2-#?&%ü/../.."))
    assert server.paths == ["/works/10.5555/%28sici%291%3C3%3A%3Aaid-x%3E3.0%3B2-%23%3F%26%25%C3%BC/%2E%2E/%2E%2E"]


async def test_what_a_service_does_not_know(crossref: ArticleSource) -> None:
    assert await crossref.look_up(WORK) is None


async def test_an_alias_leads_to_the_doi_that_counts(server: ArticleServer, crossref: ArticleSource) -> None:
    server.say("/works/10.5555/old", b"", 301, Location=f"/works/{DOI}")
    server.say(f"/works/{DOI}", CROSSREF_ARTICLE)

    assert await crossref.look_up(RecordId("doi", "10.5555/old")) is not None
    assert server.asked[1][1] == {"mailto": "ill@seeberg.example"}


@pytest.mark.parametrize(
    "location", ["https://elsewhere.example/works/x", "http://[", "mailto:x", "/works/10.5555/loop"]
)
async def test_redirects_that_are_not_followed(server: ArticleServer, crossref: ArticleSource, location: str) -> None:
    server.say("/works/10.5555/loop", b"", 302, Location=location)
    with pytest.raises(Unavailable, match="redirect"):
        await crossref.look_up(RecordId("doi", "10.5555/loop"))


@pytest.mark.parametrize("status", [401, 403, 422])
async def test_an_address_that_is_not_accepted(server: ArticleServer, crossref: ArticleSource, status: int) -> None:
    server.say(f"/works/{DOI}", {"error": True, "message": "Please use your own email address"}, status)
    with pytest.raises(Refused) as refused:
        await crossref.look_up(WORK)

    assert refused.value.reason is RefusalReason.SENDER_AUTH_FAILED
    assert f"HTTP {status}" in refused.value.detail
    assert "seeberg" not in refused.value.detail


@pytest.mark.parametrize(
    ("body", "status", "type_", "said"),
    [
        (b"<html>Maintenance</html>", 200, "text/html", "not JSON"),
        (b"<html>Sign in</html>", 200, "application/json", "invalid answer: not JSON"),
        (b'{"message-type": "work-list"}', 200, "application/json", "no description of a work"),
        (b"", 500, "text/plain", "HTTP 500"),
        (b"{}", 204, "application/json", "HTTP 204"),
        (b"x" * (MAX_ANSWER_BYTES + 1), 200, "application/json", "larger than 4,000,000 bytes"),
    ],
)
async def test_an_answer_that_is_none(
    server: ArticleServer, crossref: ArticleSource, body: bytes, status: int, type_: str, said: str
) -> None:
    server.say(f"/works/{DOI}", body, status, Content_Type=type_)
    with pytest.raises(Unavailable, match=said):
        await crossref.look_up(WORK)


async def test_no_answer_in_time(server: ArticleServer) -> None:
    server.seconds = 1
    source = CrossrefSource(context(server, seconds=0.05))
    with pytest.raises(Unavailable, match=r"no complete answer within 0\.05 s"):
        await source.look_up(WORK)
    await source.close_connections()


async def test_a_service_that_cant_be_reached(server: ArticleServer, crossref: ArticleSource) -> None:
    await server.close()
    with pytest.raises(Unavailable, match="not reached"):
        await crossref.look_up(WORK)


# --- how fast --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("retry_after", "silent"),
    [
        ("120", 120),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90),
        ("", 30),
        ("soon", 30),
        ("999999", 3600),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
    ],
)
async def test_too_many_questions(
    server: ArticleServer, crossref: ArticleSource, retry_after: str, silent: int
) -> None:
    """The service is next attempt in 60 s for as long as it says."""
    headers = {"Retry_After": retry_after} if retry_after else {}
    server.say(f"/works/{DOI}", b"slow down", 429, **headers)
    with pytest.raises(Unavailable, match="HTTP 429"):
        await crossref.look_up(WORK)
    server.say(f"/works/{DOI}", CROSSREF_ARTICLE)

    if not silent:
        assert await crossref.look_up(WORK) is not None
        return
    with pytest.raises(Unavailable, match=f"next attempt in {silent} s"):
        await crossref.look_up(WORK)
    assert len(server.asked) == 1


async def test_a_service_that_is_down_is_asked_again_unless_it_says_when(
    server: ArticleServer, crossref: ArticleSource
) -> None:
    server.say(f"/works/{DOI}", b"", 503)
    for _ in range(2):
        with pytest.raises(Unavailable, match="HTTP 503"):
            await crossref.look_up(WORK)
    server.say(f"/works/{DOI}", b"", 503, Retry_After="60")
    with pytest.raises(Unavailable, match="HTTP 503"):
        await crossref.look_up(WORK)
    with pytest.raises(Unavailable, match="next attempt in 60 s"):
        await crossref.look_up(WORK)


def make_http(server: ArticleServer, *, per_second: float, at_once: int, seconds: float) -> ServiceHttp:
    limits = ServiceLimits(per_second=per_second, at_once=at_once)
    return ServiceHttp(ServiceEndpoint(url=server.url, agent="t", seconds=seconds, limits=limits), FixedClock(NOW))


async def test_no_more_questions_in_a_second_than_allowed(server: ArticleServer) -> None:
    http = make_http(server, per_second=20, at_once=10, seconds=5)
    loop = asyncio.get_running_loop()
    begun = loop.time()
    await asyncio.gather(*(http.fetch_json((str(number),), {}) for number in range(9)))
    took = loop.time() - begun
    await http.close_connections()

    assert took >= 8 / 20
    assert len(server.asked) == 9


async def test_no_more_questions_at_once_than_allowed(server: ArticleServer) -> None:
    server.seconds = 0.05
    http = make_http(server, per_second=10_000, at_once=2, seconds=5)
    await asyncio.gather(*(http.fetch_json((str(number),), {}) for number in range(8)))
    await http.close_connections()
    assert server.busiest == 2


async def test_who_would_wait_too_long_is_told_at_once(server: ArticleServer) -> None:
    http = make_http(server, per_second=1, at_once=10, seconds=1.5)
    asked = [asyncio.create_task(http.fetch_json((str(number),), {})) for number in range(4)]
    _, *late = asked[2:]
    with pytest.raises(Unavailable, match="too many requests are already waiting"):
        await late[0]
    for task in asked:
        task.cancel()
    await asyncio.gather(*asked, return_exceptions=True)
    await http.close_connections()
