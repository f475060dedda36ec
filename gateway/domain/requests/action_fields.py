"""Which details an action of ours needs and which it may have: what staff pages and the API ask for.

The details of an event are all kept (`events.EventDetails`); this table says which of them mean something for its kind.
"""

from __future__ import annotations

from collections.abc import Mapping
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

_NOTE = ActionField("note", _T.TEXT, "A remark; the partner sees it where the message has room for one.")
_OWN_NOTE = ActionField("note", _T.TEXT, "A remark for the history.")
_REASON = ActionField("reason", _T.REASON, "Why, as a word of the list of reasons.")
_DUE = ActionField("due", _T.DUE, "Day at the end of which, or moment at which, it is due back at the lender.")
_COST = ActionField("cost", _T.MONEY, "What it costs the requester.")
_CONDITIONS = ActionField("conditions", _T.CONDITIONS, "Conditions of the loan.")
_VOLUMES = ActionField("volumes", _T.VOLUMES, "Which volumes; none: all.")
_BARCODE = ActionField("barcode", _T.TEXT, "Barcode of the item.")
_DESCRIPTION = ActionField("item_description", _T.TEXT, "What is sent, where that isn't plain.")
_EXPECTED = ActionField("expected", _T.DAY, "Day on which it is expected to be ready.")
_RETRY = ActionField("retry_after", _T.DAY, "Day from which asking again makes sense.")
_ATTACHMENT = ActionField("attachment", _T.ATTACHMENT, "Id of an uploaded file that is the copy.")
_LINK = ActionField("link", _T.TEXT, "Where the copy can be fetched.")
_PICKUP = ActionField("pickup", _T.LOCATION, "Where the patron fetches it.")
_RENEWABLE = ActionField("renewals_allowed", _T.TRUTH, "Whether the loan may be renewed.")

ACTS: Mapping[K, ActionFieldSet] = {
    K.SUBMIT: ActionFieldSet(),
    K.APPROVE: ActionFieldSet(optional=(_OWN_NOTE,)),
    K.EDIT: ActionFieldSet(
        optional=(
            ActionField("citation", _T.CITATION, "The corrected citation, whole."),
            ActionField("need_by", _T.DAY, "Of no use after this day."),
            ActionField("maximum_cost", _T.MONEY, "Most that it may cost."),
            _PICKUP,
            ActionField("further_volume", _T.TEXT, "What a further volume is called, such as Vol. 2."),
            _OWN_NOTE,
        ),
        one_of=("citation", "need_by", "maximum_cost", "pickup", "further_volume", "note"),
    ),
    K.ASSIGN: ActionFieldSet(
        optional=(
            ActionField("partner", _T.PARTNER, "Whom to ask next."),
            ActionField("rota", _T.ROTA, "Which rota to use."),
            _OWN_NOTE,
        ),
        one_of=("partner", "rota"),
    ),
    K.NO_SUPPLIER: ActionFieldSet(optional=(_OWN_NOTE,)),
    K.CLOSE: ActionFieldSet(optional=(_REASON, _OWN_NOTE)),
    K.REOPEN: ActionFieldSet(optional=(_OWN_NOTE,)),
    K.NEXT_SUPPLIER: ActionFieldSet(optional=(_REASON, _NOTE)),
    K.REQUEST: ActionFieldSet(
        required=(ActionField("partner", _T.PARTNER, "Whom to ask."),),
        optional=(_NOTE,),
    ),
    K.CONDITION_ACCEPTED: ActionFieldSet(optional=(_COST, _NOTE)),
    K.CONDITION_REFUSED: ActionFieldSet(optional=(_REASON, _NOTE)),
    K.CANCEL: ActionFieldSet(optional=(_REASON, _NOTE)),
    K.RECEIVED: ActionFieldSet(
        optional=(
            ActionField("barcode", _T.TEXT, "Barcode for the time of the loan; empty: made from the template."),
            _DESCRIPTION,
            _DUE,
            _CONDITIONS,
            _PICKUP,
            _VOLUMES,
            _NOTE,
        )
    ),
    K.ARRIVED_AT_BRANCH: ActionFieldSet(optional=(_OWN_NOTE,)),
    K.AT_PICKUP: ActionFieldSet(optional=(_VOLUMES, _OWN_NOTE)),
    K.LOANED_TO_PATRON: ActionFieldSet(optional=(_VOLUMES, _OWN_NOTE)),
    K.RETURNED_BY_PATRON: ActionFieldSet(optional=(_VOLUMES, _OWN_NOTE)),
    K.RETURNED: ActionFieldSet(optional=(_VOLUMES, _NOTE)),
    K.RENEW: ActionFieldSet(optional=(ActionField("due", _T.DUE, "The new date that is wished for."), _NOTE)),
    K.LOST: ActionFieldSet(optional=(_VOLUMES, _COST, _NOTE)),
    K.DAMAGED: ActionFieldSet(optional=(_VOLUMES, _COST, _NOTE)),
    K.SETTLED: ActionFieldSet(
        optional=(
            ActionField("cost", _T.MONEY, "What is to be paid for it; 0: nothing."),
            _OWN_NOTE,
        )
    ),
    K.STATUS_QUERY: ActionFieldSet(optional=(_NOTE,)),
    K.STATUS_REPORT: ActionFieldSet(optional=(_NOTE,)),
    K.TROUBLE: ActionFieldSet(optional=(_REASON, _OWN_NOTE)),
    K.UNDONE: ActionFieldSet(),
    K.MESSAGE: ActionFieldSet(
        required=(ActionField("note", _T.TEXT, "What the partner is told."),),
        optional=(ActionField("return_on_hold", _T.TRUTH, "Whether the item is not to be sent back for now."),),
    ),
    K.NOTE: ActionFieldSet(required=(ActionField("note", _T.TEXT, "A remark for staff; nobody else sees it."),)),
    K.PATRON_ASKED: ActionFieldSet(
        required=(
            ActionField("reason", _T.TEXT, "What it is about: cost, edition, library-use-only, other."),
            ActionField("note", _T.TEXT, "The question, as the patron reads it."),
        )
    ),
    K.PATRON_ANSWERED: ActionFieldSet(
        required=(ActionField("answer", _T.YES_NO, "The patron's answer."),),
        optional=(ActionField("query", _T.TEXT, "Id of the question; empty: the open one."), _OWN_NOTE),
    ),
    K.PATRON_NOT_TOLD: ActionFieldSet(optional=(_REASON, _OWN_NOTE)),
    K.PATRON_TOLD: ActionFieldSet(optional=(ActionField("note", _T.TEXT, "How and by whom, for the history."),)),
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
        required=(ActionField("reason", _T.TEXT, "The rule or statement that is relied on."),),
        optional=(_OWN_NOTE,),
    ),
    K.CLEARANCE_REFUSED: ActionFieldSet(
        required=(ActionField("reason", _T.TEXT, "The rule that forbids it."),),
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
            ActionField("due", _T.DUE, "When it is due back here; empty: by rule."),
            _COST,
            _CONDITIONS,
            _RENEWABLE,
            _DESCRIPTION,
            _VOLUMES,
            _NOTE,
        )
    ),
    K.CHECKED_IN: ActionFieldSet(optional=(_VOLUMES, _NOTE)),
    K.RENEW_ACCEPTED: ActionFieldSet(
        optional=(ActionField("due", _T.DUE, "The new date; empty: by rule."), _NOTE),
    ),
    K.RENEW_REFUSED: ActionFieldSet(optional=(_REASON, _NOTE)),
    K.DUE_DATE_CHANGED: ActionFieldSet(required=(_DUE,), optional=(_NOTE,)),
    K.OVERDUE: ActionFieldSet(optional=(_NOTE,)),
    K.RECALL: ActionFieldSet(optional=(ActionField("due", _T.DUE, "The day by which it must be back."), _NOTE)),
}
"""Of every kind that the tables know as an event of ours."""

