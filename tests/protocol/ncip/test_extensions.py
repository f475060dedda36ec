"""Services where the standard doesn't have them: LookupItemSet before 2.02 and inside Ext, OCLC's RenewAllItem."""

# ruff: noqa: E501 (messages read better in one piece)

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from lxml import etree

from adapters.ncip.codec import decode_message, encode_message
from adapters.ncip.dialect import NcipDialect
from adapters.ncip.messages import (
    Code,
    Extension,
    ItemId,
    LookupItemSet,
    Message,
    Problem,
    RenewAllItem,
    RenewAllItemResponse,
    RenewInformation,
    UserId,
)
from adapters.ncip.responder import NcipResponder
from adapters.ncip.wire_dialect import Strictness, XmlDialect
from adapters.ncip.wire_values import NamespaceStyle, Version
from adapters.ncip.xml_parser import parse_xml
from gateway.cli.installation import Installation
from gateway.domain.profile import Profile
from gateway.ports.responder import OutcomeClass, RawMessage, TransportKind
from gateway.profiles import load_profiles
from gateway.runtime.sample_libraries import SampleLibraries
from gateway.services.operation.check.examples import ExampleAnswer, ExampleExchange
from tests.support.partner_rights import give_all_rights
from tests.support.paths import ROOT

NS = {"n": "http://www.niso.org/2008/ncip", "r": "http://www.oclc.org/ncip/renewall/2014"}
PATRON, IDLE_PATRON = "21000000000025", "21000000000033"
LENT, WANTED = "39000000000387", "39000000000019"
"""The patron of the sample library has the first since weeks; the second is going to be lent and wanted by another."""

VUFIND = (
    '<?xml version="1.0" encoding="UTF-8" standalone="yes"?><ns1:NCIPMessage xmlns:ns1="http://www.niso.org/2008/ncip" '
    'ns1:version="http://www.niso.org/schemas/ncip/v2_0/imp1/xsd/ncip_v2_0.xsd"><ns1:Ext><ns1:LookupItemSet>'
    "<ns1:BibliographicId><ns1:BibliographicRecordId><ns1:BibliographicRecordIdentifier>1001</ns1:BibliographicRecordIdentifier>"
    "<ns1:AgencyId>LOCAL</ns1:AgencyId></ns1:BibliographicRecordId></ns1:BibliographicId>"
    '<ns1:ItemElementType ns1:Scheme="http://www.niso.org/ncip/v1_0/schemes/itemelementtype/itemelementtype.scm">Circulation Status</ns1:ItemElementType>'
    "</ns1:LookupItemSet></ns1:Ext></ns1:NCIPMessage>"
)
"""VuFind's driver XCNCIP2 as it was (VF)."""

FIRST_VUFIND = VUFIND.replace("BibliographicRecordId", "BibliographicItemId")
"""Its first version named the record by BibliographicItemId; AgencyId has no place there."""

XC = (
    '<?xml version="1.0"?><ns1:NCIPMessage xmlns:ns1="http://www.niso.org/2008/ncip" '
    'ns1:version="http://xc.example/ncip/schemas/ncip_v2_0.xsd"><ns1:Ext><ns1:LookupItemSet><ns1:InitiationHeader>'
    "<ns1:FromAgencyId><ns1:AgencyId></ns1:AgencyId></ns1:FromAgencyId><ns1:ToAgencyId><ns1:AgencyId>DEMO</ns1:AgencyId>"
    "</ns1:ToAgencyId></ns1:InitiationHeader><ns1:BibliographicId><ns1:BibliographicRecordId>"
    '<ns1:BibliographicRecordIdentifier>1001</ns1:BibliographicRecordIdentifier><ns1:AgencyId ns1:Scheme="http://demo.example">DEMO</ns1:AgencyId>'
    "</ns1:BibliographicRecordId></ns1:BibliographicId></ns1:LookupItemSet></ns1:Ext></ns1:NCIPMessage>"
)

