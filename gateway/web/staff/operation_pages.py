"""State of the gateway, for operators: what needs them, parts, mailboxes, what waits, and jobs in the background."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import PurePath

from aiohttp import web

from gateway.domain.problems import ConfigurationError, ConfigurationProblem, Refused, Unavailable
from gateway.domain.roles import Right
from gateway.domain.sentences import strip_full_stop
from gateway.domain.value import replace, value_object
from gateway.services.desks.journaled_messages import TroubleCount
from gateway.services.letters.localization import mark_text
from gateway.services.operation.gateway_operation import (
    QUEUE_AGE,
    BackgroundJob,
    CheckFindings,
    MailboxState,
    QueueState,
    is_for_operator,
)
from gateway.web.app import PartKind, ReadinessPart
from gateway.web.staff.coded_words import describe_send_error
from gateway.web.staff.journal_pages import OUTCOMES, list_profiles
from gateway.web.staff.journal_reasons import JOURNAL_REASONS, describe_journal_reason
from gateway.web.staff.profile_pages import may_read_file
from gateway.web.staff.staff_request import StaffPage, StaffRequest

PARTS: Mapping[PartKind, str] = {
    PartKind.STORE: mark_text("Database"),
    PartKind.STORE_WRITING: mark_text("Writing to the database"),
    PartKind.LIBRARY: mark_text("Library system"),
    PartKind.MESSAGES: mark_text("Messages"),
    PartKind.MAILBOX: mark_text("Mailbox"),
    PartKind.CLOCK: mark_text("Clock"),
    PartKind.PROXIES: mark_text("Reverse proxies"),
    PartKind.PROFILES: mark_text("Profiles"),
    PartKind.SETTINGS: mark_text("Settings"),
    PartKind.LISTENER: mark_text("Listeners for partners, patrons and staff"),
}
JOBS: Mapping[str, str] = {
    "certificates: ends for the metrics": mark_text("Read when certificates expire"),
    "check: look at the configuration": mark_text("Check the configuration"),
    "configuration: keep the last good one": mark_text("Save a copy of the last good configuration"),
    "configuration: reload on SIGHUP": mark_text("Reload the configuration"),
    "database: size for the metrics": mark_text("Measure the size of the database"),
    "health: ask the libraries' systems": mark_text("Check whether the library systems respond"),
    "health: look for the metrics": mark_text("Check all components"),
    "health: try to write": mark_text("Test writing to the database"),
    "journal: oldest pending for the metrics": mark_text("Find messages that have been in progress too long"),
    "journal: retention": mark_text("Delete messages whose retention period has ended"),
    "mailboxes: how long away, for the metrics": mark_text("Find mailboxes that cannot be read"),
    "messages: count the unread for the metrics": mark_text("Count unread messages"),
    "network: ask members for their loads": mark_text("Get the load of the libraries in the network"),
    "node: keep its place": mark_text("Renew this node’s registration"),
    "node: look for a newer release": mark_text("Check whether a newer release has upgraded the database"),
    "node: finish what waits for libraries": mark_text("Finish messages whose library did not respond"),
    "node: take over from dead ones": mark_text("Take over the work of nodes that have stopped"),
    "outbox: count for the metrics": mark_text("Count the queue"),
    "outbox: do what waits": mark_text("Process the queue"),
    "outbox: retention": mark_text("Delete finished work, email and sessions whose retention period has ended"),
    "libraries: watch their files": mark_text("Watch the settings of libraries"),
    "profiles: watch the folder": mark_text("Watch the profiles folder"),
    "replay: do what waits": mark_text("Replay messages of jobs"),
    "requests.yml: watch": mark_text("Watch requests.yml"),
    "sign-in: forget old failures": mark_text("Clear failed sign-in attempts"),
    "timers: fire what is due": mark_text("Process deadlines that are due"),
    "tls: look for new certificates": mark_text("Check for new certificates"),
    "wake: hear and tell other nodes": mark_text("Exchange work notifications with other nodes"),
}
"""By name as in the log; others are shown by it."""

MAILBOX_JOB = "mailbox: read "

NAMED_JOBS = {
    MAILBOX_JOB: mark_text("Read mailbox %(name)s"),
    "directory: pull ": mark_text("Pull directory %(name)s"),
    "library: close the former system of ": mark_text("Close the former library system of %(name)s"),
}
"""Jobs for one thing each, by what their names begin with; its name follows."""
"""Begins the name of the job that reads a mailbox; the mailbox's name follows."""


@value_object
class ShownPart:
    """`kind`: shape of the tag of `word`; `name`: which one, where there are several; `said`: the gateway's own words,
    in English."""

    part: PartKind
    kind: str
    word: str
    text: str
    name: str
    said: tuple[str, ...]


