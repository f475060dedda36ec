"""What version 1 calls things that version 2 calls otherwise (facts/ncip.md section 4)."""

from __future__ import annotations

from adapters.ncip.messages.base import Element
from adapters.ncip.versions import V2, Version

V1_NAMES = {
    "AgencyId": "UniqueAgencyId",
    "UserId": "UniqueUserId",
    "ItemId": "UniqueItemId",
    "RequestId": "UniqueRequestId",
    "BibliographicId": "UniqueBibliographicId",
}
"""Version 2 element -> version 1 element, wherever it stands."""

ALIASES: dict[str, tuple[str, ...]] = {
    **{name: (older,) for name, older in V1_NAMES.items()},
    "UserId": ("UniqueUserId", "VisibleUserId"),
    "UserIdentifierType": ("VisibleUserIdentifierType",),
    "UserIdentifierValue": ("VisibleUserIdentifier", "LookupId"),  # LookupId: Koha's v1 answers
    "RequestIdentifierValue": ("ItemIdentifierValue",),  # inside UniqueRequestId: INC's AcceptItemResponse
}
"""Other names under which an element is read, in any version."""

TRANSPARENT = frozenset({"UserTransaction"})
"""Version 1 elements whose children are read as if they stood in the parent."""

NOT_IN_V1 = frozenset(
    {
        "PickupLocation",
        "PickupExpiryDate",
        "UserIdentifierType",
        "ItemIdentifierType",
        "RequestIdentifierType",
        "ProblemDetail",
    }
)
"""Left out when version 1 is written; facts/ncip.md section 4 says where the pickup location goes instead."""

V1_MARKS = frozenset(
    {"Scheme", "Value", "ProcessingError", "MessagingError", "VisibleUserId", "VisibleItemId", *V1_NAMES.values()}
)
"""Elements that tell a message without namespace and version to be version 1."""

USER_ID_ELEMENT, V1_USER_ID_ELEMENT = "User Id", "Visible User Id"
"""UserElementType: version 1's word for what version 2 calls User Id (facts/ncip.md 3.6)."""


def is_in(element: Element, version: Version) -> bool:
    """Whether the version has this element where the model has it; extras are in none."""
    if element.extra or (element.v1_only and not version.is_v1):
        return False
    if version.is_v1:
        return element.since is None and element.name not in NOT_IN_V1
    return element.since is None or V2.index(version) >= V2.index(element.since)
