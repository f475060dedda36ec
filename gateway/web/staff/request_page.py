"""One request at /staff/requests/NUMBER: whose move it is, what can be done, who is asked, what happened."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from aiohttp import web

from gateway.domain.library import Money
from gateway.domain.requests.event_catalogue import EVENT_CATALOGUE
from gateway.domain.requests.events import EventDetails, RequestEnding
from gateway.domain.requests.events import EventKind as K
from gateway.domain.requests.reason_words import ENDING_WORDS, REASON_WORDS
from gateway.domain.requests.request import (
    MESSAGE_TROUBLES,
    AttemptStatus,
    BorrowingState,
    Request,
    RequestFlag,
    RequestNote,
    Role,
    RotaLineStatus,
)
from gateway.domain.requests.scan_rules import is_at_branch
from gateway.domain.requests.state_table import TimerKind
from gateway.domain.requests.task_lists import list_task_names
from gateway.domain.requests.views import (
    CopyLinkView,
    NotFound,
    RequestView,
    ResultPage,
    UnfinishedStep,
)
from gateway.domain.roles import Right
from gateway.domain.sentences import Sentence
from gateway.domain.value import replace, value_object
from gateway.services.letters.localization import Localization, mark_text
from gateway.services.request_work.act_forecasts import ActForecast, forecast_act
from gateway.services.requests.outbox_row_names import name_outbox_row
from gateway.web.html.assets import HEADERS
from gateway.web.html.forms import FormCheck, SubmittedForm
from gateway.web.staff import act_forms
from gateway.web.staff.act_audience import describe_audience, describe_consequence, name_act, name_button
from gateway.web.staff.act_forms import (
    FormField,
    can_correct,
    choose_ending_fields,
    first_act_values,
    list_act_fields,
)
from gateway.web.staff.coded_words import (
    describe_condition,
    describe_note,
    describe_reason,
    describe_send_error,
    describe_service,
    list_citation_rows,
)
from gateway.web.staff.copy_pages import describe_link, list_files
from gateway.web.staff.list_positions import find_list_position, read_list_address
from gateway.web.staff.message_pages import build_message_lines, describe_answer, list_message_actors
from gateway.web.staff.print_pages import list_shown_papers
from gateway.web.staff.request_access import (
    ACT_RIGHTS,
    READ_RIGHTS,
    find_named_request,
    list_permitted_acts,
    load_request_view,
)
from gateway.web.staff.request_panels import (
    ShownPatron,
    find_own_copies,
    label_lender_due,
    list_candidate_items,
    list_extra_rows,
    make_panels,
    show_patron,
)
from gateway.web.staff.request_story import (
    FILTERS,
    StoryLine,
    StorySources,
    count_topics,
    name_partner,
    tell_story,
)
from gateway.web.staff.request_suppliers import list_suppliers
from gateway.web.staff.request_words import NextMove, StateTag, describe_act, find_next_move, tag_of_request
from gateway.web.staff.staff_request import StaffPage, StaffRequest

MAX_NOTICES = 50

USUAL_REFUSALS = 8
"""Reasons, of the most usual ones, with which a request is refused by one button."""

_DONE_AT_ONCE = frozenset({K.OVERDUE, K.STATUS_QUERY})
"""Nothing has to be said for them."""

_NOT_YET: Mapping[Role, Mapping[K, str]] = {
    Role.BORROWING: {
        K.RECEIVED: mark_text("not now: nothing is in transit"),
        K.RENEW: mark_text("not now: nothing is on loan"),
        K.RETURNED: mark_text("not now: no item is here"),
        K.CANCEL: mark_text("no longer possible"),
        K.ASSIGN: mark_text("not now: a supplier has been asked"),
    },
    Role.LENDING: {
        K.SHIPPED: mark_text("not now"),
        K.CHECKED_IN: mark_text("not now: nothing is on loan"),
        K.RECALL: mark_text("not now: nothing is on loan"),
        K.UNFILLED: mark_text("no longer possible"),
    },
}
"""Acts that people look for, and why they aren't there."""


@value_object
class SimilarRequest:
    """Another request of the same patron for the same item, with the path of its page and its status."""

    number: str
    path: str
    tag: StateTag