@value_object
class ShownJob:
    text: str
    job: BackgroundJob


@value_object
class Repair:
    """Something that needs the operator. `path`: where it is mended, empty: not at a page; `button` says what is there,
    or what is done where `is_act`. `since`: aware, None: not known. `meaning`: what it means for people. `library`: the
    name of the one that it is about, on a page of several."""

    kind: str
    text: str
    detail: str
    path: str
    button: str = ""
    since: datetime | None = None
    meaning: str = ""
    is_act: bool = False
    library: str = ""


@value_object
class ShownTrouble:
    """Messages that were not done. `path`: into the journal, empty: it can't look for them."""

    trouble: TroubleCount
    partner: str
    kind: str
    outcome: str
    reason: str
    path: str


PERIODS: Mapping[str, tuple[timedelta, str]] = {
    "hour": (timedelta(hours=1), mark_text("Last hour")),
    "day": (timedelta(days=1), mark_text("Last 24 hours")),
    "week": (timedelta(days=7), mark_text("Last 7 days")),
}
"""Of which messages are counted that were not done; in "day" those that need somebody."""


# --- the page ------------------------------------------------------------------------------------------------


async def show_operation(request: StaffRequest) -> web.Response:
    operation = request.operation
    readiness = await request.parts.check_readiness(request.library.symbol)
    assert readiness is not None, "its library is at work"
    parts = [
        _describe_part(request, part)
        for part in readiness.parts
        if part.library or request.operates_all  # the machine is all libraries'
    ]
    mailboxes = await operation.list_mailboxes()
    queues = await operation.measure_queues()
    period_word = request.http.query.get("period", "day")
    period = period_word if period_word in PERIODS else "day"
    troubles = await _list_troubles(request, period)
    recent = troubles if period == "day" else await _list_troubles(request, "day")
    findings = _list_readable_findings(request)
    return request.render(
        "operation",
        request.gettext("System"),
        help_topic="operation",
        now=request.format_moment(request.parts.clock.now()),
        findings=findings,
        repairs=[
            *_list_refusals(request, recent),
            *_list_findings(request, findings),
            *await _list_repairs(request, parts, mailboxes, queues.given_up),
            *await _list_waiting_work(request, queues),
            *await _list_ending_certificates(request),
        ],
        troubles=troubles,
        period=period,
        periods=[(name, request.gettext(text)) for name, (_, text) in PERIODS.items()],
        shown_parts=parts,
        mailboxes=[(mailbox, _describe_mailbox(request, mailbox)) for mailbox in mailboxes],
        queues=queues,
        jobs=sorted(
            (_describe_job(request, job) for job in _list_jobs(request, mailboxes)), key=lambda shown: shown.text
        ),
    )


async def _list_troubles(request: StaffRequest, period: str) -> list[ShownTrouble]:
    """List troubles, most frequent first."""
    since = request.parts.clock.now() - PERIODS[period][0]
    names = dict(list_profiles(request))
    return [
        _describe_trouble(request, trouble, names) for trouble in await request.library.journaled.count_troubles(since)
    ]


def _describe_trouble(request: StaffRequest, trouble: TroubleCount, names: Mapping[str, str]) -> ShownTrouble:
    kind, word = OUTCOMES[trouble.outcome]
    first = trouble.first.astimezone(request.context.zone).date()
    can_look = trouble.profile in names and trouble.reason in JOURNAL_REASONS
    query = {
        "profile": trouble.profile,
        "service": trouble.service,
        "direction": "in",
        "outcome": trouble.outcome.value,
        "reason": trouble.reason,
        "first": first.isoformat(),
    }
    return ShownTrouble(
        trouble,
        names.get(trouble.profile, trouble.profile) or request.gettext("unknown sender"),
        kind,
        request.gettext(word),
        describe_journal_reason(trouble.reason, request.localization),
        request.path("operation", "journal", **query) if can_look else "",
    )


def _list_refusals(request: StaffRequest, troubles: Sequence[ShownTrouble]) -> list[Repair]:
    """Those that somebody has to look at."""
    return [
        Repair(
            "late",
            request.ngettext(
                "%(num)s message from %(name)s was not processed",
                "%(num)s messages from %(name)s were not processed",
                shown_trouble.trouble.count,
                name=shown_trouble.partner,
            ),
            request.gettext(
                "%(service)s, %(outcome)s: %(reason)s.",
                service=shown_trouble.trouble.service or "?",
                outcome=shown_trouble.outcome,
                reason=shown_trouble.reason or "–",
            ),
            shown_trouble.path,
            request.gettext("Open these messages"),
            shown_trouble.trouble.first,
            request.gettext("The gateway has not carried out the actions that these messages request."),
        )
        for shown_trouble in troubles
        if is_for_operator(shown_trouble.trouble)
    ]


