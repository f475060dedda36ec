"""Panels beside a request: its reader, copies of our own, dates and item, costs, the partner."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from gateway.domain.library import BlockScope, ContactKind, Patron
from gateway.domain.problems import Refused, Unavailable
from gateway.domain.requests.events import BROKER, EventKind
from gateway.domain.requests.patron_settings import PatronSettings
from gateway.domain.requests.prices import LIMIT
from gateway.domain.requests.request import ItemCandidate, Request, Role
from gateway.domain.requests.request_messages import PARTNER_ACTOR, STAFF_ACTOR
from gateway.domain.requests.supplier_takeover import find_supplier_party
from gateway.domain.requests.views import LocatedCopy, RequestView
from gateway.domain.value import replace, value_object
from gateway.services.circulation.local_holdings import AWAY, LocalCopies, find_local_copies
from gateway.services.letters.localization import mark_text
from gateway.services.patrons.patron_names import make_patron_key
from gateway.services.request_work.patron_notices import load_reader_settings
from gateway.services.requests.library_context import PATRON
from gateway.services.requests.located_copies import MAX_LOOK_SECONDS, look_up_copies
from gateway.web.staff.act_forms import list_places
from gateway.web.staff.coded_words import describe_condition
from gateway.web.staff.request_access import list_permitted_acts
from gateway.web.staff.request_story import CHANNELS, explain_due_date
from gateway.web.staff.staff_request import StaffRequest

MAX_LOOKED_UP = 6
"""Of items that may be meant so many are looked up in the library's system, which may be far away."""

LabelledRows = list[tuple[str, str]]
"""Label and text."""


@value_object(kw_only=True)
class ShownPatron:
    """The reader as this user may see them. `masked`: names and numbers are; `problem`: why nothing is known."""

    name: str = ""
    card: str = ""
    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    category: str = ""
    pickup: str = ""
    note: str = ""
    masked: bool = False
    may_borrow: bool = False
    standing: str = ""
    problem: str = ""
    settings: PatronSettings = PatronSettings()


@value_object(kw_only=True)
class RequestPanels:
    """What stands beside a request, on its page and on those of its acts. `own` None: our catalogue was not asked;
    `can_write`: this user may write to the patron."""

    patron: ShownPatron | None
    partner: LabelledRows
    loan: LabelledRows
    due_reason: str
    costs: LabelledRows
    own: LocalCopies | None
    located: LocatedCopy | None
    can_write: bool


async def make_panels(
    page: StaffRequest, view: RequestView, patron: ShownPatron | None, *, own: LocalCopies | None = None
) -> RequestPanels:
    request = view.request
    is_borrowing = request.role is Role.BORROWING
    await page.actors.load_names([request.costs.agreed_by])
    return RequestPanels(
        patron=patron,
        partner=list_partner_rows(page, request),
        loan=list_loan_rows(page, request),
        due_reason=explain_due_date(request, page.context, page.localization) if is_borrowing else "",
        costs=list_cost_rows(page, request),
        own=own,
        located=view.located_copy,
        can_write=EventKind.PATRON_MESSAGE in list_permitted_acts(page, view),
    )


async def show_patron(page: StaffRequest, request: Request, *, revealed: bool) -> ShownPatron | None:
    """None: it is for the library itself, for another library's reader, or the name was removed."""
    link = request.patron
    if request.role is not Role.BORROWING or not (link.id or link.identifier):
        return None
    places = await list_places(page)
    shown = ShownPatron(
        card=link.identifier,
        category=link.category,
        pickup=places.get(link.pickup, link.pickup),
        note=link.note,
        settings=await load_reader_settings(page.context, request),
    )
    try:
        async with asyncio.timeout(MAX_LOOK_SECONDS):
            patron = await page.context.system.find_patron(make_patron_key(link))
    except Refused:
        shown = replace(shown, problem=page.gettext("The library system no longer has a record of this patron."))
    except (Unavailable, TimeoutError):
        problem = page.gettext("The library system is not responding, so no more is known.")
        shown = replace(shown, problem=problem)
    else:
        shown = _add_standing(page, shown, patron)
    return shown if revealed or page.sees_patrons else _mask_patron(shown)


