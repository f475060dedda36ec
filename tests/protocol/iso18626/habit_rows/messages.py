"""Messages of partners, put together of their parts."""

from __future__ import annotations

from adapters.iso18626.codec import NAMESPACE

ROOT = f'<ISO18626Message xmlns="{NAMESPACE}" xmlns:ill="{NAMESPACE}" ill:version="1.2">'
THEIRS = "ISIL:PL-WaUW"
"""The symbol that the profile of the partner has."""

MOMENT = "2026-11-26T12:00:00Z"

SUPPLIER = (
    "<supplyingAgencyId><agencyIdType>ISIL</agencyIdType><agencyIdValue>DE-Brt1</agencyIdValue></supplyingAgencyId>"
)
REQUESTER = SUPPLIER.replace("supplying", "requesting").replace("DE-Brt1", "NO-0030101")
NUMBER = "<requestingAgencyRequestId>4711</requestingAgencyRequestId>"
HEADER = (
    f"<header>{SUPPLIER}{REQUESTER}<multipleItemRequestId/><timestamp>{MOMENT}</timestamp>{NUMBER}"
    "<supplyingAgencyRequestId>S-88</supplyingAgencyRequestId></header>"
)
ASKING_HEADER = f"<header>{SUPPLIER}{REQUESTER}<multipleItemRequestId/><timestamp>{MOMENT}</timestamp>{NUMBER}</header>"
BOOK = "<bibliographicInfo><title>Sult</title></bibliographicInfo>"
LOAN = "<serviceInfo><serviceType>Loan</serviceType></serviceInfo>"


def write_request(inside: str = f"{BOOK}{LOAN}", root: str = ROOT, header: str = ASKING_HEADER) -> str:
    return f"{root}<request>{header}{inside}</request></ISO18626Message>"


def write_service(inside: str, root: str = ROOT, more: str = "") -> str:
    """A request for a book whose serviceInfo has this; `more` stands behind it."""
    return write_request(f"{BOOK}<serviceInfo>{inside}</serviceInfo>{more}", root)


def write_work(inside: str, root: str = ROOT) -> str:
    """A request whose bibliographicInfo has this."""
    return write_request(f"<bibliographicInfo>{inside}</bibliographicInfo>{LOAN}", root)


def write_action(action: str, note: str = "", header: str = HEADER) -> str:
    noted = f"<note>{note}</note>" if note else ""
    return (
        f"{ROOT}<requestingAgencyMessage>{header}<action>{action}</action>{noted}"
        "</requestingAgencyMessage></ISO18626Message>"
    )


def write_status(
    status: str,
    reason: str = "StatusChange",
    note: str = "",
    info: str = "",
    dates: str = "",
    behind: str = "",
    root: str = ROOT,
    header: str = HEADER,
) -> str:
    """`info` stands in messageInfo behind the note, `dates` in statusInfo, `behind` after it."""
    noted = f"<note>{note}</note>" if note else ""
    return (
        f"{root}<supplyingAgencyMessage>{header}"
        f"<messageInfo><reasonForMessage>{reason}</reasonForMessage>{noted}{info}</messageInfo>"
        f"<statusInfo><status>{status}</status>{dates}<lastChange>{MOMENT}</lastChange></statusInfo>{behind}"
        "</supplyingAgencyMessage></ISO18626Message>"
    )


def write_due(written: str) -> str:
    """A loan that is due then."""
    return write_status("Loaned", dates=f"<dueDate>{written}</dueDate>")


def write_confirmation(inside: str, of: str = "request", root: str = ROOT) -> str:
    return f"{root}<{of}Confirmation>{inside}</{of}Confirmation></ISO18626Message>"


def write_confirmed(status: str = "OK", more: str = "") -> str:
    """A confirmationHeader; `more` stands in it first."""
    return (
        f"<confirmationHeader>{more}<timestamp>{MOMENT}</timestamp>{NUMBER}"
        f"<timestampReceived>{MOMENT}</timestampReceived><messageStatus>{status}</messageStatus></confirmationHeader>"
    )


def write_error(type_: str, value: str) -> str:
    named = f"<errorType>{type_}</errorType>" if type_ else ""
    return f"{write_confirmed('ERROR')}<errorData>{named}<errorValue>{value}</errorValue></errorData>"
