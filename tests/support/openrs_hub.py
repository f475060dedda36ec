"""OpenRS's broker (DCB), played: it declares requests to members, takes what they tell, and moves its requests on
(docs/facts/openrs.md).

It does what dcb-service does, its flaw too: it remembers a message before it acts on it, so that what it has refused is
answered as taken when the same octets come again.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from xml.sax.saxutils import escape

import aiohttp
from aiohttp import web
from lxml import etree

from tests.support.paths import ROOT

NCIP = "http://www.niso.org/2008/ncip"
FALLBACK = "https://openrs.org/ncip/fallback-host"
SYSTEM = "DCB-RIVER"
NUMBER = "6f0c1c1e-0b7e-4b1e-9d5e-2f6a1d3c4b5a"
TITLE, AUTHOR = "The Three-Body Problem", "Liu, Cixin"
SPECS = Path(os.environ.get("ILLGATE_SPECS", ROOT / "../shared/specs"))

_ROLES = {
    "ItemRequested": "SUPPLIER",
    "CancelRequestItem": "SUPPLIER",
    "RequestItemResponse": "SUPPLIER",
    "AcceptItemResponse": "BORROWER",
}
"""Where the message itself says whose it is; of others the end of the number does."""

_TRANSITIONS: Mapping[tuple[str, str], tuple[str, str]] = {
    ("ItemRequested", "SUPPLIER"): ("supplier", "CONFIRMED"),
    ("RequestItemResponse", "SUPPLIER"): ("supplier", "CONFIRMED"),
    ("CancelRequestItem", "SUPPLIER"): ("supplier", "MISSING"),
    ("ItemShipped", "SUPPLIER"): ("state", "PICKUP_TRANSIT"),
    ("ItemReceived", "BORROWER"): ("state", "RECEIVED_AT_PICKUP"),
    ("ItemCheckedIn", "BORROWER"): ("state", "READY_FOR_PICKUP"),
    ("ItemCheckedOut", "BORROWER"): ("state", "LOANED"),
    ("ItemShipped", "BORROWER"): ("state", "RETURN_TRANSIT"),
    ("ItemReceived", "SUPPLIER"): ("state", "FINALISED"),
    ("ItemCheckedIn", "SUPPLIER"): ("state", "FINALISED"),
}


@lru_cache(maxsize=1)
def load_schema() -> etree.XMLSchema | None:
    """NCIP's, with OpenRS's own elements. None: NCIP's isn't there."""
    files = {NCIP: SPECS / "ncip_v2_02.xsd", FALLBACK: ROOT / "tests/samples/openrs/extension.xsd"}
    if not files[NCIP].is_file():
        return None
    imports = "".join(
        f'<xs:import namespace="{namespace}" schemaLocation="{file.resolve().as_uri()}"/>'
        for namespace, file in files.items()
    )
    whole = f'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">{imports}</xs:schema>'
    return etree.XMLSchema(etree.fromstring(whole))


@dataclass(frozen=True)
class HubMember:
    system: str
    agency: str


OAK = HubMember("APPL-OAK", "OAK")
ELM = HubMember("APPL-ELM", "ELM")


@dataclass
class ReceivedMessage:
    service: str
    number: str
    octets: bytes
    root: etree._Element

    def find_text(self, name: str) -> str:
        """Of the first element with this name."""
        return str(self.root.xpath(f"string(//*[local-name() = '{name}'])"))


@dataclass
class PlayedHub:
    """`state`, `supplier`, `borrower`: how its one request stands. `failing`: so many messages it remembers and then
    fails at; `losing`: of so many the answer is lost; `shut`: it lets nobody in. `check_token`: what is wrong with
    `Authorization` of what it is told; `make_token`: signs what it declares."""

    members: tuple[HubMember, ...] = (OAK, ELM)
    state: str = "RESOLVED"
    supplier: str = ""
    borrower: str = ""
    failing: int = 0
    losing: int = 0
    shut: bool = False
    check_token: Callable[[str], Awaitable[str]] | None = None
    make_token: Callable[[], str] | None = None
    port: int = 0
    received: list[ReceivedMessage] = field(default_factory=list)
    trail: list[str] = field(default_factory=list)
    _seen: set[str] = field(default_factory=set)
    _runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/ncip/v2_02"

    async def start(self) -> None:
        app = web.Application()
        app.router.add_post("/ncip/v2_02", self._take_message)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        assert site._server is not None
        self.port = site._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]

    async def stop(self) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    @property
    def services(self) -> list[str]:
        return [f"{one.service}{one.number.removeprefix(NUMBER)}" for one in self.received]

    # --- what it declares --------------------------------------------------------------------------------

    async def declare(self, url: str, body: str, status: int = 200) -> ReceivedMessage:
        """The answer."""
        headers = {"Content-Type": "application/xml", "Accept": "application/xml"}
        if self.make_token is not None:
            headers["Authorization"] = self.make_token()
        async with aiohttp.ClientSession() as session, session.post(url, data=body.encode(), headers=headers) as reply:
            octets = await reply.read()
        assert reply.status == status, octets
        return _read_message(octets)

    async def request_item(self, url: str, **parts: str) -> ReceivedMessage:
        answer = await self.declare(url, write_request_item(**parts))
        if answer.find_text("ProblemDetail"):
            self.supplier = "MISSING"
        else:
            self.supplier = "CONFIRMED" if answer.find_text("RequestType") else "PLACED"
        self.state = "REQUEST_PLACED_AT_SUPPLYING_AGENCY"
        return answer

    async def accept_item(self, url: str, **parts: str) -> ReceivedMessage:
        answer = await self.declare(url, write_accept_item(**parts))
        assert not answer.find_text("ProblemDetail"), answer.octets
        self.borrower, self.state = "CONFIRMED", "REQUEST_PLACED_AT_BORROWING_AGENCY"
        return answer

    # --- what it is told ---------------------------------------------------------------------------------

    async def _take_message(self, request: web.Request) -> web.Response:
        octets = await request.read()
        message = _read_message(octets)
        self.received.append(message)
        check = self.check_token
        fault = await check(request.headers.get("Authorization", "")) if check is not None else ""
        answer = _write_problem(message, fault, 401) if fault else self._answer_message(message)
        if self.losing:
            self.losing -= 1
            assert request.transport is not None
            request.transport.abort()
        return answer

    def _answer_message(self, message: ReceivedMessage) -> web.Response:
        if (schema := load_schema()) is not None and not schema.validate(message.root):
            return _write_problem(message, f"Invalid NCIP: {schema.error_log}")
        system = message.find_text("FromSystemId")
        if self.shut or system not in {one.system for one in self.members}:
            return _write_problem(message, f"No HostLMS is configured for NCIP SystemId {system}", 401)
        role = message.number.partition(":")[2]
        if role != _ROLES.get(message.service, role) or role not in ("SUPPLIER", "BORROWER"):
            return _write_problem(message, "correlation id does not match role")
        digest = hashlib.sha256(message.octets).hexdigest()
        if digest not in self._seen:
            self._seen.add(digest)
            if self.failing:
                self.failing -= 1
                return _write_problem(message, "the projection failed")
            what, becomes = _TRANSITIONS[message.service, role]
            setattr(self, what, becomes)
            self.trail.append(becomes)
        if message.service.endswith("Response"):
            return web.Response(status=204)
        return _write_answer(f"<{message.service}Response/>")


def _read_message(octets: bytes) -> ReceivedMessage:
    root = etree.fromstring(octets)
    (body,) = root.iterchildren(etree.Element)
    number = str(root.xpath("string(//*[local-name() = 'RequestIdentifierValue'])"))
    return ReceivedMessage(etree.QName(body).localname, number, octets, root)


def _write_problem(message: ReceivedMessage, detail: str, status: int = 200) -> web.Response:
    words = escape(detail)
    problem = f"<Problem><ProblemType>Processing Error</ProblemType><ProblemDetail>{words}</ProblemDetail></Problem>"
    if message.service.endswith("Response"):
        return _write_answer(problem, status)
    return _write_answer(f"<{message.service}Response>{problem}</{message.service}Response>", status)


def _write_answer(body: str, status: int = 200) -> web.Response:
    return web.Response(body=wrap_message(body).encode(), status=status, content_type="application/xml")


# --- messages --------------------------------------------------------------------------------------------


def wrap_message(body: str) -> str:
    return f'<NCIPMessage xmlns="{NCIP}" xmlns:ncip="{NCIP}" ncip:version="2.02">{body}</NCIPMessage>'


def write_header(from_agency: str, to: HubMember, system: str = SYSTEM) -> str:
    return (
        f"<InitiationHeader><FromSystemId>{system}</FromSystemId>"
        f"<FromAgencyId><AgencyId>{from_agency}</AgencyId></FromAgencyId><ToSystemId>{to.system}</ToSystemId>"
        f"<ToAgencyId><AgencyId>{to.agency}</AgencyId></ToAgencyId></InitiationHeader>"
    )


def _write_item_id(barcode: str, agency: str = "OAK") -> str:
    if not barcode:
        return ""
    return (
        f"<ItemId><AgencyId>{agency}</AgencyId><ItemIdentifierType>barcode</ItemIdentifierType>"
        f"<ItemIdentifierValue>{barcode}</ItemIdentifierValue></ItemId>"
    )


def _write_description(title: str) -> str:
    return (
        f"<ItemOptionalFields><BibliographicDescription><Author>{AUTHOR}</Author>"
        f"<Title>{title}</Title></BibliographicDescription></ItemOptionalFields>"
    )


_CONTEXT = (
    f'<Ext><o:ShippingContext xmlns:o="{FALLBACK}"><o:SchemaVersion>1</o:SchemaVersion>'
    "<o:RouteMode>Direct</o:RouteMode><o:Patron><o:Barcode>9001</o:Barcode><o:AgencyCode>ELM</o:AgencyCode></o:Patron>"
    "<o:BorrowingLibrary><o:AgencyCode>ELM</o:AgencyCode><o:AgencyName>Elmwood Library</o:AgencyName>"
    "</o:BorrowingLibrary><o:PickupDestination><o:LocalLocationCode>EC</o:LocalLocationCode>"
    "<o:DisplayName>Elmwood Central</o:DisplayName><o:Address><o:Formatted>4 Mill Lane, Elmwood</o:Formatted>"
    "</o:Address></o:PickupDestination></o:ShippingContext></Ext>"
)


def write_request_item(
    *,
    record: str = "1001",
    barcode: str = "",
    number: str = f"{NUMBER}:SUPPLIER",
    title: str = TITLE,
    system: str = SYSTEM,
) -> str:
    return wrap_message(
        f"<RequestItem>{write_header('ELM', OAK, system)}"
        "<UserId><AgencyId>ELM</AgencyId><UserIdentifierValue>9001</UserIdentifierValue></UserId>"
        f"<BibliographicId><BibliographicRecordId><BibliographicRecordIdentifier>{record}"
        "</BibliographicRecordIdentifier><AgencyId>OAK</AgencyId></BibliographicRecordId></BibliographicId>"
        f"{_write_item_id(barcode)}<RequestId><RequestIdentifierValue>{number}</RequestIdentifierValue></RequestId>"
        "<RequestType>Hold</RequestType><RequestScopeType>Bibliographic Item</RequestScopeType>"
        f"{_write_description(title)}<ShippingInformation><ShippingInstructions>Patron 9001</ShippingInstructions>"
        "<PhysicalAddress><UnstructuredAddress><UnstructuredAddressType>Pickup Location</UnstructuredAddressType>"
        "<UnstructuredAddressData>Elmwood Central, 4 Mill Lane, Elmwood</UnstructuredAddressData></UnstructuredAddress>"
        f"<PhysicalAddressType>Ship To</PhysicalAddressType></PhysicalAddress>{_CONTEXT}</ShippingInformation>"
        "</RequestItem>"
    )


def write_accept_item(
    *, patron: str, barcode: str = "30001", title: str = TITLE, number: str = f"{NUMBER}:BORROWER"
) -> str:
    return wrap_message(
        f"<AcceptItem>{write_header('OAK', ELM)}<RequestId><RequestIdentifierValue>{number}</RequestIdentifierValue>"
        "</RequestId><RequestedActionType>Accept For Loan</RequestedActionType>"
        f"<UserId><AgencyId>ELM</AgencyId><UserIdentifierValue>{patron}</UserIdentifierValue></UserId>"
        f"{_write_item_id(barcode)}{_write_description(title)}</AcceptItem>"
    )


def write_item_shipped(*, barcode: str, number: str = f"{NUMBER}:SUPPLIER") -> str:
    return wrap_message(
        f"<ItemShipped>{write_header('ELM', OAK)}<RequestId><RequestIdentifierValue>{number}</RequestIdentifierValue>"
        f"</RequestId>{_write_item_id(barcode)}<DateShipped>2026-03-20T10:00:00Z</DateShipped><ShippingInformation>"
        "<ElectronicAddress><ElectronicAddressType>mailto</ElectronicAddressType><ElectronicAddressData>"
        "return-shipment@openrs.local</ElectronicAddressData></ElectronicAddress></ShippingInformation></ItemShipped>"
    )


def write_lookup_item_set(record: str) -> str:
    return wrap_message(
        f"<LookupItemSet>{write_header('RIVER', OAK)}<BibliographicId><BibliographicRecordId>"
        f"<BibliographicRecordIdentifier>{record}</BibliographicRecordIdentifier><AgencyId>OAK</AgencyId>"
        "</BibliographicRecordId></BibliographicId></LookupItemSet>"
    )


def write_lookup_user(patron: str, password: str = "") -> str:
    who = f"<UserId><AgencyId>ELM</AgencyId><UserIdentifierValue>{patron}</UserIdentifierValue></UserId>"
    if password:
        who = "".join(
            f"<AuthenticationInput><AuthenticationInputData>{data}</AuthenticationInputData>"
            "<AuthenticationDataFormatType>Text</AuthenticationDataFormatType>"
            f"<AuthenticationInputType>{kind}</AuthenticationInputType></AuthenticationInput>"
            for kind, data in (("Username", patron), ("Password", password))
        )
    return wrap_message(f"<LookupUser>{write_header('RIVER', OAK)}{who}</LookupUser>")
