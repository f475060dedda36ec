"""Trials of systems that speak ISO 18626: our own endpoint passes, and what a played partner does wrong is found."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer
from lxml import etree
from sqlalchemy import select

from adapters.iso18626.codec import decode_message
from adapters.iso18626.dialect import Account
from adapters.iso18626.responder import Iso18626Responder
from gateway.domain.profile import Profile
from gateway.domain.requests.trial_numbers import name_trial_run
from gateway.ports.responder import RawMessage, ResponderAnswer, TransportKind
from gateway.store.schema import message
from rehearsal.conformance.conformance_command import load_trial_secret
from rehearsal.conformance.listening import MAX_WAITING, TrialReception, make_trial_party
from rehearsal.conformance.report import (
    FORMATS,
    ConformanceReport,
    ConformanceSubject,
    HeldConversation,
    hold_conversations,
    write_report,
)
from rehearsal.ports.trials import CheckedExchange, ConformanceContext, ConformanceFinding, FindingWeight, TriedSide
from rehearsal.protocols.iso18626.conformance import Iso18626Trials
from rehearsal.protocols.iso18626.rehearsal import MISBEHAVIOURS, Iso18626Rehearsal, apply_misbehaviour
from rehearsal.protocols.iso18626.schema_check import list_schema_faults
from tests.rehearsal.world import FJORDBY, MockWorld, make_template, run_mock_world
from tests.support.scripted_supplier import ScriptedSupplier

pytestmark = pytest.mark.asyncio(loop_scope="module")

SCHEMAS = {"1.2": "ISO-18626-v1_2.xsd", "2021-2": "ISO-18626-2021-2.xsd"}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_template(tmp_path_factory.mktemp("conformance"))


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def world(template: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[MockWorld]:
    async with run_mock_world(template, tmp_path_factory.mktemp("world"), chosen=["silent"]) as world:
        yield world


def make_context(world: MockWorld, run: str, tried: TriedSide, url: str, version: str = "1.2") -> ConformanceContext:
    profile = world.town.context.profile("fjordby")
    assert profile is not None
    section = profile.dialects["iso18626"].model_copy(update={"version": version})
    return ConformanceContext(
        profile=profile.model_copy(update={"dialects": {**profile.dialects, "iso18626": section}}),
        tried=tried,
        library="CLK",
        partner="ISIL:NO-0030101",
        zone=UTC,
        currency="EUR",
        url=url,
        run=run,
        values={},
        clock=world.clock,
        secrets=str,
        folder=world.config.parent,
    )


async def try_system(world: MockWorld, run: str, *, ourselves: bool, version: str = "1.2") -> ConformanceReport:
    url = world.gateway_url if ourselves else f"{world.site.url}/iso18626"
    tried = TriedSide.OURSELVES if ourselves else TriedSide.PARTNER
    conversations = Iso18626Trials().list_conversations(make_context(world, run, tried, url, version))
    return await hold_conversations(SPITEFUL.subject, conversations, world.clock)


@pytest.mark.parametrize("version", ["1.1", "1.2", "2021-2", "2021-3"])
async def test_our_own_endpoint_passes(version: str, world: MockWorld) -> None:
    report = await try_system(world, f"own-{version}", ourselves=True, version=version)

    assert list(report.list_findings(FindingWeight.BROKEN)) == []
    assert list(report.list_findings(FindingWeight.ADVICE)) == []
    assert sum(len(one.exchanges) for one in report.conversations) >= 14


async def test_a_partner_that_is_played_passes(world: MockWorld) -> None:
    """It refuses a request that it knows, as real ones do, which no sentence of the standard forbids."""
    report = await try_system(world, "mock", ourselves=False)
    assert (report.count_checks(FindingWeight.BROKEN), report.untried_count) == ({}, 0)
    assert report.count_checks(FindingWeight.ADVICE) == {"same-answer": 1}


FOUND = {
    "broken-xml": "well-formed",
    "empty-answer": "well-formed",
    "web-page": "content-type",
    "wrong-content-type": "content-type",
    "server-error": "http-status",
    "status-202": "http-status",
    "latin-1": "encoding",
    "doctype": "doctype",
    "no-envelope": "envelope",
    "no-namespace": "namespace",
    "other-namespace": "namespace",
    "no-version": "version",
    "plain-version": "version",
    "other-confirmation": "confirmation-kind",
    "two-confirmations": "one-message",
    "no-header": "missing-element",
    "no-timestamp": "missing-element",
    "local-timestamp": "data-type",
    "no-timestamp-received": "missing-element",
    "other-timestamp-received": "timestamp-received",
    "no-request-id": "request-id",
    "other-request-id": "request-id",
    "swapped-agencies": "requester",
    "no-requester": "requester",
    "no-status": "missing-element",
    "unknown-status": "word-of-list",
    "out-of-order": "element-order",
    "unknown-element": "unknown-element",
    "double-status": "repeated-element",
    "no-action": "action",
    "other-action": "action",
    "no-reason": "reason",
    "unknown-reason": "reason",
    "error-without-data": "error-data",
    "success-with-error": "error-data",
    "unknown-error": "word-of-list",
    "refuses-all": "error-type",
    "accepts-all": "message-status",
    "changing-answer": "same-answer",
}
"""Misbehaviour -> the check that finds it."""


async def test_each_misbehaviour_has_a_check() -> None:
    assert set(FOUND) == set(MISBEHAVIOURS)
    assert len(FOUND) >= 25


@pytest.mark.parametrize("name", FOUND)
async def test_a_misbehaviour_is_found_by_name(name: str, world: MockWorld) -> None:
    play = world.partner.play
    world.partner.play = dataclasses.replace(play, misbehaviour=name)
    try:
        report = await try_system(world, f"wrong-{name}", ourselves=False)
    finally:
        world.partner.play = play

    checks = {*report.count_checks(FindingWeight.BROKEN), *report.count_checks(FindingWeight.ADVICE)}
    assert FOUND[name] in checks


async def test_a_partner_that_is_not_there_is_a_finding(world: MockWorld) -> None:
    context = make_context(world, "away", TriedSide.PARTNER, "http://127.0.0.1:9/iso18626")
    (first, *_) = Iso18626Trials().list_conversations(context)
    exchanges = await first.hold()
    assert [finding.check for one in exchanges for finding in one.findings] == ["confirmation"]
    assert [one.untried for one in exchanges] == ["", *["the request was not confirmed OK"] * 2]


async def test_of_a_request_that_was_refused_nothing_is_proved(world: MockWorld) -> None:
    with ScriptedSupplier(refuses=True) as stranger:
        context = make_context(world, "refused", TriedSide.PARTNER, stranger.url)
        chosen = [one for one in Iso18626Trials().list_conversations(context) if one.name in ABOUT_A_REQUEST]
        report = await hold_conversations(SPITEFUL.subject, chosen, world.clock)

    assert stranger.received == ["request"] * len(ABOUT_A_REQUEST), "nothing more is sent about it"
    assert (report.count_checks(FindingWeight.BROKEN), report.count_checks(FindingWeight.ADVICE)) == (
        {},
        {"refused": 4},
    )
    assert (report.untried_count, report.is_passed) == (9, False)
    assert b"not tried: the request was not confirmed OK" in write_report(report, "html")


ABOUT_A_REQUEST = ("request", "cancellation", "unknown-request", "unknown-action")


async def test_only_words_about_the_trial_are_taken_while_it_listens(world: MockWorld) -> None:
    context = make_context(world, "T17", TriedSide.PARTNER, "")
    context = dataclasses.replace(context, values={"request": "NO-77"})
    reception = TrialReception(make_trial_party(context, "iso18626", Iso18626Rehearsal()), Iso18626Responder())

    async def hear(number: str) -> bytes:
        body = LOANED.replace(b"NUMBER", number.encode())
        arrival = RawMessage(
            body=body,
            received=world.clock.now(),
            transport=TransportKind.HTTP,
            protocol="iso18626",
            peer="127.0.0.1",
            headers={"content-type": "application/xml"},
        )
        reply = await reception.receive_message(arrival)
        reply.speak()
        assert reply.answer is not None
        return reply.answer.body

    assert b"<messageStatus>OK<" in await hear("T17-request")
    assert b"<messageStatus>ERROR<" in await hear("CLK-B2026-17")
    assert b"<messageStatus>OK<" in await hear("NO-77"), "the system's own, made for the trial"
    assert b"<messageStatus>ERROR<" in await hear("NO-778")
    heard = [await reception.wait_for_message(0.01) for _ in range(5)]
    assert [one.is_of_trial for one in heard if one is not None] == [True, False, True, False]


async def test_of_messages_about_others_no_octet_stands_in_a_report(world: MockWorld) -> None:
    """A system whose messages lead to the trial says there all that it says."""
    context = make_context(world, "T19", TriedSide.PARTNER, f"{world.site.url}/iso18626")
    reception = TrialReception(make_trial_party(context, "iso18626", Iso18626Rehearsal()), Iso18626Responder())
    context = dataclasses.replace(context, arrivals=reception, wait_seconds=0.01)

    async def hear(body: bytes) -> None:
        arrival = RawMessage(
            body, world.clock.now(), TransportKind.HTTP, "iso18626", headers={"content-type": "application/xml"}
        )
        (await reception.receive_message(arrival)).speak()

    await hear(write_loaned("T19-request", "for Wilhelmina Ours"))
    await hear(write_loaned("CLK-B2026-17", "for Ludovica Quist"))
    await hear(write_loaned("CLK-B2026-18", "for Ludovica Quist").replace(b"StatusChange", b"Ludovica Quist"))
    await hear(write_loaned("CLK-B2026-19", "for Ludovica Quist")[:-40])
    (first, *_) = Iso18626Trials().list_conversations(context)
    report = await hold_conversations(SPITEFUL.subject, [first], world.clock)

    came = [one for one in report.conversations[0].exchanges if one.came and one.title.startswith("came")]
    assert [one.title for one in came] == [
        "came: StatusChange Loaned",
        "came: StatusChange Loaned",
        "came: an unknown reason Loaned",
        "came: no XML",
    ]
    assert all(one.findings for one in came[1:]), "what was found of them stands there"
    for form in FORMATS:
        written = write_report(report, form)
        assert b"Quist" not in written
        assert b"CLK-B2026" not in written
    assert b"Wilhelmina Ours" in write_report(report, "html")


def write_loaned(number: str, note: str) -> bytes:
    said = LOANED.replace(b"NUMBER", number.encode())
    return said.replace(b"</reasonForMessage>", b"</reasonForMessage><note>" + note.encode() + b"</note>")


async def test_each_message_is_signed_and_no_token_is_in_a_report(world: MockWorld) -> None:
    seen: list[str] = []
    tokens = count(1)

    async def sign(_profile: Profile) -> Mapping[str, str]:
        return {"Authorization": f"Bearer h.{next(tokens)}.s"}

    async def repeat_header(request: web.Request) -> web.Response:
        seen.append(request.headers.get("Authorization", ""))
        return web.Response(text=f"<odd>{seen[-1]}</odd>", content_type="application/xml")

    app = web.Application()
    app.router.add_route("*", "/", repeat_header)
    async with TestServer(app) as server:
        context = make_context(world, "signs", TriedSide.PARTNER, str(server.make_url("/")))
        signed = dataclasses.replace(context, make_peer_headers=sign)
        report = await hold_conversations(SPITEFUL.subject, Iso18626Trials().list_conversations(signed), world.clock)
        ourselves = dataclasses.replace(signed, tried=TriedSide.OURSELVES)
        sent = len(seen)
        await Iso18626Trials().list_conversations(ourselves)[0].hold()

    assert seen[:sent] == [f"Bearer h.{number}.s" for number in range(1, sent + 1)]
    assert set(seen[sent:]) == {""}, "it is the partner that speaks then"
    assert b"<odd>Bearer ***" in write_report(report, "json")
    assert b"Bearer h." not in write_report(report, "json")


async def test_a_flood_of_messages_is_not_kept(world: MockWorld) -> None:
    context = make_context(world, "T18", TriedSide.PARTNER, "")
    reception = TrialReception(make_trial_party(context, "iso18626", Iso18626Rehearsal()), Iso18626Responder())
    arrival = RawMessage(b"<x/>", world.clock.now(), TransportKind.HTTP, "iso18626")
    for _ in range(MAX_WAITING + 1):
        (await reception.receive_message(arrival)).speak()
    kept = [await reception.wait_for_message(0.01) for _ in range(MAX_WAITING + 1)]
    assert (kept[-2] is not None, kept[-1]) == (True, None)


LOANED = b"""<ISO18626Message xmlns="http://illtransactions.org/2013/iso18626"
    xmlns:ill="http://illtransactions.org/2013/iso18626" ill:version="1.2"><supplyingAgencyMessage><header>
  <supplyingAgencyId><agencyIdType>ISIL</agencyIdType><agencyIdValue>NO-0030101</agencyIdValue></supplyingAgencyId>
  <requestingAgencyId><agencyIdType>ISIL</agencyIdType><agencyIdValue>CLK</agencyIdValue></requestingAgencyId>
  <multipleItemRequestId/><timestamp>2026-03-02T08:00:00Z</timestamp>
  <requestingAgencyRequestId>NUMBER</requestingAgencyRequestId></header>
  <messageInfo><reasonForMessage>StatusChange</reasonForMessage></messageInfo>
  <statusInfo><status>Loaned</status><lastChange>2026-03-02T08:00:00Z</lastChange></statusInfo>
