"""Codes that name their list: each is one of the standard's, under its URI, as toolkits know it (facts/ncip.md 8)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from lxml import etree

from adapters.ncip import code_lists
from adapters.ncip.codec import encode_message
from adapters.ncip.dialect import NcipDialect
from adapters.ncip.messages import (
    AcceptItem,
    BibliographicDescription,
    Code,
    ItemId,
    ItemOptionalFields,
    Message,
    RequestId,
    UserId,
)
from adapters.ncip.problems import problem_of_refusal
from adapters.ncip.services import SERVICES
from adapters.ncip.wire_dialect import SchemeStyle, XmlDialect
from adapters.ncip.wire_values import MESSAGING_ERROR_SCHEME, MessagingProblem, Version, processing_error_scheme
from gateway.domain.problems import Refusal, RefusalReason
from gateway.domain.profile import Profile
from gateway.ports.responder import RawMessage, TransportKind
from tests.protocol.profiles.test_shipped import SHIPPED
from tests.support.partner_rights import give_all_rights
from tests.unit.services.exchange.support import House, open_house

LISTED = NcipDialect(xml=XmlDialect(schemes=True))
Word = tuple[str, str, str]
"""Element, the URI of its list, and the word."""

PROBLEM_ELEMENTS = ("ProblemType", "ProcessingErrorType", "MessagingErrorType")
ALIASES = {"VisibleUserIdentifierType": "UserIdentifierType", "UserLanguage": "Language"}


@pytest.fixture(scope="session")
def standard(specs_folder: Path) -> frozenset[Word]:
    """All words of all lists; `*` for any of another standard's."""
    lines = (specs_folder / "ncip-schemes.tsv").read_text("utf-8").splitlines()
    rows = [tuple(line.split("\t")) for line in lines if not line.startswith("#")][1:]
    return frozenset((element, uri, "*" if word.startswith("*") else word) for element, uri, word in rows)


def test_our_lists_are_the_standard_s(standard: frozenset[Word]) -> None:
    ours = {
        (element, found.scheme, word)
        for element, words in code_lists.WORDS.items()
        for word in words.split("; ")
        if (found := code_lists.find_listed_code(element, word)) is not None
    }
    ours |= {(element, uri, "*") for element, (uri, _) in code_lists.FOREIGN_LISTS.items() if element != "UserLanguage"}
    ours |= {
        (f"{service}ProcessingError", processing_error_scheme(service), word)
        for service, words in code_lists.PROBLEMS.items()
        for word in words.split("; ")
    }

    assert ours == {row for row in standard if row[0] != "GeneralProcessingError"}


@pytest.mark.parametrize("service", sorted(message.__name__ for message in SERVICES))
def test_every_refusal_is_a_problem_that_a_list_has(service: str, standard: frozenset[Word]) -> None:
    if service == "RenewAllItem":
        pytest.skip("OCLC's own service has OCLC's own list")
    for reason in RefusalReason:
        problem = problem_of_refusal(Refusal(reason, ""), service, LISTED, Version.V2_02, None)
        assert problem.type is not None
        assert is_listed("ProblemType", problem.type.value, problem.type.scheme or "", standard), (reason, problem.type)


def test_a_word_of_another_service_s_list_keeps_its_meaning() -> None:
    """DeleteItem has no list; a toolkit finds the word by its URI, whatever the service."""
    assert code_lists.make_problem_type("Unknown Item", "DeleteItem").value == "Unknown Item"
    assert code_lists.make_problem_type("Duplicate Item", "CreateItem") == Code(
        "Element Rule Violated", processing_error_scheme("AcceptItem")
    )


