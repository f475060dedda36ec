"""Scan pages (/staff/scan/…): one act for each code that comes in, a line for each, and a pile of what needs a hand.

With `scan.js` the field is emptied at once and codes are sent one after the other; without it there is a field for many
codes, one a line, and one page that says what became of each.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from itertools import groupby

from aiohttp import hdrs, web

from gateway.domain.due_dates import local_day
from gateway.domain.problems import Refused
from gateway.domain.requests.events import EventDetails
from gateway.domain.requests.print_batches import PrintKind
from gateway.domain.requests.request import Request, Role
from gateway.domain.requests.scan_rules import (
    DID_SOMETHING,
    RULE_OF_WORK,
    ScanOutcome,
    ScanReason,
    ScanWork,
    list_pending_volumes,
)
from gateway.domain.roles import Right
from gateway.domain.value import replace, value_object
from gateway.services.desks.scans import MAX_CODE_CHARS, ScanOrder, ScanResult
from gateway.services.letters.localization import mark_text
from gateway.web.html.assets import HEADERS, OURSELVES
from gateway.web.html.forms import FormCheck, SubmittedForm
from gateway.web.html.visits import YEAR
from gateway.web.staff.act_forms import list_places
from gateway.web.staff.print_pages import KINDS
from gateway.web.staff.recent_acts import RecentAct, note_done_event
from gateway.web.staff.request_story import describe_settlement
from gateway.web.staff.request_words import StateTag, tag_of_request
from gateway.web.staff.scan_slips import (
    PRINT_TEXTS,
    SLIP_TEXTS,
    SLIPS_COOKIE,
    LineSlip,
    SlipChoice,
    is_slip_wanted_with_each,
    make_slips,
    read_slip_choice,
)
from gateway.web.staff.staff_request import ROOT, TEMPLATES, StaffPage, StaffRequest

MAX_CODES = 200
"""In one form."""

MAX_KEY_CHARS = 100

SOUND_COOKIE = "illgate_scan_sound"


@value_object(kw_only=True)
class ScanDesk:
    """A page. `task`: the list that it works off; `due`: whether one due date can be given for all; `slips`: what is
    printed for what was scanned, `labels`: whether parcels are packed; `final`: why what is done here can't be undone,
    empty: it can."""

    work: ScanWork
    title: str
    hint: str
    button: str
    right: Right
    task: str = ""
    due: bool = False
    slips: tuple[PrintKind, ...] = ()
    labels: tuple[PrintKind, ...] = ()
    final: str = ""

    @property
    def side(self) -> str:
        return mark_text("Lending") if self.right is Right.LENDING_ACT else mark_text("Borrowing")

    @property
    def papers(self) -> tuple[PrintKind, ...]:
        """The papers that can be printed of a run."""
        return (*self.slips, *self.labels)

    @property
    def path(self) -> str:
        return f"/scan/{self.work.value}"


DESKS: tuple[ScanDesk, ...] = (
    ScanDesk(
        work=ScanWork.RECEIVE,
        title=mark_text("Receive"),
        hint=mark_text("Scan any number on the parcel: ours, the lender’s, or the barcode."),
        button=mark_text("Receive"),
        right=Right.BORROWING_ACT,
        task="to-receive",
        due=True,
        slips=(PrintKind.HOLD_SLIPS, PrintKind.TRANSIT_SLIPS),
    ),
    ScanDesk(
        work=ScanWork.UNPACK,
        title=mark_text("Unpack at branch"),
        hint=mark_text("Scan items that have reached this branch but are not shelved yet. The patron is not notified."),
        button=mark_text("Mark as arrived"),
        right=Right.BRANCH_ACT,
        task="in-transit",
    ),
    ScanDesk(
        work=ScanWork.SHELVE,
        title=mark_text("Shelve at branch"),
        hint=mark_text(
            "Scan items as you put them on this branch’s hold shelf. The patron is notified that the item is ready."
        ),
        button=mark_text("Shelve"),
        right=Right.BRANCH_ACT,
        task="in-transit",
        slips=(PrintKind.HOLD_SLIPS,),
    ),
    ScanDesk(
        work=ScanWork.LEND,
        title=mark_text("Check out"),
        hint=mark_text("Scan the item that the patron is borrowing."),
        button=mark_text("Check out"),
        right=Right.BRANCH_ACT,
    ),
    ScanDesk(
        work=ScanWork.TAKE_BACK,
        title=mark_text("Patron return"),
        hint=mark_text("Scan the item that the patron has returned."),
        button=mark_text("Patron return"),
        right=Right.BRANCH_ACT,
    ),
    ScanDesk(
        work=ScanWork.RETURN,
        title=mark_text("Return to lender"),
        hint=mark_text("Scan each item as you pack it for its lender."),
        button=mark_text("Return to lender"),
        right=Right.BORROWING_ACT,
        task="to-return",
        slips=(PrintKind.RETURN_SLIPS,),
        labels=(PrintKind.ADDRESS_LABELS,),
        final=mark_text(
            "This cannot be undone: the lender is notified and the temporary item is deleted from the library system."
        ),
    ),
    ScanDesk(
        work=ScanWork.LOCATE,
        title=mark_text("Pull"),
        hint=mark_text("Scan the pull slip or the item. The requester is notified that we will supply."),
        button=mark_text("Mark as pulled"),
        right=Right.LENDING_ACT,
        task="to-pull",
    ),
    ScanDesk(
        work=ScanWork.SHIP,
        title=mark_text("Ship"),
        hint=mark_text("Scan each item as you pack it for the requester."),
        button=mark_text("Ship"),
        right=Right.LENDING_ACT,
        task="to-ship",
        due=True,
        slips=(PrintKind.SHIPPING_SLIPS,),
        labels=(PrintKind.ADDRESS_LABELS,),
    ),
    ScanDesk(
        work=ScanWork.CHECK_IN,
        title=mark_text("Check in"),
        hint=mark_text("Scan each of our items that has come back."),
        button=mark_text("Check in"),
        right=Right.LENDING_ACT,
        task="to-check-in",
    ),
)
DESK_OF_PATH = {desk.path: desk for desk in DESKS}

WORDS = {
    ScanOutcome.DONE: mark_text("Done"),
    ScanOutcome.LOOK: mark_text("To check"),
    ScanOutcome.FAILED: mark_text("Failed"),
}

TEXTS = {
    ScanReason.DONE: "",
    ScanReason.ALREADY: mark_text("already done; nothing was changed"),
    ScanReason.LIBRARY_USE: mark_text("library use only"),
    ScanReason.UNWANTED: mark_text("The patron no longer needs it: return it."),
    ScanReason.ELSEWHERE: mark_text("forward to its pickup location"),
    ScanReason.SETTLED: mark_text("It was returned after its loss had been settled."),
    ScanReason.RECALLED: mark_text("The lender has recalled this item, so it was not checked out."),
    ScanReason.NOT_SENT: mark_text("The lender has not reported that this was shipped, so it was not received."),
    ScanReason.ON_HOLD_SHELF: mark_text("The patron is waiting for this item, so it was not returned."),
    ScanReason.ON_LOAN: mark_text("This item is checked out to the patron, so it was not returned."),
    ScanReason.SEVERAL: mark_text("Several requests have this code. Choose one."),
    ScanReason.ITEM_MISSING: mark_text("Scan the barcode of the item next."),
    ScanReason.NOT_NOW: mark_text("This request needs another step first."),
    ScanReason.OTHER_BRANCH: mark_text("This belongs to another branch."),
    ScanReason.PATRON_CARD: mark_text("This is a patron’s card. Scan the item instead."),
    ScanReason.WORK_NUMBER: mark_text("This number identifies a work. Scan the item instead."),
    ScanReason.OWN_ITEM: mark_text("This is our item, but it belongs to no request."),
    ScanReason.UNKNOWN: mark_text("No request or item has this number."),
    ScanReason.REFUSED: mark_text("The library system refused:"),
    ScanReason.KEPT: mark_text("The library system is not responding. This will be done when it responds."),
}
_FORWARDED = frozenset({ScanReason.ELSEWHERE, ScanReason.OTHER_BRANCH})

OTHER_WORK_TEXTS = {
    Role.LENDING: mark_text("This is our item, lent to another library. Use “Ship” or “Check in”."),
    Role.BORROWING: mark_text("This item belongs to another library. Use “Receive” or “Return to lender”."),
}


@value_object(kw_only=True)
class ScanLine:
    """The result of a scan, as it is shown. `tag`: how the request stands, where something else comes first; `facts`:
    where it goes, until when; `undo`: the word by which it is taken back (`RecentActs`), empty: nothing does;
    `can_repeat`: the same scan may come to something else; `slip`: None where it has no paper, or not with each
    scan."""

    at: datetime
    result: ScanResult
    word: str
    text: str
    tag: StateTag | None
    facts: str
    undo: str
    can_repeat: bool = False
    slip: LineSlip | None = None

    @property
    def outcome(self) -> str:
        return self.result.outcome.value

    @property
    def request_id(self) -> str:
        """Empty: no request was meant."""
        return self.result.request.id if self.result.request is not None else ""

    @property
    def can_open(self) -> bool:
        """True if its request is there to be looked at: another branch's is not for everybody."""
        return bool(self.request_id) and self.result.reason is not ScanReason.OTHER_BRANCH

    @property
    def paper_id(self) -> str:
        """The id of the request whose paper is printed with the run's; empty: nothing was done to it."""
        was_done = self.result.reason in DID_SOMETHING or self.result.reason is ScanReason.ALREADY
        return self.request_id if was_done else ""

    @property
    def needs_hand(self) -> bool:
        return self.result.outcome is not ScanOutcome.DONE