@value_object(kw_only=True)
class ActOption:
    """An act with a form of its own. `ending`: the one of several that it closes the request with; `button`: what it
    does, and to whom; `audience`: who is told; `similar`: other requests that this may be a duplicate of; `checked`:
    its values and mistakes; `is_chosen`: of several, the one whose form is open; `has_choice`: there is a supplier to
    choose, where that is the act."""

    kind: K
    label: str
    button: str
    audience: str
    fields: tuple[FormField, ...]
    checked: FormCheck
    ending: RequestEnding | None = None
    similar: tuple[SimilarRequest, ...] = ()
    hint: str = ""
    is_chosen: bool = True
    has_choice: bool = True

    @property
    def name(self) -> str:
        return f"{self.kind.value}-{self.ending.value}" if self.ending is not None else self.kind.value


@value_object(kw_only=True)
class ShownActs:
    """`options`: of which one is done next, each by its form; `pressed`: in sight, done by their button; `ways`: in
    sight, on pages of their own; `refusals`: reasons with a button of their own, value and word (none: it can't be
    refused), `refusal_audience`: who is told of any of them; `folded`: others; `refused`: label and why not."""

    options: tuple[ActOption, ...]
    pressed: tuple[K, ...]
    ways: tuple[K, ...]
    folded: tuple[K, ...]
    refusals: tuple[tuple[str, str], ...] = ()
    refusal_audience: str = ""
    refused: tuple[tuple[str, str], ...] = ()


async def show_request(page: StaffRequest) -> web.StreamResponse:
    view = await load_request_view(page)
    if view.request.number != page.http.match_info["number"]:
        return page.redirect(page.path("requests", view.request.number))
    page.parts.readers.note_opening(page.library.symbol, view.request.id, page.user.name, page.user.shown_name)
    return await render_request(page, view)


async def show_readers(page: StaffRequest) -> web.Response:
    """List who else has it open, for `request.js`, whose asking says that this page is open still."""
    named_request = await find_named_request(page)
    page.parts.readers.note_reading(page.library.symbol, named_request.id, page.user.name, page.user.shown_name)
    return web.json_response({"text": _describe_readers(page, named_request)}, headers=HEADERS)


async def reveal_reader(page: StaffRequest) -> web.StreamResponse:
    """Names and numbers of the reader, for whom they are masked; it is recorded."""
    await page.read_own_form()
    view = await load_request_view(page)
    await page.reveal_patron(view.request.number)
    return await render_request(page, view, revealed=True)


def find_message_path(page: StaffRequest, number: str, line: StoryLine) -> str:
    """Find where the message is that a line of the story came from; empty: it came from none, the journal has it no
    more, or it isn't for this user."""
    duration = timedelta(days=page.parts.retention.messages)
    if not line.exchange or line.at < page.parts.clock.now() - duration:
        return ""
    message = f"{line.exchange}-1"
    if page.sees_patrons:
        return page.path("requests", number, "journal", message)
    return page.path("operation", "journal", message) if page.has_right(Right.OPERATION) else ""


def _has_words(view: RequestView) -> bool:
    """Return whether people have written something about the request, other than what the program says of it."""
    notes = (line.event.details.note for line in view.history)
    return bool(view.request.notes) or any(note and not isinstance(note, Sentence) for note in notes)


