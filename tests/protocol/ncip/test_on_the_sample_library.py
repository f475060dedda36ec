"""Whole messages, as they are sent, and what becomes of them in the sample library."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from lxml import etree

from gateway.domain.library import Patron
from gateway.domain.problems import Refused
from gateway.ports.library_system import PatronKey
from gateway.ports.responder import RawMessage, TransportKind
from gateway.store.journal_records import JournalFilter
from tests.support.partner_rights import give_all_rights
from tests.unit.services.exchange.support import House, open_house

V2 = (
    '<NCIPMessage xmlns="http://www.niso.org/2008/ncip" '
    'version="http://www.niso.org/schemas/ncip/v2_02/ncip_v2_02.xsd">'
)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path) as opened:
        yield opened


class Answer:
    """An answer, read by the local names of its elements."""

    def __init__(self, body: bytes) -> None:
        self.body = body.decode()
        self._root = etree.fromstring(body)

    def text(self, name: str) -> str:
        found = (one for one in self._root.iter() if etree.QName(one).localname == name)
        return next(((one.text or "").strip() for one in found), "")

    @property
    def problem(self) -> tuple[str, str, str]:
        """Type, element, value; all empty for a success."""
        return self.text("ProblemType"), self.text("ProblemElement"), self.text("ProblemValue")


async def send(house: House, inner: str, profile: str = "ncip2", opening: str = V2) -> Answer:
    body = f"{opening}{inner}</NCIPMessage>".encode()
    arrival = RawMessage(
        body, house.installation.clock.now(), TransportKind.HTTP, "ncip", peer="127.0.0.1", profile=profile
    )
    return Answer((await house.exchange.handle(arrival)).body)


async def find_patron(house: House, number: str) -> Patron:
    found: Patron = await house.system.find_patron(PatronKey(number))
    return found


# --- which element is wrong ------------------------------------------------------------------------------

BOOK = "<ItemId><ItemIdentifierValue>39000000000011</ItemIdentifierValue></ItemId>"
USER = "<UserId><UserIdentifierValue>21000000000017</UserIdentifierValue></UserId>"
V1 = '<NCIPMessage version="http://www.niso.org/ncip/v1_0/imp1/dtd/ncip_v1_0.dtd">'
V1_HEADER = """<InitiationHeader>
  <FromAgencyId><UniqueAgencyId><Scheme/><Value>CPA</Value></UniqueAgencyId></FromAgencyId>
  <ToAgencyId><UniqueAgencyId><Scheme/><Value>NOWHERE</Value></UniqueAgencyId></ToAgencyId></InitiationHeader>"""
V1_USER = "<UniqueUserId><UserIdentifierValue>21000000000017</UserIdentifierValue></UniqueUserId>"
V1_BOOK = "<UniqueItemId><ItemIdentifierValue>39000000000011</ItemIdentifierValue></UniqueItemId>"


@pytest.mark.parametrize(
    ("inner", "element"),
    [
        pytest.param(
            f"<CheckOutItem>{USER}{BOOK}<DateDue>2020-02-29T12:00:00Z</DateDue></CheckOutItem>",
            "DateDue",
            id="a due date as INN-Reach says it",
        ),
        pytest.param(
            f"<CheckOutItem>{USER}{BOOK}<DesiredDateDue>2020-02-29T12:00:00Z</DesiredDateDue></CheckOutItem>",
            "DesiredDateDue",
            id="a due date",
        ),
        pytest.param(
            f"<RequestItem>{USER}{BOOK}<RequestType>Hold</RequestType><RequestScopeType>Item</RequestScopeType>"
            "<PickupExpiryDate>2020-02-29T12:00:00Z</PickupExpiryDate></RequestItem>",
            "PickupExpiryDate",
            id="a last day",
        ),
        pytest.param(
            f"<RequestItem>{USER}{BOOK}<RequestType>Hold</RequestType><RequestScopeType>Shelf</RequestScopeType>"
            "</RequestItem>",
            "RequestScopeType",
            id="the scope, not the type",
        ),
        pytest.param(
            "<LookupUser><AuthenticationInput><AuthenticationInputData>nobody</AuthenticationInputData>"
            "<AuthenticationInputType>username</AuthenticationInputType></AuthenticationInput></LookupUser>",
            "AuthenticationInput",
            id="a user by credentials",
        ),
        pytest.param(
            "<CheckInItem><RequestId><RequestIdentifierValue>R-0</RequestIdentifierValue></RequestId></CheckInItem>",
            "RequestId",
            id="an item by its request",
        ),
        pytest.param(
            f"<CancelRequestItem>{USER}{BOOK}<RequestType>Hold</RequestType></CancelRequestItem>",
            "ItemId",
            id="a request by its item",
        ),
        pytest.param(f"<CheckOutItem>{USER}</CheckOutItem>", "ItemId", id="what is missing"),
        pytest.param(
            f"<CheckOutItem>{USER}{BOOK}<DesiredDateDue>soon</DesiredDateDue></CheckOutItem>",
            "CheckOutItem/DesiredDateDue",
            id="the path of a value that can't be read",
        ),
    ],
)
async def test_a_problem_names_an_element_of_the_message(house: House, inner: str, element: str) -> None:
    answer = await send(house, inner)

    assert answer.problem[0]
    assert answer.problem[1] == element, answer.body


@pytest.mark.parametrize(
    ("inner", "element"),
    [
        pytest.param(
            f"<RenewItem>{V1_HEADER}{V1_USER}{V1_BOOK}</RenewItem>", "UniqueItemId", id="named as version 1 does"
        ),
        pytest.param(
            f"<LookupUser>{V1_HEADER}<VisibleUserId><VisibleUserIdentifier>0</VisibleUserIdentifier></VisibleUserId>"
            "</LookupUser>",
            "VisibleUserId",
            id="a user by card",
        ),
        pytest.param(
            f"<AcceptItem>{V1_HEADER}<UniqueRequestId><RequestIdentifierValue>R-1</RequestIdentifierValue>"
            "</UniqueRequestId><RequestedActionType><Value>Hold For Pickup</Value></RequestedActionType>"
            f"{V1_USER}<UniqueItemId><ItemIdentifierValue>CPA-1</ItemIdentifierValue></UniqueItemId></AcceptItem>",
            "ToAgencyId",
            id="a pickup place in the header",
        ),
    ],
)
async def test_a_problem_names_an_element_of_version_1(house: House, inner: str, element: str) -> None:
    answer = await send(house, inner, "illiad-aleph" if "AcceptItem" in inner else "ncip1", V1)

    names = [name.strip() for name in re.findall("<ElementName>(.*?)</ElementName>", answer.body, re.DOTALL)]
    assert names[-1] == element, answer.body


async def test_what_cannot_be_parsed_is_wrong_as_a_whole(house: House) -> None:
    answer = await send(house, "<LookupUser><UserId></LookupUser>")

    assert answer.problem[:2] == ("Invalid Message Syntax Error", "NCIPMessage")
    assert "line 1" in answer.text("ProblemDetail")


# --- users -----------------------------------------------------------------------------------------------


def creates_user(number: str, *privileges: str) -> str:
    """As Auto-Graphics registers an organisation (facts/ncip.md 2.7), in version 2."""
    return f"""<CreateUser>
      <UserId><AgencyId>CPomAG:massvc:TEST-QCC</AgencyId><UserIdentifierValue>{number}</UserIdentifierValue></UserId>
      <NameInformation><OrganizationNameInformation><OrganizationNameType>Full Name</OrganizationNameType>
        <OrganizationName>Городская библиотека</OrganizationName></OrganizationNameInformation></NameInformation>
      {"".join(privileges)}</CreateUser>"""


def privilege(kind: str, *, until: str = "") -> str:
    ends = f"<ValidToDate>{until}</ValidToDate>" if until else ""
    return (
        f"<UserPrivilege><AgencyId>DEMO</AgencyId><AgencyUserPrivilegeType>{kind}</AgencyUserPrivilegeType>{ends}"
        "<UserPrivilegeStatus><UserPrivilegeStatusType>Staff</UserPrivilegeStatusType></UserPrivilegeStatus>"
        "</UserPrivilege>"
    )


async def test_a_new_user_s_privilege_says_how_long(house: House) -> None:
    """Of several the one that ends first; the day is the library's."""
    ends = privilege("PROFILE", until="2031-06-30T22:30:00Z"), privilege("STATUS", until="2032-01-01T00:00:00Z")

    answer = await send(house, creates_user("AG-1", privilege("LIBRARY"), *ends))

    assert answer.text("UserIdentifierValue") == "AG-1", answer.body
    assert (await find_patron(house, "AG-1")).expires == date(2031, 7, 1)


