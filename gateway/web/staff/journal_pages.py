"""The journal for operators: messages of all partners by protocol, time and outcome, and one with what answered it. Who
reads the content of a message is logged, since it may name a reader."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby

from aiohttp import web

from gateway.domain.roles import Right
from gateway.domain.value import dump_fields, replace, value_object
from gateway.ports.responder import OutcomeClass
from gateway.services.desks.journaled_messages import (
    MAX_SEARCHED,
    JournaledMessageService,
    JournalHits,
    JournalMessage,
    JournalSearch,
)
from gateway.services.letters.localization import mark_text
from gateway.web.html.error_pages import PageError
from gateway.web.html.forms import MAX_TIME_AHEAD, FormCheck, SubmittedForm
from gateway.web.staff.journal_reasons import JOURNAL_REASONS, describe_journal_note, describe_journal_reason
from gateway.web.staff.message_values import show_values
from gateway.web.staff.refusal_settings import list_deciding_settings
from gateway.web.staff.request_story import CHANNELS, describe_message_kind
from gateway.web.staff.staff_request import StaffPage, StaffRequest

ROWS = 100
"""Messages of a page; a message and its answer are one row."""

MAX_NUMBER_CHARS = 200
MAX_WORDS_CHARS = 200
MAX_SERVICE_CHARS = 80
MINUTE = "%Y-%m-%dT%H:%M"
"""As fields for a day and a time have it."""

FIRST_DAY = date(2000, 1, 1)
"""No message is older."""

OUTCOMES: Mapping[OutcomeClass, tuple[str, str]] = {
    OutcomeClass.OK: ("good", mark_text("done")),
    OutcomeClass.REFUSED: ("look", mark_text("refused")),
    OutcomeClass.MALFORMED: ("late", mark_text("not understood")),
    OutcomeClass.REJECTED: ("late", mark_text("sender rejected")),
    OutcomeClass.FAILED: ("late", mark_text("failed")),
    OutcomeClass.PENDING: ("waiting", mark_text("in progress")),
}
"""Shape of the tag and word."""

RARE_FILTERS = frozenset({"protocol", "direction", "service", "item", "first", "last"})
"""Fields that are folded while none of them is set."""

NOT_DONE = frozenset({OutcomeClass.REFUSED, OutcomeClass.MALFORMED, OutcomeClass.REJECTED})
"""Outcomes of which the page of a message says why."""

OFFICE_OWNER = "office"
"""The query's `owner` where messages are asked for that name no library by their address."""

DIRECTIONS: Mapping[str, str] = {"in": mark_text("Received"), "out": mark_text("Sent")}


@value_object
class ShownMessage:
    """`said`: what it says, in words or by the name that its format has for it; `kind`: shape of the tag of `outcome`;
    `partner`: its name, or the profile's."""

    said: str
    kind: str
    outcome: str
    partner: str
    direction: str
    reason: str


@value_object
class ShownExchange:
    """A message with its answer, as far as both are among what was found. `message`: the one that was first; `took`:
    how long it took to answer it, empty: not known."""

    message: JournalMessage
    words: ShownMessage
    moment: str
    took: str


# --- search --------------------------------------------------------------------------------------------------


async def show_journal(request: StaffRequest) -> web.Response:
    """Show the journal. The query has: what is looked for, and `cursor`."""
    return await _render_journal(request, FormCheck(request, SubmittedForm(dict(request.http.query))), "")


async def search_journal(request: StaffRequest) -> web.Response:
    """Search the journal. The form has, besides: `text`, words of the content, which stand in no address, since they
    may name a patron, and proxies log addresses. Without them the address says all."""
    check = FormCheck(request, await request.read_own_form())
    words = check.read_line("text", MAX_WORDS_CHARS)
    _search, query = read_search(request, check)
    if words or not check.is_good:
        return await _render_journal(request, check, words)
    owner = {"owner": OFFICE_OWNER} if _find_journal(request).is_of_office else {}
    return request.redirect(request.path("operation", "journal", **query, **owner))


