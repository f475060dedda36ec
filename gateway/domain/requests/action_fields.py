"""Details that an action of ours needs and those it may have: what staff pages and the API ask for.

The details of an event are all kept (`events.EventDetails`); this table says which of them mean something for its kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum

from gateway.domain.requests.events import EventDetails
from gateway.domain.requests.events import EventKind as K
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


_T = FieldType

_NOTE = ActionField("note", _T.TEXT, "Note; sent to the partner if the message has a field for it.")
_OWN_NOTE = ActionField("note", _T.TEXT, "Note for the history.")
_REASON = ActionField("reason", _T.REASON, "Reason, as a code from the list of reasons.")
_DUE = ActionField("due", _T.DUE, "Due date at the lender: a day (its end) or a date and time.")
_COST = ActionField("cost", _T.MONEY, "Cost to the requester.")
_CONDITIONS = ActionField("conditions", _T.CONDITIONS, "Conditions of the loan.")
_VOLUMES = ActionField("volumes", _T.VOLUMES, "Volumes. Default: all.")
_MISSING = ActionField("missing", _T.VOLUMES, "Volumes that should have arrived with the others but did not.")
_BARCODE = ActionField("barcode", _T.TEXT, "Barcode of the item.")
_DESCRIPTION = ActionField("item_description", _T.TEXT, "Description of the item, if it is not obvious.")
_EXPECTED = ActionField("expected", _T.DAY, "Date when the item is expected to be ready.")
_RETRY = ActionField("retry_after", _T.DAY, "Date from which the request can be retried.")
_ATTACHMENT = ActionField("attachment", _T.ATTACHMENT, "ID of the uploaded file with the copy.")
_LINK = ActionField("link", _T.TEXT, "Address for downloading the copy; ftp: or mailto: if it was sent so.")
_PICKUP = ActionField("pickup", _T.LOCATION, "Pickup location.")
_RENEWABLE = ActionField("renewals_allowed", _T.TRUTH, "Whether the loan may be renewed.")

ACTS: Mapping[K, ActionFieldSet] = {
    K.SUBMIT: ActionFieldSet(),
    K.APPROVE: ActionFieldSet(optional=(_OWN_NOTE,)),
    K.EDIT: ActionFieldSet(
        optional=(
            ActionField("citation", _T.CITATION, "The complete corrected citation."),
            ActionField("need_by", _T.DAY, "Needed-by date."),
            ActionField("maximum_cost", _T.MONEY, "Maximum cost."),
            _PICKUP,
            ActionField("further_volume", _T.TEXT, "Name of an additional volume, such as Vol. 2."),
            _OWN_NOTE,
        ),
        one_of=("citation", "need_by", "maximum_cost", "pickup", "further_volume", "note"),
    ),
    K.ASSIGN: ActionFieldSet(
        optional=(
            ActionField("partner", _T.PARTNER, "Next supplier."),
            ActionField("rota", _T.ROTA, "Rota to use."),
            _OWN_NOTE,
        ),
        one_of=("partner", "rota"),
    ),
    K.NO_SUPPLIER: ActionFieldSet(optional=(_OWN_NOTE,)),
    K.CLOSE: ActionFieldSet(
        optional=(
            ActionField("ending", _T.ENDING, "How the request ends; the patron is told so, and statistics count it."),
            _REASON,
            _OWN_NOTE,
        )
    ),
    K.REOPEN: ActionFieldSet(optional=(_OWN_NOTE,)),
    K.NEXT_SUPPLIER: ActionFieldSet(optional=(_REASON, _NOTE)),
    K.REQUEST: ActionFieldSet(
        required=(ActionField("partner", _T.PARTNER, "Supplier."),),
        optional=(_NOTE,),
    ),
    K.CONDITION_ACCEPTED: ActionFieldSet(optional=(_COST, _NOTE)),
    K.CONDITION_REFUSED: ActionFieldSet(optional=(_REASON, _NOTE)),
    K.CANCEL: ActionFieldSet(optional=(_REASON, _NOTE)),
    K.RECEIVED: ActionFieldSet(
        optional=(
            ActionField("barcode", _T.TEXT, "Barcode during the loan. Default: created from the template."),
            _DESCRIPTION,
            _DUE,
            _CONDITIONS,
            _PICKUP,
            _VOLUMES,
            _MISSING,
            _NOTE,
        )
    ),
    K.ARRIVED_AT_BRANCH: ActionFieldSet(optional=(_OWN_NOTE,)),
    K.AT_PICKUP: ActionFieldSet(optional=(_VOLUMES, _OWN_NOTE)),
    K.LOANED_TO_PATRON: ActionFieldSet(optional=(_VOLUMES, _OWN_NOTE)),
    K.RETURNED_BY_PATRON: ActionFieldSet(optional=(_VOLUMES, _OWN_NOTE)),
    K.RETURNED: ActionFieldSet(optional=(_VOLUMES, _NOTE)),
    K.RENEW: ActionFieldSet(optional=(ActionField("due", _T.DUE, "Requested due date."), _NOTE)),
    K.LOST: ActionFieldSet(optional=(_VOLUMES, _COST, _NOTE)),
    K.DAMAGED: ActionFieldSet(optional=(_VOLUMES, _COST, _NOTE)),
    K.SETTLED: ActionFieldSet(
        optional=(
            ActionField("cost", _T.MONEY, "Amount to be paid; 0: nothing."),
            _OWN_NOTE,
        )
    ),
    K.STATUS_QUERY: ActionFieldSet(optional=(_NOTE,)),
    K.STATUS_REPORT: ActionFieldSet(optional=(_NOTE,)),
    K.TROUBLE: ActionFieldSet(optional=(_REASON, _OWN_NOTE)),
    K.UNDONE: ActionFieldSet(),
    K.MESSAGE: ActionFieldSet(
        required=(ActionField("note", _T.TEXT, "Message to the partner."),),
        optional=(ActionField("return_on_hold", _T.TRUTH, "Whether to postpone the return."),),
    ),
    K.NOTE: ActionFieldSet(required=(ActionField("note", _T.TEXT, "Internal note, visible to staff only."),)),
    K.PATRON_ASKED: ActionFieldSet(
        required=(
            ActionField(
                "reason",
                _T.TEXT,
                "Subject: cost, edition, library-use-only, wanted (a no cancels the request) or other.",
            ),
            ActionField("note", _T.TEXT, "Question to the patron."),
        )
    ),
    K.PATRON_ANSWERED: ActionFieldSet(
        required=(ActionField("answer", _T.YES_NO, "The patron's answer."),),
        optional=(ActionField("query", _T.TEXT, "ID of the question. Default: the open question."), _OWN_NOTE),
    ),
    K.PATRON_NOT_TOLD: ActionFieldSet(optional=(_REASON, _OWN_NOTE)),
    K.PATRON_TOLD: ActionFieldSet(
        optional=(ActionField("note", _T.TEXT, "How the patron was notified, and by whom."),)
    ),
    K.LOCATED: ActionFieldSet(required=(_BARCODE,), optional=(_DESCRIPTION, _OWN_NOTE)),
    K.WILL_SUPPLY: ActionFieldSet(optional=(_EXPECTED, _COST, _CONDITIONS, _NOTE)),
    K.HOLD_PLACED: ActionFieldSet(optional=(_EXPECTED, _NOTE)),
    K.CONDITIONAL: ActionFieldSet(
        optional=(_CONDITIONS, _COST, _EXPECTED, _NOTE),
        one_of=("conditions", "cost", "note"),
    ),
    K.UNFILLED: ActionFieldSet(required=(_REASON,), optional=(_NOTE,)),
    K.RETRY: ActionFieldSet(required=(_RETRY,), optional=(_REASON, _NOTE)),
    K.FORWARDED: ActionFieldSet(optional=(ActionField("note", _T.TEXT, "To whom."),)),
    K.BROKERED: ActionFieldSet(optional=(_REASON, _OWN_NOTE)),
    K.DIGITISED: ActionFieldSet(optional=(_ATTACHMENT, _OWN_NOTE)),
    K.CLEARED: ActionFieldSet(
        required=(ActionField("reason", _T.TEXT, "Rule or statement relied on."),),
        optional=(_OWN_NOTE,),
    ),
    K.CLEARANCE_REFUSED: ActionFieldSet(
        required=(ActionField("reason", _T.TEXT, "Rule that prevents copying."),),
        optional=(_NOTE,),
    ),
    K.COPY_DELIVERED: ActionFieldSet(
        optional=(_ATTACHMENT, _LINK, _COST, _NOTE),
    ),
    K.CANCEL_ACCEPTED: ActionFieldSet(optional=(_NOTE,)),
    K.CANCEL_REFUSED: ActionFieldSet(optional=(_REASON, _NOTE)),
    K.SHIPPED: ActionFieldSet(
        optional=(
            _BARCODE,
            ActionField("due", _T.DUE, "Due date here. Default: by rule."),
            _COST,
            _CONDITIONS,
            _RENEWABLE,
            _DESCRIPTION,
            _VOLUMES,
            _NOTE,
        )
    ),
    K.CHECKED_IN: ActionFieldSet(optional=(_VOLUMES, _MISSING, _NOTE)),
    K.RENEW_ACCEPTED: ActionFieldSet(
        optional=(ActionField("due", _T.DUE, "New due date. Default: by rule."), _NOTE),
    ),
    K.RENEW_REFUSED: ActionFieldSet(optional=(_REASON, _NOTE)),
    K.DUE_DATE_CHANGED: ActionFieldSet(required=(_DUE,), optional=(_NOTE,)),
    K.OVERDUE: ActionFieldSet(optional=(_NOTE,)),
    K.RECALL: ActionFieldSet(optional=(ActionField("due", _T.DUE, "Date by which the item must be returned."), _NOTE)),
}
"""Of every kind that the tables know as an event of ours."""

BY_RULE = frozenset({K.SUBMIT, K.REQUEST, K.NO_SUPPLIER, K.STATUS_REPORT, K.TROUBLE, K.PATRON_NOT_TOLD, K.UNDONE})
"""Ours, but never by hand: the gateway's own work makes them, with all that belongs to them (an attempt, a cause, the
request as it was)."""

BY_HAND = tuple(kind for kind in ACTS if kind not in BY_RULE)
"""What people and programs can do, in the order of `ACTS`."""


@value_object
class FieldProblem:
    """`name`: an attribute of `EventDetails`."""

    name: str
    message: str


def check_details(kind: K, details: EventDetails) -> tuple[FieldProblem, ...]:
    """List details that are missing, and those without a meaning for an action of this kind."""
    fields = ACTS.get(kind, ActionFieldSet())
    given = given_detail_names(details)
    missing = [FieldProblem(field.name, "is needed") for field in fields.required if field.name not in given]
    allowed = ", ".join(sorted(fields.field_names)) or "none"
    unknown = [
        FieldProblem(name, f"means nothing for '{kind.value}'; fields: {allowed}")
        for name in given - fields.field_names
    ]
    if fields.one_of and not given & set(fields.one_of):
        missing.append(FieldProblem(fields.one_of[0], f"one of these is needed: {', '.join(fields.one_of)}"))
    return (*missing, *sorted(unknown, key=lambda one: one.name))


def has_needed_fields(kind: K, details: EventDetails) -> bool:
    """Return whether all details that the act needs are given; others are no hindrance."""
    fields, given = ACTS.get(kind, ActionFieldSet()), given_detail_names(details)
    is_one_given = not fields.one_of or bool(given & set(fields.one_of))
    return is_one_given and all(field.name in given for field in fields.required)


def remove_own_note(kind: K, details: EventDetails) -> EventDetails:
    """Remove what a partner may not be told of an act: a note for the history is for the library alone."""
    return replace(details, note="") if has_own_note(kind) else details


def has_own_note(kind: K) -> bool:
    fields = ACTS.get(kind, ActionFieldSet())
    return _OWN_NOTE in (*fields.required, *fields.optional)


_EMPTY = EventDetails()


def given_detail_names(details: EventDetails) -> frozenset[str]:
    return frozenset(name for name in _NAMES if getattr(details, name) != getattr(_EMPTY, name))


_UNNAMED = frozenset({"extras", "written", "status_counts"})
"""Extras go with every event, what was written stands in the note, and how it is read is nothing that was said."""

_NAMES = tuple(name for name in EventDetails.__dataclass_fields__ if name not in _UNNAMED)