ILS_DI = VUFIND.replace(
    'xmlns:ns1="', 'xmlns:ns2="http://www.extensiblecatalog.org/2011/ilsdi" xmlns:ns1="', 1
).replace("ns1:LookupItemSet>", "ns2:LookupItemSet>")
"""XC's ILS-DI binding has a namespace of its own for the service."""


def in_plain_place(document: str) -> str:
    return document.replace("<ns1:Ext>", "").replace("</ns1:Ext>", "")


def renew_all(patron: str, more: str = "", version: str = "v2_01") -> str:
    """As OCLC's sample has it."""
    return (
        '<ns2:NCIPMessage xmlns="http://oclc.org/WCL/ncip/2011/extensions" xmlns:ns2="http://www.niso.org/2008/ncip" '
        'xmlns:ns3="http://www.oclc.org/ncip/renewall/2014" xmlns:ns4="http://www.oclc.org/ncip/usernote/2012" '
        f'ns2:version="http://www.niso.org/schemas/ncip/{version}/ncip_{version}.xsd"><ns2:Ext><ns3:RenewAllItem>'
        f"<ns2:UserId><ns2:UserIdentifierValue>{patron}</ns2:UserIdentifierValue></ns2:UserId>{more}"
        "</ns3:RenewAllItem></ns2:Ext></ns2:NCIPMessage>"
    )


# --- bytes -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("document", [VUFIND, FIRST_VUFIND, XC, ILS_DI])
def test_a_service_inside_ext_is_read(document: str) -> None:
    message = decode_message(parse_xml(document.encode()))

    assert isinstance(message.body, LookupItemSet)
    assert {"LookupItemSet", "RenewAllItem"} <= NcipResponder.services  # counted by their names
    assert (message.service, message.version, message.in_ext) == ("LookupItemSet", Version.V2_0, True)


def test_another_ext_is_an_extension_still() -> None:
    document = VUFIND.replace("LookupItemSet", "Sing")

    assert isinstance(decode_message(parse_xml(document.encode())).body, Extension)


@pytest.mark.parametrize("beside", ["<ns1:Note>Сто лет</ns1:Note>", '<x:Note xmlns:x="no@address">Сто лет</x:Note>'])
def test_what_stands_beside_the_service_is_kept(beside: str) -> None:
    """Canonical XML can't have the second namespace."""
    document = VUFIND.replace("</ns1:Ext>", f"{beside}</ns1:Ext>")

    (kept,) = decode_message(parse_xml(document.encode())).unknown
    assert (kept.path, kept.text, "Note>" in kept.xml) == ("Ext/Note", "Сто лет", True)


ANSWER = RenewAllItemResponse(
    user_id=UserId(value=PATRON),
    renewals=(
        RenewInformation(item_id=ItemId(value="1"), date_due=datetime(2026, 5, 1, 21, 59, tzinfo=UTC), renewal_count=1),
        RenewInformation(item_id=ItemId(value="2"), problems=(Problem(type=Code("Item Not Renewable")),)),
    ),
)


@pytest.mark.parametrize(
    ("style", "strictness"),
    [
        *((style, Strictness.LENIENT) for style in NamespaceStyle),
        *((style, Strictness.SCHEMA) for style in NamespaceStyle if style is not NamespaceStyle.NONE),
    ],
)
@pytest.mark.parametrize("prefix", ["ns1", "ext"])
@pytest.mark.parametrize("body", [RenewAllItem(user_id=UserId(value=PATRON)), ANSWER])
def test_oclcs_service_comes_back_in_every_style(
    body: RenewAllItem | RenewAllItemResponse, prefix: str, style: NamespaceStyle, strictness: Strictness
) -> None:
    written = encode_message(Message(body=body, in_ext=True), XmlDialect(namespace_style=style, prefix=prefix))
    message = decode_message(parse_xml(written), XmlDialect(strictness=strictness))

    assert (message.body, message.in_ext, message.unknown) == (body, True, ())
    root = etree.fromstring(written)
    (service,) = root[0]
    assert service.tag == f"{{{NS['r']}}}{type(body).__name__}"
    assert etree.QName(service[0]).namespace == (None if style is NamespaceStyle.NONE else NS["n"])


