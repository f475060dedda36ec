"""The filter of a list of requests: read from the address, told in words, taken away piece by piece, chosen anew.

The address is the filter, so a list can be kept as a bookmark, sent to a colleague, saved under a name, and is the same
when one comes back to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from urllib.parse import urlencode

from gateway.domain.requests.request import TERMINAL, BorrowingState, LendingState, Request, Role, ServiceType, State
from gateway.domain.requests.request_messages import STAFF_ACTOR
from gateway.domain.requests.task_lists import BY_NAME
from gateway.domain.requests.views import ListCounts, ListFacet, RequestFilter, RequestOrder
from gateway.domain.roles import Right
from gateway.domain.value import value_object
from gateway.services.letters.localization import mark_text
from gateway.store.saved_filters import SavedFilter
from gateway.web.html.error_pages import PageError
from gateway.web.staff.request_words import tag_of_state
from gateway.web.staff.staff_request import StaffRequest
from gateway.web.staff.work_queue import DESKS, QueueList

MAX_VALUES = 40
"""Of one facet in one address."""

MAX_QUERY_CHARS = 200
"""Of what is searched."""

MAX_CURSOR_CHARS = 400

ME, NOBODY = "me", "nobody"

B, L = BorrowingState, LendingState


@value_object
class StateGroup:
    """States that staff look at together. `name` stands in the address."""

    name: str
    text: str
    states: tuple[State, ...]


@value_object
class ListPlace:
    """One of the lists. `name` is its path behind /staff; `states`: those alone that it is about; `tasks`: the task
    lists that lead into it."""

    name: str
    title: str
    role: Role
    read: Right
    act: Right
    groups: tuple[StateGroup, ...]
    states: tuple[State, ...] = ()

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks in the order of the day."""
        lists = (line for desk in DESKS for line in desk.lists if line.task in BY_NAME)
        return tuple(dict.fromkeys(line.task for line in lists if self._leads_here(line)))

    def _leads_here(self, queue_list: QueueList) -> bool:
        """Into a list of some states what the work queue opens there, into that of a side all of the side."""
        if self.states:
            return queue_list.path.startswith(f"/{self.name}?")
        return BY_NAME[queue_list.task].role in (self.role, None)


_CLOSED = mark_text("Closed")

BORROWING = ListPlace(
    "borrowing",
    mark_text("Borrowing"),
    Role.BORROWING,
    Right.BORROWING_READ,
    Right.BORROWING_ACT,
    (
        StateGroup("todo", mark_text("Action needed"), (B.REVIEW, B.NO_SUPPLIER, B.CONDITIONAL, B.BACK)),
        StateGroup(
            "partner",
            mark_text("With partners"),
            (B.NEW, B.SOURCING, B.REQUESTED, B.HOLD_PLACED, B.WILL_SUPPLY, B.CANCEL_PENDING),
        ),
        StateGroup("way", mark_text("In transit"), (B.SHIPPED, B.RETURNED)),
        StateGroup("here", mark_text("Received or checked out"), (B.RECEIVED, B.LENT)),
        StateGroup("closed", _CLOSED, tuple(state for state in B if state in TERMINAL)),
    ),
)

_COPY_STATES = (L.DIGITISING, L.CLEARANCE, L.CLEARED)

LENDING = ListPlace(
    "lending",
    mark_text("Lending"),
    Role.LENDING,
    Right.LENDING_READ,
    Right.LENDING_ACT,
    (
        StateGroup(
            "todo", mark_text("Action needed"), (L.NEW, L.LOCATED, L.WILL_SUPPLY, L.CANCEL_PENDING, *_COPY_STATES)
        ),
        StateGroup("waiting", mark_text("Waiting"), (L.HOLD_PLACED, L.CONDITIONAL)),
        StateGroup("way", mark_text("On loan or in transit"), (L.SHIPPED, L.RETURNED)),
        StateGroup("closed", _CLOSED, tuple(state for state in L if state in TERMINAL)),
    ),
)