# --- pages ---------------------------------------------------------------------------------------------------


async def show_scan_index(request: StaffRequest) -> web.Response:
    branches = request.branches_for(Right.BRANCH_ACT)
    counts = {task.name: task.count for task in await request.library.desk.list_work(branches)}
    return request.render(
        "scan_index",
        request.gettext("Scan"),
        help_topic="scan",
        sides=[
            (side, [(desk, counts.get(desk.task)) for desk in desks])
            for side, desks in groupby(_open_desks(request), lambda desk: desk.side)
        ],
    )


async def show_scan_page(request: StaffRequest) -> web.Response:
    return _render_page(request, FormCheck(request, SubmittedForm()), ())


async def submit_scans(request: StaffRequest) -> web.Response:
    """Codes one a line, or one code that a script sends: then the answer is JSON with the line for it."""
    form = await request.read_own_form()
    desk = _desk_of_request(request)
    checked = FormCheck(request, form)
    codes = [code for line in form.fields.get("code", "").splitlines() if (code := line.strip())]
    checked.values["code"] = "\n".join(codes)
    due = checked.read_day("due", request.context.today()) if desk.due else None
    if not codes:
        checked.add_problem("code", "wrong-missing", field=request.gettext("Code"))
    elif len(codes) > MAX_CODES:
        words = request.gettext("You can scan up to %(most)s codes at once.", most=MAX_CODES)
        checked.add_problem_text("code", words)
    elif any(len(code) > MAX_CODE_CHARS for code in codes):
        checked.add_problem("code", "wrong-long", most=MAX_CODE_CHARS)
    if not checked.is_good:
        if request.is_asked_by_script:
            return _answer_with_line(request, desk, _make_unread_line(request, codes, checked))
        return _render_page(request, checked, ())
    lines = await _scan_codes(request, desk, form, codes, due)
    if desk.slips and is_slip_wanted_with_each(request, form):
        slips = await make_slips(request, desk.slips, [line.result for line in lines], form["batches"])
        lines = [replace(line, slip=slip) for line, slip in zip(lines, slips, strict=True)]
    if request.is_asked_by_script:
        return _answer_with_line(request, desk, lines[0])
    return _render_page(request, FormCheck(request, SubmittedForm({"due": form["due"]})), lines[::-1])