async def test_a_profile_may_have_its_own_days_instead(house: House) -> None:
    profile = house.profiles["ncip2"]
    patrons = profile.circulation.patrons.model_copy(update={"expiry_from": "days"})
    circulation = profile.circulation.model_copy(update={"patrons": patrons})
    house.profiles["ncip2"] = profile.model_copy(update={"circulation": circulation})

    await send(house, creates_user("AG-2", privilege("PROFILE", until="2031-06-30T22:30:00Z")))

    assert (await find_patron(house, "AG-2")).expires.year < 2031  # type: ignore[union-attr]


async def test_a_user_s_privilege_is_prolonged(house: House) -> None:
    await send(house, creates_user("AG-3", privilege("PROFILE", until="2031-06-30T12:00:00Z")))
    old, new = privilege("PROFILE", until="2031-06-30T12:00:00Z"), privilege("PROFILE", until="2033-06-30T12:00:00Z")

    answer = await send(
        house,
        f"<UpdateUser><UserId><UserIdentifierValue>AG-3</UserIdentifierValue></UserId><DeleteUserFields>{old}"
        f"</DeleteUserFields><AddUserFields>{new}</AddUserFields></UpdateUser>",
    )

    assert answer.problem == ("", "", "")
    assert (await find_patron(house, "AG-3")).expires == date(2033, 6, 30)


