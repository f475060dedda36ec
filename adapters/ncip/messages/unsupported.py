"""The messages that the standard has and nobody here carries out: names alone, so that each is refused by its own
answer, and the answers that say no more than a header and problems."""

from __future__ import annotations

from adapters.ncip.messages.envelope import Initiation, Response
from gateway.domain.value import value_object

UNSUPPORTED = (
    "AgencyCreated",
    "AgencyUpdated",
    "AuthenticateUser",
    "CancelRecallItem",
    "CirculationStatusChangeReported",
    "CreateAgency",
    "ItemCreated",
    "ItemRecallCancelled",
    "ItemUpdated",
    "ReportCirculationStatusChange",
    "SendUserNotice",
    "UndoCheckOutItem",
    "UpdateAgency",
    "UpdateItem",
    "UserCreated",
    "UserFiscalTransactionCreated",
    "UserNoticeSent",
    "UserUpdated",
)

_ANSWERED_BY_HEADER = (
    "CirculationStatusUpdated",
    "ItemCheckedIn",
    "ItemCheckedOut",
    "ItemRecalled",
    "ItemReceived",
    "ItemRenewed",
    "ItemRequestCancelled",
    "ItemRequestUpdated",
    "ItemShipped",
)


@value_object(kw_only=True)
class UnsupportedInitiation(Initiation):
    """A message of which only the header is read."""


UNSUPPORTED_INITIATIONS: dict[str, type[Initiation]] = {
    name: value_object(kw_only=True)(type(name, (UnsupportedInitiation,), {})) for name in UNSUPPORTED
}
BARE_RESPONSES: dict[str, type[Response]] = {
    f"{name}Response": value_object(kw_only=True)(type(f"{name}Response", (Response,), {}))
    for name in (*UNSUPPORTED, *_ANSWERED_BY_HEADER)
}
