"""The work queue at /staff: every list that somebody waits on, by desk and in the order in which the day goes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from aiohttp import web

from gateway.domain.requests.request import Role
from gateway.domain.requests.staff_views import TaskView
from gateway.domain.requests.views import RequestFilter
from gateway.domain.roles import Right
from gateway.domain.value import value_object
from gateway.services.letters.localization import mark_text
from gateway.web.html.assets import HEADERS
from gateway.web.staff.staff_request import StaffPage, StaffRequest


@value_object
class QueueList:
    """A list of a desk. `task`: its name; `text`: what is to be done; `path`: where it is shown; `door`: where it is
    worked off, by scanning or printing, with the word for it; `late_hours`: when the oldest has waited so long, it is
    to be done first (None: never)."""

    task: str
    text: str
    path: str
    right: Right
    door: str = ""
    door_text: str = ""
    late_hours: int | None = None
    role: Role | None = None
    """Of a list of both sides: the one that is meant here."""

    @property
    def key(self) -> str:
        """Tells it from the list of the other side."""
        return f"{self.task}-{self.role.value}" if self.role is not None else self.task


@value_object
class QueueDesk:
    """Some lists that one person works through."""

    name: str
    text: str
    lists: tuple[QueueList, ...]


SCAN, PRINT = mark_text("Scan"), mark_text("Print")


def _borrowing(task: str, text: str, door: str = "", door_text: str = "", late_hours: int | None = None) -> QueueList:
    return QueueList(task, text, f"/borrowing?task={task}", Right.BORROWING_READ, door, door_text, late_hours)


def _lending(task: str, text: str, door: str = "", door_text: str = "", late_hours: int | None = None) -> QueueList:
    return QueueList(task, text, f"/lending?task={task}", Right.LENDING_READ, door, door_text, late_hours)


def _copies(task: str, text: str, late_hours: int) -> QueueList:
    return QueueList(
        task, text, f"/copies?task={task}", Right.COPIES_READ, "/copies/desk", mark_text("Desk"), late_hours=late_hours
    )


DAY = 24


DESKS: tuple[QueueDesk, ...] = (
    QueueDesk(
        "borrowing",
        mark_text("Borrowing"),
        (
            _borrowing("condition-to-answer", mark_text("Conditions to answer"), late_hours=DAY),
            _borrowing("patron-question", mark_text("Patrons’ answers outstanding")),
            _borrowing("awaiting-review", mark_text("To review"), late_hours=2 * DAY),
            _borrowing("no-supplier", mark_text("No suppliers left"), late_hours=3 * DAY),
            _borrowing("recalled", mark_text("Recalled by the lender"), late_hours=DAY),
            _borrowing("overdue", mark_text("Overdue")),
            _borrowing("lost", mark_text("Lost, to settle")),
            _borrowing("price-to-check", mark_text("Sent at a price that is not agreed")),
            _borrowing("unwanted", mark_text("Received but no longer needed"), "/scan/return", SCAN),
            _borrowing("to-receive", mark_text("To receive"), "/scan/receive", SCAN),
            _borrowing("in-transit", mark_text("In transit to a branch"), "/scan/arrive", SCAN),
            _borrowing("arrived", mark_text("Arrived at a branch, to shelve"), "/scan/arrive", SCAN, late_hours=DAY),
            _borrowing("not-collected", mark_text("Not collected in time"), "/scan/take-back", SCAN),
            _borrowing("to-return", mark_text("To return"), "/scan/return", SCAN, late_hours=5 * DAY),
        ),
    ),
    QueueDesk(
        "lending",
        mark_text("Lending"),
        (
            _lending("cancel-to-answer", mark_text("Requesters want to cancel"), late_hours=4),
            _lending("renewal-to-answer", mark_text("Renewals to answer"), late_hours=2 * DAY),
            _lending("new", mark_text("To answer"), late_hours=DAY),
            _lending("to-locate", mark_text("Several items fit"), late_hours=DAY),
            _lending("to-pull", mark_text("To pull"), "/print", PRINT, late_hours=DAY),
            _lending("to-ship", mark_text("To ship"), "/scan/ship", SCAN, late_hours=2 * DAY),
            _lending("to-check-in", mark_text("In transit to us"), "/scan/check-in", SCAN),
            _lending("return-late", mark_text("Returned, not arrived in time")),
            _lending("overdue-out", mark_text("Overdue")),
            _lending("lost-out", mark_text("Lost, to settle")),
            QueueList(
                "to-tell",
                mark_text("Patrons to notify in person"),
                "/lending?task=to-tell",
                Right.LENDING_READ,
                role=Role.LENDING,
            ),
            QueueList(
                "trouble",
                mark_text("Rejected by the partner"),
                "/lending?task=trouble",
                Right.LENDING_READ,
                role=Role.LENDING,
            ),
            QueueList(
                "untold",
                mark_text("Partners to notify by letter or phone"),
                "/lending?task=untold",
                Right.LENDING_READ,
                role=Role.LENDING,
            ),
            QueueList(
                "stranger",
                mark_text("Messages from other senders"),
                "/lending?task=stranger",
                Right.LENDING_READ,
                role=Role.LENDING,
            ),
        ),
    ),
    QueueDesk(
        "copies",
        mark_text("Copies"),
        (
            _copies("to-digitise", mark_text("To copy"), 2 * DAY),
            _copies("to-clear", mark_text("To clear"), DAY),
            _copies("to-deliver", mark_text("To deliver"), 4),
        ),
    ),
    QueueDesk(
        "words",
        mark_text("Messages and email"),
        (
            QueueList(
                "unread-borrowing",
                mark_text("Messages from suppliers"),
                "/messages?role=borrowing",
                Right.MESSAGES_READ,
                late_hours=2 * DAY,
            ),
            QueueList(
                "unread-lending",
                mark_text("Messages from requesters"),
                "/messages?role=lending",
                Right.MESSAGES_READ,
                late_hours=2 * DAY,
            ),
            QueueList("unmatched-mails", mark_text("Unmatched email"), "/mail", Right.MESSAGES_READ, late_hours=DAY),
            QueueList(
                "to-tell",
                mark_text("Patrons to notify in person (borrowing)"),
                "/borrowing?task=to-tell",
                Right.BORROWING_READ,
                role=Role.BORROWING,
            ),
        ),
    ),
    QueueDesk(
        "network",
        mark_text("Network"),
        (
            QueueList(
                "dead-letters",
                mark_text("Failed messages"),
                "/outbox",
                Right.OUTBOX_READ,
                late_hours=4,
            ),
            QueueList(
                "trouble",
                mark_text("Rejected by the partner (borrowing)"),
                "/borrowing?task=trouble",
                Right.BORROWING_READ,
                role=Role.BORROWING,
            ),
            QueueList(
                "untold",
                mark_text("Partners to notify by letter or phone (borrowing)"),
                "/borrowing?task=untold",
                Right.BORROWING_READ,
                role=Role.BORROWING,
            ),
            QueueList(
                "stranger",
                mark_text("Messages from other senders (borrowing)"),
                "/borrowing?task=stranger",
                Right.BORROWING_READ,
                role=Role.BORROWING,
            ),
            QueueList(
                "mailboxes-away",
                mark_text("Mailboxes that cannot be read"),
                "/mail",
                Right.MESSAGES_READ,
                late_hours=1,
            ),
        ),
    ),
)
"""In the order of the day: first where a partner's clock runs, last what can wait."""


