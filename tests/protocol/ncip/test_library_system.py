"""A library's system that answers NCIP: in the style of every profile, as Koha does, and as none should."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web

from adapters.library.change_sending import make_hold_change
from adapters.ncip.client import mirror_dialect
from adapters.ncip.dialect import NcipDialect
from adapters.ncip.library_system.options import NcipLibraryOptions
from adapters.ncip.library_system.system import NcipLibrary
from gateway.configuration.yaml_document import parse_yaml
from gateway.domain.clock import FixedClock
from gateway.domain.library import Bib, BlockCause, BlockScope, Hold, HoldStatus, ItemStatus
from gateway.domain.problems import OutcomeUnknown, RefusalReason, Refused, Unavailable
from gateway.ports.library_changes import ChangeKind
from gateway.ports.library_system import Capability, HoldWish, PatronKey, TemporaryHold, TemporaryItem
from gateway.ports.shared_store import Store
from gateway.store.library_changes import StoredLibraryChanges
from gateway.store.migration import OWN, migrate_store
from tests.library_contract.embedded_world import KNOWN, START, make_context
from tests.library_contract.ncip_world import (
    ALL_SERVICES,
    agency_of_branch,
    make_options,
    make_profiles,
    started_responder,
)
from tests.protocol.ncip.support import http_peer
from tests.support.paths import ROOT

WHO, ITEM, TEMPORARY = KNOWN.good.value, KNOWN.shelf_item, "ILL-880001"
SQLITE = pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)


def read_profile(name: str) -> Mapping[str, Any]:
    return parse_yaml((ROOT / "profiles" / f"{name}.yml").read_text("utf-8"), name).data


SHIPPED = sorted(file.stem for file in (ROOT / "profiles").glob("*.yml") if "\nncip:" in file.read_text("utf-8"))


def read_dialect(name: str) -> dict[str, Any]:
    """What a profile and those that it extends say of NCIP, but for which services it offers: here all."""
    profile = read_profile(name)
    above = read_dialect(profile["extends"]) if "extends" in profile else {}
    said: dict[str, Any] = dict(profile.get("ncip", {}))
    merged = {
        **above,
        **{key: {**above.get(key, {}), **value} if isinstance(value, dict) else value for key, value in said.items()},
    }
    return {key: value for key, value in merged.items() if key not in ("services", "withheld", "extensions")}


# --- in every profile ------------------------------------------------------------------------------------


@SQLITE
@pytest.mark.parametrize("name", SHIPPED)
async def test_a_partners_item_comes_and_goes_in_the_style_of_each_profile(name: str, store: Store) -> None:
    said = read_dialect(name)
    said["header"] = {**said.get("header", {}), "our_agency": "", "partner_agency": ""}
    theirs = NcipDialect.model_validate(said)
    source = read_profile(name).get("circulation", {}).get("pickup", {}).get("source", ["pickup-location"])
    in_receiver = theirs.xml.version.is_v1
    pickup = {"source": ["receiver"] if in_receiver else source, "map": {agency_of_branch("RS"): "RS"}}
    profiles = [one for one in make_profiles(theirs, {"pickup": pickup}) if one.name == "ils-rs"]
    header = {**said["header"], "our_agency": "GW", "partner_agency": agency_of_branch("RS")}
    said["xml"] = {**said.get("xml", {}), "extra_elements": "send" if name == "innreach" else "omit"}  # its DateDue
    theirs = NcipDialect.model_validate(said)
    ours = mirror_dialect(theirs).model_copy(update={"header": theirs.header.model_copy(update=header)})
    services = [one for one in ALL_SERVICES if ours.xml.version.has_service(one)]
    async with started_responder(store, profiles) as (server, peer):
        server.profile = "ils-rs"
        options = make_options(
            server.port, {"services": services, "pickup_in": "receiver" if in_receiver else "element"}
        )
        library = NcipLibrary(make_context(store, peer.clock), options.model_copy(update={"ncip": ours}))
        try:
            await lend_partners_item(library, peer.now())
        finally:
            await library.close_connections()


async def lend_partners_item(library: NcipLibrary, now: datetime) -> None:
    patron = await library.find_patron(PatronKey(WHO))
    assert patron.name.surname == "Müller"
    bib = Bib(title="Über die Brücke — за мостом", author="Söhnlein, Grete")
    wish = TemporaryItem(
        TEMPORARY, bib, "REQ-1", KNOWN.ill, KNOWN.ill_policy, hold=TemporaryHold(patron.id, KNOWN.ill.library)
    )
    received = await library.create_temporary_item(wish, "k1")
    assert received.hold is not None
    assert received.hold.status is HoldStatus.READY
    due = now.replace(microsecond=0) + timedelta(days=20)
    loan = await library.check_out(TEMPORARY, patron.id, "k2", due=due, request_id="REQ-1")
    assert loan.due == due
    assert (await library.item_by_barcode(TEMPORARY)).status is ItemStatus.ON_LOAN
    back = await library.check_in(TEMPORARY, "k3")
    assert back.loan is not None
    assert back.loan.id == loan.id
    await library.delete_temporary_item(TEMPORARY, "k4")
    with pytest.raises(Refused) as refused:
        await library.item_by_barcode(TEMPORARY)
    # INN-Reach's errors are a sentence in ToAgencyId, and nothing else (facts/ncip.md 2.9)
    assert refused.value.reason in (RefusalReason.UNKNOWN_ITEM, RefusalReason.OTHER)


# --- a system that says what the test says ----------------------------------------------------------------

Script = dict[str, list[str] | str]
"""Service -> the content of its answers, in turn; the last one stays."""

V2_02 = "http://www.niso.org/schemas/ncip/v2_02/ncip_v2_02.xsd"


class ScriptedSystem:
    """`seen`: the bodies that came, by service."""

    def __init__(self, script: Mapping[str, list[str] | str], envelope: str) -> None:
        self.answers = {name: [said] if isinstance(said, str) else list(said) for name, said in script.items()}
        self.envelope = envelope
        self.seen: list[tuple[str, str]] = []

    async def reply(self, request: web.Request) -> web.StreamResponse:
        body = (await request.read()).decode()
        service = next(name for name in ALL_SERVICES if f"<{name}>" in body or f":{name}>" in body)
        self.seen.append((service, body))
        answers = self.answers[service]
        said = answers.pop(0) if len(answers) > 1 else answers[0]
        if said.startswith("SLOW "):
            await asyncio.sleep(0.5)
            said = said.removeprefix("SLOW ")
        if said == "CLOSE":
            assert request.transport is not None
            request.transport.close()
            return web.Response()
        if said.startswith("HTTP "):
            _, status, text = said.split(" ", 2)
            return web.Response(status=int(status), text=text, content_type="text/html")
        whole = said if said.startswith("RAW ") else self.envelope.format(service=service, said=said)
        return web.Response(text=whole.removeprefix("RAW "), content_type="application/xml")

    def bodies(self, service: str) -> list[str]:
        return [body for name, body in self.seen if name == service]


KOHA_ENVELOPE = (
    f'<?xml version="1.0" encoding="UTF-8"?><NCIPMessage version="{V2_02}" xmlns="http://www.niso.org/2008/ncip">'
    "<{service}Response>{said}</{service}Response></NCIPMessage>"
)


@contextlib.asynccontextmanager
async def opened(
    store: Store, script: Mapping[str, list[str] | str], more: Mapping[str, Any] | None = None
) -> AsyncIterator[tuple[NcipLibrary, ScriptedSystem]]:
    await migrate_store(store, OWN)
    system = ScriptedSystem(script, KOHA_ENVELOPE)
    async with http_peer(system.reply) as peer:
        options = NcipLibraryOptions.model_validate(
            {
                "url": peer.url(),
                "branch": "MAIN",
                "seconds": {"connect": 1, "look_up": 1, "change": 1},
                "ncip": read_dialect("koha-ncip"),
                **(more or {}),
            }
        )
        library = NcipLibrary(make_context(store, FixedClock(START)), options)
        try:
            yield library, system
        finally:
            await library.close_connections()


# --- Koha -------------------------------------------------------------------------------------------------

KOHA_PATRON = """
<UserId><UserIdentifierType>Barcode</UserIdentifierType><UserIdentifierValue>21000000000017</UserIdentifierValue></UserId>
<LoanedItemsCount><LoanedItemCountValue>{count}</LoanedItemCountValue></LoanedItemsCount>{loans}
<UserOptionalFields><NameInformation><PersonalNameInformation><StructuredPersonalUserName><GivenName>Ana</GivenName>
<Surname>Müller</Surname></StructuredPersonalUserName></PersonalNameInformation></NameInformation>
<UserAddressInformation><UserAddressRoleType>Primary</UserAddressRoleType><ElectronicAddress>
<ElectronicAddressType>mailto</ElectronicAddressType>
<ElectronicAddressData>ana@library.example</ElectronicAddressData></ElectronicAddress></UserAddressInformation>
<UserPrivilege><AgencyId>MAIN</AgencyId><AgencyUserPrivilegeType>LIBRARY</AgencyUserPrivilegeType>
<UserPrivilegeStatus><UserPrivilegeStatusType>NORTH</UserPrivilegeStatusType></UserPrivilegeStatus></UserPrivilege>
<UserPrivilege><AgencyId>MAIN</AgencyId><AgencyUserPrivilegeType>PROFILE</AgencyUserPrivilegeType>
<UserPrivilegeStatus><UserPrivilegeStatusType>PT</UserPrivilegeStatusType></UserPrivilegeStatus></UserPrivilege>
<UserPrivilege><AgencyId>MAIN</AgencyId><AgencyUserPrivilegeType>STATUS</AgencyUserPrivilegeType>
<UserPrivilegeStatus><UserPrivilegeStatusType>{status}</UserPrivilegeStatusType></UserPrivilegeStatus></UserPrivilege>
<UserId><UserIdentifierType>Primary Key</UserIdentifierType><UserIdentifierValue>7</UserIdentifierValue></UserId>
</UserOptionalFields>"""


def koha_patron(status: str = "Ok", loans: str = "", count: int = 0) -> str:
    return KOHA_PATRON.format(status=status, loans=loans, count=count)


def koha_item(status: str, barcode: str = ITEM) -> str:
    return (
        f"<ItemId><ItemIdentifierType>Barcode</ItemIdentifierType><ItemIdentifierValue>{barcode}</ItemIdentifierValue>"
        "</ItemId><ItemOptionalFields><BibliographicDescription><Title>Вишнёвый сад</Title></BibliographicDescription>"
        f"<CirculationStatus>{status}</CirculationStatus></ItemOptionalFields>"
    )


def problem(type_: str, value: str = "") -> str:
    said = f"<ProblemValue>{value}</ProblemValue>" if value else ""
    return f"<Problem><ProblemType>{type_}</ProblemType><ProblemDetail>{type_}</ProblemDetail>{said}</Problem>"


USER_ID = f"<UserId><UserIdentifierValue>{WHO}</UserIdentifierValue></UserId>"
LENT = (
    f"<ItemId><ItemIdentifierValue>{ITEM}</ItemIdentifierValue></ItemId>{USER_ID}<DateDue>2026-03-30T23:59:00</DateDue>"
)
IN_LIST = (
    f"<LoanedItem><ItemId><ItemIdentifierValue>{ITEM}</ItemIdentifierValue></ItemId>"
    "<DateDue>2026-03-30T23:59:00</DateDue></LoanedItem>"
)
DUE = datetime(2026, 3, 30, 21, 59, tzinfo=UTC)


@SQLITE
async def test_koha_tells_of_a_patron(store: Store) -> None:
    async with opened(store, {"LookupUser": koha_patron()}) as (library, system):
        patron = await library.find_patron(KNOWN.good)

    assert (patron.name.direct, patron.home_library, patron.category) == ("Ana Müller", "NORTH", "PT")
    assert [one.value for one in patron.identifiers] == [WHO], "its own key names nobody outside it"
    assert not patron.blocks
    (body,) = system.bodies("LookupUser")
    assert "<NCIPMessage " in body, "a prefix isn't found"


@SQLITE
async def test_koha_misspells_that_it_knows_nobody(store: Store) -> None:
    async with opened(store, {"LookupUser": problem("Unkown User")}) as (library, _system):
        with pytest.raises(Refused) as refused:
            await library.find_patron(PatronKey("21999"))
    assert refused.value.reason is RefusalReason.UNKNOWN_PATRON


@SQLITE
async def test_kohas_dates_are_local_and_ours_have_their_zone(store: Store) -> None:
    script: Script = {"LookupUser": koha_patron(), "CheckOutItem": LENT, "LookupItem": koha_item("On Loan")}
    async with opened(store, script) as (library, system):
        loan = await library.check_out(ITEM, WHO, "k", due=DUE)

    assert loan.due == DUE
    (body,) = system.bodies("CheckOutItem")
    assert "<DesiredDateDue>2026-03-30T23:59:00+02:00</DesiredDateDue>" in body, "without a zone it may not be read"


@SQLITE
async def test_koha_gives_a_temporary_item_a_barcode_of_its_own(store: Store) -> None:
    accepted = (
        "<RequestId><RequestIdentifierValue>REQ-1</RequestIdentifierValue></RequestId>"
        "<ItemId><ItemIdentifierValue>ILL-7</ItemIdentifierValue></ItemId>"
    )
    script: Script = {
        "LookupUser": koha_patron(),
        "AcceptItem": accepted,
        "LookupItem": koha_item("Available For Pickup", "ILL-7"),
        "DeleteItem": "<UniqueItemId><ItemIdentifierValue>ILL-7</ItemIdentifierValue></UniqueItemId>",
    }
    async with opened(store, script) as (library, _system):
        wish = TemporaryItem(
            "ILL-1", Bib(title="Вишнёвый сад"), "REQ-1", KNOWN.ill, "ill", hold=TemporaryHold(WHO, "MAIN")
        )
        received = await library.create_temporary_item(wish, "k")
        assert received.item.barcode == "ILL-7"
        assert await library.item_by_request("REQ-1") == received.item
        await library.delete_temporary_item("ILL-7", "k")


@SQLITE
async def test_kohas_refusals_are_in_our_words(store: Store) -> None:
    cases = {
        "Check Out Not Allowed - Item Has Outstanding Requests": RefusalReason.ITEM_NOT_AVAILABLE,
        "Item Does Not Circulate": RefusalReason.ITEM_DOES_NOT_CIRCULATE,
        "Maximum Check Outs Exceeded": RefusalReason.LIMIT_REACHED,
        "User Blocked": RefusalReason.PATRON_BLOCKED,
        "Что-то своё": RefusalReason.OTHER,
    }
    for words, reason in cases.items():
        script: Script = {
            "LookupUser": koha_patron(),
            "LookupItem": koha_item("Available On Shelf"),
            "CheckOutItem": problem(words, WHO),
        }
        async with opened(store, script) as (library, _system):
            with pytest.raises(Refused) as refused:
                await library.check_out(ITEM, WHO, words)
        if words.startswith("Check Out Not"):
            reason = RefusalReason.REQUESTED_BY_OTHER
        assert refused.value.reason is reason
        assert words in refused.value.internal, "kept for staff"
        assert WHO not in refused.value.detail


@SQLITE
async def test_a_blocked_patron_borrows_nothing(store: Store) -> None:
    script: Script = {"LookupUser": koha_patron("BLOCKED"), "LookupItem": koha_item("Available On Shelf")}
    async with opened(store, script) as (library, system):
        patron = await library.find_patron(KNOWN.good)
        assert patron.find_block(BlockScope.BORROW) is not None
        with pytest.raises(Refused) as refused:
            await library.check_out(ITEM, WHO, "k")
    assert refused.value.reason is RefusalReason.PATRON_BLOCKED
    assert not system.bodies("CheckOutItem")


@SQLITE
async def test_what_koha_says_of_an_item_stands_in_user_optional_fields(store: Store) -> None:
    said = (
        f"<ItemId><ItemIdentifierValue>{ITEM}</ItemIdentifierValue></ItemId><UserOptionalFields>"
        "<BibliographicDescription><Author>Марш & сын</Author><BibliographicItemId>"
        "<BibliographicItemIdentifier>9780000010025</BibliographicItemIdentifier>"
        "<BibliographicItemIdentifierCode>ISBN</BibliographicItemIdentifierCode></BibliographicItemId>"
        "<Title>Rivers & Bridges</Title></BibliographicDescription><CirculationStatus>Checked In</CirculationStatus>"
        "<HoldQueueLength>2</HoldQueueLength><CallNumber>TG2</CallNumber><CopyNumber></CopyNumber></UserOptionalFields>"
    )
    async with opened(store, {"LookupItem": said}) as (library, _system):
        item = await library.item_by_barcode(ITEM)
        bib = await library.get_bib(item.bib_id)

    assert (item.status, item.hold_count, item.call_number) == (ItemStatus.AVAILABLE, 2, "TG2")
    assert (bib.title, bib.author) == ("Rivers & Bridges", "Марш & сын")


# --- numbers of requests ---------------------------------------------------------------------------------

KEPT_HOLD = Hold("h-1", "k", "REQ-1", WHO, "item:1", ITEM, "MAIN", HoldStatus.WAITING, START, item_barcode=ITEM)


@SQLITE
@pytest.mark.parametrize("numbers", ["ours", "theirs"])
async def test_a_hold_of_which_no_number_was_kept_is_cancelled_by_ours_if_the_system_keeps_it(
    numbers: str, store: Store
) -> None:
    """As rows of older databases have it."""
    script: Script = {"LookupItem": koha_item("On Loan"), "CancelRequestItem": USER_ID}
    more = {"requests": {"numbers": numbers}, "patrons": {"lists": []}}
    async with opened(store, script, more) as (library, system):
        kept = make_hold_change(ChangeKind.HOLD, KEPT_HOLD, "k", START)
        await StoredLibraryChanges(store, "LIB").end_change(replace(kept, ended=START))
        if numbers == "ours":
            assert (await library.cancel_hold("h-1", "c")).status is HoldStatus.CANCELLED
            assert ">REQ-1<" in system.bodies("CancelRequestItem")[0]
        else:
            with pytest.raises(Refused, match="gave no number"):
                await library.cancel_hold("h-1", "c")
            assert not system.bodies("CancelRequestItem")


# --- what a system leaves unsaid ---------------------------------------------------------------------------

LENT_WITHOUT_DATE = LENT.partition("<DateDue>")[0]


@SQLITE
@pytest.mark.parametrize("asked", [DUE, None])
async def test_a_loan_of_which_nobody_says_when_it_is_due_is_lent_once(asked: datetime | None, store: Store) -> None:
    """CrossLink's mock system answers so; before, the outcome was unknown for ever."""
    script: Script = {
        "LookupUser": koha_patron(),
        "LookupItem": koha_item("On Loan"),
        "CheckOutItem": LENT_WITHOUT_DATE,
    }
    async with opened(store, script, {"patrons": {"lists": []}}) as (library, system):
        loan = await library.check_out(ITEM, WHO, "k", due=asked)
        again = await library.check_out(ITEM, WHO, "k", due=asked)

    assert loan.due == asked
    assert again == loan
    assert len(system.bodies("CheckOutItem")) == 1


