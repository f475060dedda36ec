"""A message of the journal becomes an example of its profile; nothing of the patron reaches the file."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.protocol.pages.conftest import RULES
from tests.protocol.pages.support import PATRON, Answer, Running, running
from tests.protocol.staff.support import Colleague, colleague
from tests.protocol.staff.test_operation_pages import write_exchange
from tests.protocol.staff.test_profile_editing import read_save_form, read_text
from tests.support.daemon import Installation
from tests.support.yaml_files import read_yaml_file

EDIT = "/operation/profiles/ncip2/edit"
OTHER = {"symbol": "FJORD", "name": "Bibliothèque du Fjord"}

MESSAGE = """<?xml version="1.0" encoding="UTF-8"?>
<ns1:NCIPMessage xmlns:ns1="http://www.niso.org/2008/ncip" xmlns:unused="mailto:reader01@library.example"
    ns1:version="http://www.niso.org/schemas/ncip/v2_02/ncip_v2_02.xsd">
  <ns1:AcceptItem><!-- for Ana Müller -->
    <ns1:InitiationHeader>
      <ns1:FromAgencyId><ns1:AgencyId>EBU</ns1:AgencyId></ns1:FromAgencyId>
      <ns1:ToAgencyId><ns1:AgencyId>DEMO</ns1:AgencyId></ns1:ToAgencyId>
    </ns1:InitiationHeader>
    <ns1:RequestId><ns1:RequestIdentifierValue>21000000000017-7</ns1:RequestIdentifierValue></ns1:RequestId>
    <ns1:RequestedActionType>Hold For Pickup</ns1:RequestedActionType>
    <ns1:UserId>
      <ns1:UserIdentifierType ns1:Scheme="reader01@library.example">Barcode Id</ns1:UserIdentifierType>
      <ns1:UserIdentifierValue>RVS-21000000000017</ns1:UserIdentifierValue>
    </ns1:UserId>
    <ns1:ItemId><ns1:ItemIdentifierValue>B-4711</ns1:ItemIdentifierValue></ns1:ItemId>
    <ns1:DateForReturn>2027-05-31T21:59:00Z</ns1:DateForReturn>
    <ns1:ItemOptionalFields><ns1:BibliographicDescription>
      <ns1:Author>Οικονόμου, Ελένη</ns1:Author><ns1:Title>Жизнь с Müller &amp; снегом</ns1:Title>
    </ns1:BibliographicDescription></ns1:ItemOptionalFields>
    <ns1:UserOptionalFields>
      <ns1:NameInformation><ns1:PersonalNameInformation><ns1:StructuredPersonalUserName>
        <ns1:GivenName>Ana</ns1:GivenName><ns1:Surname>Müller</ns1:Surname>
      </ns1:StructuredPersonalUserName></ns1:PersonalNameInformation></ns1:NameInformation>
      <ns1:UserAddressInformation>
        <ns1:UserAddressRoleType>Home</ns1:UserAddressRoleType>
        <ns1:ElectronicAddress>
          <ns1:ElectronicAddressType>mailto</ns1:ElectronicAddressType>
          <ns1:ElectronicAddressData>reader01@library.example</ns1:ElectronicAddressData>
        </ns1:ElectronicAddress>
      </ns1:UserAddressInformation>
      <ns1:UserAddressInformation>
        <ns1:UserAddressRoleType>Home</ns1:UserAddressRoleType>
        <ns1:PhysicalAddress>
          <ns1:UnstructuredAddress>
            <ns1:UnstructuredAddressType>Newline-Delimited Text</ns1:UnstructuredAddressType>
            <ns1:UnstructuredAddressData>3 Linden Street, 10200 Bergstadt, +49 30 5550100</ns1:UnstructuredAddressData>
          </ns1:UnstructuredAddress>
        </ns1:PhysicalAddress>
      </ns1:UserAddressInformation>
      <ns1:DateOfBirth>1965-01-01</ns1:DateOfBirth>
    </ns1:UserOptionalFields>
    <ns1:PickupLocation>SCIENCE</ns1:PickupLocation>
  </ns1:AcceptItem>