async def _render_journal(request: StaffRequest, check: FormCheck, words: str) -> web.Response:
    search, query = read_search(request, check)
    journaled = _find_journal(request)
    is_narrowed = bool(query or words)
    query |= {"owner": OFFICE_OWNER} if journaled.is_of_office else {}
    hits = await _search_journal(request, check, journaled, search, words)
    exchanges = _list_exchanges(request, hits.messages)
    count, is_whole = len(exchanges), not (hits.cursor or check.form["cursor"])
    if not (is_whole or words):
        counted, is_whole = await journaled.count_exchanges(search)
        count = max(count, counted)
    return request.render(
        "journal",
        request.gettext("Message journal"),
        status=check.status,
        help_topic="operation",
        asked=check,
        exchanges=exchanges,
        count=count,
        is_whole=is_whole,
        cursor=hits.cursor,
        words=words,
        most_searched=MAX_SEARCHED,
        is_narrowed=is_narrowed,
        is_more_set=bool(words or check.problems or RARE_FILTERS & query.keys()),
        query=query,
        may_replay=request.has_right(Right.OPERATION_ACT)
        and search.direction != "out"
        and not journaled.is_of_office
        and not words,
        owner=OFFICE_OWNER if journaled.is_of_office else "",
        may_read_office=len(request.parts.libraries) > 1 and request.operates_all,
        reasons=sorted(_list_reasons(request), key=lambda reason: reason[1].casefold()),
        partners=list_profiles(request),
        channels=CHANNELS,
        protocols=list(request.parts.protocols),
        outcomes=[(value.value, request.gettext(word)) for value, (_, word) in OUTCOMES.items()],
        directions=[(value, request.gettext(word)) for value, word in DIRECTIONS.items()],
    )


async def _search_journal(
    request: StaffRequest, asked: FormCheck, journaled: JournaledMessageService, search: JournalSearch, words: str
) -> JournalHits:
    """Search the journal; it is logged who searches the content of messages."""
    cursor = asked.form["cursor"]
    if not words:
        return await journaled.search_messages(search, ROWS, cursor)
    await request.library.users.log_message_search(request.origin)
    hits = await journaled.search_contents(search, words, ROWS, cursor)
    if hits.problem:
        why = request.localization.translate_sentence(hits.problem)
        asked.add_problem_text("text", request.gettext("The content cannot be read: %(reason)s.", reason=why))
    return hits


def _list_exchanges(request: StaffRequest, messages: Sequence[JournalMessage]) -> list[ShownExchange]:
    """List exchanges, newest first; `messages`: an answer stands before its question."""
    shown = []
    for _, found in groupby(messages, key=lambda message: message.exchange):
        message = list(found)[-1]
        number = request.localization.format_number(round(message.duration_ms or 0))
        took = request.gettext("%(num)s ms", num=number) if message.duration_ms else ""
        moment = request.localization.format_to_second(message.at, request.parts.clock.now(), request.context.zone)
        shown.append(ShownExchange(message, describe_message(request, message), moment, took))
    return shown


def _find_journal(request: StaffRequest) -> JournaledMessageService:
    """Find the journal that is asked for: the library's, or that of messages for none. Raises PageError."""
    journaled = request.library.journaled
    if request.http.query.get("owner") != OFFICE_OWNER:
        return journaled
    if not request.operates_all:
        raise PageError(403, "fault-right")
    return replace(journaled, is_of_office=True)


def read_search(request: StaffRequest, asked: FormCheck) -> tuple[JournalSearch, dict[str, str]]:
    """Read the search, and the fields that say something. What isn't known is a problem of the form, and doesn't
    narrow."""
    choices = {
        "profile": [name for name, _ in list_profiles(request)],
        "protocol": list(request.parts.protocols),
        "direction": list(DIRECTIONS),
        "outcome": [outcome.value for outcome in OUTCOMES],
        "reason": list(JOURNAL_REASONS),
    }
    chosen = {name: asked.read_choice(name, allowed) for name, allowed in choices.items()}
    chosen = {name: value for name, value in chosen.items() if value in choices[name]}
    lengths = {"request": MAX_NUMBER_CHARS, "item": MAX_NUMBER_CHARS, "service": MAX_SERVICE_CHARS}
    lines = {name: asked.read_line(name, most) for name, most in lengths.items()}
    first = _read_minute(request, asked, "first", time())
    last = _read_minute(request, asked, "last", time(23, 59))
    search = JournalSearch(
        since=first.astimezone(UTC) if first is not None else None,
        until=last.astimezone(UTC) + timedelta(minutes=1) if last is not None else None,
        **lines,
        **chosen,
    )
    minutes = {name: f"{minute:{MINUTE}}" for name, minute in (("first", first), ("last", last)) if minute is not None}
    asked.values |= minutes
    return search, {**chosen, **{name: value for name, value in lines.items() if value}, **minutes}


def describe_search(request: StaffRequest, search: JournalSearch) -> tuple[str, dict[str, str]]:
    """Describe a search that was made once, and the query of the journal that makes it again, to the minute."""
    gettext, zone = request.gettext, request.context.zone
    query = {name: str(value) for name, value in dump_fields(search).items() if value}
    words = {
        **query,
        "profile": dict(list_profiles(request)).get(search.profile, search.profile),
        "direction": gettext(DIRECTIONS[search.direction]) if search.direction else "",
        "outcome": gettext(OUTCOMES[OutcomeClass(search.outcome)][1]) if search.outcome else "",
        "reason": describe_journal_reason(search.reason, request.localization),
        "request": gettext("request %(number)s", number=search.request) if search.request else "",
        "item": gettext("item %(number)s", number=search.item) if search.item else "",
    }
    if search.since is not None:
        query["first"] = f"{search.since.astimezone(zone):{MINUTE}}"
        words["since"] = gettext("from %(day)s", day=request.format_moment(search.since))
    if search.until is not None:
        query["last"] = f"{(search.until - timedelta.resolution).astimezone(zone):{MINUTE}}"
        words["until"] = gettext("until %(day)s", day=request.format_moment(search.until))
    return ", ".join(filter(None, words.values())), {n: v for n, v in query.items() if n not in ("since", "until")}


