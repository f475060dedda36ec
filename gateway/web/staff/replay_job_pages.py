"""Many messages of the journal replayed as a job: what it would do is shown first, with their number; then it goes on
in the background, and can be paused, resumed and stopped."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from aiohttp import web

from gateway.domain.roles import Right
from gateway.domain.value import replace, value_object
from gateway.services.desks.replay_jobs import (
    MANY_FAILURES,
    JobAct,
    JobProgress,
    JobStatus,
    JournalFilter,
    ListedReplay,
    ReplayStatus,
    SelectionChangedError,
    load_search,
)
from gateway.services.exchange.message_context import NotReplayableError, RehearsalResult
from gateway.services.exchange.replay_selection import ReplaySelection, TooManyMessagesError
from gateway.services.letters.localization import mark_text
from gateway.web.html.forms import FormCheck
from gateway.web.staff.journal_pages import OUTCOMES, describe_message, describe_search, list_profiles, read_search
from gateway.web.staff.journal_reasons import describe_journal_reason
from gateway.web.staff.replay_pages import describe_replay_refusal
from gateway.web.staff.staff_request import StaffPage, StaffRequest

ROWS = 100

MAX_PREVIEWS = 200
"""Messages of a selection that are rehearsed before they are replayed."""

STATUSES: Mapping[ReplayStatus, tuple[str, str]] = {
    ReplayStatus.DONE: ("good", mark_text("done")),
    ReplayStatus.REFUSED: ("look", mark_text("refused")),
    ReplayStatus.FAILED: ("late", mark_text("failed")),
    ReplayStatus.WAITING: ("waiting", mark_text("waiting")),
    ReplayStatus.LEFT_OUT: ("closed", mark_text("not replayable")),
}
"""Shape of the tag and word."""

JOB_STATUSES: Mapping[JobStatus, tuple[str, str]] = {
    JobStatus.RUNNING: ("waiting", mark_text("running")),
    JobStatus.PAUSED: ("look", mark_text("paused")),
    JobStatus.STOPPED: ("closed", mark_text("stopped")),
    JobStatus.FINISHED: ("good", mark_text("finished")),
}

BANNERS: Mapping[JobAct, str] = {
    JobAct.PAUSE: mark_text("The replay is paused."),
    JobAct.RESUME: mark_text("The replay continues."),
    JobAct.STOP: mark_text("The replay is stopped."),
}


_NUMBER = re.compile(r"[0-9]{1,9}")


@value_object
class ShownGroup:
    """Messages of a selection that are alike."""

    partner: str
    service: str
    kind: str
    outcome: str
    reason: str
    count: int


@value_object
class ShownReplay:
    """A message of a job. `then` and `now`: its outcome, and that of its replay; `refusal`: why."""

    listed: ListedReplay
    partner: str
    kind: str
    now: str
    refusal: str
    then: str
    then_reason: str


# --- before it begins ----------------------------------------------------------------------------------------


async def preview_job(request: StaffRequest) -> web.Response:
    """Show what a job would do. The form has: the fields of the journal's search."""
    return await _render_preview(request, FormCheck(request, await request.read_own_form()))


async def begin_job(request: StaffRequest) -> web.Response:
    """Begin a job. The form has, besides: `until`, the moment of the preview, and `agreed`, how many messages it
    had."""
    checked = FormCheck(request, await request.read_own_form())
    selection = await _read_selection(request, checked)
    await request.confirm_by_form(checked)
    agreed = checked.form["agreed"]
    if not checked.is_good or not _NUMBER.fullmatch(agreed):
        return await _render_preview(request, checked)
    try:
        job = await request.library.replay_jobs.begin_job(selection, int(agreed), request.origin)
    except (SelectionChangedError, TooManyMessagesError):
        checked.general.append(
            request.gettext("Nothing was done: other messages match now. Check the preview before you replay them.")
        )
        return await _render_preview(request, checked)
    return request.redirect(request.path("operation", "replays", job.id), request.gettext("The replay has begun."))