MAX_FIRST = 3
"""So many are to be done first; more would be a list again."""


@value_object
class ShownList:
    """A list with work on it. `path` and `door` empty: there is no page for it, or not for this user. `late`: the
    oldest has waited too long."""

    key: str
    task: TaskView
    text: str
    path: str
    door: str
    door_text: str
    late: bool


@value_object
class ShownDesk:
    """`quiet`: names of the lists with nothing on them."""

    name: str
    text: str
    total: int
    lists: tuple[ShownList, ...]
    quiet: tuple[str, ...]


OWN_LISTS = (
    (Role.BORROWING, "/borrowing?assignee=me", Right.BORROWING_READ, mark_text("borrowing")),
    (Role.LENDING, "/lending?assignee=me", Right.LENDING_READ, mark_text("lending")),
)
"""What the user sees to: role, where it is shown, right, word."""


async def _list_own_work(request: StaffRequest) -> list[tuple[str, str]]:
    """Open requests that the user sees to, of each role that has some: words with their number, address."""
    own_work = []
    for role, path, right, word in OWN_LISTS:
        if not request.has_right(right):
            continue
        request_filter = RequestFilter(role=role, assignee=request.user.name, open=True)
        total = (await request.library.requests.count_list(request_filter)).total
        if total:
            number = request.localization.format_number(total)
            text = request.gettext("%(number)s %(kind)s", number=number, kind=request.gettext(word))
            own_work.append((text, request.open_path(path)))
    return own_work


async def show_work_queue(request: StaffRequest) -> web.Response:
    """Show what waits; who has no work here begins at the first page of the menu."""
    if not request.has_right(Right.WORK_READ):
        return request.redirect(request.address_of(request.menu[0]))
    desks = await read_desks(request)
    silent = await request.library.desk.list_silent_partners() if _sees_network(request) else ()
    late = [queue_list for desk in desks for queue_list in desk.lists if queue_list.late]
    return request.render(
        "work_queue",
        request.gettext("Work queue"),
        help_topic="work",
        desks=desks,
        first=late[:MAX_FIRST],
        own=await _list_own_work(request),
        silent=silent,
        now=request.format_moment(request.parts.clock.now()),
    )