COPIES = ListPlace(
    "copies",
    mark_text("Copies"),
    Role.LENDING,
    Right.COPIES_READ,
    Right.COPIES_ACT,
    tuple(
        StateGroup(state.value, text, (state,))
        for state, text in zip(
            _COPY_STATES, (mark_text("To copy"), mark_text("To clear"), mark_text("To deliver")), strict=True
        )
    ),
    _COPY_STATES,
)

PLACES = {place.name: place for place in (BORROWING, LENDING, COPIES)}

TASK_TEXTS: Mapping[str, str] = {line.task: line.text for desk in reversed(DESKS) for line in desk.lists}
"""Where both sides have a list, by the name that says no side: that of lending, which is first."""

SERVICE_TEXTS: Mapping[ServiceType, str] = {
    ServiceType.LOAN: mark_text("Loan"),
    ServiceType.COPY: mark_text("Copy"),
    ServiceType.COPY_OR_LOAN: mark_text("Copy or loan"),
}

_FACETS = ("task", "state", "partner", "kind", "branch", "assignee", "label")
"""Keys in the address that are facets, in the order in which they are shown."""

_KEYS = (*_FACETS, "q", "order", "all")


@value_object
class ChosenFilter:
    """One that narrows the list, in words, and the address of the list without it."""

    text: str
    path: str


@value_object
class FacetOption:
    """`count` None: it is not counted."""

    value: str
    text: str
    count: int | None
    checked: bool


@value_object
class ShownFacet:
    """`single`: one of its values at a time. `more`: options that are folded away."""

    key: str
    text: str
    single: bool
    options: tuple[FacetOption, ...]
    more: tuple[FacetOption, ...] = ()


@value_object
class ListQuery:
    """The query that the address has. `values`: by key, without what means nothing; `cursor` and `start`: which page,
    and how many requests are before it."""

    place: ListPlace
    values: Mapping[str, tuple[str, ...]]
    wanted: RequestFilter
    cursor: str
    start: int

    def value(self, key: str) -> str:
        return next(iter(self.values.get(key, ())), "")

    @property
    def order(self) -> RequestOrder:
        return self.wanted.order

    @property
    def query(self) -> str:
        """The query as a saved filter has it: without the page."""
        return urlencode([(key, value) for key in _KEYS for value in self.values.get(key, ())])

    def without(self, key: str, value: str) -> str:
        rest = [(k, v) for k in _KEYS for v in self.values.get(k, ()) if (k, v) != (key, value)]
        return urlencode(rest)

    def with_value(self, key: str, value: str) -> str:
        rest = [(k, v) for k in _KEYS if k != key for v in self.values.get(k, ())]
        return urlencode([*rest, (key, value)] if value else rest)


def parse_list_query(request: StaffRequest, place: ListPlace, pairs: Iterable[tuple[str, str]]) -> ListQuery:
    """Parse a query; what the list doesn't know is left out, so that an old bookmark still leads somewhere. Raises
    PageError (404) for a task list that isn't one of this list."""
    words_of_key: dict[str, list[str]] = {}
    for key, value in pairs:
        limit = MAX_CURSOR_CHARS if key == "cursor" else MAX_QUERY_CHARS
        if key in (*_KEYS, "cursor", "from") and (text := " ".join(value.split())[:limit]):
            words = words_of_key.setdefault(key, [])
            if text not in words and len(words) < MAX_VALUES:
                words.append(text)
    task = next(iter(words_of_key.get("task", ())), "")
    if task and task not in place.tasks:
        raise PageError(404, "fault-not-there")
    for key in ("task", "assignee", "label", "q", "order", "all"):
        if key in words_of_key:
            words_of_key[key] = words_of_key[key][:1]
    groups = {group.name: group.states for group in place.groups}
    every_state = {state.value: (state,) for group in place.groups for state in group.states}
    words_of_key["state"] = [word for word in words_of_key.get("state", ()) if word in groups or word in every_state]
    words_of_key["kind"] = [word for word in words_of_key.get("kind", ()) if word in set(ServiceType)]
    orders = {order.value for order in RequestOrder}
    words_of_key["order"] = [word for word in words_of_key.get("order", ()) if word in orders]
    values = {key: tuple(words) for key, words in words_of_key.items() if words}
    start = next(iter(words_of_key.get("from", ())), "0")
    return ListQuery(
        place,
        values,
        _make_filter(request, place, values, {**every_state, **groups}),
        next(iter(words_of_key.get("cursor", ())), ""),
        int(start) if start.isascii() and start.isdigit() and len(start) < 8 else 0,
    )