async def keep_settings(request: StaffRequest) -> web.Response:
    """Keep settings for this person at this browser."""
    form = await request.read_own_form()
    back = DESK_OF_PATH.get(f"/scan/{form['work']}")
    response = request.redirect(
        f"{request.root}{back.path if back is not None else '/scan'}", request.gettext("Saved.")
    )
    kept = {SOUND_COOKIE: "on" if form["sound"] else "off"}
    if form["slips"] in set(SlipChoice):
        kept[SLIPS_COOKIE] = form["slips"]
    secure = "; Secure" if request.visit.secure else ""
    for name, value in kept.items():
        response.headers.add(
            hdrs.SET_COOKIE, f"{name}={value}; Path={ROOT}; Max-Age={YEAR}; HttpOnly; SameSite=Lax{secure}"
        )
    return response


async def _scan_codes(
    request: StaffRequest, desk: ScanDesk, form: SubmittedForm, codes: Sequence[str], due: date | None
) -> list[ScanLine]:
    """A line for each; but one for a number and the item's own barcode that follows it."""
    key = form["key"][:MAX_KEY_CHARS] or secrets.token_hex(16)
    lines: list[ScanLine] = []
    after = form["after"]
    for number, code in enumerate(codes):
        line = await _scan_code(request, desk, form, code, f"{key}-{number}", due, after)
        if lines and after and line.request_id == after:
            lines.pop()
        lines.append(line)
        after = line.request_id if line.result.reason is ScanReason.ITEM_MISSING else ""
    return lines


