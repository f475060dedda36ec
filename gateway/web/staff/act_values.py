"""The values of an act's form: what is filled in already, and what of it was sent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation

from gateway.domain.due_dates import local_day
from gateway.domain.library import Money
from gateway.domain.requests.act_details import check_details
from gateway.domain.requests.action_fields import ActionFieldSet
from gateway.domain.requests.calendar import NoOpenDayError
from gateway.domain.requests.event_catalogue import ACTS
from gateway.domain.requests.events import EventDetails, LoanCondition, RequestEnding
from gateway.domain.requests.events import EventKind as K
from gateway.domain.requests.request import Request, VolumeState
from gateway.domain.requests.views import RequestView
from gateway.services.requests.deadlines import compute_renewed_due
from gateway.services.requests.library_context import LibraryContext
from gateway.web.html.forms import FormCheck
from gateway.web.staff.act_forms import ACT_FIELD_LABELS, FormField, name_volume_field
from gateway.web.staff.staff_request import StaffRequest

_WITH_FILE = frozenset({K.DIGITISED, K.COPY_DELIVERED})
"""Acts about a file: the newest is meant, if nobody says otherwise."""

ARRIVED, MISSING, LATER = "arrived", "missing", "later"
"""What may have become of a volume."""


def first_act_values(page: StaffRequest, view: RequestView, kinds: Iterable[K]) -> dict[str, str]:
    """Return the values that are likely, to be corrected."""
    values = {"cost_currency": page.context.currency, "maximum_cost_currency": page.context.currency}
    event_kinds, request = tuple(kinds), view.request
    if K.LOCATED in event_kinds and request.candidates:
        values["barcode"] = request.candidates[0].barcode
    if K.SHIPPED in event_kinds:
        taken = {volume.barcode for volume in request.volumes} if len(request.volumes) > 1 else set()
        values["barcode"] = request.item_barcode if request.item_barcode not in taken else ""
    if K.EDIT in event_kinds:
        values["need_by"] = request.dates.need_by.isoformat() if request.dates.need_by is not None else ""
        values["pickup"] = request.patron.pickup
        if request.costs.maximum is not None:
            values["maximum_cost"] = page.localization.format_amount(request.costs.maximum.amount)
            values["maximum_cost_currency"] = request.costs.maximum.currency
    if K.CONDITION_ACCEPTED in event_kinds and request.attempt is not None and request.attempt.cost is not None:
        values["cost"] = page.localization.format_amount(request.attempt.cost.amount)
        values["cost_currency"] = request.attempt.cost.currency
    if _WITH_FILE.intersection(event_kinds) and request.attachments:
        values["attachment"] = request.attachments[-1].id
    if K.RECEIVED in event_kinds:
        values["pickup"] = request.patron.pickup
    if due := _find_renewed_due(page, view, event_kinds):
        values["due"] = due.isoformat()
    if {K.RECEIVED, K.CHECKED_IN}.intersection(event_kinds):
        values |= _list_volume_values(request)
    return values


def _find_renewed_due(page: StaffRequest, view: RequestView, kinds: Sequence[K]) -> date | None:
    """Find the day that a renewal is likely to end on: what we grant by our rule; from the lender as much again as it
    gave for the loan. None: nothing says so."""
    request, context = view.request, page.context
    try:
        if K.RENEW_ACCEPTED in kinds:
            return compute_renewed_due(context, request, context.workflow(request).lending.renewal_days)
        days = _count_loan_days(context, view) if K.RENEW in kinds else 0
        return compute_renewed_due(context, request, days) if days > 0 else None
    except NoOpenDayError:
        return None


def _count_loan_days(context: LibraryContext, view: RequestView) -> int:
    """Count the days from shipping until the item is due at its lender; 0: one of them isn't known."""
    due = local_day(view.request.terms.lender_due, context.zone)
    shipped = [line.at for line in view.history if line.event.kind is K.SHIPPED and not line.denied]
    if due is None or not shipped or view.request.terms.renewals:
        return 0
    return (due - shipped[-1].astimezone(context.zone).date()).days


def _list_volume_values(request: Request) -> dict[str, str]:
    """What was said to be on its way has arrived; where nothing was, all of it has."""
    is_announced = any(volume.state is VolumeState.SHIPPED for volume in request.volumes)
    return {
        name_volume_field(volume.id): LATER if volume.state is VolumeState.EXPECTED and is_announced else ARRIVED
        for volume in request.volumes
    }