def _make_filter(
    request: StaffRequest,
    place: ListPlace,
    values: Mapping[str, tuple[str, ...]],
    states: Mapping[str, Sequence[State]],
) -> RequestFilter:
    first = {key: words[0] for key, words in values.items()}
    chosen = [state.value for word in values.get("state", ()) for state in states[word]]
    task, searched, assignee = first.get("task", ""), first.get("q", ""), first.get("assignee", "")
    if not chosen and not task:
        chosen = [state.value for state in place.states]
    usual = RequestOrder.LONGEST if task else RequestOrder.NEWEST
    still_open = None if task or chosen or searched or "all" in values else True
    return RequestFilter(
        role=place.role,
        states=tuple(dict.fromkeys(chosen)),
        task=task,
        partners=values.get("partner", ()),
        branches=_allowed_branches(request, place, values.get("branch", ())),
        services=tuple(ServiceType(word) for word in values.get("kind", ())),
        assignee="" if assignee == NOBODY else request.user.name if assignee == ME else assignee,
        unassigned=assignee == NOBODY,
        label=first.get("label", ""),
        search=searched,
        hides_patrons=not request.sees_patrons,
        open=still_open,
        order=RequestOrder(first["order"]) if "order" in first else usual,
    )


def _allowed_branches(request: StaffRequest, place: ListPlace, chosen: tuple[str, ...]) -> tuple[str, ...]:
    """A user whose role is for some branches sees the requests of these alone."""
    own = request.branches_for(place.read)
    if not own:
        return chosen
    return tuple(branch for branch in chosen if branch in own) or tuple(sorted(own))


# --- in words --------------------------------------------------------------------------------------------


def list_user_names(
    query: ListQuery, page: Iterable[Request], counts: ListCounts, saved: Iterable[SavedFilter]
) -> Iterator[str]:
    """List the names of those of the staff whom the page names."""
    yield from (request.assignee for request in page)
    yield from counts.counts[ListFacet.ASSIGNEE] or ()
    yield from query.values.get("assignee", ())
    yield from (saved_filter.owner for saved_filter in saved)


def list_chosen_filters(request: StaffRequest, query: ListQuery, partners: Mapping[str, str]) -> list[ChosenFilter]:
    chosen_filters = []
    for key in (*_FACETS, "q", "all"):
        for value in query.values.get(key, ()):
            text = _describe_choice(request, query.place, key, value, partners)
            chosen_filters.append(ChosenFilter(text, list_path(request, query.place, query.without(key, value))))
    return chosen_filters


def list_path(request: StaffRequest, place: ListPlace, query: str) -> str:
    path = request.path(place.name)
    return f"{path}?{query}" if query else path


def _describe_choice(request: StaffRequest, place: ListPlace, key: str, value: str, partners: Mapping[str, str]) -> str:
    gettext = request.gettext
    match key:
        case "partner":
            return gettext("Partner: %(name)s", name=partners.get(value, value))
        case "branch":
            return gettext("Branch: %(name)s", name=value)
        case "assignee":
            return gettext("Assigned to: %(name)s", name=_name_assignee(request, value))
        case "label":
            return gettext("Label: %(name)s", name=value)
        case "q":
            return gettext("Search: %(text)s", text=value)
        case "all":
            return gettext("Including closed")
    return _name_value(request, place, key, value, partners)


