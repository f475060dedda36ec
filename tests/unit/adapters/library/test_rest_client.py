"""Calls to a system by HTTP that answers, answers badly, or doesn't."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from adapters.library.circuit_breaker import BreakerOptions, CircuitBreaker
from adapters.library.rest_answer import AnswerKind, RestCall, make_json_call
from adapters.library.rest_authorisation import (
    AccessToken,
    Authorisation,
    FixedAuthorisation,
    SendCall,
    TokenAuthorisation,
)
from adapters.library.rest_client import RestClient, RestEndpoint
from adapters.library.rest_options import RestSeconds
from gateway.domain.problems import OutcomeUnknown, Unavailable
from rehearsal.fakes.fake_server import FakeServer, FaultKind

ASK = RestCall(method="GET", path=("things", "7"), title="/things/{id}")
CHANGE = make_json_call("POST", ("things",), {"name": "Čaj"})


class Things(FakeServer):
    """Counts what was made."""

    damages = ("vanish",)

    def __init__(self) -> None:
        super().__init__()
        self.made: list[str] = []
        self.tokens = 0
        self.valid = ""
        self.seen: list[str] = []

    def add_routes(self, app: web.Application) -> None:
        app.router.add_get("/api/things/{id}", self._show)
        app.router.add_post("/api/things", self._make)
        app.router.add_get("/api/moved", self._move)
        app.router.add_get("/api/away", self._lead_away)
        app.router.add_get("/api/nowhere", self._lead_nowhere)
        app.router.add_get("/api/large", self._show_much)
        app.router.add_post("/api/token", self._give_token)
        app.router.add_get("/api/text/{kind}", self._show_text)

    def do_damage(self, name: str, subject: str) -> str:
        self.made.remove(subject)
        return "gone"

    async def _show(self, request: web.Request) -> web.Response:
        self.seen.append(request.raw_path)
        if self.valid and request.headers.get("Authorization") != self.valid:
            return web.json_response({"error": "no"}, status=401)
        return web.json_response({"id": request.match_info["id"]})

    async def _make(self, request: web.Request) -> web.Response:
        if self.valid and request.headers.get("Authorization") != self.valid:
            return web.json_response({"error": "no"}, status=401)
        self.made.append((await request.json())["name"])
        return web.json_response({"id": len(self.made)}, status=201)

    async def _give_token(self, _request: web.Request) -> web.Response:
        await asyncio.sleep(0.05)
        self.tokens += 1
        self.valid = f"Bearer t{self.tokens}"
        return web.json_response({"access_token": f"t{self.tokens}"})

    async def _move(self, _request: web.Request) -> web.Response:
        raise web.HTTPFound("/api/things/9")

    async def _lead_away(self, _request: web.Request) -> web.Response:
        raise web.HTTPFound("http://elsewhere.example/")

    async def _lead_nowhere(self, _request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": "mailto:x"})

    async def _show_much(self, _request: web.Request) -> web.Response:
        return web.json_response({"text": "x" * 200_000})

    async def _show_text(self, request: web.Request) -> web.Response:
        kind = request.match_info["kind"]
        return web.Response(
            text={"plain": "No such item", "page": "<html>nginx</html>", "xml": "<a/>"}[kind], status=404
        )


@pytest.fixture
async def things() -> AsyncIterator[Things]:
    server = Things()
    await server.start()
    yield server
    await server.stop()


class Client(RestClient):
    def __init__(
        self,
        url: str,
        authorisation: Authorisation | None = None,
        breaker: CircuitBreaker | None = None,
        seconds: float = 10,
    ) -> None:
        place = RestEndpoint(
            url=f"{url}/api",
            seconds=RestSeconds(connect=10, look_up=seconds, change=seconds),
            max_bytes=100_000,
            connections=4,
        )
        self.breaker = breaker or CircuitBreaker("the system", BreakerOptions(failures=50))
        super().__init__(place, authorisation or FixedAuthorisation(), self.breaker)


@pytest.fixture
async def client(things: Things) -> AsyncIterator[Client]:
    one = Client(things.url)
    yield one
    await one.close_connections()


async def test_questions_and_changes_are_answered(client: Client, things: Things) -> None:
    assert (await client.ask(ASK)).value == {"id": "7"}
    answer = await client.change(CHANGE)
    assert (answer.status, answer.value) == (201, {"id": 1})
    assert things.made == ["Čaj"]


async def test_what_stands_in_a_path_or_query_is_escaped(client: Client, things: Things) -> None:
    call = RestCall(method="GET", path=("things", "a/b ?&#č"), query={"q": 'x="1" & y=ž+'})
    assert (await client.ask(call)).value == {"id": "a/b ?&#č"}
    assert things.seen == ["/api/things/a%2Fb%20%3F%26%23%C4%8D?q=x%3D%221%22%20%26%20y%3D%C5%BE%2B"]


async def test_a_question_is_asked_again_where_the_connection_broke(client: Client, things: Things) -> None:
    for kind in (FaultKind.LOSE_CALL, FaultKind.LOSE_REPLY):
        things.add_fault(kind)
        assert (await client.ask(ASK)).value == {"id": "7"}
    things.add_fault(FaultKind.LOSE_CALL, times=4)  # aiohttp itself asks again on a kept connection
    with pytest.raises(Unavailable, match="connection was closed"):
        await client.ask(ASK)


async def test_a_change_is_never_sent_again(client: Client, things: Things) -> None:
    for kind in (FaultKind.LOSE_REPLY, FaultKind.LOSE_CALL, FaultKind.ERROR_500, FaultKind.MAINTENANCE):
        things.add_fault(kind)
        with pytest.raises(OutcomeUnknown):
            await client.change(CHANGE)
    assert things.made == ["Čaj"], "the reply was lost of the first alone"
    assert len(things.calls) == 4


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
async def test_changes_that_http_calls_idempotent_are_not_sent_again_either(
    client: Client, things: Things, method: str
) -> None:
    await client.ask(ASK)  # a connection is kept now
    things.clear_calls()
    things.add_fault(FaultKind.LOSE_REPLY)
    with pytest.raises(OutcomeUnknown, match="connection was closed"):
        await client.change(make_json_call(method, ("things", "7"), {}))
    assert len(things.calls) == 1


async def test_slow_answers(things: Things) -> None:
    client = Client(things.url, seconds=1)
    await client.ask(ASK)
    things.add_fault(FaultKind.DELAY, seconds=3, times=2)
    with pytest.raises(Unavailable, match="within 1 s"):
        await client.ask(ASK)
    with pytest.raises(OutcomeUnknown, match="within 1 s"):
        await client.change(CHANGE)
    await client.close_connections()


async def test_nothing_is_sent_where_nobody_listens() -> None:
    client = Client("http://127.0.0.1:9")
    for send in (client.ask, client.change):
        with pytest.raises(Unavailable, match="not reached"):
            await send(CHANGE)
    await client.close_connections()


async def test_pages_and_broken_answers_are_no_answers(client: Client, things: Things) -> None:
    things.add_fault(FaultKind.HTML_PAGE, times=2)
    with pytest.raises(Unavailable, match="a web page instead"):
        await client.ask(ASK)
    with pytest.raises(OutcomeUnknown, match="a web page instead"):
        await client.change(CHANGE)
    with pytest.raises(Unavailable, match="larger than 100,000 bytes"):
        await client.ask(RestCall(method="GET", path=("large",)))
    with pytest.raises(Unavailable, match=r"a web page instead of an API answer \(HTTP 404\)"):
        await client.ask(RestCall(method="GET", path=("text", "page"), expects=AnswerKind.TEXT))


async def test_refusals_in_plain_text_come_back(client: Client) -> None:
    answer = await client.ask(RestCall(method="GET", path=("text", "plain")))
    assert (answer.status, answer.text, answer.is_json) == (404, "No such item", False)


async def test_redirects_stay_on_the_host(client: Client) -> None:
    assert (await client.ask(RestCall(method="GET", path=("moved",)))).value == {"id": "9"}
    with pytest.raises(Unavailable, match="another host"):
        await client.ask(RestCall(method="GET", path=("away",)))
    with pytest.raises(Unavailable, match="valid URL"):
        await client.ask(RestCall(method="GET", path=("nowhere",)))


async def test_too_many_calls_are_waited_for_or_refused(client: Client, things: Things) -> None:
    things.add_fault(FaultKind.TOO_MANY, seconds=1)
    assert (await client.change(CHANGE)).status == 201
    things.add_fault(FaultKind.TOO_MANY, seconds=120)
    for _ in range(2):
        with pytest.raises(Unavailable, match="next attempt in 1"):
            await client.ask(ASK)
    assert [call.status for call in things.calls] == [429, 201, 429]


async def test_a_token_is_fetched_once_for_all_and_again_when_it_was_withdrawn(things: Things) -> None:
    async def fetch(send: SendCall) -> AccessToken:
        answer = await send(RestCall(method="POST", path=("token",)))
        return AccessToken({"Authorization": f"Bearer {answer.value['access_token']}"}, 600)

    client = Client(things.url, TokenAuthorisation(fetch))
    await asyncio.gather(*(client.ask(ASK) for _ in range(8)))
    assert things.tokens == 1
    things.valid = "Bearer of nobody"
    await asyncio.gather(client.ask(ASK), client.change(CHANGE), client.ask(ASK))
    assert things.tokens == 2
    assert things.made == ["Čaj"]
    await client.close_connections()


async def test_a_token_is_renewed_before_it_ends(things: Things) -> None:
    now = [0.0]

    async def fetch(send: SendCall) -> AccessToken:
        things.tokens += 1
        return AccessToken({"Authorization": f"{things.tokens}"}, 100)

    authorisation = TokenAuthorisation(fetch, lambda: now[0])
    client = Client(things.url, authorisation)
    for moment, tokens in ((0.0, 1), (69.0, 1), (71.0, 2)):
        now[0] = moment
        await client.ask(ASK)
        assert things.tokens == tokens
    await client.close_connections()


async def test_fixed_credentials_that_are_refused_are_not_tried_again(client: Client, things: Things) -> None:
    things.valid = "Basic of another"
    with pytest.raises(Unavailable, match="our credentials were rejected"):
        await client.change(CHANGE)
    assert len(things.calls) == 1


async def test_errors_say_where_and_name_no_values(client: Client, things: Things) -> None:
    things.add_fault(FaultKind.ERROR_500)
    with pytest.raises(Unavailable) as down:
        await client.ask(RestCall(method="GET", path=("things", "21000000000017"), title="/things/{id}"))
    assert str(down.value) == f"{things.url} GET /things/{{id}}: HTTP 500"


async def test_a_system_that_is_down_is_left_alone(things: Things) -> None:
    now = [0.0]
    breaker = CircuitBreaker("koha.example", BreakerOptions(failures=3, seconds=30), lambda: now[0])
    client = Client(things.url, breaker=breaker)
    things.add_fault(FaultKind.ERROR_500, times=4)
    for _ in range(3):
        with pytest.raises(Unavailable, match="HTTP 500"):
            await client.ask(ASK)
    with pytest.raises(Unavailable, match="failed to respond 3 times in a row; next attempt in 30 s"):
        await client.ask(ASK)
    assert len(things.calls) == 3
    now[0] = 31
    with pytest.raises(Unavailable, match="HTTP 500"):
        await client.ask(ASK)
    now[0] = 50
    with pytest.raises(Unavailable, match="next attempt in 11 s"):
        await client.ask(ASK)
    now[0] = 62
    assert (await client.ask(ASK)).status == 200
    assert not breaker.is_open
    await client.close_connections()