@SQLITE
async def test_a_loan_of_others_is_renewed_though_nobody_says_when_it_was_due(store: Store) -> None:
    """LookupItem has no DateDue before 2.02; the answer to RenewItem has."""
    renewed = LENT.replace("2026-03-30", "2026-04-20")
    script: Script = {"LookupUser": koha_patron(), "LookupItem": koha_item("On Loan"), "RenewItem": renewed}
    async with opened(store, script, {"patrons": {"lists": []}}) as (library, _system):
        assert await library.item_loan(ITEM) is not None
        loan = await library.renew_loan(ITEM, "k", patron_id=WHO)

    assert loan.due == datetime(2026, 4, 20, 21, 59, tzinfo=UTC)


@SQLITE
async def test_an_accepted_item_that_is_not_found_afterwards_is_accepted(store: Store) -> None:
    script: Script = {
        "LookupUser": koha_patron(),
        "LookupItem": problem("Unknown Item"),
        "AcceptItem": "<RequestId><RequestIdentifierValue>REQ-1</RequestIdentifierValue></RequestId>",
    }
    async with opened(store, script) as (library, system):
        wish = TemporaryItem("ILL-1", Bib(title="紅楼夢"), "REQ-1", KNOWN.ill, "ill", hold=TemporaryHold(WHO, "MAIN"))
        received = await library.create_temporary_item(wish, "k")

    assert (received.item.barcode, received.bib.title) == ("ILL-1", "紅楼夢")
    assert len(system.bodies("AcceptItem")) == 1