async def render_request(
    page: StaffRequest,
    view: RequestView,
    checked: FormCheck | None = None,
    *,
    revealed: bool = False,
) -> web.Response:
    """`checked`: a form of the open act that had mistakes."""
    request, context = view.request, page.context
    gettext, localization = page.gettext, page.localization
    partner = name_partner(request, context)
    move = find_next_move(request, partner, localization)
    since = await _find_since(page, view, move)
    place = await find_list_position(page, request)
    reader = await show_patron(page, request, revealed=revealed)
    acts = await _choose_acts(page, view, move, reader, checked)
    notices = await page.library.notices.list_notices(request.id, MAX_NOTICES, "")
    await page.actors.load_names(_list_actors(view))
    if not revealed and _has_words(view):
        await page.note_words_shown(request.number)
    by_mail = await page.library.journaled.list_events_by_mail(view)
    story = tell_story(
        StorySources(
            request=request,
            history=view.history,
            unfinished=view.unfinished,
            notices=notices.items,
            library_steps=view.library_steps,
            refused=view.refused,
            by_mail=by_mail,
        ),
        context,
        localization,
        page.actors,
    )
    chosen = page.http.query.get("show", "")
    topics = count_topics(story)
    lines = [line for line in story if not chosen or chosen not in topics or chosen in line.topics]
    heading = request.citation.component_title or request.citation.title or gettext("(no title)")
    return page.render(
        "request",
        request.number,
        status=checked.status if checked is not None else 200,
        help_topic="request",
        view=view,
        request=request,
        heading=heading,
        tag=tag_of_request(request, localization),
        theirs=find_their_number(request),
        service=describe_service(request.service, localization),
        unread=sum(message.unread for message in view.messages),
        place=place,
        in_list=place.address_of_acts if place is not None else read_list_address(page),
        move=move,
        since=since,
        partner=partner,
        condition=_describe_condition(page, view),
        acts=acts,
        act_label=lambda kind: name_act(page, request, kind),
        limits=_list_limits(page, view, move),
        may_settle=_may_settle(page, request),
        act_hint=lambda kind: localization.translate_sentence(view.hints.get(kind, "")),
        checked=checked or FormCheck(page, SubmittedForm()),
        seen=view.history[-1].id if view.history else "",
        suppliers=list_suppliers(page, request),
        describe_why_not=lambda why: describe_reason(why, localization),
        can_order=page.has_right(Right.BORROWING_ACT) and request.role is Role.BORROWING,
        readers=_describe_readers(page, request),
        story=lines,
        message_path=lambda line: find_message_path(page, request.number, line),
        topics=[(topic, gettext(text, count=topics[topic])) for topic, text in FILTERS.items() if topic in topics],
        topic=chosen if chosen in topics else "",
        citation=list(list_citation_rows(request.citation, localization)),
        beside=await make_panels(page, view, reader, own=await find_own_copies(page, request)),
        items=await list_candidate_items(page, request),
        extra_rows=list_extra_rows(page, request),
        notes=_list_own_notes(request, localization),
        warnings=[localization.translate_stored(warning) for warning in request.warnings],
        similar=await _list_warned_similar(page, request),
        failed=_list_failed_messages(page, view),
        may_resend=page.has_right(Right.OUTBOX_RETRY),
        volumes=request.volumes if len(request.volumes) > 1 else (),
        can_note=K.NOTE in list_permitted_acts(page, view),
        lines=build_message_lines(page, reversed(view.messages), by_mail),
        answer=describe_answer(page, view),
        can_edit=K.EDIT in list_permitted_acts(page, view) and can_correct(context, request),
        files=list_files(page, request),
        papers=await list_shown_papers(page, request),
        copy_links=[describe_link(page, link) for link in await _find_copy_links(page, request)],
        can_attach=page.has_right(ACT_RIGHTS[request.role]),
        is_borrowing=request.role is Role.BORROWING,
        urgent=not request.flags.isdisjoint(_URGENT),
    )


async def _list_warned_similar(page: StaffRequest, request: Request) -> tuple[SimilarRequest, ...]:
    """List the requests of which intake has warned, while that decides something."""
    is_warned = bool(request.warnings) and page.context.policy().intake.duplicates.action != "allow"
    return await list_similar_requests(page, request) if is_warned and request.open else ()


def _describe_readers(page: StaffRequest, request: Request) -> str:
    """Colleagues who have it open, or had it open a moment ago; empty: none."""
    others = page.parts.readers.list_others(page.library.symbol, request.id, page.user.name)
    there = [viewer.shown_name for viewer in others if viewer.is_there]
    parts = []
    if there:
        names = page.localization.format_list(there)
        parts.append(
            page.ngettext("%(names)s also has this open.", "%(names)s also have this open.", len(there), names=names)
        )
    for request_viewer in others:
        if not request_viewer.is_there:
            age = page.format_age_in_words(request_viewer.since)
            parts.append(page.gettext("Opened %(age)s ago by %(name)s.", name=request_viewer.shown_name, age=age))
    return " ".join(parts)


