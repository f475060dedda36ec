"""What the gateway itself adds to a message while a library system outside it takes its time.

Each call to the system takes 20 ms. The gateway's own time for a message is what is left when the time in which the
system had a call in work is taken away: of calls that are made at once, only the longest counts. Messages come over one
connection, as ILLiad and others keep it open. Beside it: what a bare handler takes that makes the same calls by aiohttp
and does nothing else.
"""

from __future__ import annotations

import asyncio
import socket
import statistics
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from aiohttp import web

from gateway.domain.clock import SystemClock
from rehearsal.fakes.alma import FakeAlma
from rehearsal.fakes.fake_server import FakeServer, Fault, Handler
from rehearsal.fakes.folio import FakeFolio
from rehearsal.fakes.folio_sample import fill_sample
from rehearsal.fakes.koha import FakeKoha
from tests.bench import messages
from tests.bench.bare import Call, Steps, run_bare_handler
from tests.bench.load import post, processor_seconds, send_one
from tests.library_contract.alma_world import make_alma_options, make_fake_alma
from tests.library_contract.koha_world import KNOWN, make_fake_koha, make_koha_options
from tests.support.daemon import Installation
from tests.support.pysip2_server import PASSWORD

CALL_SECONDS = 0.020
WARM_UP, MESSAGES = 20, 100
PAUSE_SECONDS = 0.030
"""Between messages, so that Alma's limit of calls a second holds up none."""

CALLS_PER_SECOND = 25
MAX_OWN_MS = 3.0
SECRET_FILE = "system-secret"

_OF_THE_CONNECTION = ("Host", "Content-Length", "Accept-Encoding", "Connection")

Interval = tuple[float, float]


class _CallTimes:
    """Makes each call of a fake take its time, and writes down from when to when it was in work, its answer's way into
    the socket included."""

    def __init__(self, fake: FakeServer) -> None:
        self.intervals: list[Interval] = []
        self.calls: list[tuple[Interval, Call]] = []
        self._answer = fake._answer_call
        fake._answer_call = self.answer_slowly  # type: ignore[method-assign]

    async def answer_slowly(self, request: web.Request, handler: Handler, fault: Fault | None) -> web.StreamResponse:
        begun = time.perf_counter()
        response = await self._answer(request, handler, fault)
        await asyncio.sleep(max(0.0, begun + CALL_SECONDS - time.perf_counter()))
        await response.prepare(request)
        await response.write_eof()
        interval = (begun, time.perf_counter())
        self.intervals.append(interval)
        headers = {name: value for name, value in request.headers.items() if name not in _OF_THE_CONNECTION}
        url = f"http://{request.host}{request.raw_path}"
        body = (await request.read()).decode() or None
        self.calls.append((interval, {"method": request.method, "url": url, "headers": headers, "data": body}))
        return response

    def forget_calls(self) -> None:
        self.intervals.clear()
        self.calls.clear()

    def list_steps(self) -> Steps:
        """The calls of the last message: those that were begun before the first of them ended are a step."""
        steps: list[list[Call]] = []
        ended = 0.0
        for (begun, end), call in sorted(self.calls, key=lambda one: one[0]):
            if begun >= ended:
                steps.append([])
                ended = end
            steps[-1].append(call)
        return steps

    def covered_seconds(self, begun: float, ended: float) -> float:
        """Of the time between, so much had a call in work."""
        covered, reached = 0.0, begun
        for start, end in sorted(self.intervals):
            if end > reached and start < ended:
                covered += min(end, ended) - max(start, reached)
                reached = max(reached, end)
        return covered


@contextmanager
def _run_fake(fake: FakeServer) -> Iterator[_CallTimes]:
    times = _CallTimes(fake)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    def wait_for(work: Any) -> None:
        future: Future[Any] = asyncio.run_coroutine_threadsafe(work, loop)
        future.result(30)

    wait_for(fake.start())
    try:
        yield times
    finally:
        wait_for(fake.stop())
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