def test_a_code_is_completed_left_out_or_left_alone() -> None:
    body = AcceptItem(
        request_id=RequestId(identifier_type=Code("ILL Request Id"), value="1"),
        requested_action_type=Code("hold for pickup"),
        user_id=UserId(identifier_type=Code("Username"), value="1"),
        item_id=ItemId(identifier_type=Code("Barcode", "urn:own"), value="1"),
        item_optional_fields=ItemOptionalFields(
            bibliographic_description=BibliographicDescription(
                title="T", language=Code("ger"), medium_type=Code("book")
            )
        ),
    )

    written = encode_message(Message(body=body, version=Version.V2_02), LISTED.xml).decode()

    uri = "http://www.niso.org/ncip/v1_0/imp1/schemes/{0}/{0}.scm"
    assert f'RequestedActionType ns1:Scheme="{uri.format("requestedactiontype")}">Hold For Pickup<' in written
    assert f'MediumType ns1:Scheme="{uri.format("mediumtype")}">Book<' in written
    assert 'Language ns1:Scheme="http://lcweb.loc.gov/standards/iso639-2/bibcodes.html">ger<' in written
    assert 'ItemIdentifierType ns1:Scheme="urn:own">Barcode<' in written, "it names a list already"
    assert "RequestIdentifierType>ILL Request Id<" in written, "there is no list of these"
    assert "Username" not in written, "the list of these doesn't have it"
    assert "MediumType>book<" in encode_message(Message(body=body, version=Version.V2_02)).decode(), "it is off"


# --- answers ---------------------------------------------------------------------------------------------


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path) as opened:
        yield opened


V2 = '<NCIPMessage xmlns="http://www.niso.org/2008/ncip" version="http://www.niso.org/schemas/ncip/v2_02/ncip_v2_02.xsd">'
USER = "<UserId><UserIdentifierValue>21000000000017</UserIdentifierValue></UserId>"
ITEM = "<ItemId><ItemIdentifierValue>39000000000011</ItemIdentifierValue></ItemId>"
ELEMENTS = "".join(
    f"<ItemElementType>{one}</ItemElementType>"
    for one in (
        "Bibliographic Description",
        "Circulation Status",
        "Item Description",
        "Location",
        "Item Use Restriction Type",
    )
)
ABOUT_USER = "".join(
    f"<UserElementType>{one}</UserElementType>"
    for one in (
        "Name Information",
        "User Address Information",
        "User Privilege",
        "Block Or Trap",
        "User Id",
        "User Language",
    )
)
HOLD = "<RequestType>{}</RequestType><RequestScopeType>{}</RequestScopeType>"
RECORD = """<BibliographicId><BibliographicRecordId><BibliographicRecordIdentifier>1002</BibliographicRecordIdentifier>
  <BibliographicRecordIdentifierCode>SYSNUMBER</BibliographicRecordIdentifierCode></BibliographicRecordId>
  </BibliographicId>"""
MESSAGES = (
    f"<LookupUser>{USER}{ABOUT_USER}</LookupUser>",
    f"<LookupUser><UserId><UserIdentifierValue>inst-ebu</UserIdentifierValue></UserId>{ABOUT_USER}</LookupUser>",
    "<LookupAgency><AgencyId>DEMO</AgencyId></LookupAgency>",
    f"<LookupItem>{ITEM}{ELEMENTS}</LookupItem>",
    f"<LookupItemSet>{RECORD}{ELEMENTS}</LookupItemSet>",
    f"<LookupItemSet>{RECORD.replace('1002', '0')}</LookupItemSet>",
    f"<RequestItem>{USER}{RECORD}{HOLD.format('Page', 'Title')}{ELEMENTS}</RequestItem>",
    f"<RequestItem>{USER}{ITEM}{HOLD.format('recall', 'Item')}</RequestItem>",
    f"<RequestItem>{USER}{ITEM}{HOLD.format('Whatever', 'Item')}</RequestItem>",
    f"<CreateUserFiscalTransaction>{USER}<FiscalTransactionInformation><FiscalActionType>Assess</FiscalActionType>"
    "<FiscalTransactionType>Interlibrary Loan Fee</FiscalTransactionType><Amount><CurrencyCode>EUR</CurrencyCode>"
    "<MonetaryValue>300</MonetaryValue></Amount></FiscalTransactionInformation></CreateUserFiscalTransaction>",
    f"<LookupUser>{USER}<LoanedItemsDesired/><RequestedItemsDesired/><UserFiscalAccountDesired/></LookupUser>",
    "<CheckInItem><ItemId><ItemIdentifierValue>0</ItemIdentifierValue></ItemId></CheckInItem>",
    "<DeleteItem><ItemId><ItemIdentifierValue>0</ItemIdentifierValue></ItemId></DeleteItem>",
    "<UndoCheckOutItem/>",
)