@SQLITE
async def test_an_unknown_patron_is_unknown_even_where_the_next_look_up_crashes(store: Store) -> None:
    """FOLIO: `Cannot invoke …` is what it says of a user name that it doesn't know."""
    crash = problem("Lookup User Failed").replace(
        "<ProblemDetail>Lookup User Failed", "<ProblemDetail>Authentication failed: Cannot invoke because it is null"
    )
    script: Script = {"LookupUser": [problem("", "Did not find a user with that id"), crash]}
    async with opened(store, script, {"patrons": {"inputs": ["username"]}}) as (library, system):
        with pytest.raises(Refused) as refused:
            await library.find_patron(PatronKey("5551212"))
    assert ">username<" in system.bodies("LookupUser")[1]
    assert refused.value.reason is RefusalReason.UNKNOWN_PATRON


@SQLITE
async def test_a_wrong_pin_stays_out_of_notes(store: Store) -> None:
    said = problem("Sign-in rejected: 9731-geheim", "9731-geheim")
    async with opened(store, {"LookupUser": said}, {"patrons": {"pin_input": "PIN"}}) as (library, _system):
        with pytest.raises(Refused) as refused:
            await library.authenticate(KNOWN.good, "9731-geheim")
    assert "9731" not in refused.value.internal + refused.value.detail + str(refused.value)