def _list_actors(view: RequestView) -> Iterator[str]:
    """List whom the page names."""
    yield from (line.event.actor for line in view.history)
    yield from (note.by for note in view.request.notes)
    yield from list_message_actors(view.messages)


def _list_own_notes(request: Request, localization: Localization) -> list[RequestNote]:
    return [
        replace(note, text=describe_note(note.text, localization))
        for note in request.notes
        if not note.for_partner and not note.by.startswith("partner:")
    ]


async def _find_copy_links(page: StaffRequest, request: Request) -> Sequence[CopyLinkView]:
    """Find the links by which a copy went out."""
    if request.role is not Role.LENDING or not request.attachments:
        return ()
    return await page.library.copies.list_links(request.id)


async def _choose_acts(
    page: StaffRequest, view: RequestView, move: NextMove, patron: ShownPatron | None, checked: FormCheck | None
) -> ShownActs:
    permitted = list_permitted_acts(page, view)
    open_acts = tuple(kind for kind in move.acts if kind in permitted)
    ways = tuple(kind for kind in move.ways if kind in permitted and kind not in open_acts)
    refused = tuple(
        (describe_act(kind, page.localization), page.gettext(why))
        for kind, why in _NOT_YET[view.request.role].items()
        if kind not in view.allowed and page.has_right(ACT_RIGHTS[view.request.role])
    )
    can_refuse = K.UNFILLED in permitted
    refusal = forecast_act(page.context, view.request, K.UNFILLED) if can_refuse else ActForecast()
    return ShownActs(
        options=await list_options(page, view, open_acts, patron, checked),
        pressed=tuple(kind for kind in ways if kind in _DONE_AT_ONCE),
        ways=tuple(kind for kind in ways if kind not in _DONE_AT_ONCE),
        folded=tuple(kind for kind in permitted if kind not in (*open_acts, *ways, K.UNFILLED)),
        refusals=_list_usual_refusals(page) if can_refuse else (),
        refusal_audience=describe_audience(page, refusal, patron),
        refused=refused,
    )


async def list_options(
    page: StaffRequest,
    view: RequestView,
    kinds: Sequence[K],
    patron: ShownPatron | None,
    checked: FormCheck | None = None,
    chosen: str = "",
) -> tuple[ActOption, ...]:
    """List the ways to do one of several acts. `patron`: who would get a letter, as far as is known; `checked`: the
    form of one of them, which had mistakes; `chosen`: the name of the option that is open, empty: the first."""
    options = [option for kind in kinds for option in await _make_options(page, view, kind, patron)]
    sent = _name_sent_option(checked) if checked is not None else ""
    names = [option.name for option in options]
    open_name = next((name for name in (sent, chosen) if name in names), names[0] if names else "")
    return tuple(
        replace(
            option,
            checked=checked if checked is not None and option.name == open_name == sent else option.checked,
            is_chosen=option.name == open_name,
            label=option.button if option.ending is not None and len(kinds) > 1 else option.label,
        )
        for option in options
    )


def _name_sent_option(checked: FormCheck) -> str:
    return "-".join(filter(None, (checked.values.get("kind", ""), checked.values.get("ending", ""))))


async def _make_options(
    page: StaffRequest, view: RequestView, kind: K, patron: ShownPatron | None
) -> tuple[ActOption, ...]:
    """One; of closing one for each ending that can be chosen."""
    request, localization = view.request, page.localization
    forecast = forecast_act(page.context, request, kind)
    consequence = describe_consequence(page, request, kind, forecast)
    option = ActOption(
        kind=kind,
        label=name_act(page, request, kind),
        button=name_button(page, request, kind, forecast),
        audience=describe_audience(page, forecast, patron),
        fields=await list_act_fields(page, request, (kind,)),
        checked=FormCheck(page, SubmittedForm(), first_act_values(page, view, (kind,))),
        hint=" ".join(filter(None, (localization.translate_sentence(view.hints.get(kind, "")), consequence))),
        has_choice=kind is not K.ASSIGN or bool(act_forms.list_suppliers(page.context, request.service.type)),
    )
    endings = [RequestEnding(value) for field in option.fields if field.name == "ending" for value, _ in field.choices]
    if not endings:
        return (option,)
    similar = await list_similar_requests(page, request)
    return tuple(_choose_ending(page, request, option, ending, patron, similar) for ending in endings)


