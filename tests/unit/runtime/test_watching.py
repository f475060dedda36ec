"""Alerts and dashboard of deploy/: they ask for what a daemon shows, and each alert fires by its cause alone."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.parser import text_string_to_metric_families

from gateway.domain.requests.request import Role
from gateway.domain.requests.staff_views import MailboxFailure
from gateway.ports.responder import OutcomeClass
from gateway.runtime.monitoring import GatewayMetrics
from gateway.store.requests.outbox import OutboxStatus
from gateway.store.requests.request_messages import UnreadCount
from gateway.web.app import GatewayReadiness, PartKind, ReadinessPart
from gateway.web.inbound import AdmissionQueue
from tests.protocol.pages.support import running
from tests.support.daemon import Installation
from tests.support.installed import NotInstalled, start_or_skip
from tests.support.paths import ROOT
from tests.support.yaml_files import read_yaml_file, write_yaml_file

RULES = ROOT / "deploy" / "prometheus-rules.yml"
ALERTS = {rule["alert"]: rule for group in read_yaml_file(RULES)["groups"] for rule in group["rules"]}
PANELS = json.loads((ROOT / "deploy" / "grafana-dashboard.json").read_text())["panels"]
QUERIES = [
    *((name, rule["expr"], rule["annotations"]["summary"]) for name, rule in ALERTS.items()),
    *((panel["title"], target["expr"], target["legendFormat"]) for panel in PANELS for target in panel["targets"]),
]

NOW = datetime(1970, 1, 1, tzinfo=UTC)
"""Of promtool, whose time begins there."""
HOURS = {"IllgateUnmatchedEmail": 26, "IllgateNetworkMemberSilent": 6, "IllgateBackupOld": 50}
STEP = 4
"""Minutes from one look to the next; the shortest rates are those of five."""
ASKED = set(re.findall(r"\b(?:illgate|process)_\w+", " ".join(query for _, query, _ in QUERIES)))


# --- what they ask for is there ------------------------------------------------------------------------------


async def test_each_query_asks_for_metrics_and_labels_of_a_daemon(installation: Installation) -> None:
    async with running(installation, store={"backups": "copies"}) as daemon:
        daemon.gateway.start_workers()
        async with aiohttp.ClientSession(daemon.url) as session, session.get("/metrics") as answer:
            shown = {family.name for family in text_string_to_metric_families(await answer.text())}
        sources = daemon.gateway.metrics.registry._names_to_collectors
    assert len(QUERIES) > 40
    for title, query, text in QUERIES:
        names = set(re.findall(r"\b(?:illgate|process)_\w+", query)) or {"up"}
        for name in names - {"up"}:
            assert {name, re.sub("_(total|bucket|sum|count|info)$", "", name)} & shown, f"{title}: {name}"
        known = {"job"} if names == {"up"} else {"le", "version"}
        for name in names - {"up"}:
            source = sources.get(name)
            known |= set(source._labelnames) if isinstance(source, MetricWrapperBase) else set()
        asked = re.findall(r"(\w+)(?:=~|!=|=)\"", query) + re.findall(
            r"\w+", " ".join(re.findall(r"by \((.+?)\)", query))
        )
        asked += re.findall(r"{{ ?(?:\$labels\.)?(\w+) ?}}", text)
        assert set(asked) <= known, f"{title}: {set(asked) - known}"


# --- each alert fires ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def promtool() -> str:
    def find() -> str:
        program = shutil.which("promtool")
        if program is None:
            raise NotInstalled("no promtool (apt-get install prometheus)")
        return program

    return start_or_skip(find)


def make_down(kind: PartKind, own_name: str = "", library: str = "") -> Callable[[GatewayMetrics], None]:
    part = ReadinessPart(kind, "away", (), library, own_name)
    return lambda metrics: metrics.record_readiness(GatewayReadiness((part,)))


def make_note(kind: PartKind, own_name: str = "", library: str = "") -> Callable[[GatewayMetrics], None]:
    part = ReadinessPart(kind, "", ("note",), library, own_name)
    return lambda metrics: metrics.record_readiness(GatewayReadiness((part,)))


def fail_messages(metrics: GatewayMetrics) -> None:
    metrics.record_message("ncip", "illiad", "LookupUser", OutcomeClass.FAILED, 0.1)


def refuse_for_share(metrics: GatewayMetrics) -> None:
    metrics.count_full_share("CLK")


def turn_away(metrics: GatewayMetrics) -> None:
    gate = AdmissionQueue(places=1, queue=0, seconds=1)
    gate.turned_away = 7
    metrics.watch_gate(gate)


DAYS_AGO = NOW - timedelta(days=2)
CAUSES: dict[str, Callable[[GatewayMetrics], None]] = {
    "IllgatePartDown": make_down(PartKind.LISTENER, "http 127.0.0.1:8080"),
    "IllgateLibrarySystemDown": make_down(PartKind.LIBRARY, "CLK", "CLK"),
    "IllgateDiskFull": make_note(PartKind.STORE_WRITING),
    "IllgateClockDiffers": make_note(PartKind.CLOCK),
    "IllgateUnknownProxy": make_note(PartKind.PROXIES),
    "IllgateLibrarySystemRefusesCalls": make_note(PartKind.LIBRARY, "CLK", "CLK"),
    "IllgateMessagesSetAside": make_note(PartKind.MESSAGES),
    "IllgateMailboxAway": lambda metrics: metrics.record_mailboxes(
        {"ill": MailboxFailure("ill", DAYS_AGO, "away")}, NOW
    ),
    "IllgateOutboxLate": lambda metrics: metrics.record_outbox_rows({}, DAYS_AGO, NOW),
    "IllgateFailedMessages": lambda metrics: metrics.record_outbox_rows({("CLK", OutboxStatus.DEAD): 1}, None, NOW),
    "IllgateUnreadMessages": lambda metrics: metrics.record_unread_messages(
        ("CLK",), {("CLK", Role.LENDING): UnreadCount(1, DAYS_AGO)}, NOW
    ),
    "IllgateUnmatchedEmail": lambda metrics: metrics.record_unmatched_mails("CLK", 1),
    "IllgateMessagePending": lambda metrics: metrics.record_oldest_pending(DAYS_AGO, NOW),
    "IllgateProfilesWrong": lambda metrics: metrics.watch_profiles(lambda: 1),
    "IllgateOverloaded": turn_away,
    "IllgateLibraryOverItsShare": refuse_for_share,
    "IllgateTechnicalFailures": fail_messages,
    "IllgateDefect": lambda metrics: metrics.count_defect("exchange.defect"),
    "IllgateNetworkMemberSilent": lambda metrics: metrics.count_network_query("silent"),
    "IllgateStrangersTry": lambda metrics: metrics.count_refusal("api", "key"),
    "IllgateCertificateEnds": lambda metrics: metrics.record_certificates({"ill.pem": NOW + timedelta(days=10)}),
    "IllgateBackupOld": lambda metrics: metrics.watch_backups(Path("/nowhere")),
}
"""What is made to happen, by the alert that tells of it."""

GROWING = 10
"""Of what is counted, more in each step."""


def iter_series(page: str) -> Iterator[tuple[str, str]]:
    """What Prometheus sees if a page of metrics goes on like that: a series, its value and what it grows by in a
    step."""
    yield 'up{job="illgate"}', "1+0"
    for family in text_string_to_metric_families(page):
        counts = family.type in ("counter", "histogram") or family.name == "illgate_messages_turned_away"
        for sample in family.samples:
            if sample.name in ASKED:
                labels = ",".join(f'{name}="{value}"' for name, value in sample.labels.items())
                yield f"{sample.name}{{{labels}}}", f"{sample.value:.0f}+{GROWING if counts and sample.value else 0}"


@dataclass(frozen=True)
class ExpectedQuery:
    """A query, and the alerts that it counts, each as one; None: it gives the number 1 without labels."""

    query: str
    alerts: Collection[str] | None = None


@dataclass(frozen=True)
class RuleTest:
    """What promtool evaluates after so many hours in which these series went on."""

    name: str
    series: Sequence[tuple[str, str]]
    hours: int
    expected: Sequence[ExpectedQuery]


def run_rules(promtool: str, folder: Path, tests: Sequence[RuleTest]) -> None:
    document = {
        "rule_files": [str(RULES)],
        "evaluation_interval": f"{STEP}m",
        "tests": [
            {
                "name": test.name,
                "interval": f"{STEP}m",
                "input_series": [
                    {"series": names, "values": f"{values}x{test.hours * 60 // STEP}"} for names, values in test.series
                ],
                "promql_expr_test": [
                    {
                        "expr": expected.query,
                        "eval_time": f"{test.hours}h",
                        "exp_samples": [{"labels": "{}", "value": 1}]
                        if expected.alerts is None
                        else [{"labels": f'{{alertname="{alert}"}}', "value": 1} for alert in expected.alerts],
                    }
                    for expected in test.expected
                ],
            }
            for test in tests
        ],
    }
    file = folder / "tests.yml"
    write_yaml_file(file, document)
    done = subprocess.run([promtool, "test", "rules", file], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


def render(metrics: GatewayMetrics) -> str:
    return metrics.render()[0].decode()


def make_healthy() -> GatewayMetrics:
    metrics = GatewayMetrics()
    metrics.record_message("ncip", "illiad", "LookupUser", OutcomeClass.OK, 0.1)
    library = ReadinessPart(PartKind.LIBRARY, library="CLK", own_name="CLK")
    metrics.record_readiness(GatewayReadiness((ReadinessPart(PartKind.STORE), library)))
    metrics.record_outbox_rows({("CLK", OutboxStatus.WAITING): 3}, NOW - timedelta(seconds=30), NOW)
    metrics.record_certificates({"other.pem": NOW + timedelta(days=90)})
    return metrics


@pytest.mark.slow
def test_each_alert_fires_by_its_cause_alone_and_none_in_health(promtool: str, tmp_path: Path) -> None:
    assert CAUSES.keys() | {"IllgateDown"} == ALERTS.keys()
    tests = {"": list(iter_series(render(make_healthy())))}
    tests["IllgateDown"] = [('up{job="illgate"}', "0+0")]
    for name, make_cause in CAUSES.items():
        metrics = make_healthy()
        make_cause(metrics)
        tests[name] = list(iter_series(render(metrics)))
    firing = 'count by (alertname) (ALERTS{alertstate="firing"})'
    run_rules(
        promtool,
        tmp_path,
        [
            RuleTest(name, series, HOURS.get(name, 2), [ExpectedQuery(firing, [name] if name else [])])
            for name, series in tests.items()
        ],
    )


# --- the causes at a daemon ----------------------------------------------------------------------------------


async def test_a_backup_a_wrong_profile_and_a_stranger_show_at_a_daemon(installation: Installation) -> None:
    copies = installation.folder / "copies"
    copies.mkdir()
    (copies / "illgate-20260301T120000Z.db").write_bytes(b"SQLite")
    os.utime(copies / "illgate-20260301T120000Z.db", (1_772_366_400, 1_772_366_400))
    (copies / "illgate-20260302T120000Z.part").write_bytes(b"SQL")
    async with running(installation, store={"backups": "copies"}) as daemon:
        (installation.folder / "profiles" / "broken.yml").write_text("name: [\n")
        assert not await daemon.gateway.reload()
        async with aiohttp.ClientSession(daemon.url) as session:
            async with session.get("/api/v1/key", headers={"Authorization": "Bearer ilg_wrong"}) as answer:
                assert answer.status == 401
            async with session.get("/metrics") as answer:
                page = await answer.text()
    assert "illgate_backup_timestamp_seconds 1.7723664e+09" in page
    assert "illgate_profile_problems 1.0" in page
    assert 'illgate_access_refused_total{place="api",reason="key"} 1.0' in page
    assert re.search(r"^illgate_database_bytes [1-9]", page, re.MULTILINE)