# --- a system that misbehaves -----------------------------------------------------------------------------

WRONG = {
    "a page of a proxy": "HTTP 502 <html><body>Bad Gateway</body></html>",
    "an error without NCIP": "HTTP 500 <Problem><message>no answer</message></Problem>",
    "nothing": "RAW ",
    "half of it": f'RAW <NCIPMessage version="{V2_02}" xmlns="http://www.niso.org/2008/ncip"><CheckOutItemResponse>',
    "a closed connection": "CLOSE",
    "an answer to something else": f'RAW <NCIPMessage version="{V2_02}" xmlns="http://www.niso.org/2008/ncip">'
    "<RenewItemResponse/></NCIPMessage>",
    "no XML": "RAW \x01\x02",
}


@SQLITE
@pytest.mark.parametrize("wrong", WRONG.values(), ids=list(WRONG))
async def test_a_change_without_an_answer_is_unknown_and_then_asked_about(wrong: str, store: Store) -> None:
    """Not done the first time: unknown. The same key again asks first, finds nothing, and sends once more."""
    script: Script = {
        "LookupUser": [koha_patron(), koha_patron(), koha_patron()],
        "CheckOutItem": [wrong, LENT],
        "LookupItem": koha_item("On Loan"),
    }
    async with opened(store, script) as (library, system):
        with pytest.raises(OutcomeUnknown):
            await library.check_out(ITEM, WHO, "k")
        assert len(system.bodies("CheckOutItem")) == 1
        loan = await library.check_out(ITEM, WHO, "k")

    assert loan.due == DUE
    assert len(system.bodies("CheckOutItem")) == 2


