"""Traces: what a collector gets by OTLP over HTTP, and that nothing is loaded without them."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import aiohttp
import pytest
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from gateway.domain.requests.events import EventKind
from gateway.runtime.daemon import Daemon
from gateway.runtime.logs import set_up_logging
from gateway.services.requests.effects import PARTNER
from gateway.store.requests.outbox import OutboxRow, add_outbox_row
from tests.protocol.pages.support import running
from tests.protocol.staff.request_scenes import RULES, add_partners, hear_partner, make_asked
from tests.protocol.staff.support import colleague
from tests.support.daemon import Installation
from tests.support.logs import logs_as_before
from tests.support.paths import ROOT

PATRON, TITLE = "21000000000017", "Λιμάνια του Νότου"
ACCEPT = f"""<NCIPMessage xmlns="http://www.niso.org/2008/ncip" version="http://www.niso.org/schemas/ncip/v2_02/ncip_v2_02.xsd">
<AcceptItem><RequestId><RequestIdentifierValue>TN-1</RequestIdentifierValue></RequestId>
<RequestedActionType>Hold For Pickup</RequestedActionType>
<UserId><UserIdentifierValue>{PATRON}</UserIdentifierValue></UserId>
<ItemId><ItemIdentifierValue>SOUTH-1</ItemIdentifierValue></ItemId>
<ItemOptionalFields><BibliographicDescription><Title>{TITLE}</Title></BibliographicDescription></ItemOptionalFields>
</AcceptItem></NCIPMessage>""".encode()


class Collector:
    """What it got, as it came and as spans."""

    def __init__(self) -> None:
        self.url = ""
        self.bodies: list[bytes] = []
        self.keys: set[str | None] = set()

    async def take(self, request: web.Request) -> web.Response:
        self.bodies.append(await request.read())
        self.keys.add(request.headers.get("X-Key"))
        return web.Response(content_type="application/x-protobuf")

    def find_span(self, name: str) -> Span:
        """The only one of this name."""
        exports = [ExportTraceServiceRequest.FromString(body) for body in self.bodies]
        scopes = [scope for export in exports for sent in export.resource_spans for scope in sent.scope_spans]
        (span,) = [span for scope in scopes for span in scope.spans if span.name == name]
        return span


def facts_of(span: Span) -> dict[str, object]:
    return {fact.key: fact.value.string_value or fact.value.int_value for fact in span.attributes}


@pytest.fixture
async def collector() -> AsyncIterator[Collector]:
    made, app = Collector(), web.Application()
    app.router.add_post("/v1/traces", made.take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1/traces"
    yield made
    await runner.cleanup()


@asynccontextmanager
async def traced(
    installation: Installation, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[aiohttp.ClientSession, Daemon]]:
    """All spans have arrived when it ends."""
    monkeypatch.setenv("COLLECTOR_KEY", "hush")
    traces = {"endpoint": collector.url, "headers": {"X-Key": "env:COLLECTOR_KEY"}}
    async with running(installation, traces=traces) as here, aiohttp.ClientSession(here.url) as session:
        yield session, here.gateway


async def test_a_message_and_what_it_asks_of_the_library_are_one_trace_without_the_patron(
    installation: Installation, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    stranger = {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}
    async with (
        traced(installation, collector, monkeypatch) as (partner, _),
        partner.post("/ncip/ncip2?who=Ana", data=ACCEPT, headers=stranger) as answer,
    ):
        assert b"Problem" not in await answer.read()

    request = collector.find_span("POST /ncip/{first}")
    message = collector.find_span("message ncip AcceptItem")
    call = collector.find_span("library create_temporary_item")
    assert (message.parent_span_id, call.parent_span_id) == (request.span_id, message.span_id)
    assert request.trace_id == message.trace_id == call.trace_id != bytes.fromhex("a" * 32)
    assert (request.parent_span_id, facts_of(request)["http.response.status_code"]) == (b"", 200)
    expected = {"protocol": "ncip", "service": "AcceptItem", "partner": "ncip2", "outcome": "ok"}
    assert facts_of(message) == {f"illgate.{name}": value for name, value in expected.items()}
    expected = {"system": "embedded", "library": "DEMO", "operation": "create_temporary_item", "outcome": "done"}
    assert facts_of(call) == {f"illgate.{name}": value for name, value in expected.items()}
    sent = b"".join(collector.bodies)
    assert not [text for text in (PATRON, TITLE, "SOUTH-1", "TN-1", "Ana", "hush") if text.encode() in sent]
    assert collector.keys == {"hush"}


async def test_a_request_is_named_by_its_route_without_ids_and_query(
    installation: Installation, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with traced(installation, collector, monkeypatch) as (session, _):
        for path in (f"/api/v1/requests/{PATRON}?q=Ana", f"/nowhere/{PATRON}", "/readyz"):
            async with session.get(path) as answer:
                await answer.read()

    span = collector.find_span("GET /api/v1/requests/{id}")
    assert facts_of(span)["http.response.status_code"] == 401
    sent = b"".join(collector.bodies)
    assert not [text for text in (PATRON, "Ana", "nowhere", "readyz") if text.encode() in sent]


async def test_a_failed_attempt_of_the_outbox_is_marked_and_says_nothing_of_the_error(
    installation: Installation, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime(2026, 3, 1, tzinfo=UTC)
    row = OutboxRow(
        library="DEMO", id="1", lane="r-1", kind=PARTNER, target="ncip2", payload=PATRON, created=now, next_at=now
    )
    async with traced(installation, collector, monkeypatch) as (_, gateway):
        await gateway.managed.contexts["DEMO"].store.write(lambda c: add_outbox_row(c, row))
        await gateway.managed.worker.drain()

    span = collector.find_span("outbox partner")
    facts = facts_of(span)
    assert (facts["illgate.partner"], facts["illgate.outcome"]) == ("ncip2", "defect")
    assert (span.parent_span_id, span.status.code, span.events[:]) == (b"", Status.STATUS_CODE_ERROR, [])
    assert PATRON.encode() not in b"".join(collector.bodies)


async def test_an_action_of_staff_has_the_work_that_it_waits_for_below_it(
    installation: Installation, collector: Collector
) -> None:
    add_partners(installation)
    async with running(installation, rules=RULES, traces={"endpoint": collector.url}) as here:
        request = await hear_partner(here, await make_asked(here), EventKind.SHIPPED)
        async with colleague(here, "r.okafor", "staff") as ruth:
            await ruth.post("/scan/receive", {"code": request.number})

    action = collector.find_span("POST /staff/scan/receive")
    attempt = collector.find_span("outbox library")
    call = collector.find_span("library create_temporary_item")
    assert (attempt.parent_span_id, call.parent_span_id) == (action.span_id, attempt.span_id)
    assert action.trace_id == attempt.trace_id == call.trace_id
    assert facts_of(attempt) == {"illgate.kind": "library", "illgate.library": "DEMO", "illgate.outcome": "done"}


async def test_log_lines_name_the_trace(
    installation: Installation, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = io.StringIO()
    with logs_as_before():
        set_up_logging("json", stream=out)
        async with traced(installation, collector, monkeypatch) as (partner, _):
            monkeypatch.setattr("gateway.services.exchange.handlers.dispatch_command", None)  # a defect of ours
            async with partner.post("/ncip/ncip2", data=ACCEPT) as answer:
                assert b"Temporary Processing Failure" in await answer.read()

    lines = {line["event"]: line for line in map(json.loads, out.getvalue().splitlines())}
    message = collector.find_span("message ncip AcceptItem")
    assert lines["exchange.defect"]["trace_id"] == message.trace_id.hex()
    assert message.status.code == Status.STATUS_CODE_ERROR
    assert "trace_id" not in lines["daemon.stopped"]


async def test_a_collector_that_is_away_keeps_nobody(installation: Installation, unused_tcp_port: int) -> None:
    traces = {"endpoint": f"http://127.0.0.1:{unused_tcp_port}/v1/traces"}
    async with (
        running(installation, traces=traces, shutdown_seconds=1) as here,
        aiohttp.ClientSession(here.url) as partner,
        partner.post("/ncip/ncip2", data=ACCEPT) as answer,
    ):
        assert answer.status == 200


SERVE_WITHOUT = """
import asyncio, sys
from pathlib import Path
from aiohttp import request
from gateway.adapter_registry import load_adapters
from gateway.domain.requests.events import EventKind
from gateway.runtime.daemon import Daemon
from gateway.settings import load_settings

async def serve(config, message):
    adapters = load_adapters()
    gateway = Daemon(load_settings(config, adapters), adapters)
    await gateway.start()
    async with request("POST", f"{gateway.url}/ncip/ncip2", data=message) as answer:
        assert b"Problem" not in await answer.read()
    await gateway.stop()

asyncio.run(serve(Path(sys.argv[1]), sys.argv[2].encode()))
print([name for name in sys.modules if name.startswith(("opentelemetry", "gateway.runtime.traces"))])
"""


def test_nothing_is_loaded_where_traces_are_off(installation: Installation) -> None:
    command = [sys.executable, "-c", SERVE_WITHOUT, str(installation.config), ACCEPT.decode()]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)

    assert (done.stdout.splitlines()[-1:], done.returncode) == (["[]"], 0), done.stderr