def _list_readable_findings(request: StaffRequest) -> CheckFindings | None:
    """List findings but those in files that the user may not read: they quote what stands there."""
    findings = request.operation.list_findings()
    if findings is None:
        return None
    hidden = {state.file for state in request.operation.list_profiles() if not may_read_file(request, state)}

    def may_read(problem: ConfigurationProblem) -> bool:
        return problem.file not in hidden and (request.operates_all or request.operation.is_own_problem(problem))

    return replace(
        findings,
        problems=tuple(filter(may_read, findings.problems)),
        remarks=tuple(filter(may_read, findings.remarks)),
    )


def _list_findings(request: StaffRequest, findings: CheckFindings | None) -> list[Repair]:
    """Problems of `illgate check`, a line for each file."""
    if findings is None:
        return []
    if findings.failure:
        text = request.gettext("The configuration could not be checked")
        return [Repair("look", text, findings.failure, "#check", request.gettext("Show the check"))]
    counts = Counter(problem.file for problem in findings.problems)
    return [
        Repair(
            "late",
            request.ngettext(
                "%(num)s problem in %(file)s", "%(num)s problems in %(file)s", count, file=PurePath(file).name
            ),
            request.localization.translate_sentence(
                next(problem.describe_problem() for problem in findings.problems if problem.file == file)
            ),
            "#check",
            request.gettext("Show the problems"),
        )
        for file, count in counts.items()
    ]


async def _list_waiting_work(request: StaffRequest, queues: QueueState) -> list[Repair]:
    """Letters that the mail server doesn't take, and messages that could have gone out long ago."""
    waiting_work = []
    if failure := await request.operation.find_mail_failure():
        text = request.ngettext(
            "%(num)s letter to a patron cannot be sent", "%(num)s letters to patrons cannot be sent", failure.waiting
        )
        detail = request.gettext(
            "The mail server is not responding: %(reason)s.",
            reason=strip_full_stop(describe_send_error(failure.reason, request.localization)),
        )
        meaning = request.gettext("The patrons have not been notified. The letters are sent automatically later.")
        waiting_work.append(Repair("late", text, detail, "", since=failure.since, meaning=meaning))
    if queues.oldest_due is not None and request.parts.clock.now() - queues.oldest_due > QUEUE_AGE:
        text = request.gettext("Messages that are due have not been sent")
        meaning = request.gettext("Partners and patrons are waiting for them.")
        path, button = request.open_path("/outbox"), request.gettext("Open failed messages")
        waiting_work.append(Repair("look", text, "", path, button, queues.oldest_due, meaning))
    return waiting_work


async def _list_ending_certificates(request: StaffRequest) -> list[Repair]:
    now = request.parts.clock.now()
    ending_certificates = []
    for certificate in await request.operation.list_ending_certificates():
        if not (request.operates_all or request.operation.is_own_problem(certificate.place)):
            continue
        day = request.format_day(certificate.ends.astimezone(request.context.zone).date())
        file = PurePath(certificate.file).name
        if certificate.has_ended(now):
            text = request.gettext("The certificate %(file)s ended on %(day)s", file=file, day=day)
        else:
            text = request.gettext("The certificate %(file)s ends on %(day)s", file=file, day=day)
        place = f"{certificate.place.file}:{certificate.place.line} {certificate.place.key}"
        meaning = request.gettext("Without a valid certificate, partners refuse our messages, or cannot send theirs.")
        kind = "late" if certificate.has_ended(now) else "look"
        ending_certificates.append(Repair(kind, text, place, "", meaning=meaning))
    return ending_certificates


async def check_configuration(request: StaffRequest) -> web.Response:
    await request.read_own_form()
    await request.operation.check_configuration()
    return request.redirect(request.path("operation"), request.gettext("The configuration was checked."))


def _describe_part(request: StaffRequest, part: ReadinessPart) -> ShownPart:
    kind, word = "good", request.gettext("working")
    if part.problem:
        kind, word = "late", request.gettext("not working")
    elif part.notes:
        kind, word = "look", request.gettext("working, with problems")
    told = (part.problem, *part.notes) if part.problem else part.notes
    said = tuple(map(request.localization.translate_sentence, told))
    return ShownPart(part.kind, kind, word, request.gettext(PARTS[part.kind]), part.own_name, said)