def _add_standing(page: StaffRequest, shown_patron: ShownPatron, patron: Patron) -> ShownPatron:
    block = patron.find_block(BlockScope.REQUEST)
    loans = page.ngettext("%(num)s loan", "%(num)s loans", patron.loan_count)
    return replace(
        shown_patron,
        name=patron.name.direct,
        emails=_list_contacts(patron, ContactKind.EMAIL),
        phones=_list_contacts(patron, ContactKind.PHONE),
        category=shown_patron.category or patron.category,
        may_borrow=block is None,
        standing=page.gettext("may borrow; %(loans)s", loans=loans) if block is None else block.reason,
    )


def _list_contacts(patron: Patron, kind: ContactKind) -> tuple[str, ...]:
    """Each once, as the library's system has them in order."""
    return tuple(dict.fromkeys(contact.value for contact in patron.contacts if contact.kind is kind and contact.value))


def _mask_patron(patron: ShownPatron) -> ShownPatron:
    """Mask a patron; what they wrote, and how to reach them, is theirs too."""
    return replace(
        patron,
        name=" ".join(f"{word[0]}••••" for word in patron.name.split()),
        card=f"••••••{patron.card[-4:]}" if len(patron.card) > 6 else "••••••",
        emails=(),
        phones=(),
        note="",
        masked=True,
    )


async def find_own_copies(page: StaffRequest, request: Request) -> LocalCopies | None:
    """Find what our own catalogue has of a borrowing request."""
    if request.role is not Role.BORROWING:
        return None
    try:
        async with asyncio.timeout(MAX_LOOK_SECONDS):
            return await find_local_copies(page.context.system, request.citation)
    except (Refused, TimeoutError):
        return AWAY


@value_object
class CandidateItem:
    """An item of ours that may be what is asked for, and where it is. `copy` None: it wasn't looked up."""

    candidate: ItemCandidate
    copy: LocatedCopy | None


async def list_candidate_items(page: StaffRequest, request: Request) -> tuple[CandidateItem, ...]:
    """List the items among which staff choose, while none is chosen."""
    if request.role is not Role.LENDING or request.item_barcode:
        return ()
    first = request.candidates[:MAX_LOOKED_UP]
    copies = await look_up_copies(page.context, {item.barcode for item in first if item.barcode})
    return tuple(CandidateItem(item, copies.get(item.barcode)) for item in request.candidates)


def list_loan_rows(page: StaffRequest, request: Request) -> LabelledRows:
    gettext, terms, dates = page.gettext, request.terms, request.dates
    rows: LabelledRows = []
    if dates.need_by is not None:
        rows.append((gettext("Needed by"), page.localization.format_day(dates.need_by)))
    if dates.start is not None:
        rows.append((gettext("Wanted from"), page.localization.format_day(dates.start)))
    if dates.end is not None:
        rows.append((gettext("Wanted until"), page.localization.format_day(dates.end)))
    if terms.lender_due is not None:
        rows.append((label_lender_due(page, request), page.format_moment(terms.lender_due)))
    if terms.patron_due is not None:
        rows.append((gettext("Due from patron"), page.format_moment(terms.patron_due)))
    if terms.renewals:
        rows.append((gettext("Renewed"), page.ngettext("%(num)s time", "%(num)s times", terms.renewals)))
    if terms.conditions:
        words = [describe_condition(condition.value, page.localization) for condition in terms.conditions]
        rows.append((gettext("Conditions"), page.localization.format_list(words)))
    barcodes = request.lent_barcodes if request.role is Role.LENDING else [volume.barcode for volume in request.volumes]
    if any(barcodes) and len(request.volumes) <= 1:
        rows.append((gettext("Barcode"), ", ".join(filter(None, barcodes))))
    if len(request.volumes) == 1 and request.volumes[0].call_number:
        rows.append((gettext("Call number"), request.volumes[0].call_number))
    return rows


