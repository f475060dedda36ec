"""Figures for Prometheus."""

from __future__ import annotations

import re
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path

import aiohttp
import pytest
import structlog

from gateway.domain.clock import SystemClock
from gateway.domain.requests.request import Role
from gateway.ports.responder import OutcomeClass
from gateway.runtime import monitoring as module
from gateway.runtime.monitoring import GatewayMetrics
from gateway.services.outbox import AttemptOutcome, OutboxOptions, OutboxWorker
from gateway.store.engine import open_store
from gateway.store.requests.outbox import OutboxRow, OutboxStatus
from gateway.store.requests.request_messages import UnreadCount
from gateway.web.app import GatewayReadiness, PartKind, ReadinessPart
from gateway.web.inbound import AdmissionQueue, QueueFullError
from tests.protocol.pages.support import running
from tests.support.daemon import Installation

LOOKUP = b"""<NCIPMessage xmlns="http://www.niso.org/2008/ncip" version="http://www.niso.org/schemas/ncip/v2_02/ncip_v2_02.xsd">
<LookupUser><UserId><UserIdentifierValue>21000000000017</UserIdentifierValue></UserId></LookupUser></NCIPMessage>"""


def page(metrics: GatewayMetrics) -> str:
    body, content_type = metrics.render()
    assert content_type.startswith("text/plain")
    return body.decode()


def test_messages_are_counted_and_timed() -> None:
    metrics = GatewayMetrics()
    for seconds in (0.004, 0.2):
        metrics.record_message("ncip", "illiad-alma", "LookupUser", OutcomeClass.OK, seconds)
    metrics.record_message("ncip", "", "", OutcomeClass.REJECTED, 0.001)
    text = page(metrics)
    labels = 'outcome="ok",profile="illiad-alma",protocol="ncip",service="LookupUser"'
    assert f"illgate_messages_total{{{labels}}} 2.0" in text
    assert 'illgate_messages_total{outcome="rejected",profile="",protocol="ncip",service=""} 1.0' in text
    assert 'illgate_message_seconds_bucket{le="0.005",protocol="ncip",service="LookupUser"} 1.0' in text
    assert 'illgate_message_seconds_count{protocol="ncip",service="LookupUser"} 2.0' in text
    assert re.search(
        r'^illgate_last_message_timestamp_seconds{profile="illiad-alma",protocol="ncip"} 1\.\d+e\+09$',
        text,
        re.MULTILINE,
    )
    assert f'illgate_build_info{{version="{version("illgate")}"}} 1.0' in text


def test_names_from_outside_do_not_grow_the_page_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_SERIES", 3)
    metrics = GatewayMetrics()
    for number in range(50):
        metrics.record_message("ncip", f"p{number}", f"Invented{number}", OutcomeClass.MALFORMED, 0.001)
    text = page(metrics)
    assert text.count("illgate_messages_total{") == 4
    assert 'profile="other",protocol="ncip",service="other"} 47.0' in text


async def test_state_of_the_house() -> None:
    metrics = GatewayMetrics()
    gate = AdmissionQueue(places=1, queue=0, seconds=1)
    metrics.watch_gate(gate)
    await gate.enter()
    with pytest.raises(QueueFullError):
        await gate.enter()
    metrics.count_full_share("CLK")
    metrics.watch_profiles(lambda: 2)
    metrics.record_readiness(
        GatewayReadiness(
            (
                ReadinessPart(PartKind.STORE),
                ReadinessPart(PartKind.STORE_WRITING, notes=("9 MB free",)),
                ReadinessPart(PartKind.LIBRARY, "down", library="CLK", own_name="CLK"),
            )
        )
    )
    now = datetime(2026, 3, 1, 12, tzinfo=UTC)
    metrics.record_oldest_pending(now - timedelta(minutes=2), now)
    text = page(metrics)
    for line in (
        "illgate_messages_in_hand 1.0",
        "illgate_messages_waiting 0.0",
        "illgate_messages_turned_away 1.0",
        'illgate_messages_over_share_total{library="CLK"} 1.0',
        "illgate_profile_problems 2.0",
        'illgate_up{library="",part="store"} 1.0',
        'illgate_up{library="CLK",part="library CLK"} 0.0',
        'illgate_notes{library="",part="store writing"} 1.0',
        'illgate_notes{library="",part="store"} 0.0',
        "illgate_oldest_pending_seconds 120.0",
        "process_cpu_seconds_total",
    ):
        assert line in text
    metrics.record_oldest_pending(None, now)
    assert "illgate_oldest_pending_seconds 0.0" in page(metrics)


