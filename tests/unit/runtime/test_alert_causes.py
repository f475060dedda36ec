"""From cause to alert: one daemon in which all that alerts tell of goes wrong, what it shows, and what fires then.

Two causes are elsewhere: a daemon that is gone shows nothing (`IllgateDown`), and clocks are compared where nodes share
PostgreSQL (`IllgateClockDiffers`: tests/unit/services/test_node_beats.py).
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest

from adapters.mailbox import adapter as mailbox_adapter
from gateway.adapter_registry import AdapterRegistry
from gateway.domain.commands import LookUpPatron, PatronRef
from gateway.domain.requests.events import Event, EventDetails, EventKind, partner_signal
from gateway.ports.adapter import LibraryAdapter, ProtocolAdapter
from gateway.ports.responder import DecodedMessage
from gateway.ports.shared_store import Store, Transaction
from gateway.runtime import monitoring, periodic_tasks
from gateway.runtime.daemon import Daemon
from gateway.services.exchange.recovery import MAX_STARTS
from gateway.services.outbox import AttemptOutcome
from gateway.store import mailbox
from gateway.store.engine import open_store
from gateway.store.journal import Journal
from gateway.store.journal_records import JournalOpening, JournalOptions
from gateway.store.mailbox import MailOutcome, MailPosition, MailRow
from gateway.store.requests import history, outbox, request_messages, requests
from gateway.store.requests.history import EventRow
from tests.support.certificates import Authority
from tests.unit.runtime.house import PROFILE, SETTINGS, Dialect, House, NoOptions, PlainResponder
from tests.unit.runtime.test_watching import ALERTS, PANELS, ExpectedQuery, RuleTest, iter_series, promtool, run_rules
from tests.unit.services.outbox.support import a_row
from tests.unit.store.requests.samples import borrowing

__all__ = ["promtool"]

LONG_AGO = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)

LIBRARIES = "".join(
    f"  - {{symbol: {symbol}, name: Library, secrets: ['file:member.key'], system: {{type: shelf}}}}\n"
    for symbol in ("CLK", "FJORD", "SUND")
)
MORE = """
http: {port: 0, max_concurrent: 2, queue_seconds: 0.05, tls: {certificate: gateway.pem, key: gateway.key}}
store: {url: "sqlite:///data/illgate.db", backups: copies}
mailboxes: [{library: CLK, name: replies, host: 127.0.0.1, port: 1, security: none, user: ill, password: "file:key"}]
"""

SHOWN = {
    "IllgatePartDown": r'illgate_up{library="",part="listener tcp .+"} 0',
    "IllgateLibrarySystemDown": r'illgate_up{library="FJORD",part="library FJORD"} 0',
    "IllgateDiskFull": r'illgate_notes{library="",part="store writing"} 1',
    "IllgateUnknownProxy": r'illgate_notes{library="",part="proxies"} 1',
    "IllgateLibrarySystemRefusesCalls": r'illgate_notes{library="SUND",part="library SUND"} 1',
    "IllgateMessagesSetAside": r'illgate_notes{library="",part="messages"} 1',
    "IllgateMailboxAway": r'illgate_mailbox_away_seconds{mailbox="replies"} \d{5}',
    "IllgateOutboxLate": r"illgate_outbox_oldest_waiting_seconds \d\.\d+e",
    "IllgateFailedMessages": r'illgate_outbox_rows{library="CLK",status="dead"} 1',
    "IllgateUnreadMessages": r'illgate_oldest_unread_message_seconds{library="CLK",role="borrowing"} \d\.\d+e',
    "IllgateUnmatchedEmail": r'illgate_unmatched_mails{library="CLK"} 1',
    "IllgateMessagePending": r"illgate_oldest_pending_seconds \d\.\d+e",
    "IllgateProfilesWrong": r"illgate_profile_problems 1",
    "IllgateOverloaded": r"illgate_messages_turned_away 1",
    "IllgateLibraryOverItsShare": r'illgate_messages_over_share_total{library="CLK"} 1',
    "IllgateTechnicalFailures": r'illgate_messages_total{outcome="failed",profile="anyone",.+} 1',
    "IllgateDefect": r'illgate_defects_total{event="http.message_failed"} 1',
    "IllgateNetworkMemberSilent": r'illgate_network_asks_total{outcome="silent"} 1',
    "IllgateStrangersTry": r'illgate_access_refused_total{place="api",reason="key"} 1',
    "IllgateCertificateEnds": 'illgate_certificate_end_timestamp_seconds{file="gateway.pem"} 86400',
    "IllgateBackupOld": r"illgate_backup_timestamp_seconds 1",
}
"""What the daemon's page of metrics has for each alert, once its cause is there."""