async def _read_selection(request: StaffRequest, checked: FormCheck) -> JournalFilter:
    """Read the selection of messages that came before the preview."""
    search, _query = read_search(request, checked)
    journal_filter = await request.library.journaled.make_filter(search)
    until = _read_moment(checked.form["until"]) or request.parts.clock.now()
    return replace(journal_filter, until=until if journal_filter.until is None else min(until, journal_filter.until))


def _read_moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


async def _render_preview(request: StaffRequest, checked: FormCheck) -> web.Response:
    journal_filter = await _read_selection(request, checked)
    _search, query = read_search(request, checked)
    selection, too_many = ReplaySelection((), 0), False
    if not query:
        checked.general.append(request.gettext("Choose which messages to replay in the message journal."))
    else:
        try:
            selection = await request.library.replay_jobs.select_messages(journal_filter)
        except TooManyMessagesError:
            too_many = True
    return request.render(
        "replay_preview",
        request.gettext("Preview of the replay"),
        status=checked.status,
        help_topic="operation",
        checked=checked,
        query=query,
        until=journal_filter.until.isoformat() if journal_filter.until is not None else "",
        selection=selection,
        too_many=too_many,
        groups=list(_group_messages(request, selection)),
        forecasts=await _forecast(request, selection),
        is_partial=len(selection.messages) > MAX_PREVIEWS,
        previews=MAX_PREVIEWS,
    )


def _group_messages(request: StaffRequest, selection: ReplaySelection) -> Iterator[ShownGroup]:
    counts: Counter[tuple[str, str, str, str, str]] = Counter()
    for message in selection.messages:
        words = describe_message(request, message)
        counts[words.partner, message.service, words.kind, words.outcome, words.reason] += 1
    for group, count in counts.most_common():
        yield ShownGroup(*group, count)


async def _forecast(request: StaffRequest, selection: ReplaySelection) -> Sequence[tuple[str, int]]:
    """Count by words what would become of the messages, as far as it can be told without the library system."""
    counts: Counter[str] = Counter()
    for message in selection.messages[:MAX_PREVIEWS]:
        try:
            result = (await request.replays.rehearse_message(message.id)).result
        except NotReplayableError as why:
            reason = request.localization.translate_sentence(why.detail)
            counts[request.gettext("cannot be replayed: %(reason)s", reason=reason)] += 1
            continue
        counts[describe_forecast(request, result)] += 1
    return counts.most_common()


def describe_forecast(request: StaffRequest, result: RehearsalResult) -> str:
    """Describe what would become of a message, as far as it can be told without the library system."""
    if result.refusal is not None:
        return request.gettext("would be refused: %(reason)s", reason=describe_replay_refusal(request, result.refusal))
    if result.carried_out_as or result.is_repeat:
        return request.gettext("was done before; steps still in effect are not repeated")
    if result.command is not None:
        command = type(result.command).__name__
        return request.gettext("would call the library system for %(command)s", command=command)
    if result.told is not None:
        return request.gettext("concerns a request")
    return request.gettext("is answered without the library system")


# --- and afterwards ------------------------------------------------------------------------------------------


async def show_jobs(request: StaffRequest) -> web.Response:
    jobs = await request.library.replay_jobs.list_jobs()
    await request.actors.load_names(progress.job.begun_by for progress in jobs)
    return request.render(
        "replay_jobs",
        request.gettext("Replay jobs"),
        help_topic="operation",
        jobs=[(job, *_describe_job_status(request, job), _describe_job_search(request, job)[0]) for job in jobs],
    )


