"""A trial of a partner's system, and what came of it."""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import jinja2

from gateway.domain.clock import Clock
from gateway.domain.value import value_object
from rehearsal.ports.trials import CheckedExchange, ConformanceConversation, ConformanceFinding, FindingWeight

TEMPLATE_FOLDER = Path(__file__).parent

FORMATS = ("html", "json")


@value_object(kw_only=True)
class ConformanceSubject:
    """The system that is tried, and by whom: protocol and version as the profile says, the library's symbol, the
    program's version."""

    profile: str
    protocol: str
    version: str
    url: str
    library: str
    program: str


@value_object
class HeldConversation:
    name: str
    title: str
    exchanges: tuple[CheckedExchange, ...]

    @property
    def has_broken(self) -> bool:
        return any(has_broken(exchange) for exchange in self.exchanges)


@value_object(kw_only=True)
class ConformanceReport:
    subject: ConformanceSubject
    started: datetime
    conversations: tuple[HeldConversation, ...]

    def list_findings(self, weight: FindingWeight) -> tuple[ConformanceFinding, ...]:
        return tuple(
            finding
            for conversation in self.conversations
            for exchange in conversation.exchanges
            for finding in exchange.findings
            if finding.weight is weight
        )

    def count_checks(self, weight: FindingWeight) -> Mapping[str, int]:
        """Count how often each check has found something."""
        return Counter(finding.check for finding in self.list_findings(weight))

    @property
    def untried_count(self) -> int:
        """Exchanges that there was nothing to prove by."""
        return sum(bool(exchange.untried) for conversation in self.conversations for exchange in conversation.exchanges)

    @property
    def is_passed(self) -> bool:
        """All was tried, and nothing is against the standard."""
        return not self.list_findings(FindingWeight.BROKEN) and not self.untried_count

    @property
    def summary(self) -> str:
        broken, advice = (len(self.list_findings(weight)) for weight in (FindingWeight.BROKEN, FindingWeight.ADVICE))
        untried = f", {self.untried_count} not tried" if self.untried_count else ""
        return f"{broken} against the standard, {advice} pieces of advice{untried}"


def has_broken(exchange: CheckedExchange) -> bool:
    return any(finding.weight is FindingWeight.BROKEN for finding in exchange.findings)


async def hold_conversations(
    subject: ConformanceSubject, conversations: Sequence[ConformanceConversation], clock: Clock
) -> ConformanceReport:
    """One after the other. Raises ConfigurationError for secrets that aren't there."""
    started = clock.now().astimezone(UTC)
    held = [HeldConversation(talk.name, talk.title, await talk.hold()) for talk in conversations]
    return ConformanceReport(subject=subject, started=started, conversations=tuple(held))


def write_report(report: ConformanceReport, format_name: str) -> bytes:
    """Write a report in the format of a name of FORMATS. Raises KeyError."""
    return _WRITERS[format_name](report)


# --- JSON ------------------------------------------------------------------------------------------------


def _write_json(report: ConformanceReport) -> bytes:
    subject = report.subject
    document = {
        "profile": subject.profile,
        "protocol": subject.protocol,
        "version": subject.version,
        "url": subject.url,
        "library": subject.library,
        "program": subject.program,
        "started": report.started.isoformat(),
        "passed": report.is_passed,
        "conversations": [
            {
                "name": conversation.name,
                "title": conversation.title,
                "exchanges": [_describe_exchange(exchange) for exchange in conversation.exchanges],
            }
            for conversation in report.conversations
        ],
    }
    return (json.dumps(document, ensure_ascii=False, indent=2) + "\n").encode()


def _describe_exchange(exchange: CheckedExchange) -> dict[str, object]:
    return {
        "title": exchange.title,
        "untried": exchange.untried,
        "came": exchange.came,
        "sent": _show_body(exchange.sent),
        "status": exchange.status,
        "content_type": exchange.content_type,
        "answer": _show_body(exchange.answer),
        "seconds": round(exchange.seconds, 3),
        "findings": [
            {"check": finding.check, "weight": finding.weight.value, "clause": finding.clause, "words": finding.words}
            for finding in exchange.findings
        ],
    }


def _show_body(body: bytes) -> str:
    """Show a body as text; what is none as base64, which the first word says."""
    try:
        return body.decode()
    except UnicodeDecodeError:
        return f"base64 {base64.b64encode(body).decode()}"


# --- HTML ------------------------------------------------------------------------------------------------


def _write_html(report: ConformanceReport) -> bytes:
    """One file that loads nothing."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATE_FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["show_body"] = _show_body
    text = environment.get_template("report.html.j2").render(
        report=report,
        subject=report.subject,
    )
    return text.encode()


_WRITERS: Mapping[str, Callable[[ConformanceReport], bytes]] = {
    "html": _write_html,
    "json": _write_json,
}