def label_lender_due(page: StaffRequest, request: Request) -> str:
    """Label the day on which an item is due at its lender, which is us for what we lend."""
    return page.gettext("Due date") if request.role is Role.LENDING else page.gettext("Due at lender")


def list_cost_rows(page: StaffRequest, request: Request) -> LabelledRows:
    """Limit, offer and agreed sum one by one, with who agreed; most that this supplier is paid counts as well."""
    costs, gettext = request.costs, page.gettext
    named = (
        (gettext("Maximum"), costs.maximum, ""),
        (gettext("Maximum at this supplier"), request.attempt.cost_limit if request.attempt is not None else None, ""),
        (gettext("Offered"), costs.offered, ""),
        (gettext("Agreed"), costs.agreed, _name_agreement(page, request)),
        (gettext("Charged"), costs.charged, ""),
    )
    return [
        (label, f"{page.localization.format_money(money)} {by}".strip())
        for label, money, by in named
        if money is not None
    ]


def _name_agreement(page: StaffRequest, request: Request) -> str:
    """Name who said yes to the sum, in brackets; empty where that isn't known."""
    by = request.costs.agreed_by
    if by.startswith(STAFF_ACTOR):
        return page.gettext("(by %(name)s)", name=page.actors.name_actor(by))
    if by.startswith(PARTNER_ACTOR):
        return page.gettext("(by the partner)")
    known = {
        LIMIT: page.gettext("(within the maximum)"),
        PATRON: page.gettext("(by the patron)"),
        BROKER: page.gettext("(by the requester)"),
        "rule": page.gettext("(by rule)"),
    }
    return known.get(by, page.gettext("(by %(name)s)", name=page.actors.name_actor(by)) if by else "")


_EXTRA_LABELS: Mapping[str, str] = {
    "contact-name": mark_text("Contact person"),
    "contact-address": mark_text("Contact address"),
    "delivery-method": mark_text("Delivery method"),
    "electronic-delivery": mark_text("Electronic delivery"),
    "copyright-compliance": mark_text("Copyright compliance"),
    "payment-method": mark_text("Payment method"),
    "billing-method": mark_text("Billing method"),
    "billing-name": mark_text("Invoice to"),
    "billing-address": mark_text("Billing address"),
    "possible-supplier": mark_text("Possible supplier"),
    "already-tried": mark_text("Asked before"),
    "supplier-description": mark_text("About the supplier"),
    "supplier-holdings": mark_text("Holdings"),
    "supplier-availability": mark_text("Availability"),
    "call-number": mark_text("Call number"),
}
"""Of what a request brings and we have no field for, in the order of the page."""


def list_extra_rows(page: StaffRequest, request: Request) -> LabelledRows:
    """List what the partner's request says besides; names that only programs know are left to the journal."""
    return [
        (page.gettext(label), extra.value)
        for name, label in _EXTRA_LABELS.items()
        for extra in request.extras
        if extra.name == name
    ]


def list_partner_rows(page: StaffRequest, request: Request) -> LabelledRows:
    partner, gettext = request.partner, page.gettext
    policy = page.context.partner(partner.profile)
    rows: LabelledRows = []
    if partner.name or partner.symbol:
        rows.append((gettext("Library"), partner.name or partner.symbol))
    if partner.symbol and partner.name:
        rows.append((gettext("Symbol"), partner.symbol))
    if policy is not None and policy.channel:
        rows.append((gettext("Channel"), gettext(CHANNELS.get(policy.channel, policy.channel))))
    if partner.email or (policy is not None and policy.email):
        rows.append((gettext("Email"), partner.email or (policy.email if policy is not None else "")))
    if policy is not None and policy.phone:
        rows.append((gettext("Phone"), policy.phone))
    supplier = find_supplier_party(request)
    if supplier.symbol != partner.symbol:
        name = f"{supplier.name} ({supplier.symbol})" if supplier.name != supplier.symbol else supplier.symbol
        rows.append((gettext("Supplier"), name))
        rows.append((gettext("Return address"), ", ".join(supplier.address.splitlines())))
    elif supplier.address:
        rows.append((gettext("Address"), ", ".join(supplier.address.splitlines())))
    return rows