def read_act_details(page: StaffRequest, kind: K, checked: FormCheck, fields: Sequence[FormField]) -> EventDetails:
    """Read the details of the fields that mean something for this act. What is wrong is a problem of the form."""
    known = ACTS.get(kind, ActionFieldSet()).field_names
    values: dict[str, object] = {}
    for field in fields:
        if field.kind == "volumes":
            values |= _read_volumes(page, checked, field)
            continue
        value = _READERS[field.kind](page, checked, field)
        if field.name in known and value not in (None, "", ()):
            values[field.name] = value
    if "conditions" in values:
        values["conditions"] = tuple(LoanCondition(condition) for condition in values["conditions"])  # type: ignore[attr-defined]
    for name in values.keys() & {"renewals_allowed", "return_on_hold"}:
        values[name] = values[name] == "yes"
    if "ending" in values:
        values["ending"] = RequestEnding(str(values["ending"]))
        if values["ending"] is not RequestEnding.NOT_AVAILABLE:
            values.pop("reason", None)  # it was not in sight
    elif kind is K.CLOSE and "ending" in {field.name for field in fields}:
        checked.add_problem("ending", "wrong-missing", field=page.gettext(ACT_FIELD_LABELS["ending"]))
    details = EventDetails(**values)  # type: ignore[arg-type]
    if checked.is_good:
        labels = {field.name: field.label for field in fields}
        for problem in check_details(kind, details):
            checked.add_problem(problem.name, "wrong-missing", field=labels.get(problem.name, problem.name))
    return details


def _read_volumes(page: StaffRequest, checked: FormCheck, field: FormField) -> dict[str, tuple[str, ...]]:
    """Ids of the volumes that are here, and of those that should be; empty where the form doesn't speak of volumes."""
    said = {
        volume: checked.read_choice(name, (ARRIVED, MISSING, LATER))
        for volume, _ in field.choices
        if (name := name_volume_field(volume)) in checked.form.fields
    }
    arrived = tuple(volume for volume, word in said.items() if word == ARRIVED)
    if said and not arrived:
        checked.add_problem_text(field.name, page.gettext("Please choose at least one volume that has arrived."))
    missing = tuple(volume for volume, word in said.items() if word == MISSING)
    return {name: ids for name, ids in (("volumes", arrived), ("missing", missing)) if ids}


def _read_line(_page: StaffRequest, checked: FormCheck, field: FormField) -> str:
    return checked.read_line(field.name)


def _read_text(_page: StaffRequest, checked: FormCheck, field: FormField) -> str:
    return checked.read_lines(field.name)


def _read_day(page: StaffRequest, checked: FormCheck, field: FormField) -> date | None:
    return checked.read_day(field.name, page.context.today())


def _read_choice(_page: StaffRequest, checked: FormCheck, field: FormField) -> str:
    return checked.read_choice(field.name, [value for value, _ in field.choices])


def _read_boxes(_page: StaffRequest, checked: FormCheck, field: FormField) -> tuple[str, ...]:
    allowed = {value for value, _ in field.choices}
    chosen = tuple(dict.fromkeys(filter(None, checked.form.all_values(field.name))))
    checked.values[field.name] = " ".join(chosen)
    if not allowed.issuperset(chosen):
        checked.add_problem(field.name, "wrong-choice")
    return tuple(value for value in chosen if value in allowed)


def _read_money(page: StaffRequest, checked: FormCheck, field: FormField) -> Money | None:
    """12.50 and 12,50"""
    text = checked.read_line(field.name, 20)
    currency = checked.read_line(f"{field.name}_currency", 3).upper() or page.context.currency
    if not text:
        return None
    try:
        amount = Decimal(text.replace(",", "."))
    except InvalidOperation:
        amount = Decimal(-1)
    if not amount.is_finite() or amount < 0 or not (currency.isascii() and currency.isalpha() and len(currency) == 3):
        checked.add_problem_text(field.name, page.gettext("Please enter an amount, such as 12.50, and a currency."))
        return None
    return Money(amount, currency)


_READERS: Mapping[str, Callable[[StaffRequest, FormCheck, FormField], object]] = {
    "line": _read_line,
    "text": _read_text,
    "day": _read_day,
    "money": _read_money,
    "choice": _read_choice,
    "radios": _read_choice,
    "boxes": _read_boxes,
}