def _make_koha() -> FakeKoha:
    fake = make_fake_koha(SystemClock())
    for patron in fake.state.patrons.values():
        patron["expiry_date"] = "2090-12-31"
    return fake


def _make_alma() -> FakeAlma:
    fake = make_fake_alma(SystemClock())
    for user in fake.state.users.values():
        user["expiry_date"] = "2090-12-31Z"
    return fake


def _make_folio() -> FakeFolio:
    fake = FakeFolio(SystemClock().now)
    fill_sample(fake)
    return fake


def _describe_system(fake: FakeServer) -> dict[str, Any]:
    """Its section in gateway.yml."""
    secret = f"file:{SECRET_FILE}"
    if isinstance(fake, FakeKoha):
        more = {"sign_in": {"client_id": "illgate", "client_secret": secret}}
        return {"type": "koha", **make_koha_options(fake.url, more).model_dump(mode="json", exclude_unset=True)}
    if isinstance(fake, FakeAlma):
        options = make_alma_options(fake.url, {"api_key": secret, "calls_per_second": CALLS_PER_SECOND})
        return {"type": "alma", **options.model_dump(mode="json", exclude_unset=True)}
    assert isinstance(fake, FakeFolio)
    login = {"user": fake.user, "password": secret}
    return {"type": "folio", "url": fake.url, "tenant": fake.tenant, "login": login, "service_point": "RS"}


def rows(folder: Path) -> list[tuple[str, float, str, bool]]:
    return [
        _own_time_row(folder / name, name, fake)
        for name, fake in (("koha", _make_koha()), ("folio", _make_folio()), ("alma", _make_alma()))
    ]


def _own_time_row(folder: Path, name: str, fake: FakeServer) -> tuple[str, float, str, bool]:
    with _run_fake(fake) as times:
        installation = Installation.make(folder)
        (folder / SECRET_FILE).write_text(fake.password if isinstance(fake, FakeFolio) else PASSWORD)
        installation.change(libraries=[{"symbol": "DEMO", "name": "Demo", "system": _describe_system(fake)}])
        with installation.serve_by_command() as daemon:
            request = post("/ncip/ncip2", messages.lookup_user(KNOWN.good.value), installation.port)
            median, worked_ms = _measure_messages(times, request, installation.port, daemon.pid)
            times.forget_calls()
            answer = installation.post(messages.lookup_user(KNOWN.good.value))
            steps = times.list_steps()
        with run_bare_handler(folder, answer, steps) as (port, bare):
            request = post("/ncip", messages.lookup_user(KNOWN.good.value), port)
            bound, bare_worked_ms = _measure_messages(times, request, port, bare)
    print(
        f"LookupUser on {name}, each call {CALL_SECONDS * 1000:.0f} ms: own time {median:.2f} ms at the median, "
        f"{worked_ms:.2f} ms of a processor; bare handler {bound:.2f} and {bare_worked_ms:.2f} ms"
    )
    return f"LookupUser on {name}: own ms beside its calls", median, f"≤ {MAX_OWN_MS:.0f}", median <= MAX_OWN_MS


def _measure_messages(times: _CallTimes, request: bytes, port: int, process: int) -> tuple[float, float]:
    """The median of own milliseconds, and the processor's for each."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        for _ in range(WARM_UP):
            _measure_own_ms(times, request, connection)
        begun = processor_seconds(process)
        median = statistics.median(_measure_own_ms(times, request, connection) for _ in range(MESSAGES))
        return median, (processor_seconds(process) - begun) / MESSAGES * 1000


def _measure_own_ms(times: _CallTimes, request: bytes, connection: socket.socket) -> float:
    time.sleep(PAUSE_SECONDS)
    times.forget_calls()
    begun = time.perf_counter()
    answer = send_one(connection, request)
    ended = time.perf_counter()
    if not messages.succeeded("LookupUser")(answer):
        raise RuntimeError("an answer was no success")
    return (ended - begun - times.covered_seconds(begun, ended)) * 1000