def _name_value(request: StaffRequest, place: ListPlace, key: str, value: str, partners: Mapping[str, str]) -> str:
    match key:
        case "task":
            return request.gettext(TASK_TEXTS[value])
        case "state":
            group = next((state_group for state_group in place.groups if state_group.name == value), None)
            return request.gettext(group.text) if group else tag_of_state(place.role, value, request.localization).word
        case "kind":
            return request.gettext(SERVICE_TEXTS[ServiceType(value)])
        case "partner":
            return partners.get(value, value) or request.gettext("No supplier yet")
        case "assignee":
            return _name_assignee(request, value)
        case "branch":
            return value or request.gettext("None")
    return value


def _name_assignee(request: StaffRequest, value: str) -> str:
    if value in (ME, NOBODY):
        return request.gettext("Me") if value == ME else request.gettext("Nobody")
    return request.actors.name_actor(f"{STAFF_ACTOR}{value}")


# --- facets ----------------------------------------------------------------------------------------------

_FACET_TEXTS: Mapping[str, tuple[str, ListFacet, bool]] = {
    "task": (mark_text("Task"), ListFacet.TASK, True),
    "state": (mark_text("Status"), ListFacet.STATE, False),
    "partner": (mark_text("Partner"), ListFacet.PARTNER, False),
    "kind": (mark_text("Loan or copy"), ListFacet.SERVICE, False),
    "branch": (mark_text("Branch"), ListFacet.BRANCH, False),
    "assignee": (mark_text("Assigned to"), ListFacet.ASSIGNEE, True),
    "label": (mark_text("Label"), ListFacet.LABEL, True),
}

MAX_OPEN_OPTIONS = 6


def make_facets(
    request: StaffRequest, query: ListQuery, counts: ListCounts, partners: Mapping[str, str]
) -> list[ShownFacet]:
    """Values that nothing has are left out, unless they are chosen."""
    facets = []
    for key, (text, facet, single) in _FACET_TEXTS.items():
        counted = counts.counts[facet]
        chosen = query.values.get(key, ())
        options = [
            FacetOption(
                value,
                _name_value(request, query.place, key, value, partners),
                None if counted is None else _count_value(query.place, key, value, counted, request.user.name),
                value in chosen,
            )
            for value in _list_values(request, query.place, key, counted, chosen, partners)
        ]
        options = [
            option for option in options if option.count or option.checked or (option.count is None and option.value)
        ]
        if key in ("partner", "label"):
            options.sort(key=lambda one: (not one.checked, -(one.count or 0), one.text))
        if len(options) > 1 or any(option.checked or key in ("task", "state") for option in options):
            facets.append(
                ShownFacet(
                    key,
                    request.gettext(text),
                    single,
                    tuple(options[:MAX_OPEN_OPTIONS] if key in ("partner", "label") else options),
                    tuple(options[MAX_OPEN_OPTIONS:]) if key in ("partner", "label") else (),
                )
            )
    return facets


def _list_values(
    request: StaffRequest,
    place: ListPlace,
    key: str,
    counted: Mapping[str, int] | None,
    chosen: Sequence[str],
    partners: Mapping[str, str],
) -> Sequence[str]:
    """List values in the order in which they are shown."""
    named = [value for value in counted or () if value]
    match key:
        case "task":
            return place.tasks
        case "state":
            exact = [word for word in chosen if word not in {group.name for group in place.groups}]
            return (*(group.name for group in place.groups), *exact)
        case "kind":
            return tuple(service.value for service in ServiceType)
        case "partner":
            return tuple(dict.fromkeys((*chosen, *(named if counted is not None else partners))))
        case "assignee":
            others = sorted(name for name in named if name != request.user.name)
            return tuple(dict.fromkeys((ME, NOBODY, *others, *chosen)))
    return tuple(dict.fromkeys((*sorted(named), *chosen)))


def _count_value(place: ListPlace, key: str, value: str, counted: Mapping[str, int], user: str) -> int:
    if key == "state":
        group = next((state_group for state_group in place.groups if state_group.name == value), None)
        states = [state.value for state in group.states] if group is not None else [value]
        return sum(counted.get(state, 0) for state in states)
    if key == "assignee":
        return counted.get({ME: user, NOBODY: ""}.get(value, value), 0)
    return counted.get(value, 0)
