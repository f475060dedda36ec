"""Services we can ask for, and messages built from values."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from adapters.ncip import messages
from adapters.ncip.client import item_messages, user_messages
from adapters.ncip.client.speaker import MessageBuilder, MessageValues
from adapters.ncip.dialect import NcipDialect
from adapters.ncip.messages import Initiation, LookupVersion, Message, Root
from adapters.ncip.messages.declaration import elements_of
from adapters.ncip.wire_dialect import Extras, Strictness, XmlDialect
from gateway.domain.value import replace, value_object

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

Fill = Callable[[MessageValues, date], MessageValues]


@value_object
class ServiceRequest:
    """`needs`: of each group at least one must be said. `fill` adds what is sent by default; `defaults` says so."""

    message: type[Initiation]
    help: str
    build: Callable[[MessageValues, MessageBuilder], Any]
    takes: tuple[str, ...]
    needs: tuple[tuple[str, ...], ...] = ()
    aliases: tuple[str, ...] = ()
    fill: Fill | None = None
    defaults: tuple[tuple[str, str], ...] = ()

    @property
    def name(self) -> str:
        return to_kebab_case(self.message.__name__)


def to_kebab_case(name: str) -> str:
    """CheckOutItem -> check-out-item."""
    return "".join(f"-{char.lower()}" if char.isupper() else char for char in name).lstrip("-")


def _make_due_filler(days: int) -> Fill:
    return lambda v, today: v if v.due is not None else replace(v, due=today + timedelta(days=days))


def _fill_accept_item(v: MessageValues, today: date) -> MessageValues:
    return replace(_make_due_filler(LOAN_DAYS)(v, today), items=v.items or (v.request,))


def _make_elements_filler(elements: tuple[str, ...]) -> Fill:
    return lambda v, _today: v if v.elements else replace(v, elements=elements)


_DUE = (("due", "in four weeks"),)

ASKS: tuple[ServiceRequest, ...] = (
    ServiceRequest(
        messages.LookupUser,
        "Look up a patron and whether the patron may borrow.",
        user_messages.build_lookup_user,
        (*_USER, "element", "loans", "holds", "fees"),
        (("patron", "input"),),
        fill=_make_elements_filler(USER_ELEMENTS),
        defaults=(("element", "name, addresses, privileges, blocks and ids"),),
    ),
    ServiceRequest(
        messages.AcceptItem,
        "Receive an item from elsewhere: create its temporary item and the patron's hold.",
        item_messages.build_accept_item,
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
        _fill_accept_item,
        (("item", "the request's number"), *_DUE, ("action", "Hold For Pickup")),
    ),
    ServiceRequest(
        messages.CheckOutItem,
        "Check out an item.",
        item_messages.build_check_out_item,
        (*_USER, *_ITEM, *_REQUEST, "due", "happened", "element"),
        (("patron", "input"), ("item",)),
        ("check-out", "checkout"),
        _make_due_filler(LOAN_DAYS),
        _DUE,
    ),
    ServiceRequest(
        messages.CheckInItem,
        "Check in an item.",
        item_messages.build_check_in_item,
        (*_ITEM, *_REQUEST, *_PATRON, "happened", "element"),
        (("item", "request"),),
        ("check-in", "checkin"),
    ),
    ServiceRequest(
        messages.RenewItem,
        "Renew a loan.",
        item_messages.build_renew_item,
        (*_ITEM, *_USER, "due", "happened", "element"),
        (("item",),),
        ("renew",),
        defaults=(("due", "by the library's rules"),),
    ),
    ServiceRequest(
        messages.RecallItem,
        "Recall an item.",
        item_messages.build_recall_item,
        (*_ITEM, "due", "happened", "element"),
        (("item",),),
        ("recall",),
        defaults=(("due", "by the library's rules"),),
    ),
    ServiceRequest(
        messages.RequestItem,
        "Place a hold or another kind of request.",
        item_messages.build_request_item,
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
    ServiceRequest(
        messages.CancelRequestItem,
        "Cancel a hold or request.",
        item_messages.build_cancel_request_item,
        (*_REQUEST, *_ITEM, *_USER, "kind", "scope"),
        (("request", "item"),),
        ("cancel", "cancel-request"),
        defaults=(("kind", "as the profile says (requests.cancel_type)"),),
    ),
    ServiceRequest(
        messages.UpdateRequestItem,
        "Change the pickup location or date of a request.",
        item_messages.build_update_request_item,
        (*_REQUEST, *_ITEM, *_PATRON, "kind", "pickup", "pickup-until", "need-by"),
        (("request", "item"),),
        ("update-request",),
    ),
    ServiceRequest(
        messages.DeleteItem,
        "Delete a temporary item.",
        item_messages.build_delete_item,
        _ITEM,
        (("item",),),
        ("delete",),
    ),
    ServiceRequest(
        messages.LookupItem,
        "Look up an item, its location and availability.",
        item_messages.build_lookup_item,
        (*_ITEM, *_REQUEST, "element", "borrower", "requesters"),
        (("item", "request"),),
        fill=_make_elements_filler(ITEM_ELEMENTS),
        defaults=(("element", "description, status and location"),),
    ),
    ServiceRequest(
        messages.LookupItemSet,
        "Look up the copies of one or several records.",
        item_messages.build_lookup_item_set,
        ("record", *_ITEM, "element", "limit", "cursor"),
        (("record", "item"),),
        fill=_make_elements_filler(ITEM_ELEMENTS),
        defaults=(("element", "description, status and location"),),
    ),
    ServiceRequest(
        messages.LookupRequest,
        "Look up the status of a request.",
        item_messages.build_lookup_request,
        (*_REQUEST, *_ITEM, *_PATRON, "kind", "element"),
        (("request", "item"),),
    ),
    ServiceRequest(
        messages.LookupAgency,
        "Look up the agency and its pickup locations.",
        user_messages.build_lookup_agency,
        ("agency", "element"),
        defaults=(("agency", "the library's own"),),
    ),
    ServiceRequest(
        messages.LookupVersion,
        "Look up the supported versions.",
        user_messages.build_lookup_version,
        ("form",),
        defaults=(("form", "message: in NCIPMessage"),),
    ),
    ServiceRequest(
        messages.CreateUser,
        "Register a patron.",
        user_messages.build_create_user,
        (*_USER, *_PERSON),
        (("patron", "input"), ("surname", "organisation")),
    ),
    ServiceRequest(
        messages.UpdateUser,
        "Update a patron's data.",
        user_messages.build_update_user,
        (*_USER, *_PERSON),
        (("patron",),),
    ),
    ServiceRequest(
        messages.DeleteUser,
        "Delete a temporary patron.",
        user_messages.build_delete_user,
        _USER,
        (("patron", "input"),),
    ),
    ServiceRequest(
        messages.CreateItem,
        "Register an item of the library.",
        item_messages.build_create_item,
        (*_ITEM, *_REQUEST, *_WORK, "location", "status"),
        (("title",),),
    ),
    ServiceRequest(
        messages.CreateUserFiscalTransaction,
        "Put a charge on a patron's account.",
        user_messages.build_create_user_fiscal_transaction,
        (*_PATRON, "amount", "fee-type", "fee-action", "reference", "description", *_REQUEST, *_ITEM, "title"),
        (("patron",),),
        ("fee",),
        defaults=(
            ("amount", "none: the library's own applies"),
            ("fee-type", "Interlibrary Loan Fee"),
            ("fee-action", "Assess"),
        ),
    ),
    ServiceRequest(
        messages.UpdateCirculationStatus,
        "Set an item's status.",
        item_messages.build_update_circulation_status,
        (*_ITEM, "status"),
        (("item",), ("status",)),
    ),
    ServiceRequest(
        messages.CirculationStatusUpdated,
        "Notification: an item's status has changed.",
        user_messages.build_circulation_status_updated,
        (*_ITEM, "status"),
        (("item",), ("status",)),
    ),
    ServiceRequest(
        messages.ItemRequested,
        "Notification: an item was requested.",
        user_messages.build_item_requested,
        (*_PATRON, *_ITEM, *_REQUEST, *_WORK, "kind", "scope", "pickup", "need-by"),
        (("patron",), ("item", "record")),
    ),
    ServiceRequest(
        messages.ItemRequestUpdated,
        "Notification: a request was changed.",
        user_messages.build_item_request_updated,
        (*_REQUEST, *_ITEM, *_PATRON, "kind", "pickup", "pickup-until", "need-by"),
        (("request", "item"),),
    ),
    ServiceRequest(
        messages.ItemRequestCancelled,
        "Notification: a request was cancelled.",
        user_messages.build_item_request_cancelled,
        (*_REQUEST, *_ITEM, *_PATRON, "kind"),
        (("patron",), ("request", "item")),
    ),
    ServiceRequest(
        messages.ItemShipped,
        "Notification: an item was shipped.",
        user_messages.build_item_shipped,
        (*_REQUEST, *_ITEM, *_PATRON, *_WORK, "barcode", "pickup", "when"),
        (("request", "item"),),
        defaults=(("when", "now"),),
    ),
    ServiceRequest(
        messages.ItemReceived,
        "Notification: a shipped item was received.",
        user_messages.build_item_received,
        (*_ITEM, *_REQUEST, *_PATRON, "when"),
        (("item",),),
        defaults=(("when", "now"),),
    ),
    ServiceRequest(
        messages.ItemCheckedOut,
        "Notification: an item was checked out.",
        user_messages.build_item_checked_out,
        (*_PATRON, *_ITEM, *_REQUEST, "due"),
        (("patron",), ("item",)),
        fill=_make_due_filler(LOAN_DAYS),
        defaults=_DUE,
    ),
    ServiceRequest(
        messages.ItemCheckedIn,
        "Notification: an item was checked in.",
        user_messages.build_item_checked_in,
        (*_ITEM, *_PATRON),
        (("item",),),
    ),
    ServiceRequest(
        messages.ItemRenewed,
        "Notification: a loan was renewed.",
        user_messages.build_item_renewed,
        (*_ITEM, *_PATRON, "due"),
        (("item",),),
        fill=_make_due_filler(LOAN_DAYS),
        defaults=_DUE,
    ),
    ServiceRequest(
        messages.ItemRecalled,
        "Notification: an item was recalled.",
        user_messages.build_item_recalled,
        (*_ITEM, *_PATRON, "due"),
        (("item",),),
        fill=_make_due_filler(RECALL_DAYS),
        defaults=(("due", "in a week"),),
    ),
)

_BY_NAME: dict[str, ServiceRequest] = {
    name.lower(): ask for ask in ASKS for name in (ask.name, ask.message.__name__, *ask.aliases)
}


def find_service(name: str) -> ServiceRequest | None:
    """Find a service by name in kebab-case, alias, or the message's own name."""
    return _BY_NAME.get(name.lower())


def build_message(ask: ServiceRequest, values: MessageValues, speaker: MessageBuilder) -> Message:
    """The message in the version of the profile. Raises UnsupportedValueError."""
    body = ask.build(values, speaker)
    own_root = isinstance(body, LookupVersion) and values.form == "version-message"
    return Message(
        body=body,
        version=speaker.dialect.xml.version,
        root=Root.VERSION_MESSAGE if own_root else Root.MESSAGE,
    )


def choose_style(message: Message, xml: XmlDialect) -> XmlDialect:
    """The style in which a message is written: with elements beyond the schema where it has any, since whoever plays
    a partner and says a thing wants it sent."""
    body = message.body
    says_extra = any(element.extra and getattr(body, name) for name, element in elements_of(type(body)).items())
    return xml.model_copy(update={"extra_elements": Extras.SEND}) if says_extra else xml


def mirror_dialect(dialect: NcipDialect) -> NcipDialect:
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
