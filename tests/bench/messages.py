"""The messages that the benchmarks send."""

from __future__ import annotations

from collections.abc import Callable

PATRON = "21000000000017"
READERS = 5_000
"""So many patrons are there beside the sample's; requests go round them, as they would in a library."""
TITLE = "個人的な体験"
NS = "http://www.niso.org/2008/ncip"
VERSION = "http://www.niso.org/schemas/ncip/v2_02/ncip_v2_02.xsd"
HEADER = (
    "<ns1:InitiationHeader><ns1:FromAgencyId><ns1:AgencyId>BROKER</ns1:AgencyId></ns1:FromAgencyId>"
    "<ns1:ToAgencyId><ns1:AgencyId>DEMO</ns1:AgencyId></ns1:ToAgencyId></ns1:InitiationHeader>"
)


def _message(inner: str) -> bytes:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><ns1:NCIPMessage xmlns:ns1="{NS}" ns1:version="{VERSION}">'
        f"{inner}</ns1:NCIPMessage>"
    ).encode()


def reader(number: int) -> str:
    """The barcode of one of them."""
    return f"2900000{number % READERS:07}"


def readers_csv() -> str:
    """For `illgate library import patrons`."""
    lines = ["barcode,surname,given,category,home_library,email,line1,locality"]
    lines += [
        f"{reader(n)},Lindqvist,Åsa {n},adult,MAIN,asa.{n}@reader.example,Ekvägen {n},Norrvik" for n in range(READERS)
    ]
    return "\n".join(lines) + "\n"


def lookup_user(patron: str = PATRON) -> bytes:
    asked = "".join(
        f"<ns1:UserElementType>{kind}</ns1:UserElementType>"
        for kind in ("Name Information", "User Address Information", "User Privilege", "User Id")
    )
    return _message(
        f"<ns1:LookupUser>{HEADER}<ns1:UserId><ns1:UserIdentifierValue>{patron}</ns1:UserIdentifierValue></ns1:UserId>"
        f"{asked}</ns1:LookupUser>"
    )


def accept_item(number: int, series: str = "BENCH", patron: str = PATRON) -> bytes:
    return _message(
        f"<ns1:AcceptItem>{HEADER}<ns1:RequestId><ns1:AgencyId>BROKER</ns1:AgencyId>"
        f"<ns1:RequestIdentifierValue>{series}-{number}</ns1:RequestIdentifierValue></ns1:RequestId>"
        "<ns1:RequestedActionType>Hold For Pickup</ns1:RequestedActionType>"
        f"<ns1:UserId><ns1:UserIdentifierValue>{patron}</ns1:UserIdentifierValue></ns1:UserId>"
        f"<ns1:ItemId><ns1:ItemIdentifierValue>{series}-{number}</ns1:ItemIdentifierValue></ns1:ItemId>"
        "<ns1:ItemOptionalFields><ns1:BibliographicDescription><ns1:Author>Ōe, Kenzaburō</ns1:Author>"
        f"<ns1:Title>{TITLE}</ns1:Title></ns1:BibliographicDescription></ns1:ItemOptionalFields></ns1:AcceptItem>"
    )


def accept_item_for_reader(number: int, series: str = "BENCH") -> bytes:
    """Nobody has thousands of holds, so each item is for the next reader."""
    return accept_item(number, series, reader(number))


def check_out_item(item: str, patron: str = PATRON) -> bytes:
    return _message(
        f"<ns1:CheckOutItem>{HEADER}<ns1:UserId><ns1:UserIdentifierValue>{patron}</ns1:UserIdentifierValue></ns1:UserId>"
        f"<ns1:ItemId><ns1:ItemIdentifierValue>{item}</ns1:ItemIdentifierValue></ns1:ItemId></ns1:CheckOutItem>"
    )


def check_in_item(item: str) -> bytes:
    return _message(
        f"<ns1:CheckInItem>{HEADER}<ns1:ItemId><ns1:ItemIdentifierValue>{item}</ns1:ItemIdentifierValue></ns1:ItemId>"
        "</ns1:CheckInItem>"
    )


def succeeded(service: str) -> Callable[[bytes], bool]:
    """Tells a success answer to this service."""
    mark = f"{service}Response".encode()
    return lambda answer: mark in answer and b"Problem>" not in answer
