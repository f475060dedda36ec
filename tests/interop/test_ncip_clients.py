"""NCIP clients as they are: their bytes and their HTTP, at a daemon of its own."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from lxml import etree

from tests.support.daemon import Installation
from tests.support.looking import journal, library, tracebacks
from tests.support.paths import ROOT
from tests.support.shipped_profiles import copy_shipped_profiles

USMAI = (ROOT / "tests" / "samples" / "ncip" / "illiad-aleph-accept-item.txt").read_bytes()
PATRON, BARCODE = "21000000000017", "CPILL551207"


@pytest.fixture(scope="module")
def served(fresh_installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    made = fresh_installation.copy(tmp_path_factory.mktemp("ncip-clients"))
    copy_shipped_profiles(made.folder, "illiad-aleph", "illiad-alma")
    with made.serve():
        yield made
    assert tracebacks(made) == []


def post_as_dotnet(served: Installation, path: str, body: bytes) -> tuple[int, bytes]:
    """As .NET's WebClient does it: the header first, the body when the server has said to go on."""
    head = (
        f"POST {path} HTTP/1.1\r\nContent-Type: text/html; charset=UTF-8\r\nHost: 127.0.0.1:{served.port}\r\n"
        f"Content-Length: {len(body)}\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"
    )
    with (
        socket.create_connection(("127.0.0.1", served.port), timeout=30) as connection,
        connection.makefile("rwb") as stream,
    ):
        stream.write(head.encode())
        stream.flush()
        assert stream.readline().startswith(b"HTTP/1.1 100 ")
        assert stream.readline() == b"\r\n"
        stream.write(body)
        stream.flush()
        answer_head, _, answer = stream.read().partition(b"\r\n\r\n")
    return int(answer_head.split()[1]), answer


def test_the_aleph_addon_of_usmai(served: Installation) -> None:
    """Four blanks before the document, all of it URL-encoded; after a time-out the addon sends it again."""
    answers = [post_as_dotnet(served, "/ncip/illiad-aleph", USMAI) for _ in range(2)]

    assert [status for status, _ in answers] == [200, 200]
    for _, answer in answers:
        assert b"<Problem>" not in answer  # what the addon looks for
        assert etree.fromstring(answer).findtext("AcceptItemResponse/UniqueItemId/ItemIdentifierValue") == BARCODE
    assert library(served, "item", BARCODE)["bib"]["title"] == "Tři problémy and jiné povídky"
    rows = journal(served, "--profile", "illiad-aleph")
    assert {(row["service"], row["outcome"]) for row in rows} == {("AcceptItem", "ok")}


# --- what a partner may do -------------------------------------------------------------------------------

MAIL = (
    "<UserAddressInformation><UserAddressRoleType>home</UserAddressRoleType><ElectronicAddress>"
    "<ElectronicAddressType>mailto</ElectronicAddressType><ElectronicAddressData>{}</ElectronicAddressData>"
    "</ElectronicAddress></UserAddressInformation>"
)


def ncip2(message: str) -> bytes:
    root = '<NCIPMessage xmlns="http://www.niso.org/2008/ncip" xmlns:n="http://www.niso.org/2008/ncip"'
    version = 'n:version="http://www.niso.org/schemas/ncip/v2_02/ncip_v2_02.xsd"'
    return f"{root} {version}>{message}</NCIPMessage>".encode()


def update_user(barcode: str) -> bytes:
    fields = MAIL.format("somebody.else@mail.example")
    return ncip2(
        f"<UpdateUser><UserId><UserIdentifierValue>{barcode}</UserIdentifierValue></UserId>"
        f"<AddUserFields>{fields}</AddUserFields></UpdateUser>"
    )


def problem_type(answer: bytes) -> str | None:
    return etree.fromstring(answer).findtext(".//{*}ProblemType")


def test_a_partner_changes_no_patron_of_the_library(served: Installation) -> None:
    before = library(served, "patron", PATRON)

    assert problem_type(served.post(update_user(PATRON), "illiad-alma")) == "Unsupported Service"
    assert problem_type(served.post(update_user(PATRON), "ncip2")) == "Unauthorized Service For Agency"
    assert library(served, "patron", PATRON) == before


def test_a_partner_changes_the_patrons_that_it_has_made_known(served: Installation) -> None:
    name = (
        "<StructuredPersonalUserName><GivenName>Łucja</GivenName><Surname>Nowak</Surname></StructuredPersonalUserName>"
    )
    created = served.post(
        ncip2(
            "<CreateUser><UserId><UserIdentifierValue>VALM-4711</UserIdentifierValue></UserId><NameInformation>"
            f"<PersonalNameInformation>{name}</PersonalNameInformation></NameInformation></CreateUser>"
        )
    )
    assert problem_type(created) is None

    assert problem_type(served.post(update_user("VALM-4711"))) is None
    (contact,) = library(served, "patron", "VALM-4711")["patron"]["contacts"]
    assert contact["value"] == "somebody.else@mail.example"


def test_a_partner_gives_no_item_a_status(served: Installation) -> None:
    lost = ncip2(
        "<UpdateCirculationStatus><ItemId><ItemIdentifierValue>39000000000011</ItemIdentifierValue></ItemId>"
        "<CirculationStatus>Lost</CirculationStatus></UpdateCirculationStatus>"
    )

    assert problem_type(served.post(lost)) == "Unauthorized Service For Agency"
    assert library(served, "item", "39000000000011")["item"]["status"] == "available"


# --- beyond the standard ---------------------------------------------------------------------------------

VUFIND = (
    b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
    b'<ns1:NCIPMessage xmlns:ns1="http://www.niso.org/2008/ncip" '
    b'ns1:version="http://www.niso.org/schemas/ncip/v2_0/imp1/xsd/ncip_v2_0.xsd"><ns1:Ext><ns1:LookupItemSet>'
    b"<ns1:BibliographicId><ns1:BibliographicRecordId><ns1:BibliographicRecordIdentifier>1001"
    b"</ns1:BibliographicRecordIdentifier><ns1:AgencyId>LOCAL</ns1:AgencyId></ns1:BibliographicRecordId>"
    b"</ns1:BibliographicId></ns1:LookupItemSet></ns1:Ext></ns1:NCIPMessage>"
)


def test_an_older_vufind(served: Installation) -> None:
    """It asks inside Ext, under version 2.0, and looks for the answer there."""
    root = etree.fromstring(served.post(VUFIND))

    assert root.find("{*}Ext/{*}LookupItemSetResponse/{*}BibInformation/{*}HoldingsSet") is not None
    assert {row["service"] for row in journal(served, "--profile", "ncip2")[:2]} == {"LookupItemSet"}
    assert problem_type(served.post(VUFIND, "illiad-alma")) == "Unsupported Service"