def deletes_user(number: str) -> str:
    return (
        f"<DeleteUser><UserId><AgencyId>CPomAG:massvc:TEST-QCC</AgencyId><UserIdentifierValue>{number}"
        "</UserIdentifierValue></UserId></DeleteUser>"
    )


async def test_a_temporary_user_is_deleted(house: House) -> None:
    await send(house, creates_user("AG-4"))

    for _ in range(2):  # the second time is a repeat
        answer = await send(house, deletes_user("AG-4"))
        assert (answer.problem, answer.text("UserIdentifierValue")) == (("", "", ""), "AG-4"), answer.body
    with pytest.raises(Refused):
        await find_patron(house, "AG-4")
    assert (await send(house, deletes_user("AG-5"))).problem == ("Unknown User", "UserId", "AG-5")


async def test_a_lasting_user_is_not_deleted(house: House) -> None:
    answer = await send(house, deletes_user("21000000000025"))

    assert answer.problem == ("Unauthorized Service For Agency", "UserId", "21000000000025")
    assert (await find_patron(house, "21000000000025")).name.surname


# --- fees ------------------------------------------------------------------------------------------------

NO_IDS = """<CreateUserFiscalTransaction><UserId><UserIdentifierValue>21000000000025</UserIdentifierValue></UserId>
  <FiscalTransactionInformation></FiscalTransactionInformation></CreateUserFiscalTransaction>"""
"""As CrossLink sends it (facts/ncip.md 2.5)."""


def charges_for(title: str) -> str:
    return f"""<CreateUserFiscalTransaction><UserId><UserIdentifierValue>21000000000025</UserIdentifierValue></UserId>
      <FiscalTransactionInformation><FiscalActionType>Assess</FiscalActionType>
      <FiscalTransactionType>Interlibrary Loan Fee</FiscalTransactionType>
      <Amount><CurrencyCode>EUR</CurrencyCode><MonetaryValue>300</MonetaryValue></Amount>
      <ItemDetails><BibliographicDescription><Title>{title}</Title></BibliographicDescription></ItemDetails>
      </FiscalTransactionInformation></CreateUserFiscalTransaction>"""


async def list_charges(house: House) -> list[str]:
    """Amounts and texts of what the patron has to pay."""
    patron = await find_patron(house, "21000000000025")
    return [
        f"{one.amount.amount:.2f} {one.description}".strip() for one in await house.system.patron_charges(patron.id)
    ]


async def test_two_books_without_ids_on_one_day_are_two_charges(house: House) -> None:
    fees = house.profiles["crosslink"].circulation.fees.model_copy(update={"default_amount": Decimal("2.50")})
    circulation = house.profiles["crosslink"].circulation.model_copy(update={"fees": fees})
    partner = house.profiles["crosslink"].model_copy(update={"circulation": circulation})
    house.profiles["crosslink"] = give_all_rights(partner)

    for _ in range(2):
        answer = await send(house, NO_IDS, "crosslink")
        assert answer.problem == ("", "", ""), answer.body

    assert await list_charges(house) == ["2.50", "2.50"]
    messages = (await house.journal.list_messages(JournalFilter("DEMO"))).messages
    kept = await house.journal.get_exchange("DEMO", messages[-1].exchange)
    await house.exchange.replay_message(kept[0])
    assert await list_charges(house) == ["2.50", "2.50"], "staff have the first message carried out again"
    (opening,) = (one.to_journal_entry().opening for one in kept[:1])
    again = replace(opening, at=house.installation.clock.now(), transport="replay", replay_of=kept[0].message.id)
    begun = await house.journal.begin(again)
    interrupted = await house.journal.get_message("DEMO", f"{begun.exchange}-1")
    assert interrupted is not None
    await house.exchange.finish_message(interrupted)
    assert await list_charges(house) == ["2.50", "2.50"], "a crash interrupted that replay, and the next start ended it"


async def test_a_title_tells_books_apart_and_a_repeat_from_another_book(house: House) -> None:
    for title in ("Der Turm", "Кленова балка", "Der Turm"):
        await send(house, charges_for(title))

    assert await list_charges(house) == ["3.00 Der Turm", "3.00 Кленова балка"]