async def _scan_code(
    request: StaffRequest, desk: ScanDesk, form: SubmittedForm, code: str, key: str, due: date | None, after: str
) -> ScanLine:
    order = ScanOrder(
        work=desk.work,
        code=code,
        key=key,
        actor=request.user.actor,
        request_id=form["request"],
        item=form["item"][:MAX_CODE_CHARS],
        after=after,
        confirmed=bool(form["confirmed"]),
        due=due,
        branches=request.branches_for(desk.right),
    )
    try:
        result = await request.library.scans.scan(order)
    except Refused as refused:  # the library's system would not look
        result = ScanResult(code=code, reason=ScanReason.REFUSED, detail=refused.detail)
    return _make_line(request, desk, result, await _name_pickup(request, desk, result))


# --- lines ---------------------------------------------------------------------------------------------------


async def _name_pickup(request: StaffRequest, desk: ScanDesk, result: ScanResult) -> str:
    """The pickup location's name, or its code while the library system does not name it; empty: the line has none."""
    if result.reason not in _FORWARDED and desk.work not in (ScanWork.UNPACK, ScanWork.SHELVE):
        return ""
    code = result.request.patron.pickup if result.request is not None else ""
    return (await list_places(request)).get(code, code) if code else ""


def _make_line(request: StaffRequest, desk: ScanDesk, result: ScanResult, pickup: str) -> ScanLine:
    did_something = result.reason in DID_SOMETHING
    return ScanLine(
        at=request.parts.clock.now(),
        result=result,
        word=request.gettext(WORDS[result.outcome]),
        text=_describe_reason(request, result, pickup),
        tag=tag_of_request(result.request, request.localization)
        if result.reason is ScanReason.NOT_NOW and result.request is not None
        else None,
        facts=_describe_facts(request, desk, result, pickup) if did_something and result.request is not None else "",
        undo=_keep_recent_act(request, desk, result),
        can_repeat=result.reason is ScanReason.REFUSED,
    )


def _keep_recent_act(request: StaffRequest, desk: ScanDesk, result: ScanResult) -> str:
    """The word by which it is taken back."""
    if result.done is None or result.request is None:
        return ""
    done = result.done
    details = EventDetails(volumes=(result.volume,) if result.volume else ())
    event = note_done_event(done.before, result.request, done.kind, details)
    act = RecentAct(
        library=request.library.symbol,
        user=request.user.name,
        right=desk.right,
        back=request.path("scan", desk.work.value),
        events=(event,) if event is not None else (),
    )
    return request.parts.recent.keep_act(act)


def _make_unread_line(request: StaffRequest, codes: Sequence[str], checked: FormCheck) -> ScanLine:
    """Make the line of a code with which nothing was done, since something else of the form is wrong."""
    return ScanLine(
        at=request.parts.clock.now(),
        result=ScanResult(code="".join(codes[:1])[:MAX_CODE_CHARS], reason=ScanReason.UNKNOWN),
        word=request.gettext(WORDS[ScanOutcome.FAILED]),
        text=" ".join((*checked.general, *checked.problems.values())),
        tag=None,
        facts="",
        undo="",
        can_repeat=True,
    )


def _describe_reason(request: StaffRequest, result: ScanResult, pickup: str) -> str:
    if result.reason is ScanReason.OTHER_WORK and result.request is not None:
        return request.gettext(OTHER_WORK_TEXTS[result.request.role])
    if result.reason is ScanReason.ELSEWHERE and pickup:
        return request.gettext("forward to %(place)s", place=pickup)
    if result.reason is ScanReason.OTHER_BRANCH and pickup:
        return request.gettext("This belongs to another branch: %(place)s.", place=pickup)
    if result.settlement is not None:
        return describe_settlement(result.settlement, request.localization, request.context.zone)
    text = request.gettext(TEXTS[result.reason]) if TEXTS[result.reason] else ""
    return (
        f"{text} {request.localization.translate_sentence(result.detail)}"
        if result.reason is ScanReason.REFUSED
        else text
    )


