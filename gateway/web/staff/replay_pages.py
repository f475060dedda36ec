"""A message of the journal played again: what it would do is shown first, beside what was answered then; then it is
carried out once more, with an entry of its own. One message at a time; replay_job_pages does many."""

from __future__ import annotations

from aiohttp import web

from gateway.configuration.text_difference import DifferenceLine, compare_texts
from gateway.domain.problems import MalformedMessage, Refusal
from gateway.domain.roles import Right
from gateway.domain.value import value_object
from gateway.ports.responder import OutcomeClass
from gateway.services.desks.message_replays import AlreadyReplayedError, MessageRehearsal, MessageReplay
from gateway.services.exchange.message_context import NotReplayableError, RehearsalResult
from gateway.services.letters.localization import mark_text
from gateway.web.html.forms import FormCheck
from gateway.web.message_texts import format_body_lines, format_value_lines
from gateway.web.staff.journal_pages import describe_message
from gateway.web.staff.journal_reasons import describe_journal_reason
from gateway.web.staff.request_story import describe_message_kind
from gateway.web.staff.staff_request import StaffPage, StaffRequest

ENDINGS = {
    OutcomeClass.OK: ("good", mark_text("Replayed. The result is shown below.")),
    OutcomeClass.FAILED: ("late", mark_text("The replay failed: see the reason below.")),
}
"""Shape and words of the banner; all other endings are refusals."""

REFUSED_ENDING = ("look", mark_text("The replay was refused: see the reason below."))


@value_object
class ShownRehearsal:
    """`tells`: what the message tells of a request, in words; `command`: name of what it asks the library for;
    `asked`: either in lines, with names of the code; `refusal`: why it would be refused. Empty: it isn't so.
    `answer_then` and `answer_now`: as people read them, empty where none is kept or only the library can tell;
    `difference` of both."""

    result: RehearsalResult
    newest_replay: str
    tells: str
    command: str
    asked: str
    refusal: str
    answer_then: str
    answer_now: str
    difference: tuple[DifferenceLine, ...]


async def rehearse_message(request: StaffRequest) -> web.Response:
    """Show what a replay would do; raises NotFound."""
    return await _render_rehearsal(request, FormCheck(request, await request.read_own_form()))


async def replay_message(request: StaffRequest) -> web.Response:
    """Replay a message. The form has: `seen`, the newest replay when it was rehearsed. Raises NotFound."""
    checked = FormCheck(request, await request.read_own_form())
    message_id = request.http.match_info["message"]
    await request.library.journaled.read_exchange(message_id)
    await request.confirm_by_form(checked)
    if not checked.is_good:
        return await _render_rehearsal(request, checked)
    try:
        replayed = await request.replays.replay_message(message_id, checked.form["seen"], request.origin)
    except NotReplayableError:
        return await _render_rehearsal(request, checked)  # which says why
    except AlreadyReplayedError:
        checked.general.append(
            request.gettext(
                "Nothing was done: somebody has already replayed this message. Check the result before you replay it "
                "again."
            )
        )
        return await _render_rehearsal(request, checked)
    return _show_ending(request, message_id, replayed)


def _show_ending(request: StaffRequest, message_id: str, replayed: MessageReplay) -> web.Response:
    if not replayed.id:
        return request.redirect(
            request.path("operation", "journal", message_id),
            request.gettext("Nothing was done: the journal could not be written. Please try again later."),
            "late",
        )
    kind, words = ENDINGS.get(replayed.outcome, REFUSED_ENDING)
    return request.redirect(request.path("operation", "journal", replayed.id), request.gettext(words), kind)


async def _render_rehearsal(request: StaffRequest, checked: FormCheck) -> web.Response:
    """Render the page, and log who saw it: what is shown of the message may name a reader. Raises NotFound."""
    message_id = request.http.match_info["message"]
    rehearsal, obstacle = None, ""
    try:
        rehearsal = await request.replays.rehearse_message(message_id)
    except NotReplayableError as why:
        obstacle = request.localization.translate_sentence(why.detail)
    if rehearsal is not None:
        await request.library.users.log_message_view(rehearsal.message.id, request.origin)
    exchange = await request.library.journaled.read_exchange(message_id)
    message = exchange[0].message
    words = describe_message(request, message)
    return request.render(
        "journal_replay",
        request.gettext("Replay preview"),
        status=checked.status,
        help_topic="operation",
        checked=checked,
        message=message,
        words=words,
        obstacle=obstacle,
        rehearsal=_describe_rehearsal(request, rehearsal, words.partner) if rehearsal is not None else None,
        is_in_hand=message.outcome is OutcomeClass.PENDING,
    )


def _describe_rehearsal(request: StaffRequest, rehearsal: MessageRehearsal, partner: str) -> ShownRehearsal:
    result = rehearsal.result
    command, told = result.command, result.told
    details = command if command is not None else told.details if told is not None else None
    then = format_body_lines(rehearsal.answer_then or b"")
    now = format_body_lines(result.answer.body) if result.answer is not None else ""
    return ShownRehearsal(
        result=result,
        newest_replay=rehearsal.newest_replay,
        tells=describe_message_kind(told.kind.value, "in", partner, request.localization) if told is not None else "",
        command=type(command).__name__ if command is not None else "",
        asked="\n".join(format_value_lines(details)) if details is not None else "",
        refusal=describe_replay_refusal(request, result.refusal) if result.refusal is not None else "",
        answer_then=then,
        answer_now=now,
        difference=compare_texts(then, now) if then and now else (),
    )


def describe_replay_refusal(request: StaffRequest, refusal: Refusal | MalformedMessage) -> str:
    if isinstance(refusal, MalformedMessage):
        return str(refusal)
    return request.localization.translate_sentence(refusal.detail) or describe_journal_reason(
        refusal.reason, request.localization
    )


PAGES = (
    StaffPage("POST", "/operation/journal/{message}/rehearsal", rehearse_message, Right.OPERATION_ACT),
    StaffPage("POST", "/operation/journal/{message}/replay", replay_message, Right.OPERATION_ACT),
)
