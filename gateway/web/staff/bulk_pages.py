"""One act with many requests of a list: chosen, confirmed with their number, done; what failed is told with reasons."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Container, Mapping, Sequence
from urllib.parse import parse_qsl

from aiohttp import web

from gateway.domain.problems import Refused
from gateway.domain.requests.event_catalogue import ACTS, BULK_KINDS, EVENT_CATALOGUE, USUAL_ACTS
from gateway.domain.requests.events import Event, EventDetails, EventKind, local_signal
from gateway.domain.requests.print_batches import MAX_BATCH_REQUESTS, NEEDS, PrintKind
from gateway.domain.requests.request import Request
from gateway.domain.requests.scan_rules import ScanReason, find_question, is_at_branch
from gateway.domain.requests.staff_views import BulkFailure, BulkResult
from gateway.domain.requests.take_back import note_mark_change
from gateway.domain.requests.views import ListFacet, NotFound, RequestFilter, SeveralRequests
from gateway.domain.roles import Right
from gateway.domain.sentences import Sentence, write_sentence
from gateway.domain.value import replace, value_object
from gateway.services.desks.bulk_actions import MAX_BULK
from gateway.services.request_work.act_forecasts import forecast_act
from gateway.services.request_work.actions import find_action_hints
from gateway.services.requests.undone_acts import hold_of_act
from gateway.web.html.error_pages import PageError
from gateway.web.html.forms import FormCheck, SubmittedForm
from gateway.web.staff.act_audience import summarize_audience
from gateway.web.staff.list_filters import BORROWING, COPIES, LENDING, ListPlace, ListQuery, list_path, parse_list_query
from gateway.web.staff.recent_acts import RecentAct, note_done_event
from gateway.web.staff.request_words import describe_denial
from gateway.web.staff.staff_request import StaffPage, StaffRequest

K = EventKind

GIVE, LABEL, MORE = "give", "label", "more"

MAX_HINTS = 5
"""Different sentences of what staff have to do besides."""

MAX_BULK_FIELDS = MAX_BULK + 100

PRINT = "print"

USUAL_PAPER: Mapping[str, PrintKind] = {
    "to-pull": PrintKind.PULL_SLIPS,
    "to-ship": PrintKind.SHIPPING_SLIPS,
    "not-collected": PrintKind.RETURN_SLIPS,
    "to-return": PrintKind.RETURN_SLIPS,
    "unwanted": PrintKind.RETURN_SLIPS,
    "recalled": PrintKind.RETURN_SLIPS,
    "to-tell": PrintKind.PATRON_LETTERS,
}
"""What is printed of most requests of a task list."""

_PAPER_OF_STATE: Mapping[str, PrintKind] = {
    state: needs_kind
    for needs_kind in (PrintKind.PULL_SLIPS, PrintKind.SHIPPING_SLIPS, PrintKind.HOLD_SLIPS, PrintKind.RETURN_SLIPS)
    for need in NEEDS[needs_kind]
    for state in need.states
}
"""What a request in this state needs for its next step."""

OFFERED = tuple(kind for kind in BULK_KINDS if kind not in (K.LOST, K.DAMAGED, K.SETTLED))
"""What happens to one item is told of that item alone."""


def find_usual_act(request: StaffRequest, task: str) -> tuple[str, str] | None:
    """Its word in the form, and its button."""
    kind = USUAL_ACTS.get(task)
    return (kind.value, request.gettext(EVENT_CATALOGUE[kind].label)) if kind in OFFERED and kind is not None else None


@value_object(kw_only=True)
class BulkAct:
    """`count`: of the requests with which it can be done now; `audience`: who is told of it."""

    kind: str
    label: str
    count: int
    audience: str


# --- before ----------------------------------------------------------------------------------------------


def make_confirm_page(place: ListPlace) -> Callable[[StaffRequest], Awaitable[web.Response]]:
    async def confirm_bulk_act(request: StaffRequest) -> web.Response:
        """Paper changes nothing, so it is made at once."""
        form = await request.read_own_form()
        list_query = parse_list_query(request, place, parse_qsl(form["query"]))
        back = list_path(request, place, list_query.query)
        requests = await _load_chosen(request, list_query, form)
        if not requests:
            return request.redirect(back, request.gettext("Please select a request first."), "late")
        if form["do"] == PRINT:
            return await _print_slips(request, list_query, requests, back)
        return await _render_confirmation(request, list_query, requests, FormCheck(request, form))

    return confirm_bulk_act


async def _print_slips(request: StaffRequest, query: ListQuery, requests: Sequence[Request], back: str) -> web.Response:
    """A batch of those that can have the paper of the list, or else that of the first one's state."""
    request.require_right(Right.PRINT)
    kinds = {record.id: _PAPER_OF_STATE.get(record.state) for record in requests}
    usual = USUAL_PAPER.get(query.wanted.task) or next((kind for kind in kinds.values() if kind is not None), None)
    fitting = [record.id for record in requests if query.wanted.task in USUAL_PAPER or kinds[record.id] is usual]
    if usual is None:
        return request.redirect(back, request.gettext("None of the selected requests needs a slip."), "look")
    if len(fitting) > MAX_BATCH_REQUESTS:
        most = request.localization.format_number(MAX_BATCH_REQUESTS)
        banner = request.gettext("A batch can have up to %(most)s sheets. Please select fewer requests.", most=most)
        return request.redirect(back, banner, "late")
    batch = await request.library.printing.make_batch_of(usual, fitting, request.origin.actor)
    left = len(requests) - len(fitting)
    banner = request.ngettext("%(num)s needs different paper.", "%(num)s need different paper.", left) if left else ""
    return request.redirect(request.path("print", str(batch.number)), banner, "look")