</supplyingAgencyMessage></ISO18626Message>"""


# --- the schema ------------------------------------------------------------------------------------------

CONFIRMATION = b"""<?xml version="1.0" encoding="UTF-8"?>
<ISO18626Message xmlns="http://illtransactions.org/2013/iso18626"
    xmlns:ill="http://illtransactions.org/2013/iso18626" ill:version="2021-2"><requestConfirmation><confirmationHeader>
  <supplyingAgencyId><agencyIdType>ISIL</agencyIdType><agencyIdValue>NO-0030101</agencyIdValue></supplyingAgencyId>
  <requestingAgencyId><agencyIdType>ISIL</agencyIdType><agencyIdValue>CLK</agencyIdValue></requestingAgencyId>
  <timestamp>2026-03-02T08:00:00Z</timestamp><requestingAgencyRequestId>4711</requestingAgencyRequestId>
  <timestampReceived>2026-03-02T08:00:00Z</timestampReceived><messageStatus>OK</messageStatus>
</confirmationHeader></requestConfirmation></ISO18626Message>"""


@pytest.mark.parametrize("name", [name for name, one in MISBEHAVIOURS.items() if one.change_tree is not None])
async def test_our_check_agrees_with_the_schema(name: str, specs_folder: Path) -> None:
    answer = apply_misbehaviour(name, ResponderAnswer(CONFIRMATION), 1)
    schema = etree.XMLSchema(file=str(specs_folder / SCHEMAS["2021-2"]))
    root = etree.fromstring(answer.body)
    version = decode_message(CONFIRMATION).shape.version

    assert (list_schema_faults(root, version) == ()) is schema.validate(root)


# --- reports ---------------------------------------------------------------------------------------------

SPITEFUL = ConformanceReport(
    subject=ConformanceSubject(
        profile="fjordby",
        protocol="iso18626",
        version="1.2",
        url="https://ill.fjordby.example/iso18626",
        library="CLK",
        program="illgate",
    ),
    started=datetime(2026, 3, 2, 8, 0, tzinfo=UTC),
    conversations=(
        HeldConversation(
            "request",
            "A request",
            (
                CheckedExchange(
                    title="request",
                    sent=b"<request/>",
                    status=200,
                    content_type="text/html",
                    answer=b"<script>alert(1)</script>\x00\xff",
                    findings=(
                        ConformanceFinding(check="well-formed", clause="4.10", words="no XML"),
                        ConformanceFinding(check="action", clause="4.10", words="absent", weight=FindingWeight.ADVICE),
                    ),
                ),
            ),
        ),
    ),
)


async def test_the_page_of_a_report_runs_nothing_and_loads_nothing() -> None:
    page = write_report(dataclasses.replace(SPITEFUL, conversations=(_text_answer(),)), "html").decode()
    assert "&lt;script&gt;alert(1)" in page
    assert "<script" not in page
    assert "src=" not in page
    assert "1 against the standard, 1 pieces of advice" in page


def _text_answer() -> HeldConversation:
    (conversation,) = SPITEFUL.conversations
    (exchange,) = conversation.exchanges
    return HeldConversation("request", "A request", (dataclasses.replace(exchange, answer=exchange.answer[:-2]),))


async def test_a_report_for_programs_is_json_whatever_came() -> None:
    document = json.loads(write_report(SPITEFUL, "json"))
    assert (document["passed"], document["conversations"][0]["exchanges"][0]["answer"][:7]) == (False, "base64 ")


async def test_what_came_by_itself_is_told_from_what_was_asked_for() -> None:
    finding = ConformanceFinding(check="reason", clause="4.4", words="no Cancel was sent")
    came = CheckedExchange(title="came", came=True, sent=b"<ours/>", answer=b"<theirs/>", findings=(finding,))
    report = dataclasses.replace(SPITEFUL, conversations=(HeldConversation("late", "Late", (came,)),))

    page = write_report(report, "html").decode()
    assert page.index("Came by itself") < page.index("&lt;theirs/&gt;") < page.index("Answered")


async def test_what_shows_who_we_are_is_in_no_report(template: Path, tmp_path: Path) -> None:
    account = {"id": "clarens", "code": "file:code"}
    profile = {**FJORDBY, "iso18626": {"version": "2021-2", "account": account}}
    async with run_mock_world(template, tmp_path, profile) as world:
        report = await try_system(world, "secret", ourselves=False, version="2021-2")
        came = [one.body for one in world.partner.exchanges]

    assert any(b"clarens" in body for body in came)
    assert b"clarens" not in write_report(report, "json")


async def test_a_code_that_a_system_repeats_is_in_no_report(world: MockWorld) -> None:
    async def repeat_message(request: web.Request) -> web.Response:
        return web.Response(body=await request.read(), content_type="application/xml")

    app = web.Application()
    app.router.add_post("/", repeat_message)
    async with TestServer(app) as server:
        context = make_context(world, "repeats", TriedSide.PARTNER, str(server.make_url("/")), "2021-2")
        profile = context.profile
        section = profile.dialects["iso18626"].model_copy(update={"account": Account(id="clarens", code="file:code")})
        signed = profile.model_copy(update={"dialects": {**profile.dialects, "iso18626": section}})
        (first, *_) = Iso18626Trials().list_conversations(dataclasses.replace(context, profile=signed))
        exchanges = await first.hold()

    assert b"clarens" in exchanges[0].answer
    assert all(b"file:code" not in one.answer for one in exchanges)


# --- the daemon knows the numbers of trials --------------------------------------------------------------


async def test_the_daemon_confirms_what_a_partner_says_of_a_trial(world: MockWorld) -> None:
    store, clock = world.town.context.store, world.clock
    run = name_trial_run(17, "fjordby", await load_trial_secret(store, "CLK", clock))
    other = name_trial_run(17, "kystby", await load_trial_secret(store, "CLK", clock))

    async def say_loaned(number: str) -> bytes:
        async with aiohttp.ClientSession() as session:
            body, kind = LOANED.replace(b"NUMBER", number.encode()), {"Content-Type": "application/xml"}
            async with session.post(world.gateway_url, data=body, headers=kind) as answer:
                return await answer.read()

    before = await world.town.requests(), await world.town.unfinished(), await world.town.timers()
    assert b"<messageStatus>OK<" in await say_loaned(f"{run}-request")
    assert (await world.town.requests(), await world.town.unfinished(), await world.town.timers()) == before
    kept = await store.read(lambda c: c.execute(select(message.c.outcome, message.c.note)).all())
    assert ("OK", "about a request of a conformance test") in [(one.outcome.upper(), one.note) for one in kept]
    assert b"<messageStatus>ERROR<" in await say_loaned(f"{other}-request"), "another partner's trial"
    assert b"<messageStatus>ERROR<" in await say_loaned("T00000hzzzzzz-request"), "not signed by us"
