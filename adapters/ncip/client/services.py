"""Services we can ask for, and messages built from values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from adapters.ncip import messages
from adapters.ncip.client import item_messages, user_messages
from adapters.ncip.client.speaker import Speaker, Values
from adapters.ncip.dialect import NcipDialect
from adapters.ncip.messages import Initiation, LookupVersion, Message, Root
from adapters.ncip.messages.declaration import elements_of
from adapters.ncip.wire_dialect import Extras, Strictness, XmlDialect
from gateway.domain.value import value

COMMON = ("from-agency", "to-agency", "profile-type")
"""Parameters of every service."""

LOAN_DAYS = 28
RECALL_DAYS = 7

USER_ELEMENTS = ("Name Information", "User Address Information", "User Privilege", "Block Or Trap", "User Id")
ITEM_ELEMENTS = ("Bibliographic Description", "Circulation Status", "Item Description", "Location")

_PATRON = ("patron", "patron-type")
_USER = (*_PATRON, "input", "pin")
_ITEM = ("item", "item-type")
_REQUEST = ("request", "request-id-type")
_WORK = ("title", "author", "record", "publisher", "published", "edition", "medium", "call-number")
_PERSON = (
    "surname",
    "given",
    "organisation",
    "email",
    "phone",
    "street",
    "city",
    "postcode",
    "country",
    "birth",
    "language",
)

Fill = Callable[[Values, date], Values]


@value
class Ask:
    """`needs`: of each group at least one must be said. `fill` adds what is sent by default; `defaults` says so."""

    message: type[Initiation]
    help: str
    build: Callable[[Values, Speaker], Any]
    takes: tuple[str, ...]
    needs: tuple[tuple[str, ...], ...] = ()
    aliases: tuple[str, ...] = ()
    fill: Fill | None = None
    defaults: tuple[tuple[str, str], ...] = ()

    @property
    def name(self) -> str:
        return kebab(self.message.__name__)


def kebab(name: str) -> str:
    """CheckOutItem -> check-out-item."""
    return "".join(f"-{char.lower()}" if char.isupper() else char for char in name).lstrip("-")


def _due(days: int) -> Fill:
    return lambda v, today: v if v.due is not None else replace(v, due=today + timedelta(days=days))


def _accept(v: Values, today: date) -> Values:
    return replace(_due(LOAN_DAYS)(v, today), items=v.items or (v.request,))


def _elements(elements: tuple[str, ...]) -> Fill:
    return lambda v, _today: v if v.elements else replace(v, elements=elements)


_DUE = (("due", "in four weeks"),)

ASKS: tuple[Ask, ...] = (
    Ask(
        messages.LookupUser,
        "Who is this patron, and may they borrow?",
        user_messages.lookup_user,
        (*_USER, "element", "loans", "holds", "fees"),
        (("patron", "input"),),
        fill=_elements(USER_ELEMENTS),
        defaults=(("element", "name, addresses, privileges, blocks and ids"),),
    ),
    Ask(
        messages.AcceptItem,
        "An item has come from elsewhere: make its temporary record and the patron's hold.",
        item_messages.accept_item,
        (
            *_REQUEST,
            *_ITEM,
            *_PATRON,
            *_WORK,
            "pickup",
            "pickup-until",
            "due",
            "no-renewals",
            "action",
            "happened",
        ),
        (("request",),),
        ("accept",),
        _accept,
        (("item", "the request's number"), *_DUE, ("action", "Hold For Pickup")),
    ),
    Ask(
        messages.CheckOutItem,
        "Lend an item.",
        item_messages.check_out_item,
        (*_USER, *_ITEM, *_REQUEST, "due", "happened", "element"),
        (("patron", "input"), ("item",)),
        ("check-out", "checkout"),
        _due(LOAN_DAYS),
        _DUE,
    ),
    Ask(
        messages.CheckInItem,
        "An item has come back.",
        item_messages.check_in_item,
        (*_ITEM, *_REQUEST, *_PATRON, "happened", "element"),
        (("item", "request"),),
        ("check-in", "checkin"),
    ),
    Ask(
        messages.RenewItem,
        "A longer loan.",
        item_messages.renew_item,
        (*_ITEM, *_USER, "due", "happened", "element"),
        (("item",),),
        ("renew",),
        defaults=(("due", "by the library's rules"),),
    ),
    Ask(
        messages.RecallItem,
        "The item is needed back.",
        item_messages.recall_item,
        (*_ITEM, "due", "happened", "element"),
        (("item",),),
        ("recall",),
        defaults=(("due", "by the library's rules"),),
    ),
    Ask(
        messages.RequestItem,
        "Place a hold or another kind of request.",
        item_messages.request_item,
        (
            *_USER,
            "item",
            "item-type",
            *_WORK,
            *_REQUEST,
            "kind",
            "scope",
            "pickup",
            "pickup-until",
            "need-by",
            "element",
        ),
        (("patron", "input"), ("item", "record")),
        ("request",),
        defaults=(("kind", "Hold"), ("scope", "Item for an item, Bibliographic Item for a record")),
    ),
    Ask(
        messages.CancelRequestItem,
        "Take a request back.",
        item_messages.cancel_request_item,
        (*_REQUEST, *_ITEM, *_USER, "kind", "scope"),
        (("request", "item"),),
        ("cancel", "cancel-request"),
        defaults=(("kind", "as the profile says (requests.cancel_type)"),),
    ),
    Ask(
        messages.UpdateRequestItem,
        "Another pickup place or date for a request.",
        item_messages.update_request_item,
        (*_REQUEST, *_ITEM, *_PATRON, "kind", "pickup", "pickup-until", "need-by"),
        (("request", "item"),),
        ("update-request",),
    ),
    Ask(
        messages.DeleteItem,
        "A temporary item is gone for good.",
        item_messages.delete_item,
        _ITEM,
        (("item",),),
        ("delete",),
    ),
    Ask(
        messages.LookupItem,
        "Where is this item, and may it be had?",
        item_messages.lookup_item,
        (*_ITEM, *_REQUEST, "element", "borrower", "requesters"),
        (("item", "request"),),
        fill=_elements(ITEM_ELEMENTS),
        defaults=(("element", "description, status and location"),),
    ),
    Ask(
        messages.LookupItemSet,
        "The copies of one or several records.",
        item_messages.lookup_item_set,
        ("record", *_ITEM, "element", "limit", "cursor"),
        (("record", "item"),),
        fill=_elements(ITEM_ELEMENTS),
        defaults=(("element", "description, status and location"),),
    ),
    Ask(
        messages.LookupRequest,
        "How does this request stand?",
        item_messages.lookup_request,
        (*_REQUEST, *_ITEM, *_PATRON, "kind", "element"),
        (("request", "item"),),
    ),
    Ask(
        messages.LookupAgency,
        "Who are you, and where can things be picked up?",
        user_messages.lookup_agency,
        ("agency", "element"),
        defaults=(("agency", "the library's own"),),
    ),
    Ask(
        messages.LookupVersion,
        "Which versions do you speak?",
        user_messages.lookup_version,
        ("form",),
        defaults=(("form", "message: in NCIPMessage"),),
    ),
    Ask(
        messages.CreateUser,
        "Register a patron.",
        user_messages.create_user,
        (*_USER, *_PERSON),
        (("patron", "input"), ("surname", "organisation")),
    ),
    Ask(
        messages.UpdateUser,
        "A patron's data has changed.",
        user_messages.update_user,
        (*_USER, *_PERSON),
        (("patron",),),
    ),
    Ask(
        messages.CreateItem,
        "Register an item of the library's own.",
        item_messages.create_item,
        (*_ITEM, *_REQUEST, *_WORK, "location", "status"),
        (("title",),),
    ),
    Ask(
        messages.CreateUserFiscalTransaction,
        "Put a charge on a patron's account.",
        user_messages.create_user_fiscal_transaction,
        (*_PATRON, "amount", "fee-type", "fee-action", "reference", "description", *_REQUEST, *_ITEM, "title"),
        (("patron",),),
        ("fee",),
        defaults=(
            ("amount", "none: the library's own applies"),
            ("fee-type", "Interlibrary Loan Fee"),
            ("fee-action", "Assess"),
        ),
    ),
    Ask(
        messages.UpdateCirculationStatus,
        "Set an item's status.",
        item_messages.update_circulation_status,
        (*_ITEM, "status"),
        (("item",), ("status",)),
    ),
    Ask(
        messages.CirculationStatusUpdated,
        "Notification: an item's status has changed.",
        user_messages.circulation_status_updated,
        (*_ITEM, "status"),
        (("item",), ("status",)),
    ),
    Ask(
        messages.ItemRequested,
        "Notification: an item was requested.",
        user_messages.item_requested,
        (*_PATRON, *_ITEM, *_REQUEST, *_WORK, "kind", "scope", "pickup", "need-by"),
        (("patron",), ("item", "record")),
    ),
    Ask(
        messages.ItemRequestUpdated,
        "Notification: a request was changed.",
        user_messages.item_request_updated,
        (*_REQUEST, *_ITEM, *_PATRON, "kind", "pickup", "pickup-until", "need-by"),
        (("request", "item"),),
    ),
    Ask(
        messages.ItemRequestCancelled,
        "Notification: a request was cancelled.",
        user_messages.item_request_cancelled,
        (*_REQUEST, *_ITEM, *_PATRON, "kind"),
        (("patron",), ("request", "item")),
    ),
    Ask(
        messages.ItemShipped,
        "Notification: an item was sent.",
        user_messages.item_shipped,
        (*_REQUEST, *_ITEM, *_PATRON, *_WORK, "barcode", "pickup", "when"),
        (("request", "item"),),
        defaults=(("when", "now"),),
    ),
    Ask(
        messages.ItemReceived,
        "Notification: a sent item has come.",
        user_messages.item_received,
        (*_ITEM, *_REQUEST, *_PATRON, "when"),
        (("item",),),
        defaults=(("when", "now"),),
    ),
    Ask(
        messages.ItemCheckedOut,
        "Notification: an item was lent.",
        user_messages.item_checked_out,
        (*_PATRON, *_ITEM, *_REQUEST, "due"),
        (("patron",), ("item",)),
        fill=_due(LOAN_DAYS),
        defaults=_DUE,
    ),
    Ask(
        messages.ItemCheckedIn,
        "Notification: an item was returned.",
        user_messages.item_checked_in,
        (*_ITEM, *_PATRON),
        (("item",),),
    ),
    Ask(
        messages.ItemRenewed,
        "Notification: a loan was renewed.",
        user_messages.item_renewed,
        (*_ITEM, *_PATRON, "due"),
        (("item",),),
        fill=_due(LOAN_DAYS),
        defaults=_DUE,
    ),
    Ask(
        messages.ItemRecalled,
        "Notification: an item was recalled.",
        user_messages.item_recalled,
        (*_ITEM, *_PATRON, "due"),
        (("item",),),
        fill=_due(RECALL_DAYS),
        defaults=(("due", "in a week"),),
    ),
)

BY_MESSAGE: dict[type[Initiation], Ask] = {ask.message: ask for ask in ASKS}

_BY_NAME: dict[str, Ask] = {
    name.lower(): ask for ask in ASKS for name in (ask.name, ask.message.__name__, *ask.aliases)
}


def find(name: str) -> Ask | None:
    """By name in kebab-case, alias, or the message's own name."""
    return _BY_NAME.get(name.lower())