async def list_similar_requests(page: StaffRequest, request: Request) -> tuple[SimilarRequest, ...]:
    """List the patron's other open requests for the same item that this user may see."""
    branches = page.branches_for(READ_RIGHTS[request.role])
    return tuple(
        SimilarRequest(
            similar.number, page.path("requests", similar.number), tag_of_request(similar, page.localization)
        )
        for similar in await page.library.requests.list_similar(request)
        if is_at_branch(similar, branches)
    )


def _choose_ending(
    page: StaffRequest,
    request: Request,
    option: ActOption,
    ending: RequestEnding,
    patron: ShownPatron | None,
    similar: tuple[SimilarRequest, ...],
) -> ActOption:
    """`similar`: what it may be a duplicate of. One alone is named by the button, and in the note for the history."""
    forecast = forecast_act(page.context, request, option.kind, EventDetails(ending=ending))
    is_unfilled = ending is RequestEnding.NOT_AVAILABLE
    counted = mark_text("Counts as unfilled.") if is_unfilled else mark_text("Counts as cancelled.")
    word = page.localization.translate_sentence(ENDING_WORDS[ending])
    button, checked = page.gettext("Close: %(ending)s", ending=word), option.checked
    similar = similar if ending is RequestEnding.DUPLICATE else ()
    if len(similar) == 1:
        button = page.gettext("Close: duplicate of %(number)s", number=similar[0].number)
        note = page.gettext("Duplicate of %(number)s", number=similar[0].number)
        checked = FormCheck(page, SubmittedForm(), {**checked.values, "note": note})
    return replace(
        option,
        ending=ending,
        similar=similar,
        checked=checked,
        label=f"{word[:1].upper()}{word[1:]}",
        button=button,
        hint=f"{option.hint} {page.gettext(counted)}".strip(),
        audience=describe_audience(page, forecast, patron),
        fields=choose_ending_fields(page, option.fields, ending),
    )


def _list_usual_refusals(page: StaffRequest) -> tuple[tuple[str, str], ...]:
    words = [(value, page.gettext(word)) for value, word in tuple(REASON_WORDS.items())[:USUAL_REFUSALS]]
    return tuple((value, f"{word[:1].upper()}{word[1:]}") for value, word in words)


def find_last_move(view: RequestView) -> datetime:
    """Find since when it is as it is."""
    moves = [line.at for line in view.history if line.before != line.after and not line.denied]
    return moves[-1] if moves else view.request.created


async def _find_since(page: StaffRequest, view: RequestView, move: NextMove) -> datetime:
    """Find since when it waits for this move: the time at which the task came, as lists have it."""
    if move.task not in list_task_names(view.request):
        return find_last_move(view)
    page_of_request = ResultPage((view.request,))
    return (await page.library.requests.find_waiting_since(move.task, page_of_request))[view.request.id]


def find_their_number(request: Request) -> str:
    """Find the number that the partner gives it."""
    if request.role is Role.LENDING:
        return request.transaction
    return request.attempt.theirs if request.attempt is not None else ""


def _describe_condition(page: StaffRequest, view: RequestView) -> Mapping[str, str]:
    """Describe what the supplier wants, in its words and as understood; empty: it sets no condition."""
    attempt = view.request.attempt
    if attempt is None or attempt.status not in (AttemptStatus.CONDITIONAL, AttemptStatus.OFFERED):
        return {}
    understood = []
    if attempt.status is AttemptStatus.OFFERED:
        understood.append(page.gettext("ask again"))
        understood += [describe_reason(attempt.reason, page.localization)] if attempt.reason else []
        if attempt.retry_after is not None:
            understood.append(page.gettext("from %(day)s", day=page.localization.format_day(attempt.retry_after)))
    understood += [describe_condition(condition.value, page.localization) for condition in attempt.conditions]
    if attempt.cost is not None:
        understood.append(page.gettext("cost %(money)s", money=page.localization.format_money(attempt.cost)))
    asking = (K.CONDITIONAL, K.RETRY)
    notes = [line.event.details.note for line in view.history if line.event.kind in asking and not line.denied]
    return {"words": notes[-1] if notes else "", "understood": "; ".join(understood)}