BY_RULE = frozenset({K.SUBMIT, K.REQUEST, K.NO_SUPPLIER, K.STATUS_REPORT, K.TROUBLE, K.PATRON_NOT_TOLD, K.UNDONE})
"""Ours, but never by hand: the gateway's own work makes them, with all that belongs to them (an attempt, a cause, the
request as it was)."""

BY_HAND = tuple(kind for kind in ACTS if kind not in BY_RULE)
"""What people and programs can do, in the order of `ACTS`."""


IS_NEEDED = "is needed"
"""Said of a required field that isn't there."""


@value_object
class FieldProblem:
    """`name`: an attribute of `EventDetails`."""

    name: str
    message: str


def check_details(kind: K, details: EventDetails) -> tuple[FieldProblem, ...]:
    """What is missing, and what has no meaning for an action of this kind."""
    fields = ACTS.get(kind, ActionFieldSet())
    given = given_detail_names(details)
    missing = [FieldProblem(field.name, IS_NEEDED) for field in fields.required if field.name not in given]
    allowed = ", ".join(sorted(fields.field_names)) or "none"
    unknown = [
        FieldProblem(name, f"means nothing for '{kind.value}'; fields: {allowed}")
        for name in given - fields.field_names
    ]
    if fields.one_of and not given & set(fields.one_of):
        missing.append(FieldProblem(fields.one_of[0], f"one of these is needed: {', '.join(fields.one_of)}"))
    return (*missing, *sorted(unknown, key=lambda one: one.name))


_EMPTY = EventDetails()


def given_detail_names(details: EventDetails) -> frozenset[str]:
    return frozenset(name for name in _NAMES if getattr(details, name) != getattr(_EMPTY, name))


_NAMES = tuple(name for name in EventDetails.__dataclass_fields__ if name not in ("extras", "written"))
"""Extras go with every event, and what was written stands in the note."""