def test_two_gateways_in_one_process_count_for_themselves() -> None:
    first, second = GatewayMetrics(), GatewayMetrics()
    first.record_message("ncip", "a", "LookupUser", OutcomeClass.OK, 0.001)
    assert "illgate_messages_total{" not in page(second)


def test_the_outbox_by_library_and_status_and_its_tries_by_kind() -> None:
    metrics = GatewayMetrics()
    now = datetime(2026, 3, 1, 12, tzinfo=UTC)
    row = OutboxRow(
        library="CLK",
        id="1",
        lane="r-1/partner/bergen",
        kind="partner",
        target="bergen",
        payload="",
        created=now,
        next_at=now,
    )
    metrics.count_outbox_attempt(row, AttemptOutcome.UNAVAILABLE)
    assert "illgate_last_delivery_timestamp_seconds{" not in page(metrics)
    metrics.count_outbox_attempt(row, AttemptOutcome.DONE)
    metrics.record_outbox_rows(
        {("CLK", OutboxStatus.WAITING): 3, ("UBX", OutboxStatus.DEAD): 1}, now - timedelta(hours=1), now
    )
    text = page(metrics)
    for line in (
        'illgate_outbox_tries_total{kind="partner",outcome="unavailable"} 1.0',
        'illgate_last_delivery_timestamp_seconds{library="CLK",partner="bergen"} 1',
        'illgate_outbox_rows{library="CLK",status="waiting"} 3.0',
        'illgate_outbox_rows{library="UBX",status="dead"} 1.0',
        "illgate_outbox_oldest_waiting_seconds 3600.0",
    ):
        assert line in text

    metrics.record_outbox_rows({("CLK", OutboxStatus.DEAD): 1}, None, now)
    text = page(metrics)
    assert 'status="waiting"' not in text
    assert "illgate_outbox_oldest_waiting_seconds 0.0" in text


def test_unread_messages_by_library_and_side_without_a_word_of_them() -> None:
    metrics = GatewayMetrics()
    now = datetime(2026, 3, 1, 12, tzinfo=UTC)
    metrics.record_unread_messages(("CLK",), {("CLK", Role.BORROWING): UnreadCount(3, now - timedelta(hours=2))}, now)
    metrics.record_unmatched_mails("CLK", 4)
    text = page(metrics)
    for line in (
        'illgate_unread_messages{library="CLK",role="borrowing"} 3.0',
        'illgate_unread_messages{library="CLK",role="lending"} 0.0',
        'illgate_oldest_unread_message_seconds{library="CLK",role="borrowing"} 7200.0',
        'illgate_oldest_unread_message_seconds{library="CLK",role="lending"} 0.0',
        'illgate_unmatched_mails{library="CLK"} 4.0',
    ):
        assert line in text

    metrics.record_unread_messages(("CLK",), {}, now)
    assert 'illgate_unread_messages{library="CLK",role="borrowing"} 0.0' in page(metrics)


async def test_defects_of_messages_are_counted_at_the_daemon(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(work: Coroutine[object, object, object]) -> None:
        work.close()
        raise KeyError("21000000000017")

    monkeypatch.setattr("gateway.services.exchange.handlers.run_without_waiting", fail)
    async with running(installation) as daemon, aiohttp.ClientSession(daemon.url) as partner:
        with structlog.testing.capture_logs() as logs:
            for _ in range(3):
                async with partner.post("/ncip/ncip2", data=LOOKUP) as answer:
                    assert b"Temporary Processing Failure" in await answer.read()
        async with partner.get("/metrics") as answer:
            figures = await answer.text()

    assert 'illgate_defects_total{event="exchange.defect"} 3.0' in figures
    defects = [one for one in logs if one["log_level"] == "error"]
    assert [one["event"] for one in defects] == ["exchange.defect"], "and not once a message"


async def test_the_worker_is_looked_at_when_prometheus_asks(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/illgate.db")
    metrics = GatewayMetrics()
    metrics.watch_outbox(OutboxWorker(store, SystemClock(), {}, OutboxOptions(), "here/1"))
    await store.close()
    assert "illgate_outbox_in_hand 0.0" in page(metrics)
    assert "illgate_outbox_breakers_open 0.0" in page(metrics)