async def _load_chosen(request: StaffRequest, query: ListQuery, form: SubmittedForm) -> Sequence[Request]:
    """Those of this list alone; of more than MAX_BULK the first."""
    if form["scope"] == "all":
        return await request.library.bulk.collect(query.wanted)
    ids = tuple(dict.fromkeys(form.all_values("one")))[:MAX_BULK]
    own = request.branches_for(query.place.act)
    requests = [one for id_ in ids if (one := await _load_request(request, id_)) is not None]
    return [record for record in requests if record.role is query.place.role and is_at_branch(record, own)]


async def _load_request(request: StaffRequest, id_: str) -> Request | None:
    """None: it has gone."""
    try:
        return await request.library.requests.find_request(id_)
    except (NotFound, SeveralRequests):
        return None


async def _render_confirmation(
    request: StaffRequest, list_query: ListQuery, requests: Sequence[Request], checked: FormCheck
) -> web.Response:
    do = _require_act(checked.form["do"])
    possible = {record.id: await request.library.bulk.list_possible(record) for record in requests}
    kinds_done = OFFERED if do == MORE else tuple(kind for kind in OFFERED if kind.value == do)
    acts = [
        BulkAct(
            kind=kind.value,
            label=request.gettext(EVENT_CATALOGUE[kind].label),
            count=len(able),
            audience=summarize_audience(request, [forecast_act(request.context, record, kind) for record in able]),
        )
        for kind in kinds_done
        if (able := [record for record in requests if _can_be_done(record, kind, possible[record.id])])
    ]
    number = request.localization.format_number(len(requests))
    what = _name_act(request, do)
    title = request.ngettext(
        "%(what)s: %(number)s request", "%(what)s: %(number)s requests", len(requests), what=what, number=number
    )
    users = await request.library.users.list_users() if do == GIVE else ()
    counts = await request.library.requests.count_list(RequestFilter(role=list_query.place.role, open=True))
    return request.render(
        "bulk_confirm",
        title,
        status=checked.status,
        help_topic="bulk",
        place=list_query.place,
        query=list_query.query,
        back=list_path(request, list_query.place, list_query.query),
        do=do,
        requests=requests,
        acts=acts,
        impossible={id_ for id_, kinds in possible.items() if do in set(EventKind) and EventKind(do) not in kinds},
        checked=checked,
        colleagues=[user for user in users if user.name != request.user.name and user.disabled is None],
        labels=sorted(counts.counts[ListFacet.LABEL] or {}),
        is_full=len(requests) >= MAX_BULK,
        own_labels=sorted({label for record in requests for label in record.labels}),
        button=request.ngettext(
            "Apply to %(number)s request", "Apply to %(number)s requests", len(requests), number=number
        ),
    )


