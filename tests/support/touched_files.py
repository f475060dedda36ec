"""Through which files of the product an event runs, in a gateway of its own: an AcceptItem, a link that becomes an
ISO 18626 request, and the shipping of an item."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Any

import aiohttp

from demo.world import START, Site, Town, fill_library, make_installation
from gateway.domain.clock import FixedClock
from gateway.domain.requests.events import EventDetails, EventKind
from gateway.domain.requests.request import LendingState
from gateway.domain.requests.views import ActionRequest
from gateway.ports.responder import ExchangeContext
from rehearsal.protocols.ncip.partner_simulator import NcipPartnerSimulator
from tests.protocol.iso18626.far_side import EASY, PATRON, STAFF, FarTown, partner_profile, write_loan_request
from tests.protocol.pages.support import BOOK, PIN, Visitor
from tests.protocol.pages.support import PATRON as READER
from tests.support.paths import ROOT
from tests.unit.services.requests.support import ncip

PRODUCT = tuple(str(ROOT / name) for name in ("gateway", "adapters"))


class FileTrace:
    """`files`: of the product, in which something was called; `calls`: how often, by name of the function."""

    def __init__(self) -> None:
        self.files: set[str] = set()
        self.calls: Counter[str] = Counter()
        self._is_on = False

    def note_call(self, frame: FrameType, event: str, _argument: object) -> None:
        if self._is_on and event == "call" and frame.f_code.co_filename.startswith(PRODUCT):
            self.files.add(frame.f_code.co_filename)
            self.calls[frame.f_code.co_name] += 1

    @contextmanager
    def watch(self) -> Iterator[None]:
        self._is_on = True
        try:
            yield
        finally:
            self._is_on = False


@contextmanager
def installed(trace: FileTrace) -> Iterator[None]:
    """In this thread and in all that begin now, such as the store's."""
    threading.setprofile(trace.note_call)
    sys.setprofile(trace.note_call)
    try:
        yield
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


def measure_events(times: int = 2) -> Mapping[str, int]:
    """Counts the files that an event ran through each time: what a daemon does now and then may fall into an event."""
    traces = [_trace_events() for _ in range(times)]
    accept, link, ship = (set.intersection(*(trace.files for trace in event)) for event in zip(*traces, strict=True))
    ships = [ship_trace.calls for _, _, ship_trace in traces]
    return {
        "files that an AcceptItem runs through": len(accept),
        "files that a link to an ISO 18626 request runs through": len(link),
        "files that ship runs through": len(ship),
        "transitions computed for one ship": min(calls["compute_transition"] for calls in ships),
        "loads of the request for one ship": min(calls["load_request"] + calls["lock_request"] for calls in ships),
    }


def _trace_events() -> tuple[FileTrace, FileTrace, FileTrace]:
    with TemporaryDirectory() as folder:
        return asyncio.run(_trace_in(Path(folder)))


async def _trace_in(folder: Path) -> tuple[FileTrace, FileTrace, FileTrace]:
    rules = {**EASY, "default_rota": "near", "rotas": {"near": {"lines": [{"partner": "broker"}]}}}
    site = Site("OAK", "Oak Library", {"broker": partner_profile(), "illiad": ncip()}, rules)
    config = await asyncio.to_thread(make_installation, folder / "template", site, 25)
    await fill_library(Town(config, FixedClock(START)))
    accept, link, ship = FileTrace(), FileTrace(), FileTrace()
    async with FarTown(config.parent, folder / "warm") as town:
        await _accept_item(town, FileTrace())  # what is loaded and compiled once is no part of an event
        await _order_by_link(town, FileTrace())
        await _ship(town, FileTrace())
    for act, trace in ((_accept_item, accept), (_order_by_link, link), (_ship, ship)):
        with installed(trace):
            async with FarTown(config.parent, folder / act.__name__) as town:
                await act(town, trace)
    return accept, link, ship


async def _accept_item(town: FarTown, trace: FileTrace) -> None:
    context = town.town.context
    profile = context.profile("illiad")
    assert profile is not None
    spoken = ExchangeContext(profile, context.symbol, context.zone, context.currency, town.clock.now())
    values = {"request": "TN-1", "item": "SOUTH-1", "patron": PATRON, "title": "Λιμάνια", "pickup": "MAIN"}
    body = NcipPartnerSimulator(lambda reference: reference).build(
        "accept-item", {name: (value,) for name, value in values.items()}, spoken
    )
    await town.quiet()  # what begins with the gateway is no part of the event
    with trace.watch():
        answer = await _post(town, "ncip/illiad", body)
    assert b"Problem" not in answer, answer


async def _order_by_link(town: FarTown, trace: FileTrace) -> None:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        patron = Visitor(f"http://127.0.0.1:{town.town.gateway.http_port}", session)
        page = "/openurl/OAK"
        form = await patron.get(f"{page}/sign-in?back=requests")
        fields = {"csrf": form.hidden("csrf"), "back": "requests", "user": READER, "password": PIN}
        await patron.post(f"{page}/sign-in", fields)
        await town.quiet()
        with trace.watch():
            asked = await patron.get(f"{page}/request?{BOOK}")
            hidden = {name: asked.hidden(name) for name in ("csrf", "form", "link")}
            sent = await patron.post(f"{page}/request", {**hidden, "service": "loan"}, follow=False)
            await town.quiet()
    assert sent.status in (302, 303), sent.text
    assert any("<request>" in octets for octets in town.far.octets), town.far.octets


async def _ship(town: FarTown, trace: FileTrace) -> None:
    await town.say(write_loan_request("CLB-9"))
    await town.quiet()
    request = await town.act(await town.lending(), EventKind.LOCATED, barcode=await town.find_free_barcode())
    with trace.watch():
        await town.town.act(
            request, ActionRequest(kind=EventKind.SHIPPED, details=EventDetails(), actor=STAFF, version=None)
        )
        answered = trace.calls.copy()  # the release of its hold, which follows, looks at the request for itself
        await town.quiet()
    trace.calls = answered
    shipped = await town.see(request)
    assert shipped.state is LendingState.SHIPPED
    assert town.far.said("Loaned")


async def _post(town: FarTown, path: str, body: bytes) -> bytes:
    url = f"http://127.0.0.1:{town.town.gateway.http_port}/{path}"
    headers: dict[str, Any] = {"Content-Type": "application/xml"}
    async with aiohttp.ClientSession() as client, client.post(url, data=body, headers=headers) as answer:
        return await answer.read()
