"""Trials of systems that speak ISO ILL: our own listener passes, and what a played partner does wrong is found."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC
from pathlib import Path

import pytest
import pytest_asyncio

from adapters.iso_ill.codec import encode_apdu
from adapters.iso_ill.messages import Apdu, StatusOrErrorReport
from gateway.domain.problems import ConfigurationError
from gateway.domain.requests.events import EventKind
from gateway.ports.responder import RawMessage, TransportKind
from rehearsal.conformance.report import ConformanceReport, hold_conversations
from rehearsal.ports.trials import ArrivedMessage, ConformanceContext, FindingWeight, TriedSide
from rehearsal.protocols.iso_ill.heard_apdus import HeardApdus
from rehearsal.protocols.iso_ill.rehearsal import MISBEHAVIOURS
from rehearsal.protocols.iso_ill.trials import IsoIllTrial, IsoIllTrials
from tests.rehearsal.test_conformance import SPITEFUL
from tests.rehearsal.world import MockWorld, make_template, run_tcp_world
from tests.support.full_apdus import build_full_apdus

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOWHERE = "127.0.0.1:9"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_template(tmp_path_factory.mktemp("iso-ill-conformance"))


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def world(template: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[MockWorld]:
    folder = tmp_path_factory.mktemp("world")
    async with run_tcp_world(template, folder, "same-connection", chosen=["silent"]) as world:
        yield world


def make_context(world: MockWorld, run: str, tried: TriedSide, url: str = "") -> ConformanceContext:
    profile = world.town.context.profile("fjordby")
    assert profile is not None
    theirs = profile.dialects["iso_ill"].transport.address  # type: ignore[attr-defined]
    return ConformanceContext(
        profile=profile,
        tried=tried,
        library="CLK",
        partner="ISIL:NO-0030101",
        zone=UTC,
        currency="EUR",
        url=url or (world.gateway_url if tried is TriedSide.OURSELVES else theirs),
        run=run,
        values={},
        clock=world.clock,
        secrets=str,
        folder=world.config.parent,
    )


def hurry_context(context: ConformanceContext) -> ConformanceContext:
    """Nothing is waited for."""
    section = context.profile.dialects["iso_ill"]
    transport = section.transport.model_copy(update={"reply_seconds": 0.01})  # type: ignore[attr-defined]
    dialects = {**context.profile.dialects, "iso_ill": section.model_copy(update={"transport": transport})}
    return dataclasses.replace(context, profile=context.profile.model_copy(update={"dialects": dialects}))


async def try_system(context: ConformanceContext) -> ConformanceReport:
    return await hold_conversations(SPITEFUL.subject, IsoIllTrials().list_conversations(context), context.clock)


async def test_our_own_listener_passes(world: MockWorld) -> None:
    report = await try_system(make_context(world, "own", TriedSide.OURSELVES))

    assert list(report.list_findings(FindingWeight.BROKEN)) == []
    assert list(report.list_findings(FindingWeight.ADVICE)) == []
    assert [len(one.exchanges) for one in report.conversations] == [4, 6, 5, 1, 2]


async def test_a_partner_that_is_played_passes(world: MockWorld) -> None:
    report = await try_system(make_context(world, "mock", TriedSide.PARTNER))
    assert (report.count_checks(FindingWeight.BROKEN), report.count_checks(FindingWeight.ADVICE)) == ({}, {})


FOUND = {
    "no-report": "report",
    "broken-ber": "report",
    "other-ber": "well-formed",
    "double-report": "one-message",
    "other-version": "version",
    "other-transaction": "transaction-id",
    "other-requester": "requester-id",
    "other-responder": "responder-id",
    "reports-nothing": "reason-no-report",
    "reason-and-report": "reason-no-report",
    "accepts-all": "error-report",
    "refuses-all": "unexpected-error",
    "other-problem": "problem",
    "no-correlation": "correlation",
}
"""Misbehaviour -> the check that finds it."""

WAITED_FOR = frozenset({"no-report", "broken-ber"})
"""Nothing whole comes, so that the trial ends by its time-out."""


async def test_each_misbehaviour_has_a_check() -> None:
    assert set(FOUND) == set(MISBEHAVIOURS)


@pytest.mark.parametrize("name", FOUND)
async def test_a_misbehaviour_is_found_by_name(name: str, world: MockWorld) -> None:
    play = world.partner.play
    world.partner.play = dataclasses.replace(play, misbehaviour=name)
    try:
        context = make_context(world, f"wrong-{name}", TriedSide.PARTNER)
        report = await try_system(hurry_context(context) if name in WAITED_FOR else context)
    finally:
        world.partner.play = play

    checks = {*report.count_checks(FindingWeight.BROKEN), *report.count_checks(FindingWeight.ADVICE)}
    assert FOUND[name] in checks


async def test_a_partner_that_is_not_there_is_a_finding(world: MockWorld) -> None:
    report = await try_system(make_context(world, "away", TriedSide.PARTNER, NOWHERE))
    assert set(report.count_checks(FindingWeight.BROKEN)) == {"report"}


async def test_a_partner_without_a_symbol_cannot_be_tried(world: MockWorld) -> None:
    context = dataclasses.replace(make_context(world, "none", TriedSide.PARTNER), partner="")
    with pytest.raises(ConfigurationError, match="names no symbol"):
        IsoIllTrials().list_conversations(context)


class GivenArrivals:
    """The port `TrialArrivals`: these messages, at once."""

    def __init__(self, world: MockWorld, run: str, *messages: bytes) -> None:
        now = world.clock.now()
        self._left = [
            ArrivedMessage(RawMessage(one, now, TransportKind.TCP, "iso-ill"), b"", run.encode() in one)
            for one in messages
        ]

    async def wait_for_message(self, _seconds: float) -> ArrivedMessage | None:
        return self._left.pop(0) if self._left else None


async def test_a_report_that_comes_late_is_not_taken_for_one_about_the_next_transaction(world: MockWorld) -> None:
    context, heard = make_context(world, "late", TriedSide.PARTNER), HeardApdus(world.clock, UTC)
    trials = [IsoIllTrial(name, context, heard) for name in ("request", "unknown-request")]
    first, second = (one.write_apdu(EventKind.CANCEL) for one in trials)
    assert first is not None
    assert second is not None
    heard.note_sent(first)
    heard.note_sent(second)
    late, awaited = (write_report(one) for one in (first, second))
    context = dataclasses.replace(context, arrivals=GivenArrivals(world, "late", late, awaited))
    trial = IsoIllTrial("unknown-request", context, heard)

    assert await trial.hear_report(second) == awaited
    assert [one.answer for one in trial.exchanges] == [late]


async def test_a_report_about_somebody_else_is_no_answer_and_in_no_report(world: MockWorld) -> None:
    """A system that opens connections of its own says there all that it says."""
    context, heard = make_context(world, "stray", TriedSide.PARTNER), HeardApdus(world.clock, UTC)
    ours = IsoIllTrial("request", context, heard).write_apdu(EventKind.CANCEL)
    assert ours is not None
    heard.note_sent(ours)
    foreign = write_report(replace(ours, transaction_id=replace(ours.transaction_id, qualifier="CLK-B2026-17")))
    arrivals = GivenArrivals(world, "stray", foreign.replace(b"stray", b"other"))
    trial = IsoIllTrial("request", dataclasses.replace(context, arrivals=arrivals), heard)

    assert await trial.hear_report(ours) == b""
    assert [(one.answer, one.findings[-1].check) for one in trial.exchanges] == [(b"", "transaction-id")]


def write_report(about: Apdu) -> bytes:
    report = build_full_apdus(StatusOrErrorReport)[0]
    return encode_apdu(dataclasses.replace(report, transaction_id=about.transaction_id))
