"""The fields that acts of ours may have: what staff pages and the API ask for.

The details of an event are all kept (`events.EventDetails`); its row in the catalogue (`event_catalogue`) says which of
them mean something for its kind.
"""

from __future__ import annotations

from enum import StrEnum

from gateway.domain.value import value_object


class FieldType(StrEnum):
    TEXT = "text"
    DAY = "day"
    DUE = "due"  # a day, or a moment
    MONEY = "money"
    CONDITIONS = "conditions"
    YES_NO = "yes-no"
    TRUTH = "truth"
    PARTNER = "partner"  # name of a profile
    ROTA = "rota"
    REASON = "reason"  # a word of `ReasonCodes`, or another
    ENDING = "ending"  # a word of `RequestEnding`
    VOLUMES = "volumes"  # ids of volumes of the request
    CITATION = "citation"
    ATTACHMENT = "attachment"  # id of a file of the request
    LOCATION = "location"  # code of a pickup location


@value_object
class ActionField:
    """`name` is an attribute of `EventDetails`."""

    name: str
    type: FieldType
    help: str


@value_object
class ActionFieldSet:
    """`one_of`: at least one of these optional fields must be there as well."""

    required: tuple[ActionField, ...] = ()
    optional: tuple[ActionField, ...] = ()
    one_of: tuple[str, ...] = ()

    @property
    def field_names(self) -> frozenset[str]:
        return frozenset(field.name for field in (*self.required, *self.optional))


NOTE = ActionField("note", FieldType.TEXT, "Note; sent to the partner if the message has a field for it.")
OWN_NOTE = ActionField("note", FieldType.TEXT, "Note for the history.")
REASON = ActionField("reason", FieldType.REASON, "Reason, as a code from the list of reasons.")
DUE = ActionField("due", FieldType.DUE, "Due date at the lender: a day (its end) or a date and time.")
COST = ActionField("cost", FieldType.MONEY, "Cost to the requester.")
CONDITIONS = ActionField("conditions", FieldType.CONDITIONS, "Conditions of the loan.")
VOLUMES = ActionField("volumes", FieldType.VOLUMES, "Volumes. Default: all.")
MISSING = ActionField("missing", FieldType.VOLUMES, "Volumes that should have arrived with the others but did not.")
BARCODE = ActionField("barcode", FieldType.TEXT, "Barcode of the item.")
DESCRIPTION = ActionField("item_description", FieldType.TEXT, "Description of the item, if it is not obvious.")
EXPECTED = ActionField("expected", FieldType.DAY, "Date when the item is expected to be ready.")
RETRY = ActionField("retry_after", FieldType.DAY, "Date from which the request can be retried.")
ATTACHMENT = ActionField("attachment", FieldType.ATTACHMENT, "ID of the uploaded file with the copy.")
LINK = ActionField("link", FieldType.TEXT, "Address for downloading the copy; ftp: or mailto: if it was sent so.")
PICKUP = ActionField("pickup", FieldType.LOCATION, "Pickup location.")
RENEWABLE = ActionField("renewals_allowed", FieldType.TRUTH, "Whether the loan may be renewed.")
ENDING = ActionField(
    "ending", FieldType.ENDING, "How the request ends; the patron is told so, and statistics count it."
)
SUBJECT = ActionField(
    "reason", FieldType.TEXT, "Subject: cost, edition, library-use-only, wanted (a no cancels the request) or other."
)