@SQLITE
@pytest.mark.parametrize("wrong", WRONG.values(), ids=list(WRONG))
async def test_a_change_that_was_done_is_found_done(wrong: str, store: Store) -> None:
    script: Script = {
        "LookupUser": [koha_patron(), koha_patron(loans=IN_LIST, count=1)],
        "CheckOutItem": wrong,
        "LookupItem": koha_item("On Loan"),
    }
    async with opened(store, script) as (library, system):
        loan = await library.check_out(ITEM, WHO, "k")

    assert loan.due == DUE
    assert len(system.bodies("CheckOutItem")) == 1


@SQLITE
@pytest.mark.parametrize("name", WRONG)
async def test_a_question_whose_answer_is_lost_is_asked_again(name: str, store: Store) -> None:
    is_answer = name in ("nothing", "an answer to something else", "no XML")
    async with opened(store, {"LookupUser": [WRONG[name], koha_patron()]}) as (library, _system):
        if is_answer:  # the same would come again
            with pytest.raises(Unavailable):
                await library.find_patron(KNOWN.good)
        else:
            assert (await library.find_patron(KNOWN.good)).id == WHO


@SQLITE
async def test_who_is_not_let_in_is_told_so_and_no_partner(store: Store) -> None:
    """Its words about us are a fault of the settings: partners get a temporary failure."""
    for said in ("RAW It works!", problem("Agency Authentication Failed"), "HTTP 401 no"):
        async with opened(store, {"LookupUser": said}) as (library, _system):
            with pytest.raises(Unavailable, match="does not accept us as a sender"):
                await library.find_patron(KNOWN.good)