@value_object
class FailedMessage:
    """`id`: of its row in the outbox; `text`: which message it is; `reason`: why it failed, or the partner's words."""

    id: str
    text: str
    reason: str
    created: datetime


def _list_failed_messages(page: StaffRequest, view: RequestView) -> tuple[FailedMessage, ...]:
    """List what the partner refused, and what was given up until somebody decides."""
    return tuple(
        FailedMessage(
            step.id,
            page.localization.translate_sentence(_name_step(page, step)),
            describe_send_error(step.error, page.localization),
            step.created,
        )
        for step in _list_failed_steps(view)
    )


def _list_failed_steps(view: RequestView) -> tuple[UnfinishedStep, ...]:
    return (*view.refused, *(step for step in view.unfinished if step.status == "dead"))


def _name_step(page: StaffRequest, step: UnfinishedStep) -> str:
    return (
        name_outbox_row(step.kind, step.target, page.context)
        if step.event is None
        else EVENT_CATALOGUE[step.event].words
    )


@value_object(kw_only=True)
class ShownLimit:
    """`is_late`: the remark says that it is too much, or too late."""

    label: str
    value: str
    remark: str = ""
    is_late: bool = False


_AWAITED: Mapping[str, str] = {
    TimerKind.ANSWER: mark_text("Answer expected by"),
    TimerKind.CHASE: mark_text("Shipment expected by"),
    TimerKind.RENEWAL: mark_text("Renewal answer expected by"),
}
"""Timers that wait for the partner, and the label of their moment."""

_CHASED_RETURN = mark_text("Check-in expected by")
"""The label of a partner that is asked after what we have returned."""


def _list_limits(page: StaffRequest, view: RequestView, move: NextMove) -> list[ShownLimit]:
    """List what decides the next act: until when it is wanted, and what it may cost; or until when the partner is
    waited for, or an item that is late."""
    request, gettext = view.request, page.gettext
    due_dates = _list_due_dates(page, request)
    is_late = request.open and not request.flags.isdisjoint({RequestFlag.RECALLED, RequestFlag.OVERDUE})
    if not move.ours:
        words = {**_AWAITED, TimerKind.CHASE: _CHASED_RETURN} if request.state is BorrowingState.RETURNED else _AWAITED
        awaited = [
            ShownLimit(label=gettext(words[timer.timer]), value=page.format_moment(timer.at))
            for timer in view.timers
            if timer.timer in words
        ]
        return [*awaited, *(due_dates if is_late else ())]
    limits = []
    if request.role is Role.BORROWING and request.state in _WANTED:
        need_by = request.dates.need_by
        day = page.format_day(need_by) if need_by is not None else gettext("no date given")
        limits.append(ShownLimit(label=gettext("Needed by"), value=day))
    if request.state is BorrowingState.CONDITIONAL:
        limits += _list_price_limits(page, request)
    if is_late or move.task == "return-late" or request.state is BorrowingState.SHIPPED:
        limits += due_dates
    return limits


def list_act_limits(page: StaffRequest, request: Request, kind: K) -> list[ShownLimit]:
    """List what decides an act on a page of its own: a price beside its limit, or due dates beside each other."""
    if kind in (K.CONDITION_ACCEPTED, K.CONDITION_REFUSED):
        return list(_list_price_limits(page, request))
    if kind not in (K.RENEW, K.RENEW_ACCEPTED, K.RENEW_REFUSED):
        return []
    renewals = request.terms.renewals
    times = page.ngettext("%(num)s time", "%(num)s times", renewals) if renewals else page.gettext("never")
    return [*_list_due_dates(page, request), ShownLimit(label=page.gettext("Renewed"), value=times)]


def _list_due_dates(page: StaffRequest, request: Request) -> list[ShownLimit]:
    terms = request.terms
    dates = ((label_lender_due(page, request), terms.lender_due), (page.gettext("Due from patron"), terms.patron_due))
    return [ShownLimit(label=label, value=page.format_moment(due)) for label, due in dates if due is not None]


