"""A table of services: what a partner's NCIP messages and a patron's OpenURL get from each library system, as
docs/library-systems/README.md has it.

`python -m tests.support.service_matrix` plays all of them and prints the table; it ends with 1 where a cell says
`fails`. tests/interop/test_library_services.py plays each system and compares it with the page.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from zoneinfo import ZoneInfo

import aiohttp

from adapters.ncip.client.services import to_kebab_case
from gateway.ports.library_system import Capability
from gateway.ports.message_transport import HttpPlace
from gateway.ports.responder import ExchangeContext
from gateway.services.circulation.context import CAPABILITY_TEXTS
from rehearsal.ports.partner_simulator import MessageFate
from rehearsal.protocols.ncip.partner_simulator import NcipPartnerSimulator
from tests.support.library_matrix import MAX_STORY_SECONDS, render_table
from tests.support.library_towns import BACKENDS, LIBRARIES_AS_PATRONS, Backend, LoneTown
from tests.support.partner_rights import ALL_RIGHTS

PATRON, ITEM, RECORD = "21000000000017", "39000000000011", "ISBN:978-0-00-001001-8"
NOTED_ITEM = "39000000000019"
"""The copy of which the notifications speak."""
PROFILE = "broker"
OPENURL = "OpenURL"
BROKER = {
    "extends": "ncip2",
    "match": [{"path": PROFILE}],
    "circulation": {
        "items": {"settable_statuses": ["missing"]},
        "notifications": {"own_item_pattern": "^PARTNER-", "institutional_patron": PATRON},
        "patrons": {**LIBRARIES_AS_PATRONS, "changeable": "all"},
        "rights": ALL_RIGHTS,
    },
}
"""A partner that may do everything."""

RENEW_ALL = "RenewAllItem"
RENEW_ALL_BODY = (
    '<?xml version="1.0" encoding="UTF-8"?><ns2:NCIPMessage xmlns:ns2="http://www.niso.org/2008/ncip" '
    'xmlns:ns3="http://www.oclc.org/ncip/renewall/2014" '
    'ns2:version="http://www.niso.org/schemas/ncip/v2_02/ncip_v2_02.xsd"><ns2:Ext><ns3:RenewAllItem>'
    "<ns2:UserId><ns2:UserIdentifierValue>{patron}</ns2:UserIdentifierValue></ns2:UserId>"
    "</ns3:RenewAllItem></ns2:Ext></ns2:NCIPMessage>"
)
"""OCLC's extension: as a partner simulator we don't send it."""

MESSAGES: tuple[tuple[str, Mapping[str, str]], ...] = (
    ("LookupVersion", {}),
    ("LookupAgency", {}),
    ("LookupUser", {"patron": PATRON, "loans": "", "holds": "", "fees": ""}),
    ("LookupItem", {"item": ITEM}),
    ("LookupItemSet", {"record": RECORD}),
    ("RequestItem", {"patron": PATRON, "item": ITEM, "request": "ILL-1", "pickup": "MAIN"}),
    ("LookupRequest", {"request": "ILL-1"}),
    ("UpdateRequestItem", {"request": "ILL-1", "pickup": "NORTH"}),
    ("CancelRequestItem", {"patron": PATRON, "request": "ILL-1"}),
    ("CheckOutItem", {"patron": PATRON, "item": ITEM, "request": "ILL-2"}),
    ("RenewItem", {"patron": PATRON, "item": ITEM}),
    (RENEW_ALL, {"patron": PATRON}),
    ("RecallItem", {"item": ITEM}),
    ("CheckInItem", {"item": ITEM}),
    ("AcceptItem", {"patron": PATRON, "item": "ILL-880001", "request": "ILL-3", "title": "Η πόλη και το φως"}),
    ("DeleteItem", {"item": "ILL-880001"}),
    ("CreateItem", {"item": "ILL-880002", "title": "Über die Brücke"}),
    ("UpdateCirculationStatus", {"item": ITEM, "status": "Missing"}),
    ("CreateUser", {"patron": "29000000000091", "surname": "Løvås", "given": "Ægir"}),
    ("UpdateUser", {"patron": "29000000000091", "email": "aegir@reader.example"}),
    ("DeleteUser", {"patron": "29000000000091"}),
    ("CreateUserFiscalTransaction", {"patron": PATRON, "amount": "3.50 EUR", "reference": "FEE-1"}),
    ("ItemRequested", {"patron": PATRON, "item": NOTED_ITEM, "request": "ILL-4"}),
    ("ItemRequestUpdated", {"patron": PATRON, "item": NOTED_ITEM, "request": "ILL-4", "pickup": "NORTH"}),
    ("ItemRequestCancelled", {"patron": PATRON, "item": NOTED_ITEM, "request": "ILL-4"}),
    ("ItemCheckedOut", {"patron": PATRON, "item": NOTED_ITEM, "request": "ILL-5"}),
    ("ItemRenewed", {"patron": PATRON, "item": NOTED_ITEM}),
    ("ItemRecalled", {"patron": PATRON, "item": NOTED_ITEM}),
    ("ItemCheckedIn", {"patron": PATRON, "item": NOTED_ITEM}),
    ("CirculationStatusUpdated", {"item": NOTED_ITEM, "status": "Missing"}),
    ("ItemRequested (partner's item)", {"patron": PATRON, "item": "PARTNER-1", "request": "ILL-6", "title": "秋の港"}),
    ("ItemShipped", {"patron": PATRON, "item": "PARTNER-1", "request": "ILL-6"}),
    ("ItemReceived", {"patron": PATRON, "item": "PARTNER-1", "request": "ILL-6"}),
)
"""One after the other on one library: the service, what the row says besides, and the values."""

REFUSALS = {**CAPABILITY_TEXTS, Capability.ITEM_WITHOUT_HOLD: "create items"}
"""What a refusal says, by the capability that is wanting."""

HEAD = ("service", *(f"`{name}`" for name in BACKENDS))


async def play_services(backend: Backend, folder: Path) -> Mapping[str, str]:
    """What the cells of this system say, by service."""
    async with asyncio.timeout(MAX_STORY_SECONDS), LoneTown(folder, backend, {PROFILE: BROKER}) as town:
        said = {OPENURL: await _open_link(town)}
        for service, values in MESSAGES:
            said[service] = await _send_message(town, service.partition(" ")[0], values)
    return said


async def _send_message(towns: LoneTown, service: str, values: Mapping[str, str]) -> str:
    gateway = towns.borrower.gateway
    profile = gateway._profiles.current.find_profile(PROFILE)
    assert profile is not None
    exchange = ExchangeContext(profile, towns.borrower.symbol, ZoneInfo("Europe/Zurich"), "EUR", towns.clock.now())
    simulator = NcipPartnerSimulator(dict[str, str]().__getitem__)
    if service == RENEW_ALL:
        body = RENEW_ALL_BODY.format(**values).encode()
    else:
        body = simulator.build(to_kebab_case(service), {name: [value] for name, value in values.items()}, exchange)
    reply = await simulator.send_message(
        body, exchange, HttpPlace(f"http://127.0.0.1:{gateway.http_port}/ncip/{PROFILE}")
    )
    explained = simulator.explain(body, reply, exchange)
    return "yes" if explained.fate is MessageFate.DONE else _name_lack("\n".join(explained.lines))


async def _open_link(towns: LoneTown) -> str:
    """The page lets the patron reserve a copy of the library's own; where it can't find any, it offers an order."""
    url = f"http://127.0.0.1:{towns.borrower.gateway.http_port}/openurl?rft.isbn=9780000010018&rft_id=info:oclcnum/1001"
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        page = await answer.text()
    if "Reserve this item" in page:
        return "yes"
    able = towns.borrower.context.system.capabilities
    lacks = [one for one in (Capability.BIB_FIND, Capability.ITEM_AVAILABILITY) if one not in able]
    return _name_capability(lacks[0]) if lacks and "Request it from another library" in page else f"fails: {page}"


def _name_lack(said: str) -> str:
    """Which capability the refusal names."""
    lacks = [one for one, words in REFUSALS.items() if f"cannot {words}." in said]
    return _name_capability(lacks[0]) if lacks else f"fails: {said}"


def _name_capability(lack: Capability) -> str:
    return f"– (`{lack.value}`)"


async def play_all_services() -> Mapping[str, Mapping[str, str]]:
    """By system."""
    found = {}
    for name, backend in BACKENDS.items():
        with tempfile.TemporaryDirectory() as folder:
            found[name] = await play_services(backend, Path(folder))
    return found


if __name__ == "__main__":
    played = asyncio.run(play_all_services())
    services = next(iter(played.values()))
    table = render_table(HEAD, {one: [said[one] for said in played.values()] for one in services})
    sys.stdout.write(table)
    sys.exit("| fails" in table)
