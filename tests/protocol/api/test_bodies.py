"""What comes in broken, too large or in the wrong form gets a problem that says what is wrong."""

from __future__ import annotations

import gzip
import json
from collections.abc import AsyncIterator

import aiohttp
import pytest
from pydantic import ValidationError

from gateway.web.api.models.inputs import ActBody
from tests.protocol.api.support import LIMITS, Client, Running

JSON = "application/json"
GOOD = {"name": "portal", "url": "https://portal.example/"}


@pytest.fixture
async def client(shared: Running) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        yield Client(session, shared.url, await shared.key())


@pytest.mark.parametrize(
    ("body", "problem", "says"),
    [
        (b"", "malformed", "not JSON"),
        (b"{", "malformed", "line 1, column 2"),
        (b'{"name": "a\xff"}', "malformed", "UTF-8"),
        (b"\x00", "malformed", "not JSON"),
        (b'{"name": NaN}', "malformed", "NaN"),
        (b'{"name": 1' + b"0" * 5000 + b"}", "malformed", "not JSON"),
        (b'{"name": "a", "name": "b"}', "malformed", "twice"),
        (b'{"a": ' * 13 + b"1" + b"}" * 13, "malformed", "nested"),
        (b"[" * 9_000, "malformed", "not JSON"),
        (b'["' + b'\\"' * 9_000, "malformed", "not JSON"),
        (b"[]", "invalid", ""),
        (b"null", "invalid", ""),
        (b'{"name": "a\\u0000b", "url": "https://a.example/"}', "invalid", ""),
        (b'{"name": "a\\ud800b", "url": "https://a.example/"}', "invalid", ""),
        (b'{"na\\ud800me": 1}', "invalid", ""),
    ],
)
async def test_bodies_that_can_not_be_read(client: Client, body: bytes, problem: str, says: str) -> None:
    answered = await client("POST", "webhooks", data=body, Content_Type=JSON)
    assert answered.problem == problem
    assert says in answered.json["detail"]


async def test_mistakes_are_named_by_their_place_and_values_are_not_repeated(client: Client) -> None:
    body = {"name": "", "url": "ftp://Ægir:hemmelig@x", "events": ["shipped", "stolen"], "colour": "red"}
    answered = await client("POST", "webhooks", body)
    assert answered.status == 422
    places = {one["place"]: one["message"] for one in answered.json["mistakes"]}
    assert set(places) == {"body.name", "body.url", "body.events.1", "body.colour"}
    assert "hemmelig" not in answered.body.decode()


async def test_a_body_may_be_so_large_and_no_larger(client: Client) -> None:
    padding = LIMITS.body_bytes - len(json.dumps(GOOD))
    fits = json.dumps(GOOD).encode() + b" " * padding
    assert (await client("POST", "webhooks", data=fits, Content_Type=JSON)).status == 201
    assert (await client("POST", "webhooks", data=fits + b" ", Content_Type=JSON)).problem == "too-large"


async def test_a_decompression_bomb_is_cut_off(client: Client) -> None:
    bomb = gzip.compress(b" " * 20_000_000)
    assert len(bomb) < LIMITS.body_bytes * 2
    small = gzip.compress(b" " * 2_000_000)
    answered = await client("POST", "webhooks", data=small, Content_Type=JSON, Content_Encoding="gzip")
    assert answered.problem == "too-large"


@pytest.mark.parametrize("due", ["20270201", "2027", "1700000000.5", 20270201, True])
def test_a_due_date_is_never_read_as_seconds_since_1970(due: object) -> None:
    with pytest.raises(ValidationError):
        ActBody.model_validate_json(json.dumps({"due": due}))


@pytest.mark.parametrize("due", ["2027-02-01", "2027-02-01T10:00:00+01:00"])
def test_a_due_date_is_a_day_or_a_moment(due: str) -> None:
    assert str(ActBody.model_validate_json(json.dumps({"due": due})).due)[:10] == "2027-02-01"


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "application/x-www-form-urlencoded", "nonsense"])
async def test_bodies_are_json(client: Client, kind: str) -> None:
    answered = await client("POST", "webhooks", data=json.dumps(GOOD).encode(), Content_Type=kind)
    assert answered.problem == "unsupported-media-type"


async def test_json_with_a_charset_is_json(client: Client) -> None:
    kind = "Application/JSON; charset=UTF-8"
    assert (await client("POST", "webhooks", data=json.dumps(GOOD).encode(), Content_Type=kind)).status == 201


@pytest.mark.parametrize(
    "path", ["/api", "/api/", "/api/v1", "/api/v1/", "/api/v2/requests", "/api/v1/request", "/api/v1/key/"]
)
async def test_what_is_not_there_is_a_problem(client: Client, path: str) -> None:
    assert (await client("GET", path)).problem == "not-found"


@pytest.mark.parametrize("method", ["PATCH", "PUT", "DELETE", "OPTIONS"])
async def test_methods_that_are_not_possible(client: Client, method: str) -> None:
    answered = await client(method, "requests")
    assert answered.problem == "method-not-allowed"
    assert answered.headers["Allow"] == "GET, HEAD, POST"


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ("colour=red", "query.colour"),
        ("limit=0", "query.limit"),
        ("limit=1_0", "query.limit"),
        ("limit=٣", "query.limit"),
        ("limit=5&limit=6", "query.limit"),
        ("open=yes", "query.open"),
        ("need_by_before=0", "query.need_by_before"),
        ("need_by_before=2026-02-30", "query.need_by_before"),
        ("state=new&state=eaten", "query.state.1"),
        ("task=nap", "query.task"),
        ("text=a%00b", "query"),
        ("cursor=bm8", "query.cursor"),
    ],
)
async def test_queries_with_mistakes(client: Client, query: str, place: str) -> None:
    answered = await client("GET", f"requests?{query}")
    assert answered.problem == "invalid"
    assert [one["place"] for one in answered.json["mistakes"]] == [place]


async def test_answers_say_little_about_the_house(client: Client) -> None:
    answered = await client("GET", "key")
    assert answered.headers["Server"] == "illgate"
    assert answered.headers["Cache-Control"] == "no-store"