# --- answers ---------------------------------------------------------------------------------------------


class SampleConversation:
    """Messages to a sample library under profile ncip2, with keys of its section `ncip` changed."""

    def __init__(self, exchange: ExampleExchange, received: datetime) -> None:
        self._exchange = exchange
        self._received = received

    async def send(self, document: str) -> tuple[ExampleAnswer, etree._Element]:
        arrival = RawMessage(document.encode(), self._received, TransportKind.REPLAY, "ncip", profile="ncip2")
        answer = await self._exchange(arrival)
        return answer, etree.fromstring(answer.body)


@pytest.fixture(scope="module")
def installation() -> Installation:
    return Installation(ROOT / "gateway.yml")


@pytest.fixture(scope="module")
def shipped_ncip2(installation: Installation) -> Profile:
    return load_profiles(ROOT / "profiles", installation.adapters, installation.settings).loaded["ncip2"].profile


@pytest.fixture(scope="module")
def sample_libraries(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> SampleLibraries:
    """Each conversation gets a copy."""
    return SampleLibraries(installation.parts, tmp_path_factory.mktemp("sample"))


def change_ncip(profile: Profile, changes: Mapping[str, Any]) -> Profile:
    dialect = profile.dialects["ncip"]
    assert isinstance(dialect, NcipDialect)
    changed = profile.model_copy(update={"dialects": {"ncip": dialect.model_copy(update=dict(changes))}})
    return give_all_rights(changed)


@pytest.fixture
async def conversation(
    request: pytest.FixtureRequest, shipped_ncip2: Profile, sample_libraries: SampleLibraries
) -> AsyncIterator[SampleConversation]:
    profile = change_ncip(shipped_ncip2, getattr(request, "param", {}))
    async with sample_libraries.open_sample_exchange(profile) as exchange:
        yield SampleConversation(exchange, datetime.now(UTC))


ITEM_STATUS = (
    "n:BibInformation/n:HoldingsSet/n:ItemInformation[n:ItemId/n:ItemIdentifierValue='39000000000011']"
    "/n:ItemOptionalFields/n:CirculationStatus/text()"
)


@pytest.mark.parametrize("document", [VUFIND, XC, ILS_DI])
async def test_a_look_up_inside_ext_is_answered_there(conversation: SampleConversation, document: str) -> None:
    answer, root = await conversation.send(document)

    assert answer.outcome is OutcomeClass.OK
    (found,) = root.findall("n:Ext/n:LookupItemSetResponse", NS)
    assert found.findtext("n:BibInformation/n:BibliographicId/n:BibliographicRecordId/n:AgencyId", "", NS) in (
        "LOCAL",
        "DEMO",
    )
    if "Circulation Status" in document:
        assert found.xpath(ITEM_STATUS, namespaces=NS) == ["Available On Shelf"]


async def test_the_record_is_named_as_it_was_asked_for(conversation: SampleConversation) -> None:
    """VuFind puts answers together by it."""
    _, root = await conversation.send(FIRST_VUFIND)

    path = "n:Ext/n:LookupItemSetResponse/n:BibInformation/n:BibliographicId/n:BibliographicItemId/"
    assert root.findtext(f"{path}n:BibliographicItemIdentifier", None, NS) == "1001"


@pytest.mark.parametrize("version", ["v2_0", "v2_01", "v2_02"])
async def test_a_look_up_without_ext_is_answered_in_every_version_2(
    conversation: SampleConversation, version: str
) -> None:
    answer, root = await conversation.send(in_plain_place(VUFIND).replace("v2_0", version))

    assert answer.outcome is OutcomeClass.OK
    assert root.xpath(f"n:LookupItemSetResponse/{ITEM_STATUS}", namespaces=NS) == ["Available On Shelf"]


async def test_a_refused_look_up_is_refused_where_it_stands(conversation: SampleConversation) -> None:
    empty = VUFIND.replace(">1001<", "><")
    answer, root = await conversation.send(empty)

    assert answer.outcome is OutcomeClass.REFUSED
    told = root.findtext("n:Ext/n:LookupItemSetResponse/n:Problem/n:ProblemType", None, NS)
    assert told == "Needed Data Missing"


STANDARD: dict[str, Any] = {"extensions": ()}


@pytest.mark.parametrize("conversation", [STANDARD], indirect=True)
@pytest.mark.parametrize(
    ("document", "served"),
    [
        (VUFIND, False),
        (VUFIND.replace("v2_0", "v2_02"), False),
        (in_plain_place(VUFIND), False),
        (in_plain_place(VUFIND).replace("v2_0", "v2_01"), False),
        (in_plain_place(VUFIND).replace("v2_0", "v2_02"), True),
        (renew_all(PATRON), False),
        (renew_all(PATRON, version="v2_02"), False),
    ],
)
async def test_only_where_the_profile_allows_it(conversation: SampleConversation, document: str, served: bool) -> None:
    answer, root = await conversation.send(document)

    assert (answer.outcome is OutcomeClass.OK) is served
    assert root.findall("n:Ext", NS) == []
    assert root.findtext(".//n:ProblemType", None, NS) == (None if served else "Unsupported Service")


# --- RenewAllItem ----------------------------------------------------------------------------------------


def check_out(barcode: str) -> str:
    return (
        '<NCIPMessage xmlns="http://www.niso.org/2008/ncip"><CheckOutItem>'
        f"<UserId><UserIdentifierValue>{PATRON}</UserIdentifierValue></UserId>"
        f"<ItemId><ItemIdentifierValue>{barcode}</ItemIdentifierValue></ItemId></CheckOutItem></NCIPMessage>"
    )


def request_item(barcode: str) -> str:
    return (
        '<NCIPMessage xmlns="http://www.niso.org/2008/ncip"><RequestItem>'
        f"<UserId><UserIdentifierValue>{IDLE_PATRON}</UserIdentifierValue></UserId>"
        f"<ItemId><ItemIdentifierValue>{barcode}</ItemIdentifierValue></ItemId><RequestType>Hold</RequestType>"
        "<RequestScopeType>Item</RequestScopeType></RequestItem></NCIPMessage>"
    )


async def test_all_that_a_patron_has_is_renewed(conversation: SampleConversation) -> None:
    assert (await conversation.send(check_out(WANTED)))[0].outcome is OutcomeClass.OK
    assert (await conversation.send(request_item(WANTED)))[0].outcome is OutcomeClass.OK

    answers = [await conversation.send(renew_all(PATRON)) for _ in range(2)]

    for answer, root in answers:
        assert answer.outcome is OutcomeClass.OK
        (told,) = root.findall("n:Ext/r:RenewAllItemResponse", NS)
        assert told.findtext("n:UserId/n:UserIdentifierValue", None, NS) == PATRON
        renewals = {
            one.findtext("n:ItemId/n:ItemIdentifierValue", None, NS): one
            for one in told.findall("r:RenewInformation", NS)
        }
        assert set(renewals) == {LENT, WANTED}
        assert renewals[LENT].findtext("n:RenewalCount", None, NS) == "1"  # the second time, too
        assert renewals[LENT].findtext("n:DateDue", None, NS)
        assert renewals[WANTED].findtext("n:Problem/n:ProblemType", None, NS) == (
            "Renewal Not Allowed - Item Has Outstanding Requests"
        )
        assert renewals[WANTED].find("n:DateDue", NS) is None


@pytest.mark.parametrize(("patron", "problem"), [(IDLE_PATRON, "No Items Checked Out"), ("nobody", "Unknown User")])
async def test_nothing_to_renew(conversation: SampleConversation, patron: str, problem: str) -> None:
    answer, root = await conversation.send(renew_all(patron))

    assert answer.outcome is OutcomeClass.REFUSED
    (told,) = root.findall("n:Ext/r:RenewAllItemResponse/n:Problem", NS)
    assert told.findtext("n:ProblemType", None, NS) == problem
    assert told.findtext("n:ProblemValue", None, NS) == patron
