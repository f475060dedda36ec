"""Acts on a request as forms: which fields one has, with their labels, hints and choices."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

from gateway.domain.problems import Unavailable
from gateway.domain.requests.act_details import has_own_note
from gateway.domain.requests.action_fields import ActionField, ActionFieldSet, FieldType
from gateway.domain.requests.event_catalogue import ACTS, EVENT_CATALOGUE
from gateway.domain.requests.events import Event, EventDetails, RequestEnding, local_signal
from gateway.domain.requests.events import EventKind as K
from gateway.domain.requests.events import ReasonCodes as R
from gateway.domain.requests.reason_words import ENDING_WORDS, REASON_WORDS
from gateway.domain.requests.request import BorrowingState, Request, Role, ServiceType, Volume, VolumeState
from gateway.domain.requests.request_messages import is_for_partner
from gateway.domain.requests.state_machine import is_event_allowed
from gateway.domain.value import replace, value_object
from gateway.services.letters.localization import mark_text
from gateway.services.request_work.act_forecasts import forecast_act
from gateway.services.requests.library_context import LibraryContext
from gateway.services.requests.located_copies import MAX_LOOK_SECONDS
from gateway.web.staff.coded_words import CONDITIONS, QUESTIONS
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
        return tuple((value, gettext(word)) for value, word in QUESTIONS.items())
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


def name_volume_field(volume: str) -> str:
    return f"volume-{volume}"
