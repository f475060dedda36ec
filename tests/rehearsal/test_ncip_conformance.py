"""Trials of systems that answer NCIP: our own endpoint passes, and what is wrong with an answer is found by name."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import UTC
from pathlib import Path

import pytest
import pytest_asyncio

from adapters.ncip.codec import decode_message
from adapters.ncip.dialect import NcipDialect
from adapters.ncip.xml_parser import parse_xml
from gateway.domain.problems import ConfigurationError
from gateway.ports.message_transport import TransportReply
from rehearsal.conformance.report import ConformanceReport, hold_conversations
from rehearsal.ports.trials import ConformanceContext, FindingWeight, TriedSide
from rehearsal.protocols.ncip.conformance import AnswerExpectation, NcipTrials, check_answer
from tests.rehearsal.test_conformance import SPITEFUL
from tests.rehearsal.world import MockWorld, make_template, run_mock_world
from tests.support.yaml_files import write_yaml_file

pytestmark = pytest.mark.asyncio(loop_scope="module")

HERE = [{"kind": "network", "networks": ["127.0.0.0/8"]}]
PROFILES: Mapping[str, Mapping[str, object]] = {
    "kystby": {"auth": HERE, "ncip": {"xml": {"version": "2.02"}}},
    "dalen": {"auth": HERE, "ncip": {"xml": {"version": "1.01"}}},
    "only-asked": {"ncip": {}},
}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_template(tmp_path_factory.mktemp("ncip-conformance"))
    for name, profile in PROFILES.items():
        write_yaml_file(folder / "profiles" / f"{name}.yml", profile)
    return folder


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def world(template: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[MockWorld]:
    async with run_mock_world(template, tmp_path_factory.mktemp("world")) as world:
        yield world


def make_context(world: MockWorld, name: str, **values: str) -> ConformanceContext:
    profile = world.town.context.profile(name)
    assert profile is not None
    return ConformanceContext(
        profile=profile,
        tried=TriedSide.OURSELVES,
        library="CLK",
        partner="",
        zone=UTC,
        currency="EUR",
        url=world.gateway_url.replace("iso18626/fjordby", f"ncip/{name}"),
        run=f"T{name}",
        values=values,
        clock=world.clock,
        secrets=str,
        folder=world.config.parent,
    )


async def try_ourselves(world: MockWorld, name: str, **values: str) -> ConformanceReport:
    conversations = NcipTrials().list_conversations(make_context(world, name, **values))
    return await hold_conversations(SPITEFUL.subject, conversations, world.clock)


@pytest.mark.parametrize("name", ["kystby", "dalen"])
async def test_our_own_endpoint_passes(name: str, world: MockWorld) -> None:
    item = await world.find_free_barcode()
    report = await try_ourselves(world, name, patron="21000000000017", item=item)

    assert list(report.list_findings(FindingWeight.BROKEN)) == []
    assert [one.name for one in report.conversations] == ["unknown", "loan", "request", "broken-messages"]
    assert len(report.conversations[0].exchanges) == 9


async def test_a_profile_of_the_other_side_is_an_error(world: MockWorld) -> None:
    with pytest.raises(ConfigurationError, match="lets nobody in"):
        NcipTrials().list_conversations(make_context(world, "only-asked"))


NS = 'xmlns="http://www.niso.org/2008/ncip"'
ROOT = (
    f'<NCIPMessage {NS} xmlns:n="http://www.niso.org/2008/ncip"'
    ' n:version="http://www.niso.org/schemas/ncip/v2_02/ncip_v2_02.xsd">'
)
ASKED = (
    f"{ROOT}<LookupUser><InitiationHeader><FromAgencyId><AgencyId>CLK</AgencyId></FromAgencyId>"
    "<ToAgencyId><AgencyId>KYST</AgencyId></ToAgencyId></InitiationHeader>"
    "<UserId><UserIdentifierValue>nobody</UserIdentifierValue></UserId></LookupUser></NCIPMessage>"
)
PROBLEM = "<Problem><ProblemType>Unknown User</ProblemType><ProblemDetail>?</ProblemDetail></Problem>"
HEADER = (
    "<ResponseHeader><FromAgencyId><AgencyId>KYST</AgencyId></FromAgencyId>"
    "<ToAgencyId><AgencyId>CLK</AgencyId></ToAgencyId></ResponseHeader>"
)
RIGHT = f"{ROOT}<LookupUserResponse>{HEADER}{PROBLEM}</LookupUserResponse></NCIPMessage>"
KNOWN = "<UserId><UserIdentifierValue>nobody</UserIdentifierValue></UserId>"

WRONG: Mapping[str, tuple[str, str, int, str]] = {
    "it ends in the middle": (RIGHT[:-20], "application/xml", 200, "well-formed"),
    "nothing": ("", "application/xml", 200, "well-formed"),
    "words before the message": (f"OK {RIGHT}", "application/xml", 200, "well-formed"),
    "a web page": ("<html><body>It works!</body></html>", "text/html", 200, "message"),
    "another type": (RIGHT, "text/html", 200, "content-type"),
    "another status": (RIGHT, "application/xml", 500, "http-status"),
    "another service": (RIGHT.replace("LookupUser", "LookupItem"), "application/xml", 200, "response-name"),
    "outside of the service": (f"{ROOT}{PROBLEM}</NCIPMessage>", "application/xml", 200, "response-name"),
    "another version": (RIGHT.replace("v2_02", "v2_01"), "application/xml", 200, "version"),
    "no version": (RIGHT.replace("n:version", "n:edition"), "application/xml", 200, "schema"),
    "out of order": (
        RIGHT.replace(HEADER + PROBLEM, PROBLEM + HEADER),
        "application/xml",
        200,
        "schema",
    ),
    "an unknown element": (RIGHT.replace(PROBLEM, f"<Mood/>{PROBLEM}"), "application/xml", 200, "schema"),
    "no type": (
        RIGHT.replace("<ProblemType>Unknown User</ProblemType>", ""),
        "application/xml",
        200,
        "problem-type",
    ),
    "found": (RIGHT.replace(PROBLEM, KNOWN), "application/xml", 200, "problem"),
    "from us to itself": (
        RIGHT.replace("KYST", "X").replace("CLK", "KYST").replace(">X<", ">CLK<"),
        "application/xml",
        200,
        "header",
    ),
}
"""What is wrong -> the answer, its type, its status, the check that finds it."""


def find_checks(body: str, content_type: str, status: int) -> set[str]:
    dialect = NcipDialect()
    asked = decode_message(parse_xml(ASKED.encode()))
    expected = AnswerExpectation(message=asked, is_unknown=True)
    reply = TransportReply(body.encode(), content_type, status)
    return {finding.check for finding in check_answer(reply, expected, dialect)}


async def test_a_right_answer_has_no_finding() -> None:
    assert find_checks(RIGHT, "application/xml; charset=utf-8", 200) == set()


@pytest.mark.parametrize("what", WRONG)
async def test_what_is_wrong_is_found_by_name(what: str) -> None:
    body, content_type, status, check = WRONG[what]
    assert check in find_checks(body, content_type, status)
