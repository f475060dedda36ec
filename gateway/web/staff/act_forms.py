"""Acts on a request as forms: which fields one has, what is filled in already, and what of it was sent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation

from gateway.domain.due_dates import local_day
from gateway.domain.library import Money
from gateway.domain.problems import Unavailable
from gateway.domain.requests.act_details import check_details, has_own_note
from gateway.domain.requests.action_fields import ActionField, ActionFieldSet, FieldType
from gateway.domain.requests.calendar import NoOpenDayError
from gateway.domain.requests.event_catalogue import ACTS, EVENT_CATALOGUE
from gateway.domain.requests.events import Event, EventDetails, LoanCondition, RequestEnding, local_signal
from gateway.domain.requests.events import EventKind as K
from gateway.domain.requests.events import ReasonCodes as R
from gateway.domain.requests.reason_words import ENDING_WORDS, REASON_WORDS
from gateway.domain.requests.request import BorrowingState, Request, Role, ServiceType, Volume, VolumeState
from gateway.domain.requests.request_messages import is_for_partner
from gateway.domain.requests.state_machine import is_event_allowed
from gateway.domain.requests.views import RequestView
from gateway.domain.value import replace, value_object
from gateway.services.letters.localization import mark_text
from gateway.services.request_work.act_forecasts import forecast_act
from gateway.services.requests.deadlines import compute_renewed_due
from gateway.services.requests.library_context import LibraryContext
from gateway.services.requests.located_copies import MAX_LOOK_SECONDS
from gateway.web.html.forms import FormCheck
from gateway.web.staff.coded_words import CONDITIONS
from gateway.web.staff.staff_request import StaffRequest

ACT_FIELD_LABELS: Mapping[str, str] = {
    "note": mark_text("Note"),
    "reason": mark_text("Reason"),
    "ending": mark_text("How it ends"),
    "due": mark_text("Due date"),
    "cost": mark_text("Cost"),
    "conditions": mark_text("Conditions"),
    "volumes": mark_text("Volumes"),
    "barcode": mark_text("Barcode"),
    "item_description": mark_text("Item description"),
    "expected": mark_text("Expected on"),
    "retry_after": mark_text("Available from"),
    "attachment": mark_text("File"),
    "link": mark_text("Link to the copy"),
    "pickup": mark_text("Pickup location"),
    "renewals_allowed": mark_text("Renewals allowed?"),
    "return_on_hold": mark_text("Postpone the return?"),
    "need_by": mark_text("Needed by"),
    "maximum_cost": mark_text("Maximum cost"),
    "missing": mark_text("Missing volumes"),
    "further_volume": mark_text("Name of the additional volume"),
    "partner": mark_text("Supplier"),
    "rota": mark_text("Rota"),
    "query": mark_text("Question"),
    "answer": mark_text("Answer"),
}

_LABELS_OF_ACT: Mapping[tuple[K, str], str] = {
    (K.MESSAGE, "note"): mark_text("Message"),
    (K.FORWARDED, "note"): mark_text("Forwarded to"),
    (K.WILL_SUPPLY, "expected"): mark_text("To be shipped on"),
    (K.HOLD_PLACED, "expected"): mark_text("Item available on"),
    (K.CONDITIONAL, "expected"): mark_text("Could be shipped on"),
    (K.PATRON_MESSAGE, "reason"): mark_text("Subject"),
    (K.PATRON_MESSAGE, "note"): mark_text("Letter"),
    (K.PATRON_ASKED, "reason"): mark_text("Subject"),
    (K.PATRON_ASKED, "note"): mark_text("Question to the patron"),
    (K.CLEARED, "reason"): mark_text("Rule or statement relied on"),
    (K.CLEARANCE_REFUSED, "reason"): mark_text("Rule that prevents copying"),
    (K.PATRON_TOLD, "note"): mark_text("How the patron was notified, and by whom"),
    (K.RENEW_ACCEPTED, "due"): mark_text("New due date"),
    (K.RENEW, "due"): mark_text("Requested due date, if possible"),
    (K.CANCEL_REFUSED, "note"): mark_text("Why it is too late"),
    (K.CLOSE, "reason"): mark_text("Why no library can supply it"),
    (K.LOST, "cost"): mark_text("Replacement cost"),
    (K.DAMAGED, "cost"): mark_text("Cost of the damage"),
    (K.DAMAGED, "note"): mark_text("The damage"),
}

_HINTS_OF_ACT: Mapping[tuple[K, str], str] = {
    (K.RECEIVED, "barcode"): mark_text("If empty, a barcode is assigned."),
    (K.SHIPPED, "barcode"): mark_text("If empty, the barcode of the chosen copy is used."),
    (K.SHIPPED, "due"): mark_text("If empty, it is set by the lending rules."),
    (K.CONDITIONAL, "conditions"): mark_text("At least one is needed: a condition, a cost or a message."),
    (K.PATRON_MESSAGE, "note"): mark_text("Greeting, title, number and our address are added."),
    (K.RENEW, "due"): mark_text("As long again as the loan was given for, if that is known."),
    (K.LOST, "cost"): mark_text("It can be corrected when the loss is settled."),
}

_QUESTIONS: Mapping[str, str] = {
    "cost": mark_text("cost"),
    "edition": mark_text("another edition"),
    "library-use-only": mark_text("library use only"),
    "wanted": mark_text("whether it is still wanted"),
    "other": mark_text("other"),
}

_OF_SUPPLY = tuple(value for value in REASON_WORDS if value not in (R.CONDITION_REFUSED, R.RENEWAL_LIMIT))

_REASONS_OF_ACT: Mapping[K, tuple[str, ...]] = {
    K.CANCEL: (R.DUPLICATE, R.NEED_BY_NOT_MET, R.COST, R.NOT_FOUND_AS_CITED, R.OTHER),
    K.CANCEL_REFUSED: (),  # no protocol has a message for it, and none of its codes means it: a note says why
    K.CLOSE: (R.DUPLICATE, R.NEED_BY_NOT_MET, R.COST, R.NOT_FOUND_AS_CITED, R.NOT_AVAILABLE, R.OTHER),
    K.CONDITION_REFUSED: (R.COST, R.NEED_BY_NOT_MET, R.POLICY, R.OTHER),
    K.NEXT_SUPPLIER: (R.NEED_BY_NOT_MET, R.COST, R.NOT_AVAILABLE, R.CLOSED, R.OTHER),
    K.RENEW_REFUSED: (R.HAS_REQUESTS, R.RENEWAL_LIMIT, R.POLICY, R.OTHER),
    K.RETRY: (R.ON_LOAN, R.NOT_ON_SHELF, R.ON_ORDER, R.AT_BINDERY, R.HAS_REQUESTS, R.CLOSED, R.OVERLOADED, R.OTHER),
}
"""Reasons that an act can have, the usual ones first; acts that aren't here have those of what isn't supplied."""

REFUSAL_GROUPS: tuple[tuple[str, tuple[R, ...]], ...] = (
    (
        mark_text("Not at the moment"),
        (R.NOT_ON_SHELF, R.ON_LOAN, R.NOT_AVAILABLE, R.AT_BINDERY, R.ON_ORDER, R.HAS_REQUESTS),
    ),
    (mark_text("Not lent"), (R.NON_CIRCULATING, R.POOR_CONDITION, R.POLICY, R.COPYRIGHT)),
    (mark_text("Not here"), (R.NOT_HELD, R.NOT_FOUND_AS_CITED)),
    (mark_text("Not this time"), (R.OVERLOADED, R.CLOSED, R.NEED_BY_NOT_MET, R.COST, R.DUPLICATE, R.OTHER)),
)
"""Reasons not to supply, by what they mean: each has a button of its own."""

LETTER_ROWS = 8
TEXT_ROWS = 2

MAX_VISIBLE_CHOICES = 7
"""More are a list."""

_HIDDEN = frozenset({"citation", "query"})
"""Fields with a page or a default of their own."""

_CORRECTED = frozenset({"need_by", "maximum_cost", "pickup"})
"""Of what is asked for: only while it can be corrected."""

_LONG = frozenset({"note"})

_BY_VOLUME = frozenset({"volumes", "missing"})
"""Fields that are one where an act has both: what has become of each volume."""

_RARE = frozenset({"missing", "conditions", "cost", "item_description", "renewals_allowed", "return_on_hold", "reason"})
_USUAL = frozenset(
    {
        (K.CONDITIONAL, "conditions"),
        (K.CONDITIONAL, "cost"),
        (K.CONDITION_ACCEPTED, "cost"),
        (K.CANCEL, "reason"),
        (K.CLOSE, "reason"),
        (K.CONDITION_REFUSED, "reason"),
        (K.RENEW_REFUSED, "reason"),
        (K.LOST, "cost"),
        (K.DAMAGED, "cost"),
    }
)
"""Acts for which a field that is rare elsewhere stands open."""

_ENDED_BY_STAFF = (BorrowingState.REVIEW, BorrowingState.SOURCING, BorrowingState.NO_SUPPLIER)
"""States from which closing says how a request ends: nothing of a supplier is under way."""

_WITH_FILE = frozenset({K.DIGITISED, K.COPY_DELIVERED})
"""Acts about a file: the newest is meant, if nobody says otherwise."""


@value_object(kw_only=True)
class FormField:
    """`kind`: line, text, day, money, choice, boxes, radios or volumes (a row for each, with what has become of it);
    `rare`: it is folded away, as few need it; `choices`: value and word; `hint`: what to fill in, or where it is from;
    `rows`: of a text; `counts`: what the button is called for each number of volumes that are chosen, from none on."""

    name: str
    label: str
    kind: str
    needed: bool
    rare: bool = False
    choices: tuple[tuple[str, str], ...] = ()
    hint: str = ""
    rows: int = TEXT_ROWS
    counts: tuple[str, ...] = ()


async def list_act_fields(page: StaffRequest, request: Request, kinds: Iterable[K]) -> tuple[FormField, ...]:
    """List the fields of acts of which one is chosen: needed ones first, each once."""
    places = tuple((await list_places(page)).items())
    form_fields: dict[str, FormField] = {}
    for kind in kinds:
        fields = ACTS.get(kind, ActionFieldSet())
        left_out = _HIDDEN if kind is not K.EDIT or can_correct(page.context, request) else _HIDDEN | _CORRECTED
        for field in (*fields.required, *fields.optional):
            if field.name in left_out or field.name in form_fields:
                continue
            if field.name in _BY_VOLUME and kind in _CAN_ARRIVE:
                if field.name == "volumes" and (rows := _make_volume_rows(page, request, kind)) is not None:
                    form_fields[field.name] = rows
                continue
            made = _make_form_field(page, request, kind, field, places, needed=field in fields.required)
            if made is not None:
                form_fields[field.name] = made
    return tuple(sorted(form_fields.values(), key=lambda form_field: not form_field.needed))


def can_correct(context: LibraryContext, request: Request) -> bool:
    """Return whether what is asked for can be changed; once a supplier knows it, only a further volume can be added."""
    event = Event(local_signal(K.EDIT), context.now(), details=EventDetails(citation=request.citation))
    return is_event_allowed(request, event, context.workflow(request))


async def list_places(page: StaffRequest) -> Mapping[str, str]:
    """List where readers collect things: code -> name. Empty while the library's system is away: what doesn't need them
    can be done all the same, and a place that is set already stays."""
    try:
        async with asyncio.timeout(MAX_LOOK_SECONDS):
            return {location.code: location.name for location in await page.context.system.pickup_locations()}
    except (Unavailable, TimeoutError):
        return {}


def _make_form_field(
    page: StaffRequest,
    request: Request,
    kind: K,
    field: ActionField,
    places: tuple[tuple[str, str], ...],
    *,
    needed: bool,
) -> FormField | None:
    """None: there is nothing to choose from."""
    label = page.gettext(_LABELS_OF_ACT.get((kind, field.name)) or ACT_FIELD_LABELS[field.name])
    if field.name == "note" and (kind, "note") not in _LABELS_OF_ACT:
        label = _label_note(page, request, kind)
    shape, choices = _SHAPES[field.type], _list_choices(page, request, kind, field, places)
    if kind is K.PATRON_ASKED and field.name == "reason":
        shape = "choice"
    elif field.name in _LONG:
        shape = "text"
    if shape in ("choice", "boxes") and not choices:
        return None
    if kind is K.CLOSE and request.state not in _ENDED_BY_STAFF and field.name == "ending":
        return None
    if field.type is FieldType.VOLUMES and len(choices) < 2:
        return None
    rare = not needed and (field.name in _RARE or _is_known(request, kind, field)) and (kind, field.name) not in _USUAL
    if shape == "choice" and not rare and field.type in _CHOSEN_IN_SIGHT and len(choices) <= MAX_VISIBLE_CHOICES:
        shape = "radios"
    if shape == "radios" or field.type is FieldType.CONDITIONS:
        choices = tuple((value, f"{word[:1].upper()}{word[1:]}") for value, word in choices)
    needed = needed or field.name == "ending"
    hint = _describe_hint(page, request, kind, field.name)
    rows = LETTER_ROWS if kind is K.PATRON_MESSAGE else TEXT_ROWS
    return FormField(
        name=field.name, label=label, kind=shape, needed=needed, rare=rare, choices=choices, hint=hint, rows=rows
    )


def _label_note(page: StaffRequest, request: Request, kind: K) -> str:
    """Label a note by who reads it. "Note": that depends on what else is filled in."""
    if kind is not K.CLOSE and (
        has_own_note(kind) or not is_for_partner(request.role, request.state.value, local_signal(kind))
    ):
        return page.gettext("Internal note")
    told = [message.partner for message in forecast_act(page.context, request, kind).messages if message.channel]
    return page.gettext("Message to %(partner)s", partner=told[0]) if told else page.gettext("Note")


def _is_known(request: Request, kind: K, field: ActionField) -> bool:
    """Return whether it need not be asked of an item that arrives: the lender has said when it is due, or each volume
    has its own barcode."""
    is_due_known = field.name == "due" and request.terms.lender_due is not None
    return kind is K.RECEIVED and (is_due_known or (field.name == "barcode" and len(request.volumes) > 1))


def _describe_hint(page: StaffRequest, request: Request, kind: K, name: str) -> str:
    if name == "due" and kind is K.RENEW_ACCEPTED:
        days, wish = page.context.workflow(request).lending.renewal_days, request.terms.renewal_wish
        by_rule = page.ngettext("By rule: %(num)s day more.", "By rule: %(num)s days more.", days)
        if wish is None:
            return by_rule
        wished = page.gettext("Requested until %(day)s.", day=page.format_moment(wish))
        return f"{by_rule} {wished}"
    hint = _HINTS_OF_ACT.get((kind, name))
    return page.gettext(hint) if hint is not None else ""


def _make_volume_rows(page: StaffRequest, request: Request, kind: K) -> FormField | None:
    """None: there is only one, or none can arrive any more."""
    open_volumes = [volume for volume in request.volumes if volume.state in _CAN_ARRIVE[kind]]
    if len(request.volumes) < 2 or not open_volumes:
        return None
    act = page.gettext(EVENT_CATALOGUE[kind].label)
    total = len(open_volumes)
    counts = [
        page.ngettext(
            "%(act)s: %(count)s of %(num)s volume", "%(act)s: %(count)s of %(num)s volumes", total, act=act, count=count
        )
        for count in range(1, total + 1)
    ]
    return FormField(
        name="volumes",
        label=page.gettext("Volumes"),
        kind="volumes",
        needed=True,
        choices=tuple((volume.id, _name_volume(volume)) for volume in open_volumes),
        hint=page.gettext("Missing: it should have come with the others but did not."),
        counts=(page.gettext("%(act)s: chosen volumes", act=act), *counts),
    )


_CAN_ARRIVE: Mapping[K, frozenset[VolumeState]] = {
    K.RECEIVED: frozenset({VolumeState.EXPECTED, VolumeState.SHIPPED}),
    K.CHECKED_IN: frozenset(VolumeState) - {VolumeState.EXPECTED, VolumeState.CHECKED_IN, VolumeState.LOST},
}
"""Acts that have both, and the states of the volumes that they are about."""


def _name_volume(volume: Volume) -> str:
    return " ".join(filter(None, (volume.label or volume.id, volume.barcode or volume.theirs)))


_SHAPES: Mapping[FieldType, str] = {
    FieldType.TEXT: "line",
    FieldType.DAY: "day",
    FieldType.DUE: "day",
    FieldType.MONEY: "money",
    FieldType.CONDITIONS: "boxes",
    FieldType.YES_NO: "radios",
    FieldType.TRUTH: "choice",
    FieldType.PARTNER: "choice",
    FieldType.ROTA: "choice",
    FieldType.REASON: "choice",
    FieldType.ENDING: "choice",
    FieldType.VOLUMES: "boxes",
    FieldType.CITATION: "line",
    FieldType.ATTACHMENT: "choice",
    FieldType.LOCATION: "choice",
}


_CHOSEN_IN_SIGHT = frozenset({FieldType.REASON, FieldType.ENDING, FieldType.ROTA})


def _list_choices(
    page: StaffRequest, request: Request, kind: K, field: ActionField, places: tuple[tuple[str, str], ...]
) -> tuple[tuple[str, str], ...]:
    gettext = page.gettext
    if kind is K.PATRON_ASKED and field.name == "reason":
        return tuple((value, gettext(word)) for value, word in _QUESTIONS.items())
    match field.type:
        case FieldType.CONDITIONS:
            return tuple((value, gettext(word)) for value, word in CONDITIONS.items())
        case FieldType.REASON:
            return tuple((value, gettext(REASON_WORDS[value])) for value in _REASONS_OF_ACT.get(kind, _OF_SUPPLY))
        case FieldType.ENDING:
            return () if request.other_leg is not None else _list_endings(page)
        case FieldType.YES_NO | FieldType.TRUTH:
            return (("yes", gettext(mark_text("Yes"))), ("no", gettext(mark_text("No"))))
        case FieldType.PARTNER:
            return list_suppliers(page.context, request.service.type)
        case FieldType.ROTA:
            return tuple((name, name) for name in page.context.policy().rotas)
        case FieldType.VOLUMES:
            return tuple((volume.id, _name_volume(volume)) for volume in request.volumes)
        case FieldType.ATTACHMENT:
            return tuple((attachment.id, attachment.name) for attachment in request.attachments)
        case FieldType.LOCATION:
            return places if request.role is Role.BORROWING else ()
    return ()


@value_object
class ReasonChoice:
    """A reason not to supply, with a button of its own. `count`: how often it was given this year."""

    value: str
    word: str
    count: int


async def group_refusals(page: StaffRequest) -> list[tuple[str, list[ReasonChoice]]]:
    """Return the reasons not to supply: name of the group, then its reasons, the most frequent of this year first; any
    other reason comes last."""
    counts = await page.library.statistics.count_refusals_of_year()
    groups = []
    for title, reasons in REFUSAL_GROUPS:
        order = sorted(reasons, key=lambda reason: (reason is R.OTHER, -counts.get(reason, 0)))
        words = {reason: page.gettext(REASON_WORDS[reason]) for reason in order}
        choices = [
            ReasonChoice(reason.value, f"{words[reason][:1].upper()}{words[reason][1:]}", counts.get(reason, 0))
            for reason in order
        ]
        groups.append((page.gettext(title), choices))
    return groups


def _list_endings(page: StaffRequest) -> tuple[tuple[str, str], ...]:
    return tuple((ending.value, page.localization.translate_sentence(word)) for ending, word in ENDING_WORDS.items())


def choose_ending_fields(
    page: StaffRequest, fields: Iterable[FormField], ending: RequestEnding
) -> tuple[FormField, ...]:
    """Of the fields of closing those of one ending. What is said of a request that nobody supplies is in the letter to
    the patron; of all others it is for the history alone."""
    is_unfilled = ending is RequestEnding.NOT_AVAILABLE
    note = page.gettext("Message to the patron") if is_unfilled else page.gettext("Internal note")
    return tuple(
        replace(field, label=note) if field.name == "note" else field
        for field in fields
        if field.name == "note" or (field.name == "reason" and is_unfilled)
    )


def list_suppliers(
    context: LibraryContext, service: ServiceType = ServiceType.COPY_OR_LOAN
) -> tuple[tuple[str, str], ...]:
    """List the partners that supply this service: profile and name, by name."""
    suppliers = [
        (profile.name, partner.name or profile.name)
        for profile, partner in context.partners()
        if "supplier" in {role.value for role in partner.roles} and partner.can_supply(service)
    ]
    return tuple(sorted(suppliers, key=lambda pair: pair[1].casefold()))


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


ARRIVED, MISSING, LATER = "arrived", "missing", "later"
"""What may have become of a volume."""


def name_volume_field(volume: str) -> str:
    return f"volume-{volume}"


def _list_volume_values(request: Request) -> dict[str, str]:
    """What was said to be on its way has arrived; where nothing was, all of it has."""
    is_announced = any(volume.state is VolumeState.SHIPPED for volume in request.volumes)
    return {
        name_volume_field(volume.id): LATER if volume.state is VolumeState.EXPECTED and is_announced else ARRIVED
        for volume in request.volumes
    }


# --- what was sent ---------------------------------------------------------------------------------------


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