def _can_be_done(record: Request, kind: K, possible: Container[K]) -> bool:
    """Return whether it is done with others: what asks first is done one by one."""
    return kind in possible and find_question(kind, record) is None


def _require_act(word: str) -> str:
    """Require an act; raises PageError."""
    if word not in {GIVE, LABEL, MORE, *(kind.value for kind in OFFERED)}:
        raise PageError(404, "fault-not-there")
    return word


def _name_act(request: StaffRequest, do: str) -> str:
    if do in set(EventKind):
        return request.gettext(EVENT_CATALOGUE[EventKind(do)].label)
    words = {
        GIVE: request.gettext("Assign"),
        LABEL: request.gettext("Label"),
        MORE: request.gettext("Choose an action"),
    }
    return words[do]


# --- doing it --------------------------------------------------------------------------------------------


def make_act_page(place: ListPlace) -> Callable[[StaffRequest], Awaitable[web.Response]]:
    async def do_bulk_act(request: StaffRequest) -> web.Response:
        form = await request.read_own_form()
        list_query = parse_list_query(request, place, parse_qsl(form["query"]))
        back = list_path(request, place, list_query.query)
        requests = await _load_chosen(request, list_query, SubmittedForm(form.fields, form.pairs))
        if not requests:
            return request.redirect(back, request.gettext("Please select a request first."), "late")
        checked = FormCheck(request, form)
        try:
            result = await _perform_bulk_act(request, checked, requests)
        except Refused as refused:
            checked.general.append(request.describe_refusal(refused))
        if not checked.is_good:
            return await _render_confirmation(request, list_query, requests, checked)
        act = _note_recent_act(request, list_query, form, requests, result)
        return _tell_result(request, list_query, form, result, request.parts.recent.keep_act(act))

    return do_bulk_act


async def _perform_bulk_act(request: StaffRequest, checked: FormCheck, requests: Sequence[Request]) -> BulkResult:
    form, bulk = checked.form, request.library.bulk
    ids = [record.id for record in requests]
    do = _require_act(form["do"])
    if do == GIVE:
        return await bulk.assign(ids, checked.read_line("assignee", 100))
    if do == LABEL:
        add, remove = checked.read_line("add", 40), form.all_values("remove")
        if not add and not remove:
            checked.add_problem("add", "wrong-missing", field=request.gettext("Label to add"))
        if not checked.is_good:
            return BulkResult((), ())
        return await bulk.label(ids, [add] if add else [], remove)
    word = form["kind"] if do == MORE else do
    if not word:
        checked.add_problem("kind", "wrong-missing", field=request.gettext("Action"))
    note = checked.read_line("note")
    if not checked.is_good:
        return BulkResult((), ())
    if word not in {bulk_kind.value for bulk_kind in OFFERED}:
        raise PageError(404, "fault-not-there")
    kind = EventKind(word)
    details = EventDetails(note=note) if note and "note" in ACTS[kind].field_names else EventDetails()
    hold = max(hold_of_act(request.context, record, kind) for record in requests)
    questions = {record.id: find_question(kind, record) for record in requests}
    ids = [id_ for id_, question in questions.items() if question is None]
    result = await bulk.apply_action(ids, kind, details, request.origin.actor, hold)
    left = (
        BulkFailure(record.id, record.number, _ASKED_OF_EACH[why])
        for record in requests
        if (why := questions[record.id])
    )
    at = Event(local_signal(K.NOTE), request.context.now())
    hints = {record.id: find_action_hints(request.context, record, (kind,), at).get(kind, "") for record in requests}
    hints_of_done = dict.fromkeys(hint for record in result.done if (hint := hints[record.id]))
    return replace(result, failed=(*result.failed, *left), hints=tuple(hints_of_done))