WITHOUT_DAEMON = {"IllgateDown", "IllgateClockDiffers"}


def build_house(folder: Path) -> House:
    house = House(folder)
    shelf = LibraryAdapter("shelf", NoOptions, house._open)
    house.adapters = AdapterRegistry.from_adapters(
        ProtocolAdapter("plain", Dialect, PlainResponder), shelf, mailbox_adapter
    )
    Authority(folder).issue("gateway", ends=datetime(1970, 1, 2, tzinfo=UTC))
    for name in ("key", "member.key"):
        (folder / name).write_text("made-up\n")
    (folder / "copies").mkdir()
    (folder / "copies" / "illgate-19700101T000001Z.db").write_bytes(b"SQLite")
    os.utime(folder / "copies" / "illgate-19700101T000001Z.db", (1, 1))
    house.build()
    listeners = SETTINGS[SETTINGS.index("tcp:") :]
    (folder / "gateway.yml").write_text(f"libraries:\n{LIBRARIES}{MORE}{listeners}")
    house.profile.write_text(f"library: CLK\n{PROFILE}")
    member = (
        "library: CLK\npartner: {symbols: [LU-NET], network: {url: 'http://127.0.0.1:1', key: 'file:member.key'}}\n"
    )
    (folder / "profiles" / "member.yml").write_text(member)
    return house