async def show_job(request: StaffRequest) -> web.Response:
    """Show a job. The query has: `after`, a position; `status`, one of `ReplayStatus`. Raises NotFound."""
    job_id, query = request.http.match_info["job"], request.http.query
    progress = await request.library.replay_jobs.find_job(job_id)
    status_word = query.get("status", "")
    status = ReplayStatus(status_word) if status_word in set(ReplayStatus) else None
    said_after = query.get("after", "")
    after = int(said_after) if _NUMBER.fullmatch(said_after) else 0
    listed = await request.library.replay_jobs.list_items(job_id, ROWS + 1, after - 1, status)
    more = listed[ROWS].item.position if len(listed) > ROWS else 0
    await request.actors.load_names([progress.job.begun_by])
    kind, word = _describe_job_status(request, progress)
    search, search_query = _describe_job_search(request, progress)
    return request.render(
        "replay_job",
        request.ngettext("Replay of %(num)s message", "Replay of %(num)s messages", progress.total),
        help_topic="operation",
        progress=progress,
        job=progress.job,
        search=search,
        search_query=search_query,
        kind=kind,
        word=word,
        counts=[
            (replay_status.value, kind_of_status, request.gettext(text), progress.counts.get(replay_status, 0))
            for replay_status, (kind_of_status, text) in STATUSES.items()
        ],
        only=status_word if status is not None else "",
        is_running=progress.job.status is JobStatus.RUNNING,
        is_paused=progress.job.status is JobStatus.PAUSED,
        has_paused_itself=progress.job.reason == MANY_FAILURES,
        replays=[_describe_replay(request, item) for item in listed[:ROWS]],
        more=request.path("operation", "replays", job_id, after=str(more), status=status_word) if more else "",
        may_change=request.has_right(Right.OPERATION_ACT),
    )


def _describe_job_status(request: StaffRequest, progress: JobProgress) -> tuple[str, str]:
    """A job that has finished tells how many of its messages were refused, failed or left out."""
    kind, word = JOB_STATUSES[progress.job.status]
    done = progress.counts.get(ReplayStatus.DONE, 0)
    if progress.job.status is not JobStatus.FINISHED or done == progress.total:
        return kind, request.gettext(word)
    if not done:
        return "late", request.gettext("finished, none done")
    undone = progress.total - done
    return "look", request.ngettext("finished, %(num)s not done", "finished, %(num)s not done", undone)


def _describe_job_search(request: StaffRequest, progress: JobProgress) -> tuple[str, dict[str, str]]:
    """Describe the search that a job came from, and its query; empty: it is not known."""
    search = load_search(progress.job)
    return describe_search(request, search) if search is not None else ("", {})


def _describe_replay(request: StaffRequest, listed: ListedReplay) -> ShownReplay:
    kind, word = STATUSES[listed.item.status]
    names = dict(list_profiles(request))
    then = OUTCOMES[listed.outcome][1] if listed.outcome is not None else ""
    return ShownReplay(
        listed=listed,
        partner=names.get(listed.profile, listed.profile),
        kind=kind,
        now=request.gettext(word),
        refusal=describe_journal_reason(listed.item.reason, request.localization),
        then=request.gettext(then) if then else "",
        then_reason=describe_journal_reason(listed.reason, request.localization),
    )


async def change_job(request: StaffRequest) -> web.Response:
    """Change a job. The form has: `act`. Raises NotFound."""
    form = await request.read_own_form()
    job_id = request.http.match_info["job"]
    back = request.path("operation", "replays", job_id)
    await request.library.replay_jobs.find_job(job_id)
    if form["act"] not in set(JobAct):
        return request.redirect(back)
    act = JobAct(form["act"])
    if not await request.library.replay_jobs.change_job(job_id, act, request.origin):
        banner = request.gettext("Nothing was done: the status of the replay has changed.")
        return request.redirect(back, banner, "look")
    return request.redirect(back, request.gettext(BANNERS[act]))


PAGES = (
    StaffPage("POST", "/operation/replays/preview", preview_job, Right.OPERATION_ACT),
    StaffPage("POST", "/operation/replays", begin_job, Right.OPERATION_ACT),
    StaffPage("GET", "/operation/replays", show_jobs, Right.OPERATION),
    StaffPage("GET", "/operation/replays/{job}", show_job, Right.OPERATION),
    StaffPage("POST", "/operation/replays/{job}", change_job, Right.OPERATION_ACT),
)