def _sees_network(request: StaffRequest) -> bool:
    return request.has_right(Right.OUTBOX_READ)


async def read_desks(request: StaffRequest) -> list[ShownDesk]:
    """Those of which the user sees some list, with what is on them now."""
    return _make_shown_desks(request, await request.library.desk.list_work(find_own_branches(request)))


def find_own_branches(request: StaffRequest) -> frozenset[str]:
    """Branches whose work alone this user sees; empty: all of the library."""
    return request.branches_for(Right.BORROWING_READ)


def _make_shown_desks(request: StaffRequest, tasks: Iterable[TaskView]) -> list[ShownDesk]:
    of_both = {queue_list.task for desk in DESKS for queue_list in desk.lists if queue_list.role is not None}
    by_name = {f"{task.name}-{task.role}" if task.name in of_both else task.name: task for task in tasks}
    desks = [_make_shown_desk(request, desk, by_name) for desk in DESKS]
    return [desk for desk in desks if desk.lists or desk.quiet]


def _make_shown_desk(request: StaffRequest, desk: QueueDesk, tasks: Mapping[str, TaskView]) -> ShownDesk:
    open_lists = [
        queue_list for queue_list in desk.lists if queue_list.key in tasks and request.has_right(queue_list.right)
    ]
    shown = tuple(
        _make_shown_list(request, shown_list, tasks[shown_list.key])
        for shown_list in open_lists
        if tasks[shown_list.key].count
    )
    quiet = tuple(request.gettext(open_list.text) for open_list in open_lists if not tasks[open_list.key].count)
    return ShownDesk(
        desk.name, request.gettext(desk.text), sum(shown_list.task.count for shown_list in shown), shown, quiet
    )


def _make_shown_list(request: StaffRequest, queue_list: QueueList, task: TaskView) -> ShownList:
    return ShownList(
        queue_list.key,
        task,
        request.gettext(queue_list.text),
        request.open_path(queue_list.path),
        request.open_path(queue_list.door),
        request.gettext(queue_list.door_text) if queue_list.door_text else "",
        is_late(queue_list, task, request.parts.clock.now()),
    )


def is_late(queue_list: QueueList, task: TaskView, now: datetime) -> bool:
    return (
        queue_list.late_hours is not None
        and task.oldest is not None
        and now - task.oldest >= timedelta(hours=queue_list.late_hours)
    )


# --- live ----------------------------------------------------------------------------------------------------


async def show_counts(request: StaffRequest) -> web.Response:
    """Show what the page shows of each list, as JSON, for `live.js`."""
    return web.json_response(describe_desks(request, await read_desks(request)), headers=HEADERS)


def describe_desks(request: StaffRequest, desks: Iterable[ShownDesk]) -> dict[str, object]:
    """{"lists": {key: {"count": "1,204", "age": "3 d", "late": true}}, "desks": {name: "1,305"}}"""
    shown_desks = list(desks)
    number = request.localization.format_number
    return {
        "lists": {
            shown_list.key: {
                "count": number(shown_list.task.count),
                "age": request.format_age(shown_list.task.oldest) if shown_list.task.oldest is not None else "",
                "late": shown_list.late,
            }
            for desk in shown_desks
            for shown_list in desk.lists
        },
        "desks": {desk.name: number(desk.total) for desk in shown_desks if desk.total},
    }


async def stream_counts(request: StaffRequest) -> web.StreamResponse:
    """The same, each time that something has changed (Server-Sent Events); one stream for all windows of a browser."""

    streams = request.parts.streams

    async def read_counts() -> dict[str, object]:
        branches = find_own_branches(request)
        sharing = " ".join((request.library.symbol, *sorted(branches)))
        tasks = await streams.share_tasks(sharing, lambda: request.library.desk.list_work(branches))
        return describe_desks(request, _make_shown_desks(request, tasks))

    async def is_still_allowed() -> bool:
        assert request.session is not None, "a page with a right has a session"
        return await request.parts.sign_in.is_alive(request.session)

    return await streams.serve_counts(request.http, request.library.symbol, read_counts, is_still_allowed)


PAGES = (
    StaffPage("GET", "", show_work_queue, Right.OWN_ACCOUNT),
    StaffPage("GET", "/live", stream_counts, Right.WORK_READ),
    StaffPage("GET", "/live/counts", show_counts, Right.WORK_READ),
)