@pytest.mark.parametrize("name", SHIPPED)
async def test_every_code_of_an_answer_is_in_its_list(name: str, house: House, standard: frozenset[Word]) -> None:
    house.profiles[name] = name_lists(house.profiles[name])
    sent = [example.send for example in house.profiles[name].examples]
    sent += [f"{V2}{message}</NCIPMessage>" for message in MESSAGES] if name == "ncip2" else []

    seen = 0
    for message in sent:
        now = house.installation.clock.now()
        arrival = RawMessage(message.encode(), now, TransportKind.HTTP, "ncip", peer="127.0.0.1", profile=name)
        answer = (await house.exchange.handle(arrival)).body
        own = set(list_codes(etree.fromstring(message.encode(), etree.XMLParser(recover=True))))
        for element, word, uri in list_codes(etree.fromstring(answer)):
            is_echo = not uri and (element, word, uri) in own  # a partner's own word, as it was sent
            assert is_echo or is_listed(element, word, uri, standard), (element, word, uri, message, answer)
            seen += 1
    assert seen


async def test_oclc_s_profile_names_the_list_of_our_agency(house: House) -> None:
    """Of those that we write ourselves: here of a fee's number."""
    (fee,) = [one for one in house.profiles["worldshare"].examples if "fee" in one.name]
    house.profiles["worldshare"] = give_all_rights(house.profiles["worldshare"])
    now = house.installation.clock.now()
    arrival = RawMessage(fee.send.encode(), now, TransportKind.HTTP, "ncip", peer="127.0.0.1", profile="worldshare")

    answer = etree.fromstring((await house.exchange.handle(arrival)).body)

    (agency,) = answer.iterfind(".//{*}FiscalTransactionReferenceId/{*}AgencyId")
    assert list(agency.attrib.values()) == ["http://oclc.org/ncip/schemes/agencyid/symbol.scm"]


def name_lists(profile: Profile) -> Profile:
    """With lists named; what it words of problems itself is its own business."""
    dialect = profile.dialects["ncip"]
    assert isinstance(dialect, NcipDialect)
    xml = dialect.xml.model_copy(update={"schemes": True, "scheme_style": SchemeStyle.STANDARD})
    listed = dialect.model_copy(update={"xml": xml, "errors": NcipDialect().errors})
    return profile.model_copy(update={"dialects": {**profile.dialects, "ncip": listed}})


def list_codes(root: etree._Element | None) -> Iterator[tuple[str, str, str]]:
    """Element, word and URI of what a list may have."""
    for element in root.iter(etree.Element) if root is not None else ():
        name = etree.QName(element).localname
        name = ALIASES.get(name, name)
        if not code_lists.has_list(name) and name not in PROBLEM_ELEMENTS:
            continue
        parts = {etree.QName(child).localname: (child.text or "").strip() for child in element}
        schemes = [str(value) for key, value in element.attrib.items() if etree.QName(str(key)).localname == "Scheme"]
        yield name, parts.get("Value", (element.text or "").strip()), parts.get("Scheme", "".join(schemes))


def is_listed(element: str, word: str, uri: str, standard: frozenset[Word]) -> bool:
    if element in PROBLEM_ELEMENTS:
        if uri == MESSAGING_ERROR_SCHEME:  # of the standard itself (facts/ncip.md 3.6)
            return word in frozenset(MessagingProblem)
        return any(row[0].endswith("ProcessingError") and row[1:] == (uri, word) for row in standard)
    return (element, uri, word) in standard or (element, uri, "*") in standard