def build(ask: Ask, values: Values, speaker: Speaker) -> Message:
    """The message in the version of the profile. Raises CannotSay."""
    body = ask.build(values, speaker)
    own_root = isinstance(body, LookupVersion) and values.form == "version-message"
    return Message(
        body=body,
        version=speaker.dialect.xml.version,
        root=Root.VERSION_MESSAGE if own_root else Root.MESSAGE,
    )


def style_for(message: Message, xml: XmlDialect) -> XmlDialect:
    """The style in which a message is written: with elements beyond the schema where it has any, since whoever plays
    a partner and says a thing wants it sent."""
    body = message.body
    says_extra = any(element.extra and getattr(body, name) for name, element in elements_of(type(body)).items())
    return xml.model_copy(update={"extra_elements": Extras.SEND}) if says_extra else xml


def mirrored(dialect: NcipDialect) -> NcipDialect:
    """The dialect as the partner has it: what we read is what the partner writes, and the other way round."""
    xml = dialect.xml
    turned = xml.model_copy(
        update={
            "charset_out": xml.charset_in or xml.charset_out,
            "charset_in": None,
            "strictness": Strictness.LENIENT,
            "date_in": xml.date_in.model_copy(update={"zone": xml.date_out.zone}),
            "date_out": xml.date_out.model_copy(update={"zone": xml.date_in.zone or xml.date_out.zone}),
        }
    )
    return dialect.model_copy(update={"xml": turned})