def _read_minute(request: StaffRequest, asked: FormCheck, name: str, of_day: time) -> datetime | None:
    """Read a minute of the library's zone, or a day, of which `of_day` is meant. None: nothing is said, or no minute in
    which a message can have come."""
    text, zone = asked.read_line(name), request.context.zone
    try:
        minute = datetime.strptime(text, MINUTE).replace(tzinfo=zone) if "T" in text else None
    except ValueError:
        asked.add_problem(name, "wrong-day")
        return None
    latest = request.context.today() + MAX_TIME_AHEAD
    if minute is None:
        day = asked.read_day(name, FIRST_DAY, latest)
        return datetime.combine(day, of_day, zone) if day is not None and name not in asked.problems else None
    if not FIRST_DAY <= minute.date() <= latest:
        asked.add_problem(name, "wrong-day")
        return None
    return minute


def _list_reasons(request: StaffRequest) -> list[tuple[str, str]]:
    """Code, and what it is called."""
    return [(code, request.gettext(text)) for code, text in JOURNAL_REASONS.items()]


def list_profiles(request: StaffRequest) -> list[tuple[str, str]]:
    """List the profiles of this library: name, and what it is called."""
    return [
        (profile.name, profile.partner.name if profile.partner is not None and profile.partner.name else profile.name)
        for profile in request.context.own_profiles()
    ]


def describe_message(request: StaffRequest, message: JournalMessage) -> ShownMessage:
    kind, word = OUTCOMES[message.outcome]
    names = dict(list_profiles(request))
    partner = names.get(message.profile, message.profile)
    return ShownMessage(
        said=describe_message_kind(message.service, message.direction, partner, request.localization),
        kind=kind,
        outcome=request.gettext(word),
        partner=partner,
        direction=request.gettext(DIRECTIONS[message.direction]),
        reason=describe_journal_reason(message.reason, request.localization),
    )


# --- one exchange --------------------------------------------------------------------------------------------


async def show_message(request: StaffRequest) -> web.Response:
    """Question and answer, without their content. Raises NotFound."""
    return await _render_exchange(request, with_content=False)


async def read_message(request: StaffRequest) -> web.Response:
    """The same with their content, and it is logged who asked. Raises NotFound."""
    await request.read_own_form()
    message_id = request.http.match_info["message"]
    await _find_journal(request).read_exchange(message_id)
    await request.library.users.log_message_view(message_id, request.origin)
    return await _render_exchange(request, with_content=True)


async def _render_exchange(request: StaffRequest, *, with_content: bool) -> web.Response:
    message_id = request.http.match_info["message"]
    journaled = _find_journal(request)
    messages = await journaled.read_exchange(message_id)
    exchange = [
        (journaled_message, describe_message(request, journaled_message.message)) for journaled_message in messages
    ]
    message = messages[0].message
    values = await show_values(request, journaled, message) if with_content else None
    return request.render(
        "journal_message",
        _name_message(request, message, exchange[0][1]),
        help_topic="operation",
        exchange=exchange,
        message_id=message_id,
        channels=CHANNELS,
        why=exchange[0][1].reason if message.outcome in NOT_DONE else "",
        settings=list_deciding_settings(request, message) if message.outcome in NOT_DONE else [],
        with_content=with_content,
        values=values,
        asked=message,
        describe_note=lambda note: describe_journal_note(note, request.localization),
        replays=[(replay, describe_message(request, replay)) for replay in await journaled.list_replays(message.id)],
        may_replay=request.has_right(Right.OPERATION_ACT) and not journaled.is_of_office,
        query={"owner": OFFICE_OWNER} if journaled.is_of_office else {},
    )


def _name_message(request: StaffRequest, message: JournalMessage, words: ShownMessage) -> str:
    said = words.said or message.protocol
    if words.reason:
        return request.gettext(
            "%(message)s, %(outcome)s: %(reason)s", message=said, outcome=words.outcome, reason=words.reason
        )
    return request.gettext("%(message)s, %(outcome)s", message=said, outcome=words.outcome)


PAGES = (
    StaffPage("GET", "/operation/journal", show_journal, Right.OPERATION),
    StaffPage("POST", "/operation/journal", search_journal, Right.OPERATION),
    StaffPage("GET", "/operation/journal/{message}", show_message, Right.OPERATION),
    StaffPage("POST", "/operation/journal/{message}", read_message, Right.OPERATION),
)
