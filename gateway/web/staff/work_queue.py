"""The work queue at /staff: every list that somebody waits on, by desk and in the order in which the day goes."""

from __future__ import annotations

from aiohttp import web

from gateway.domain.requests.views import TaskView
from gateway.domain.roles import Right
from gateway.domain.value import value_object
from gateway.services.localization import mark_text
from gateway.web.staff.staff_request import StaffPage, StaffRequest


@value_object
class QueueList:
    """A list of a desk. `task`: its name; `text`: what is to be done; `path`: where it is shown; `door`: where it is
    worked off, by scanning or printing, with the word for it."""

    task: str
    text: str
    path: str
    right: Right
    door: str = ""
    door_text: str = ""


@value_object
class QueueDesk:
    """Some lists that one person works through."""

    name: str
    text: str
    lists: tuple[QueueList, ...]


SCAN, PRINT = mark_text("Scan"), mark_text("Print")


def _borrowing(task: str, text: str, door: str = "", door_text: str = "") -> QueueList:
    return QueueList(task, text, f"/borrowing?task={task}", Right.BORROWING_READ, door, door_text)


def _lending(task: str, text: str, door: str = "", door_text: str = "") -> QueueList:
    return QueueList(task, text, f"/lending?task={task}", Right.LENDING_READ, door, door_text)


def _copies(task: str, text: str) -> QueueList:
    return QueueList(task, text, f"/lending?task={task}", Right.COPIES_READ)


DESKS: tuple[QueueDesk, ...] = (
    QueueDesk(
        "borrowing",
        mark_text("Borrowing"),
        (
            _borrowing("condition-to-answer", mark_text("Conditions to answer")),
            _borrowing("patron-question", mark_text("Readers have not answered yet")),
            _borrowing("awaiting-review", mark_text("To look at before asking")),
            _borrowing("no-supplier", mark_text("Nobody left to ask")),
            _borrowing("recalled", mark_text("Wanted back by the lender")),
            _borrowing("overdue", mark_text("Due back at the lender")),
            _borrowing("unwanted", mark_text("Came though not wanted"), "/scan/return", SCAN),
            _borrowing("to-receive", mark_text("To receive"), "/scan/receive", SCAN),
            _borrowing("in-transit", mark_text("On the way to a branch"), "/scan/arrive", SCAN),
            _borrowing("not-collected", mark_text("Not collected in time"), "/scan/take-back", SCAN),
            _borrowing("to-return", mark_text("To send back"), "/scan/return", SCAN),
        ),
    ),
    QueueDesk(
        "lending",
        mark_text("Lending"),
        (
            _lending("cancel-to-answer", mark_text("Requesters want to cancel")),
            _lending("renewal-to-answer", mark_text("Renewals to answer")),
            _lending("new", mark_text("New")),
            _lending("to-locate", mark_text("Several copies: choose one")),
            _lending("to-pull", mark_text("To fetch from the shelf"), "/print", PRINT),
            _lending("to-ship", mark_text("To send"), "/scan/ship", SCAN),
            _lending("to-check-in", mark_text("Coming back to us"), "/scan/check-in", SCAN),
            _lending("overdue-out", mark_text("Not back in time")),
        ),
    ),
    QueueDesk(
        "copies",
        mark_text("Copies"),
        (
            _copies("to-digitise", mark_text("To make")),
            _copies("to-clear", mark_text("To sign off")),
            _copies("to-deliver", mark_text("To deliver")),
        ),
    ),
    QueueDesk(
        "words",
        mark_text("Messages and mail"),
        (
            QueueList("unread-borrowing", mark_text("Messages from lenders"), "/messages", Right.MESSAGES_READ),
            QueueList("unread-lending", mark_text("Messages from requesters"), "/messages", Right.MESSAGES_READ),
            QueueList("unmatched-mails", mark_text("Mails that fit no request"), "/mail", Right.MESSAGES_READ),
            QueueList(
                "to-tell", mark_text("Readers to be told in person"), "/borrowing?task=to-tell", Right.BORROWING_READ
            ),
        ),
    ),
    QueueDesk(
        "network",
        mark_text("Network"),
        (
            QueueList("dead-letters", mark_text("Messages that could not be sent"), "/outbox", Right.OUTBOX_READ),
            QueueList("trouble", mark_text("Refused by the partner"), "/borrowing?task=trouble", Right.BORROWING_READ),
            QueueList("mailboxes-away", mark_text("Mailboxes that can't be read"), "/mail", Right.MESSAGES_READ),
        ),
    ),
)
"""In the order of the day: first where a partner's clock runs, last what can wait."""


@value_object
class ShownList:
    """A list with work on it. `path` and `door` empty: there is no page for it, or not for this user."""

    task: TaskView
    text: str
    path: str
    door: str
    door_text: str


@value_object
class ShownDesk:
    """`quiet`: names of the lists with nothing on them."""

    name: str
    text: str
    total: int
    lists: tuple[ShownList, ...]
    quiet: tuple[str, ...]


async def show_work_queue(request: StaffRequest) -> web.Response:
    tasks = {task.name: task for task in await request.parts.desk.tasks(request.library)}
    desks = [_make_shown_desk(request, desk, tasks) for desk in DESKS]
    return request.render(
        "work_queue",
        request.gettext("Work"),
        help_topic="work",
        desks=[desk for desk in desks if desk.lists or desk.quiet],
        now=request.format_moment(request.parts.clock.now()),
    )


def _make_shown_desk(request: StaffRequest, desk: QueueDesk, tasks: dict[str, TaskView]) -> ShownDesk:
    open_lists = [one for one in desk.lists if one.task in tasks and request.has_right(one.right)]
    shown = tuple(
        ShownList(
            tasks[one.task],
            request.gettext(one.text),
            request.open_path(one.path),
            request.open_path(one.door),
            request.gettext(one.door_text) if one.door_text else "",
        )
        for one in open_lists
        if tasks[one.task].count
    )
    quiet = tuple(request.gettext(one.text) for one in open_lists if not tasks[one.task].count)
    return ShownDesk(desk.name, request.gettext(desk.text), sum(one.task.count for one in shown), shown, quiet)


PAGES = (StaffPage("GET", "", show_work_queue, Right.WORK_READ),)