</ns1:NCIPMessage>
"""

HABITS = """circulation:
  patrons: {rewrite: {strip_prefix: [RVS-]}}
  pickup: {map: {SCIENCE: MAIN}}
"""


@pytest.fixture
def may_edit() -> bool:
    return True


@pytest.fixture
def file(installation: Installation) -> Path:
    path = installation.folder / "profiles" / "ncip2.yml"
    before, section, after = read_text(path).partition("circulation: {}")
    assert section
    path.write_text(before + HABITS + after.partition("\n")[2], encoding="utf-8")
    return path


@pytest.fixture
async def gateway(installation: Installation, file: Path, may_edit: bool) -> AsyncIterator[Running]:
    async with running(installation, rules=RULES, staff={"edit_profiles": may_edit}, profiles={"reload": False}) as one:
        yield one


def list_texts(value: object) -> Iterator[str]:
    """All but codes for kinds of addresses and numbers."""
    if isinstance(value, dict):
        value = [inner for key, inner in value.items() if key not in {"kind", "role", "type", "library"}]
    if isinstance(value, list):
        for inner in value:
            yield from list_texts(inner)
    elif isinstance(value, str) and value[:1] in ("[", "{"):
        yield from list_texts(json.loads(value))
    elif isinstance(value, str) and len(value) > 2:
        yield value


def read_patron_texts(installation: Installation) -> set[str]:
    """All texts that the store has of the patron, but the branch, which is a code of the profile, too."""
    with contextlib.closing(sqlite3.connect(installation.database)) as store:
        store.row_factory = sqlite3.Row
        (number,) = store.execute(
            "SELECT patron_id FROM embedded_patron_identifiers WHERE value = ?", [PATRON]
        ).fetchone()
        rows = store.execute("SELECT * FROM embedded_patrons WHERE id = ?", [number]).fetchall()
        rows += store.execute("SELECT * FROM embedded_patron_identifiers WHERE patron_id = ?", [number]).fetchall()
    return set(list_texts([dict(row) for row in rows])) - {"MAIN", "barcode"}


async def make_example(gateway: Running, olga: Colleague, message: str = MESSAGE) -> Answer:
    heard = await write_exchange(gateway, service="AcceptItem", profile="ncip2", body=message.encode())
    page = await olga.post(f"/operation/journal/{heard}", {})
    (form,) = page.tree.xpath("//form[contains(@action, '/example')]")
    return await olga.post(str(form.get("action")).removeprefix("/staff"), {})


def list_rows(page: Answer) -> list[list[str]]:
    """Place, value as received, made-up value."""
    rows = page.tree.xpath("//table[@aria-labelledby='replaced']/tbody/tr")
    return [[" ".join(cell.text_content().split()) for cell in row.xpath("./td")] for row in rows]


def read_draft(page: Answer) -> dict[str, str]:
    (form,) = page.tree.xpath("//form[.//textarea[@name='text']]")
    return {
        "step": "check",
        "text": form.xpath("string(.//textarea)").removeprefix("\n"),
        "base": str(form.xpath("string(.//input[@name='base']/@value)")),
    }


async def test_a_message_becomes_an_example_without_anything_of_the_patron(
    gateway: Running, installation: Installation, olga: Colleague, file: Path
) -> None:
    texts = read_patron_texts(installation)
    assert {PATRON, "Müller", "Ana", "reader01@library.example", "3 Linden Street", "1965-01-01"} <= texts
    before = read_text(file)

    page = await make_example(gateway, olga)
    rows = {row[0].rpartition("AcceptItem/")[2]: row[1:] for row in list_rows(page)}
    draft = read_draft(page)
    checked = await olga.post(EDIT, draft)
    unsaved = read_text(file)
    saved = await olga.post(EDIT, {**read_save_form(checked), "reason": "a habit"})

    assert "Saved and in use." in saved.text
    assert unsaved == before
    assert rows["UserId/UserIdentifierValue"][0] == f"RVS-{PATRON}"
    assert rows["UserOptionalFields/DateOfBirth"][0] == "1965-01-01"
    after = read_text(file)
    removed = [line for line in before.splitlines() if line not in after.splitlines()]
    assert removed == []
    example = read_yaml_file(file)["examples"][0]
    written = json.dumps(example, ensure_ascii=False)
    assert [text for text in texts if text in written] == []
    assert [word for word in ("снегом", "Ελένη", "4711", "2027", "<!--", "unused") if word in written] == []
    assert [word for word in ("Hold For Pickup", "Barcode Id", ">DEMO<", "SCIENCE") if word not in written] == []
    assert example["name"] == "AcceptItem 1"
    assert example["understood"]["pickup"] == "SCIENCE"
    assert example["understood"]["action"] == "hold"
    number = example["understood"]["patron.id.value"]
    assert number.startswith("RVS-")
    assert len(number) == len(f"RVS-{PATRON}")
    assert example["understood"]["request.value"] != f"{PATRON}-7"
    assert "different results" not in (await olga.get("/operation/profiles/ncip2")).text
    assert read_draft(await make_example(gateway, olga))["text"].count("name: AcceptItem 2\n") == 1


async def test_the_example_fails_when_the_profile_no_longer_understands_it(
    gateway: Running, olga: Colleague, file: Path
) -> None:
    draft = read_draft(await make_example(gateway, olga))

    checked = await olga.post(EDIT, {**draft, "text": draft["text"].replace("pickup: SCIENCE", "pickup: LAW")})

    assert "example 'AcceptItem 1': expected 'LAW', understood 'SCIENCE'" in checked.tree.text_content()


@pytest.mark.parametrize(
    ("message", "why"),
    [
        (MESSAGE[: len(MESSAGE) // 2], "it is not understood"),
        (
            MESSAGE.replace("<ns1:DateOfBirth>", "<ns1:Ana/><ns1:DateOfBirth>"),
            "elements that the gateway does not know",
        ),
    ],
)
async def test_what_cannot_be_an_example_says_why(
    gateway: Running, olga: Colleague, file: Path, message: str, why: str
) -> None:
    before = read_text(file)

    page = await make_example(gateway, olga, message)

    assert page.tree.xpath("//textarea") == []
    assert why in page.tree.xpath("string(//p[@class='note-line'])")
    assert read_text(file) == before


@pytest.mark.parametrize("may_edit", [False])
async def test_where_profiles_are_not_edited_here_there_is_no_example(gateway: Running, olga: Colleague) -> None:
    page = await make_example(gateway, olga)

    assert page.tree.xpath("//textarea") == []
    assert "Set staff.edit_profiles in gateway.yml" in page.tree.xpath("string(//p[@class='note-line'])")


async def test_a_message_without_a_file_of_its_profile_is_no_example(gateway: Running, olga: Colleague) -> None:
    heard = await write_exchange(gateway, profile="koha-ncip", body=MESSAGE.encode())

    page = await olga.post(f"/operation/journal/{heard}/example", {})

    assert "no profile that has a file here" in page.tree.xpath("string(//p[@class='note-line'])")


def share_file(file: Path) -> None:
    """Make a partner of two libraries of it."""
    shared = file.parent.parent / "partners" / file.name
    shared.parent.mkdir(exist_ok=True)
    shared.write_text(f"{read_text(file)}\neach: {{fjord: {{contact: Нина Берг}}}}\n", encoding="utf-8")
    file.unlink()


async def test_the_file_of_several_libraries_is_shown_to_an_operator_of_all_alone(
    installation: Installation, file: Path
) -> None:
    share_file(file)
    async with (
        running(installation, rules=RULES, staff={"edit_profiles": True}, other_libraries=[OTHER]) as gateway,
        colleague(gateway, "o.brandt", "operator") as olga,
    ):
        page = await make_example(gateway, olga)

    assert "Only an administrator of all of them" in page.tree.xpath("string(//p[@class='note-line'])")
    assert "Нина" not in page.text