_IS_WAITED_FOR = write_sentence("A patron is waiting for this item or has it. Open the request to do this.")
_ASKED_OF_EACH: Mapping[ScanReason, Sentence] = {
    ScanReason.RECALLED: write_sentence("The lender has recalled this item. Open the request to do this."),
    ScanReason.ON_HOLD_SHELF: _IS_WAITED_FOR,
    ScanReason.ON_LOAN: _IS_WAITED_FOR,
}
"""Why an act that asks first leaves requests out."""


def _note_recent_act(
    request: StaffRequest, list_query: ListQuery, form: SubmittedForm, requests: Sequence[Request], result: BulkResult
) -> RecentAct:
    """Note what "Undo" takes back: with marks what changed, with events those that an event takes back."""
    act = RecentAct(
        library=request.library.symbol,
        user=request.user.name,
        right=list_query.place.act,
        back=list_path(request, list_query.place, list_query.query),
    )
    before = {record.id: record for record in requests}
    if form["do"] in (GIVE, LABEL):
        changes = (note_mark_change(before[record.id], record) for record in result.done)
        return replace(act, marks=tuple(change for change in changes if change is not None))
    kind = EventKind(form["kind"] if form["do"] == MORE else form["do"])
    events = (note_done_event(before[record.id], record, kind, EventDetails()) for record in result.done)
    return replace(act, events=tuple(event for event in events if event is not None))


def _describe_cause(request: StaffRequest, failure: BulkFailure) -> str:
    if failure.denied is not None:
        return describe_denial(failure.denied, request.localization)
    return request.localization.translate_sentence(failure.reason)


def _tell_result(
    request: StaffRequest, list_query: ListQuery, form: SubmittedForm, result: BulkResult, undo: str
) -> web.Response:
    done, failed = len(result.done), len(result.failed)
    hints = [request.localization.translate_sentence(hint) for hint in result.hints[:MAX_HINTS]]
    if len(result.hints) > MAX_HINTS:
        hints.append(request.gettext("There are more like these: see the history of each request."))
    back = list_path(request, list_query.place, list_query.query)
    outcome = request.ngettext("%(num)s done", "%(num)s done", done)
    if not failed:
        return request.redirect(back, " ".join((f"{outcome}.", *hints)), undo=undo)
    not_done = request.ngettext("%(num)s failed", "%(num)s failed", failed)
    title = f"{outcome}, {not_done}"
    causes: dict[str, list[object]] = {}
    for failure in result.failed:
        causes.setdefault(_describe_cause(request, failure), []).append(failure)
    kept = [(name, value) for name, value in form.pairs if name not in ("one", "csrf", "scope")]
    return request.render(
        "bulk_result",
        title,
        help_topic="bulk",
        place=list_query.place,
        back=back,
        causes=sorted(causes.items(), key=lambda pair: -len(pair[1])),
        failed=failed,
        hints=hints,
        undo=undo,
        again=[*kept, *(("one", failure.request_id) for failure in result.failed)],
    )


PAGES = tuple(
    page
    for place in (BORROWING, LENDING, COPIES)
    for page in (
        StaffPage("POST", f"/{place.name}/bulk", make_confirm_page(place), place.act, max_fields=MAX_BULK_FIELDS),
        StaffPage("POST", f"/{place.name}/bulk/do", make_act_page(place), place.act, max_fields=MAX_BULK_FIELDS),
    )
)