@SQLITE
async def test_a_system_that_never_answers_is_left_alone(store: Store) -> None:
    script: Script = {"LookupUser": "HTTP 503 down"}
    async with opened(store, script, {"breaker": {"failures": 2, "seconds": 60}}) as (library, system):
        for _ in range(4):
            with pytest.raises(Unavailable):
                await library.find_patron(KNOWN.good)
        assert len(system.seen) == 2


@SQLITE
async def test_an_answer_is_awaited_for_as_long_as_is_set(store: Store) -> None:
    script: Script = {"LookupUser": "SLOW " + koha_patron()}
    async with opened(store, script, {"seconds": {"look_up": 0.1}}) as (library, _system):
        with pytest.raises(Unavailable):
            await library.find_patron(KNOWN.good)
    script = {"LookupUser": koha_patron(), "LookupItem": koha_item("On Loan"), "CheckOutItem": "SLOW " + LENT}
    async with opened(store, script, {"seconds": {"change": 0.1}}) as (library, _system):
        with pytest.raises(OutcomeUnknown):
            await library.check_out(ITEM, WHO, "k")


# --- each setting tells -----------------------------------------------------------------------------------

ACCEPTED = TemporaryItem("ILL-1", Bib(title="紅楼夢"), "REQ-1", KNOWN.ill, "ill", hold=TemporaryHold(WHO, "MAIN"))
LISTED = (
    f"<RequestedItem><RequestId><RequestIdentifierValue>R-7</RequestIdentifierValue></RequestId><ItemId>"
    f"<ItemIdentifierValue>{ITEM}</ItemIdentifierValue></ItemId><RequestStatusType>On the trolley</RequestStatusType>"
    "</RequestedItem>"
)
SAID: Script = {
    "LookupUser": koha_patron("Odd", LISTED),
    "LookupItem": koha_item("Odd"),
    "RequestItem": "<RequestId><RequestIdentifierValue>R-8</RequestIdentifierValue></RequestId>",
    "CancelRequestItem": "<RequestId><RequestIdentifierValue>R-7</RequestIdentifierValue></RequestId>",
    "AcceptItem": "<RequestId><RequestIdentifierValue>REQ-1</RequestIdentifierValue></RequestId>",
}


async def place_hold(library: NcipLibrary) -> None:
    await library.place_hold(HoldWish(WHO, "MAIN", item_barcode=KNOWN.copies[0]), "k")


async def cancel_hold(library: NcipLibrary) -> None:
    (hold,) = await library.patron_holds(WHO)
    await library.cancel_hold(hold.id, "k")