def _describe_mailbox(request: StaffRequest, box: MailboxState) -> tuple[str, str]:
    """Shape and word of its tag."""
    if box.failure is not None:
        return "late", request.gettext("cannot be read")
    if box.seen is None:
        return "waiting", request.gettext("not read yet")
    return "good", request.gettext("reading")


def _list_jobs(request: StaffRequest, mailboxes: Sequence[MailboxState]) -> Sequence[BackgroundJob]:
    """List all jobs of the node; for an operator of some libraries those that read the library's mailboxes."""
    own = {f"{MAILBOX_JOB}{mailbox.name}" for mailbox in mailboxes}
    return [job for job in request.operation.list_jobs() if request.operates_all or job.name in own]


def _describe_job(request: StaffRequest, job: BackgroundJob) -> ShownJob:
    for beginning, text in NAMED_JOBS.items():
        if job.name.startswith(beginning):
            return ShownJob(request.gettext(text, name=job.name.removeprefix(beginning)), job)
    return ShownJob(request.gettext(JOBS[job.name]) if job.name in JOBS else job.name, job)


async def _list_repairs(
    request: StaffRequest, parts: Sequence[ShownPart], mailboxes: Sequence[MailboxState], given_up: int
) -> list[Repair]:
    """List repairs; what stops people first."""
    repairs = [
        Repair(
            part.kind,
            f"{part.text} {part.name}".strip(),
            "; ".join(part.said),
            _repair_path(request, part),
            request.gettext("Show what is wrong"),
        )
        for part in sorted(parts, key=lambda part: part.kind != "late")
        if part.said and not _is_own_mailbox(part, mailboxes)
    ]
    repairs += [
        Repair(
            "late",
            request.gettext("Mailbox %(name)s cannot be read", name=mailbox.name),
            request.localization.translate_sentence(mailbox.failure.reason),
            request.path("operation", "mailboxes", mailbox.name, "poll"),
            request.gettext("Check now"),
            mailbox.failure.since,
            request.gettext("Emails to it from partners and patrons are not read."),
            is_act=True,
        )
        for mailbox in mailboxes
        if mailbox.failure is not None
    ]
    if given_up:
        text = request.ngettext("%(num)s message could not be sent", "%(num)s messages could not be sent", given_up)
        meaning = request.gettext("The recipients have not received them. Retry, edit or skip them.")
        path, button = request.open_path("/outbox"), request.gettext("Open failed messages")
        repairs.append(Repair("late", text, "", path, button, meaning=meaning))
    for partner in await request.library.desk.list_silent_partners():
        text = request.gettext("%(name)s is not responding", name=partner.name)
        waiting = request.ngettext(
            "%(num)s message is waiting and will be sent automatically.",
            "%(num)s messages are waiting and will be sent automatically.",
            partner.waiting,
        )
        path, button = request.path("partners", partner.profile), request.gettext("Open the partner")
        repairs.append(Repair("look", text, "", path, button, partner.since, waiting))
    return repairs


def _is_own_mailbox(part: ShownPart, mailboxes: Sequence[MailboxState]) -> bool:
    """It has a line of its own."""
    return part.part is PartKind.MAILBOX and any(mailbox.name == part.name for mailbox in mailboxes)


def _repair_path(request: StaffRequest, part: ShownPart) -> str:
    if part.part is PartKind.PROFILES:
        return request.path("operation", "profiles")
    if part.part is PartKind.MESSAGES:
        return request.path("operation", "journal", outcome="failed")
    return ""


# --- mailboxes -----------------------------------------------------------------------------------------------


async def poll_mailbox(request: StaffRequest) -> web.Response:
    """Poll a mailbox; raises NotFound."""
    await request.read_own_form()
    name, back = request.http.match_info["name"], request.path("operation")
    try:
        polled = await request.operation.poll_mailbox(name)
    except (Unavailable, Refused, ConfigurationError) as error:
        reason = str(error) if isinstance(error, ConfigurationError) else error.detail
        banner = request.gettext(
            "The mailbox cannot be read: %(reason)s", reason=request.localization.translate_sentence(reason)
        )
        return request.redirect(back, banner, "late")
    if polled is None:
        return request.redirect(
            back, request.gettext("Another node is reading this mailbox, so this node skipped it."), "look"
        )
    banner = request.ngettext(
        "The mailbox was read: %(num)s new email.", "The mailbox was read: %(num)s new emails.", polled.count
    )
    return request.redirect(back, banner)


PAGES = (
    StaffPage("GET", "/operation", show_operation, Right.OPERATION),
    StaffPage("POST", "/operation/check", check_configuration, Right.OPERATION),
    StaffPage("POST", "/operation/mailboxes/{name}/poll", poll_mailbox, Right.OPERATION),
)