def accepts_with_fee(amount: str) -> str:
    return f"""<AcceptItem><RequestId><RequestIdentifierValue>R-5</RequestIdentifierValue></RequestId>
      <RequestedActionType>Hold For Pickup</RequestedActionType>
      <UserId><UserIdentifierValue>21000000000025</UserIdentifierValue></UserId>
      <ItemId><ItemIdentifierValue>R-5</ItemIdentifierValue></ItemId>
      <FiscalTransactionInformation><FiscalActionType>charge-default-patron-fee</FiscalActionType>
      <FiscalTransactionType>ILL-fee</FiscalTransactionType><Amount>{amount}</Amount></FiscalTransactionInformation>
      <ItemOptionalFields><BibliographicDescription><Title>Der Turm</Title></BibliographicDescription>
      </ItemOptionalFields></AcceptItem>"""


@pytest.mark.parametrize(
    ("amount", "wrong"),
    [
        ("<CurrencyCode>USD</CurrencyCode><MonetaryValue>350</MonetaryValue>", "USD"),
        ("<CurrencyCode>euro</CurrencyCode><MonetaryValue>350</MonetaryValue>", "euro"),
        ("<CurrencyCode>EUR</CurrencyCode><MonetaryValue>-350</MonetaryValue>", "-3.5"),
    ],
)
async def test_an_item_with_an_impossible_fee_is_not_half_accepted(house: House, amount: str, wrong: str) -> None:
    answer = await send(house, accepts_with_fee(amount))

    assert answer.problem[0] == "Invalid Amount", answer.body
    assert answer.problem[2].startswith(wrong)
    with pytest.raises(Refused):
        await house.system.item_by_barcode("R-5")


@pytest.mark.parametrize(
    ("amount", "charged"),
    [
        ("<CurrencyCode>EUR</CurrencyCode><MonetaryValue>0</MonetaryValue>", "5.00"),
        ("<MonetaryValue>350</MonetaryValue>", "3.50"),
    ],
)
async def test_an_item_comes_with_the_usual_fee(house: House, amount: str, charged: str) -> None:
    house.profiles["reshare"] = give_all_rights(house.profiles["reshare"])
    answer = await send(house, accepts_with_fee(amount), "reshare")

    assert answer.problem == ("", "", ""), answer.body
    assert await list_charges(house) == [charged]


# --- a partner's item goes home --------------------------------------------------------------------------


@pytest.mark.parametrize("profile", ["illiad-alma", "relais-d2d"])
@pytest.mark.parametrize("lent", [True, False])
async def test_no_record_stays_when_nobody_sends_delete_item(house: House, profile: str, lent: bool) -> None:
    """As VCU's addon sends it: from the customer, or never fetched by one."""
    came = house.message(
        "accept-item", profile, patron="21000000000017", request="TN-1", item="TN-1", title="Пам’ять", pickup="MAIN"
    )
    await house.exchange.handle(came)
    if lent:
        await house.exchange.handle(house.message("check-out", profile, patron="21000000000017", item="TN-1"))

    for _ in range(2):  # a click too many is a repeat
        answer = await send(
            house,
            "<CheckInItem><UserId><UserIdentifierValue>21000000000017</UserIdentifierValue></UserId><ItemId>"
            "<AgencyId>XXX</AgencyId><ItemIdentifierValue>TN-1</ItemIdentifierValue></ItemId><RequestId>"
            "<RequestIdentifierValue>TN-1</RequestIdentifierValue></RequestId></CheckInItem>",
            profile,
        )
        assert "Problem" not in answer.body, answer.body
    with pytest.raises(Refused):
        await house.system.item_by_barcode("TN-1")


async def test_a_charge_names_its_item_and_its_request(house: House) -> None:
    """A client that posts fees finds its own again."""
    fee = (
        "<FiscalTransactionInformation><FiscalActionType>Assess</FiscalActionType>"
        "<FiscalTransactionType>Interlibrary Loan Fee</FiscalTransactionType>"
        "<Amount><CurrencyCode>EUR</CurrencyCode><MonetaryValue>350</MonetaryValue></Amount>"
        "<RequestId><RequestIdentifierValue>R-77</RequestIdentifierValue></RequestId>"
        f"<ItemDetails>{BOOK}<BibliographicDescription/></ItemDetails></FiscalTransactionInformation>"
    )
    posted = await send(house, f"<CreateUserFiscalTransaction>{USER}{fee}</CreateUserFiscalTransaction>")
    assert posted.problem == ("", "", "")
    answer = await send(house, f"<LookupUser>{USER}<UserFiscalAccountDesired/></LookupUser>")

    assert answer.text("RequestIdentifierValue") == "R-77"
    assert answer.text("ItemIdentifierValue") == "39000000000011"