@dataclass
class Troubles:
    """Makes what alerts tell of, in a daemon whose workers rest: so nothing is tried again, or mended."""

    house: House
    gateway: Daemon
    store: Store
    client: aiohttp.ClientSession
    monkeypatch: pytest.MonkeyPatch

    async def send(self, headers: Mapping[str, str] | None = None) -> int:
        async with self.client.post("/plain/anyone", data=b"x", headers=headers) as answer:
            return answer.status

    async def make_parts_fail(self) -> None:
        self.house.shelves["FJORD"].problem = "the library's server does not answer"
        self.house.shelves["SUND"].alerts = ("POST holds: HTTP 403",)  # type: ignore[attr-defined]
        self.monkeypatch.setattr(monitoring, "LOW_SPACE", 1 << 62)
        await self.gateway.listeners[-1].stop(1)  # type: ignore[attr-defined]
        assert await self.send({"X-Forwarded-For": "192.0.2.1"}) == 403

    async def make_messages_fail(self) -> None:
        """One is refused as the gateway is full, one for its library's share; one meets a defect of its protocol,
        and one of the library's system."""
        gate = self.gateway._gate
        await gate.enter()
        await gate.enter()
        assert await self.send() == 503
        gate.leave()
        gate.leave()
        with gate.count_by_library() as take_share:
            assert take_share("FJORD")
            assert take_share("CLK")
            await self.send()

        def fail(*_words: object) -> DecodedMessage:
            raise KeyError("a defect")

        def ask_shelf(*_words: object) -> DecodedMessage:
            return DecodedMessage("Greet", LookUpPatron(PatronRef()))

        self.monkeypatch.setattr(PlainResponder, "decode", fail)
        assert await self.send() == 500
        self.monkeypatch.setattr(PlainResponder, "decode", ask_shelf)
        await self.send()

    async def leave_work_behind(self) -> None:
        journal = Journal(self.store, JournalOptions(), self.gateway.node)
        pending = await journal.begin(JournalOpening("CLK", LONG_AGO, b"x", "plain", "http"))
        for _ in range(MAX_STARTS + 1):
            await journal.count_recovery("CLK", pending.exchange)
        request = borrowing(library="CLK")
        event = Event(partner_signal(EventKind.MESSAGE), LONG_AGO, "partner:NL-UT", EventDetails(note="привет"), 1)
        row = EventRow("1", "CLK", request.id, LONG_AGO, event, "requested", "requested")
        mail = MailRow(
            id="m1",
            spot=MailPosition("CLK", "replies", 1, 1),
            message_id="m1@own.example",
            digest="m1",
            at=LONG_AGO,
            outcome=MailOutcome.UNKNOWN,
            open=True,
        )

        def add_rows(c: Transaction) -> None:
            requests.insert_request(c, request)
            history.add_history_event(c, row)
            request_messages.add_message(c, request.role, row)
            mailbox.add_mail(c, mail, None)
            mailbox.record_mailbox_failure(c, "CLK", "replies", "away", datetime.now(UTC) - timedelta(hours=6))
            for waiting in (a_row(), dead := a_row("bergen")):
                outbox.add_outbox_row(c, waiting)
            claimed = outbox.claim_single_row(c, "CLK", dead.id, dead.next_at, timedelta(days=999), "node")
            assert claimed is not None
            outbox.mark_dead(c, claimed, "refused", LONG_AGO)

        await self.store.write(add_rows)

    async def make_others_fail(self) -> None:
        await self.gateway.managed.network.ask_due_libraries(self.gateway.managed.contexts)
        async with self.client.get("/api/v1/key", headers={"Authorization": "Bearer ilg_wrong"}) as answer:
            assert answer.status == 401
        (self.house.folder / "profiles" / "broken.yml").write_text("name: [\n")
        assert not await self.gateway.reload()

    def show_outbox(self) -> None:
        """For the dashboard alone: the workers rest, so one delivery and the worker are shown without them."""
        self.gateway.metrics.count_outbox_attempt(a_row(), AttemptOutcome.DONE)
        self.gateway.metrics.watch_outbox(self.gateway.managed.worker)

    async def read_metrics(self) -> str:
        """The page, once all is there; what is missing after a while."""
        missing = dict(SHOWN)
        for _ in range(200):
            async with self.client.get("/metrics") as answer:
                page = await answer.text()
            missing = {name: line for name, line in SHOWN.items() if not re.search(f"^{line}", page, re.MULTILINE)}
            if not missing:
                return page
            await asyncio.sleep(0.1)
        raise AssertionError(f"{missing} in {page}")


@pytest.mark.slow
async def test_each_cause_at_a_daemon_makes_its_alert_fire(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, promtool: str
) -> None:
    monkeypatch.setattr(monitoring, "FRESH_SECONDS", 0.0)
    monkeypatch.setattr(monitoring, "PROBE_SECONDS", 0.5)
    monkeypatch.setattr(periodic_tasks, "LOOK_SECONDS", 0.2)
    monkeypatch.setattr(periodic_tasks, "SLOW_LOOK_SECONDS", 0.2)
    house = build_house(tmp_path)
    store = open_store(f"sqlite:///{tmp_path}/data/illgate.db")
    async with house.running() as gateway:
        url, unchecked = f"https://127.0.0.1:{gateway.http_port}", aiohttp.TCPConnector(ssl=False)
        async with aiohttp.ClientSession(url, connector=unchecked) as client:
            troubles = Troubles(house, gateway, store, client, monkeypatch)
            await troubles.make_parts_fail()
            await troubles.make_messages_fail()
            await troubles.leave_work_behind()
            await troubles.make_others_fail()
            troubles.show_outbox()
            page = await troubles.read_metrics()
    await store.close()

    assert SHOWN.keys() | WITHOUT_DAEMON == ALERTS.keys()
    fired = [ExpectedQuery('max by (alertname) (ALERTS{alertstate="firing"})', SHOWN)]
    shown = [ExpectedQuery(f"count({target['expr']}) > bool 0") for panel in PANELS for target in panel["targets"]]
    run_rules(promtool, tmp_path, [RuleTest("all", list(iter_series(page)), 50, [*fired, *shown])])