@SQLITE
@pytest.mark.parametrize(
    ("settings", "act", "sent"),
    [
        ({"requests": {"accept_action": "Circulate"}}, lambda w: w.create_temporary_item(ACCEPTED, "k"), ">Circulate<"),
        ({"requests": {"item_scope": "Copy"}}, place_hold, ">Copy<"),
        ({"patrons": {"pin_input": "PIN", "name_input": "Card"}}, lambda w: w.authenticate(KNOWN.good, "1"), ">Card<"),
        ({"ncip": {"requests": {"pickup_scheme": "urn:own"}}}, place_hold, '"urn:own">MAIN<'),
        ({"ncip": {"requests": {"cancel_type": "Loan"}}}, cancel_hold, ">Loan<"),
        ({"ncip": {"header": {"system_scheme": "urn:own", "our_system": "GW"}}}, place_hold, '"urn:own">GW<'),
        ({"ncip": {"header": {"profile_type_scheme": "urn:own", "profile_type": "A"}}}, place_hold, '"urn:own">A<'),
    ],
)
async def test_a_setting_is_in_what_the_system_gets(
    settings: dict[str, Any], act: Callable[[NcipLibrary], Awaitable[Any]], sent: str, store: Store
) -> None:
    async with opened(store, SAID, {"ncip": {}, **settings}) as (library, system):
        await act(library)

    assert any(sent in body for _, body in system.seen), system.seen


@SQLITE
async def test_a_setting_changes_what_is_read(store: Store) -> None:
    words = {"items": {"status_words": {"odd": "lost"}}, "requests": {"statuses": {"ready": "On the trolley"}}}
    settings: tuple[dict[str, Any], ...] = (
        {"ncip": {}, "pickups": [{"code": "MAIN"}]},
        {
            "ncip": words,
            "pickups": [{"code": "MAIN", "name": "Main desk"}],
            "patrons": {"blocked_words": ["odd"], "types": ["username"]},
        },
        {"ncip": {}, "patrons": {"expired_words": ["odd"]}},
    )
    read = []
    for more in settings:
        async with opened(store, SAID, more) as (library, _system):
            patron, (hold,) = await library.find_patron(PatronKey(WHO)), await library.patron_holds(WHO)
            item, places = await library.item_by_barcode(ITEM), await library.pickup_locations()
        causes = [block.cause for block in patron.blocks]
        names = [place.name for place in places]
        read.append((causes, patron.identifiers[0].type, hold.status, item.status, names))

    assert read == [
        ([], "barcode", HoldStatus.WAITING, ItemStatus.NOT_AVAILABLE, ["MAIN"]),
        ([BlockCause.OTHER], "username", HoldStatus.READY, ItemStatus.LOST, ["Main desk"]),
        ([BlockCause.EXPIRED], "barcode", HoldStatus.WAITING, ItemStatus.NOT_AVAILABLE, []),
    ]


# --- what a system has no message for ----------------------------------------------------------------------

FEW = ["LookupUser", "AcceptItem", "CheckOutItem", "CheckInItem", "RequestItem", "CancelRequestItem"]


@SQLITE
async def test_without_look_up_of_items_what_we_did_is_remembered(store: Store) -> None:
    """FOLIO, Alma, Sierra: a partner's item is known by AcceptItem, its loan by CheckOutItem."""
    accepted = (
        "<RequestId><RequestIdentifierValue>REQ-1</RequestIdentifierValue></RequestId>"
        "<ItemId><ItemIdentifierValue>ILL-1</ItemIdentifierValue></ItemId>"
    )
    lent = LENT.replace(ITEM, "ILL-1")
    script: Script = {
        "LookupUser": koha_patron(),
        "AcceptItem": accepted,
        "CheckOutItem": lent,
        "CheckInItem": "<ItemId><ItemIdentifierValue>ILL-1</ItemIdentifierValue></ItemId>",
    }
    async with opened(store, script, {"services": FEW, "patrons": {"lists": []}}) as (library, _system):
        wish = TemporaryItem("ILL-1", Bib(title="紅楼夢"), "REQ-1", KNOWN.ill, "ill", hold=TemporaryHold(WHO, "MAIN"))
        received = await library.create_temporary_item(wish, "k")
        assert received.hold is not None
        assert (await library.get_bib(received.item.bib_id)).title == "紅楼夢"
        loan = await library.check_out("ILL-1", WHO, "k")
        assert (await library.item_by_barcode("ILL-1")).status is ItemStatus.ON_LOAN
        assert await library.patron_loans(WHO) == (loan,)
        assert (await library.find_hold("REQ-1")).status is HoldStatus.FILLED
        assert (await library.check_out("ILL-1", WHO, "k")) == loan
        back = await library.check_in("ILL-1", "k")
        assert back.loan is not None
        await library.delete_temporary_item("ILL-1", "k")
        with pytest.raises(Refused) as refused:
            await library.item_by_barcode("ILL-1")
    assert refused.value.reason is RefusalReason.UNKNOWN_ITEM


