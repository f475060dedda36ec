"""The part that all fakes of library systems share: an HTTP server in memory that can be told to misbehave.

It is for rehearsals and tests. It listens on this machine alone, unless told otherwise, and all who reach it may set
its switches: over HTTP at `/fake/…` (README.md), or by code.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from aiohttp import web
from pydantic import Field, TypeAdapter, ValidationError

from gateway.domain.circulation_policy import ProfileSection
from gateway.domain.value import replace, value_object

MAX_CALLS_KEPT = 10_000
_SWITCH_PATH = "/fake/"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class FaultKind(StrEnum):
    """The faults that a fake can make with a call."""

    LOSE_REPLY = "lose-reply"  # it is carried out, and the connection ends before the answer
    REPEAT_CALL = "repeat-call"  # it is carried out twice, and the second answer comes: a proxy sent it again
    LOSE_CALL = "lose-call"  # the connection ends before anything is done
    DELAY = "delay"  # it waits, then carries it out
    ERROR_500 = "error-500"
    TOO_MANY = "too-many"  # 429 with Retry-After
    HTML_PAGE = "html-page"  # 200 with a page of whatever stands before the system
    MAINTENANCE = "maintenance"  # 503 with such a page


class Fault(ProfileSection):
    """The fault, and the calls that it befalls."""

    kind: FaultKind
    after: int = Field(0, ge=0, description="so many calls that fit pass before")
    times: int = Field(1, ge=0, description="so many calls go wrong; 0: all from then on")
    method: str = Field("", description="of the calls that fit; empty: any")
    path: str = Field("", description="part of their path; empty: any")
    seconds: float = Field(0.0, ge=0, le=600, description="how long it waits (delay), or wants to be left alone")

    def fits(self, request: web.Request) -> bool:
        return self.method in ("", request.method) and self.path in request.path


@value_object
class FakeCall:
    """A call that came, in the order in which they came. `query`: all values of each parameter; `headers`: names in
    lower case, credentials as dots."""

    method: str
    path: str
    status: int
    query: Mapping[str, list[str]] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""


@dataclass(slots=True)
class _FaultState:
    fault: Fault
    passed: int = 0
    done: int = 0

    def notice_call(self) -> bool:
        """Return whether this call goes wrong."""
        if self.passed < self.fault.after:
            self.passed += 1
            return False
        if self.fault.times and self.done >= self.fault.times:
            return False
        self.done += 1
        return True


class FakeServer(ABC):
    """A fake has its own routes and state: it adds the routes in `add_routes`, and in `do_damage` the kinds of damage
    to its state that it knows by name."""

    damages: tuple[str, ...] = ()
    """Names that `do_damage` knows: what one can do to its state that a real system may have done to it."""

    introduction: str = ""
    """Who may sign in, and who and what is there to try."""

    def __init__(self) -> None:
        self.calls: list[FakeCall] = []
        self._faults: list[_FaultState] = []
        self._runner: web.AppRunner | None = None
        self.url = ""

    # --- to be given by each fake ------------------------------------------------------------------------

    @abstractmethod
    def add_routes(self, app: web.Application) -> None: ...

    @abstractmethod
    def do_damage(self, name: str, subject: str) -> str:
        """`subject`: whom or what it is done to, such as a number. What was done, in plain words. Raises KeyError."""
        ...

    # --- life --------------------------------------------------------------------------------------------

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """The URL. `port` 0: a free one. Raises OSError."""
        app = web.Application(middlewares=[self._pass_call], client_max_size=16 * 1024 * 1024)
        app.router.add_get("/fake/calls", self._show_calls)
        app.router.add_delete("/fake/calls", self._forget_calls)
        app.router.add_post("/fake/faults", self._take_fault)
        app.router.add_delete("/fake/faults", self._drop_faults)
        app.router.add_post("/fake/damages/{name}", self._take_damage)
        self.add_routes(app)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port)
        await site.start()
        bound = self._runner.addresses[0]
        self.url = f"http://{host}:{bound[1]}"
        return self.url

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
        self._runner = None

    # --- switches ----------------------------------------------------------------------------------------

    def add_fault(self, kind: FaultKind, **more: Any) -> None:
        """`more`: as `Fault` has it."""
        self._faults.append(_FaultState(Fault(kind=kind, **more)))

    def clear_faults(self) -> None:
        self._faults.clear()

    def clear_calls(self) -> None:
        self.calls.clear()

    @web.middleware
    async def _pass_call(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.startswith(_SWITCH_PATH):
            return await handler(request)
        place = len(self.calls)
        call = await record_call(request)
        if place < MAX_CALLS_KEPT:
            self.calls.append(call)
        state = next((state for state in self._faults if state.fault.fits(request) and state.notice_call()), None)
        response = await self._answer_call(request, handler, state.fault if state is not None else None)
        if place < len(self.calls):
            self.calls[place] = replace(call, status=response.status)
        return response

    async def _answer_call(self, request: web.Request, handler: Handler, fault: Fault | None) -> web.StreamResponse:
        if fault is None:
            return await self._carry_out(request, handler)
        match fault.kind:
            case FaultKind.LOSE_CALL:
                return self._cut_off(request, 0)
            case FaultKind.LOSE_REPLY:
                await request.read()
                return self._cut_off(request, (await self._carry_out(request, handler)).status)
            case FaultKind.REPEAT_CALL:
                await self._carry_out(request, handler)
                return await self._carry_out(request, handler)
            case FaultKind.DELAY:
                await asyncio.sleep(fault.seconds)
                return await self._carry_out(request, handler)
            case FaultKind.ERROR_500:
                return web.json_response({"error": "Something went wrong, check the logs."}, status=500)
            case FaultKind.TOO_MANY:
                return web.json_response(
                    {"error": "Too many requests"}, status=429, headers={"Retry-After": f"{fault.seconds:.0f}"}
                )
            case FaultKind.HTML_PAGE:
                return web.Response(text=_PAGE, content_type="text/html")
            case FaultKind.MAINTENANCE:
                return web.Response(text=_PAGE, content_type="text/html", status=503)

    @staticmethod
    async def _carry_out(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPException as error:
            return web.Response(status=error.status, headers=error.headers, text=error.text)

    @staticmethod
    def _cut_off(request: web.Request, status: int) -> web.Response:
        """`status`: what the caller never sees."""
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=status or 500)

    # --- the same over HTTP ------------------------------------------------------------------------------

    async def _show_calls(self, _request: web.Request) -> web.Response:
        return web.json_response(_CALLS_JSON.dump_python(self.calls, mode="json"))

    async def _forget_calls(self, _request: web.Request) -> web.Response:
        self.clear_calls()
        return web.Response(status=204)

    async def _take_fault(self, request: web.Request) -> web.Response:
        try:
            fault = Fault.model_validate_json(await request.read())
        except ValidationError as error:
            problems = [f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in error.errors()]
            return web.json_response({"problems": problems}, status=422)
        self._faults.append(_FaultState(fault))
        return web.Response(status=204)

    async def _drop_faults(self, _request: web.Request) -> web.Response:
        self.clear_faults()
        return web.Response(status=204)

    async def _take_damage(self, request: web.Request) -> web.Response:
        """The subject is the body, as plain text."""
        name = request.match_info["name"]
        if name not in self.damages:
            return web.json_response({"problems": [f"known: {', '.join(self.damages)}"]}, status=404)
        try:
            return web.Response(text=self.do_damage(name, await request.text()) + "\n")
        except KeyError as unknown:
            return web.json_response({"problems": [f"there is no {unknown.args[0]}"]}, status=404)


async def record_call(request: web.Request) -> FakeCall:
    """Record a call that is not answered yet."""
    return FakeCall(
        method=request.method,
        path=request.path,
        status=0,
        query={key: request.query.getall(key) for key in request.query},
        headers={
            key.lower(): "..." if key.lower() in _CREDENTIAL_HEADERS else value
            for key, value in request.headers.items()
        },
        body=(await request.read()).decode("utf-8", "replace"),
    )


_CREDENTIAL_HEADERS = frozenset({"authorization", "cookie", "x-okapi-token", "exl-user-pw"})

_CALLS_JSON: TypeAdapter[list[FakeCall]] = TypeAdapter(list[FakeCall])

_PAGE = "<!DOCTYPE html><html><head><title>Maintenance</title></head><body><h1>Back soon</h1></body></html>\n"