def _describe_facts(request: StaffRequest, desk: ScanDesk, result: ScanResult, pickup: str) -> str:
    """Describe where it goes and until when; of several volumes which one it was."""
    record = result.request
    assert record is not None, "what was done was done to a request"
    parts = [_describe_volume(request, desk, record, result.volume)]
    if desk.work in (ScanWork.RETURN, ScanWork.SHIP, ScanWork.LOCATE):
        parts.append(request.gettext("for %(partner)s", partner=record.partner.name or record.partner.symbol))
    if desk.work in (ScanWork.UNPACK, ScanWork.SHELVE):
        parts.append(request.gettext("pickup at %(place)s", place=pickup) if pickup else "")
    due = record.terms.patron_due if desk.work is ScanWork.LEND else record.terms.lender_due
    if due is not None and desk.work in (ScanWork.LEND, ScanWork.RECEIVE, ScanWork.SHIP):
        day = local_day(due, request.context.zone)
        assert day is not None, "a moment has a day"
        parts.append(request.gettext("due %(day)s", day=request.format_day(day)))
    return ", ".join(filter(None, parts))


def _describe_volume(request: StaffRequest, desk: ScanDesk, record: Request, volume: str) -> str:
    if len(record.volumes) < 2 or not volume:
        return ""
    number = next((at for at, known_volume in enumerate(record.volumes, 1) if known_volume.id == volume), 0)
    left = len(list_pending_volumes(RULE_OF_WORK[desk.work], record))
    which = request.gettext("volume %(number)s of %(count)s", number=number, count=len(record.volumes))
    more = request.ngettext("%(num)s outstanding", "%(num)s outstanding", left) if left else request.gettext("complete")
    return f"{which}, {more}"


# --- what goes out -------------------------------------------------------------------------------------------


def _render_page(request: StaffRequest, checked: FormCheck, lines: Sequence[ScanLine]) -> web.Response:
    desk = _desk_of_request(request)
    counts = {outcome.value: 0 for outcome in ScanOutcome}
    for line in lines:
        counts[line.outcome] += 1
    return request.render(
        "scan",
        request.gettext(desk.title),
        checked.status,
        help_topic="scan",
        frames=OURSELVES if desk.slips else (),
        desk=desk,
        others=[scan_desk for scan_desk in _open_desks(request) if scan_desk is not desk],
        checked=checked,
        key=secrets.token_hex(16),
        lines=lines,
        counts=counts,
        sound=request.http.cookies.get(SOUND_COOKIE, "on") != "off",
        print_path=request.open_path("/print"),
        slips=read_slip_choice(request).value,
        slip_texts=SLIP_TEXTS,
        papers=[(kind, request.gettext(KINDS[kind][0]), request.gettext(PRINT_TEXTS[kind])) for kind in desk.papers],
        run_batches={line.slip.kind: line.slip.batch for line in reversed(lines) if line.slip is not None},
        run_ids=list(dict.fromkeys(line.paper_id for line in lines if line.paper_id)),
    )


def _answer_with_line(request: StaffRequest, desk: ScanDesk, line: ScanLine) -> web.Response:
    values: Mapping[str, object] = {"page": request, "desk": desk, "line": line}
    parts = {
        name: TEMPLATES.render(f"scan_{name}", request.localization, values)
        for name in ("line", "last", *(("hand",) if line.needs_hand else ()))
    }
    slip = line.slip
    slip_answer = (
        {"path": slip.path, "kind": slip.kind.value, "batch": slip.batch, "print": slip.is_due}
        if slip is not None
        else None
    )
    answer = {"outcome": line.outcome, "request": line.request_id, "paper": line.paper_id, "slip": slip_answer, **parts}
    return web.json_response(answer, headers=HEADERS)


def _desk_of_request(request: StaffRequest) -> ScanDesk:
    return DESK_OF_PATH[request.page.path]


def _open_desks(request: StaffRequest) -> list[ScanDesk]:
    return [desk for desk in DESKS if request.has_right(desk.right)]


PAGES = (
    StaffPage("GET", "/scan", show_scan_index, Right.BRANCH_ACT),
    StaffPage("POST", "/scan/settings", keep_settings, Right.BRANCH_ACT),
    *(StaffPage("GET", desk.path, show_scan_page, desk.right) for desk in DESKS),
    *(StaffPage("POST", desk.path, submit_scans, desk.right) for desk in DESKS),
)