@SQLITE
@pytest.mark.parametrize(
    ("lacking", "capability", "act"),
    [
        ("RequestItem", Capability.HOLD_ITEM, lambda w: w.place_hold(HoldWish(WHO, "MAIN", item_barcode=ITEM), "k")),
        ("RenewItem", Capability.RENEW, lambda w: w.renew_loan(ITEM, "k")),
        ("CheckOutItem", Capability.CHECK_OUT, lambda w: w.check_out(ITEM, WHO, "k")),
        ("CheckInItem", Capability.CHECK_IN, lambda w: w.check_in(ITEM, "k")),
        ("CancelRequestItem", Capability.HOLD_CANCEL, lambda w: w.cancel_hold("h", "k")),
    ],
)
async def test_what_it_does_not_answer_is_refused_and_never_sent(
    lacking: str, capability: Capability, act: Callable[[NcipLibrary], Awaitable[Any]], store: Store
) -> None:
    services = [one for one in FEW if one != lacking]
    async with opened(store, {}, {"services": services}) as (library, system):
        assert capability not in library.capabilities
        with pytest.raises(Refused, match="unsupported-service"):
            await act(library)
    assert not system.seen


# --- illgate check --live ----------------------------------------------------------------------------------

NOBODY_KNOWN = problem("Unkown User")


async def probe(
    store: Store, script: Mapping[str, list[str] | str], more: Mapping[str, Any]
) -> dict[str, tuple[str, str]]:
    """Step -> what it said or what was wrong, and the key to look at."""
    async with opened(store, script, more) as (library, _system):
        return {step.name: (step.problem or step.said, step.key) for step in await library.probe()}


TRIAL = {"trial": {"patron": WHO, "item": ITEM}}


@SQLITE
async def test_a_system_that_works_is_shown_step_by_step(store: Store) -> None:
    script: Script = {"LookupUser": [NOBODY_KNOWN, koha_patron()], "LookupItem": koha_item("Available On Shelf")}
    script["RequestItem"] = NOBODY_KNOWN
    found = await probe(store, script, {**TRIAL, "patrons": {"lists": ["loans"]}})

    assert list(found) == ["DNS", "TCP", "message", "agency", "patron", "item"]
    assert found["item"] == ("found, available, at MAIN", "")
    assert WHO not in str(found)


@SQLITE
@pytest.mark.parametrize(
    ("script", "more", "step", "key"),
    [
        ({}, {"url": "http://nowhere.invalid/ncip"}, "DNS", "url"),
        ({}, {"url": "http://127.0.0.1:9/ncip"}, "TCP", "url"),
        ({"LookupUser": "HTTP 404 <html>"}, {}, "message", "url"),
        ({"LookupUser": "RAW It works!"}, {}, "message", "ncip.header"),
        ({"LookupUser": problem("Unknown Agency")}, {}, "message", "ncip.header"),
        ({"LookupUser": problem("Nix da")}, {}, "message", "ncip.errors.map"),
        ({"LookupUser": koha_patron()}, {}, "message", "url"),
        ({"LookupUser": [NOBODY_KNOWN, NOBODY_KNOWN]}, TRIAL, "patron", "trial.patron"),
        ({"LookupUser": [NOBODY_KNOWN, koha_patron(count=3)]}, TRIAL, "patron", "patrons.lists"),
        (
            {"LookupUser": [NOBODY_KNOWN, koha_patron()]},
            {"patrons": {"pin_input": "PIN"}, **TRIAL},
            "PIN",
            "patrons.pin_input",
        ),
        (
            {"LookupUser": [NOBODY_KNOWN, koha_patron()], "LookupItem": problem("Unknown Item")},
            TRIAL,
            "item",
            "trial.item",
        ),
        (
            {"LookupUser": [NOBODY_KNOWN, koha_patron()], "LookupItem": koha_item("On Loan")},
            TRIAL,
            "item",
            "ncip.xml.date_in",
        ),
        (
            {"LookupUser": [NOBODY_KNOWN, koha_patron()], "LookupItem": koha_item("In Process")},
            {"branch": "", **TRIAL},
            "item",
            "branch",
        ),
    ],
)
async def test_a_planted_mistake_is_named(
    script: Mapping[str, list[str] | str], more: Mapping[str, Any], step: str, key: str, store: Store
) -> None:
    whole = {"LookupItem": koha_item("Available On Shelf"), **script}
    found = await probe(store, whole, more)

    assert found[step][1] == key, found