def _list_price_limits(page: StaffRequest, request: Request) -> Iterator[ShownLimit]:
    """The supplier's price beside what it may cost, and beside the usual price of who would be asked next."""
    gettext, format_money = page.gettext, page.localization.format_money
    attempt, maximum = request.attempt, request.costs.maximum
    price = attempt.cost if attempt is not None else None
    if price is not None:
        asked = gettext("Offered by %(partner)s", partner=name_partner(request, page.context))
        yield ShownLimit(label=asked, value=format_money(price))
    if maximum is not None:
        excess = price.amount - maximum.amount if price is not None and price.currency == maximum.currency else None
        is_late = excess is not None and excess > 0
        remark = gettext("%(money)s too little", money=format_money(Money(excess, maximum.currency))) if excess else ""
        yield ShownLimit(
            label=gettext("Maximum cost"),
            value=format_money(maximum),
            remark=remark if is_late else "",
            is_late=is_late,
        )
    waiting = [line for line in request.rota if line.standing is RotaLineStatus.WAITING]
    following = page.context.partner(waiting[0].partner) if waiting else None
    if price is not None and following is not None:
        usual = following.usual_price(request.service)
        yield ShownLimit(
            label=gettext("Next: %(partner)s", partner=page.context.name_of_partner(waiting[0].partner)),
            value=format_money(usual) if usual is not None else gettext("free"),
        )


_URGENT = frozenset({RequestFlag.RECALLED, RequestFlag.OVERDUE, RequestFlag.TROUBLE, RequestFlag.UNTOLD})
_WANTED = (
    *(BorrowingState.REVIEW, BorrowingState.NO_SUPPLIER, BorrowingState.REQUESTED, BorrowingState.CONDITIONAL),
    *(BorrowingState.HOLD_PLACED, BorrowingState.WILL_SUPPLY, BorrowingState.LOST),
)
"""The patron has not had it, or has lost it: whether it is still worth while depends on the day."""


def _may_settle(page: StaffRequest, request: Request) -> bool:
    """Return whether something that a partner rejected or wasn't told, or a stranger wrote, waits for a decision of
    this user."""
    is_open = not request.flags.isdisjoint(MESSAGE_TROUBLES)
    return is_open and page.has_right(ACT_RIGHTS[request.role])


async def settle_rejection(page: StaffRequest) -> web.Response:
    """Settle what was rejected in another way, or what a stranger wrote and was looked at."""
    form = await page.read_own_form()
    named_request = await find_named_request(page)
    page.require_right(ACT_RIGHTS[named_request.role])
    back = page.path("requests", named_request.number, **read_list_address(page))
    checked = FormCheck(page, form)
    note = checked.read_line("note")
    if not checked.is_good:
        return page.redirect(back, " ".join(checked.problems.values()), "late")
    if not await page.library.desk.settle_rejection(named_request.id, note, page.origin.actor):
        return page.redirect(back, page.gettext("Nothing was changed."), "look")
    return page.redirect(back, page.gettext("Marked as settled. Nothing was sent."))


async def resend_message(page: StaffRequest) -> web.Response:
    """One that failed goes again, as it is."""
    await page.read_own_form()
    view = await load_request_view(page)
    wanted = page.http.match_info["message"]
    if all(step.id != wanted for step in _list_failed_steps(view)):
        raise NotFound("message")
    await page.library.desk.release(wanted, page.origin.actor)
    return page.redirect(page.path("requests", view.request.number), page.gettext("The message is being sent again."))


PAGES = (
    StaffPage("GET", "/requests/{number}", show_request, Right.WORK_READ),
    StaffPage("GET", "/requests/{number}/readers", show_readers, Right.WORK_READ),
    StaffPage("POST", "/requests/{number}/failed/{message}", resend_message, Right.OUTBOX_RETRY),
    StaffPage("POST", "/requests/{number}/settled", settle_rejection, Right.WORK_READ),
    StaffPage("POST", "/requests/{number}/reader", reveal_reader, Right.PATRON_REVEAL),
)
