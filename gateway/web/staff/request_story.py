"""What happened to a request, as one story: over all protocols, letters, library calls and people, newest first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta, tzinfo
from typing import TypedDict

from gateway.domain.circulation_policy import DuePolicy
from gateway.domain.due_dates import local_day
from gateway.domain.requests.events import Event, EventOrigin
from gateway.domain.requests.events import EventKind as K
from gateway.domain.requests.request import Request, RequestFlag, Role
from gateway.domain.requests.staff_views import NoticeStatus, NoticeView
from gateway.domain.requests.views import (
    HistoryLine,
    LibraryStep,
    LossSettlement,
    UnfinishedStep,
    find_settlement_before,
)
from gateway.domain.value import value_object
from gateway.services.library_context import LibraryContext
from gateway.services.localization import Localization, mark_text
from gateway.services.requests.outbox_row_names import name_outbox_row, name_patron_letter
from gateway.web.staff.actor_names import ActorNames
from gateway.web.staff.coded_words import describe_condition, describe_note, describe_reason, describe_send_error

MESSAGES, READER, FAILED = "messages", "reader", "failed"
FILTERS: Mapping[str, str] = {
    "": mark_text("Everything, %(count)s"),
    MESSAGES: mark_text("Messages, %(count)s"),
    READER: mark_text("To the reader, %(count)s"),
    FAILED: mark_text("Failed, %(count)s"),
}


@value_object(kw_only=True)
class StoryLine:
    """`day`, `time`: as the page writes them; `dot`: shape and tint; `text`: what happened, in a sentence;
    `quote`: the words of whoever did it; `reason`: why a decision came out so; `via`: protocol or means; `who`: of the
    people, with the `sign_in_name` of one who is shown by another name; `topics`: filters of the story that show it;
    `event_id`: of an event of the history; `exchange`: of the journal, whose message it came from."""

    at: datetime
    day: str
    time: str
    dot: str
    text: str
    quote: str = ""
    facts: tuple[str, ...] = ()
    reason: str = ""
    via: str = ""
    who: str = ""
    sign_in_name: str = ""
    topics: frozenset[str] = frozenset()
    event_id: str = ""
    exchange: str = ""


_OURS: Mapping[K, tuple[str, str]] = {
    K.SUBMIT: ("todo", mark_text("Checked, and taken on")),
    K.APPROVE: ("todo", mark_text("Reviewed, and let go on")),
    K.EDIT: ("todo", mark_text("Changed")),
    K.ASSIGN: ("todo", mark_text("Said by hand whom to ask")),
    K.NO_SUPPLIER: ("look", mark_text("Nobody was left to ask")),
    K.CLOSE: ("closed", mark_text("Ended")),
    K.REOPEN: ("todo", mark_text("Opened again")),
    K.NEXT_SUPPLIER: ("way", mark_text("Gone on to the next library")),
    K.REQUEST: ("way", mark_text("Asked %(partner)s")),
    K.CONDITION_ACCEPTED: ("way", mark_text("Accepted %(partner)s’s condition")),
    K.CONDITION_REFUSED: ("way", mark_text("Declined %(partner)s’s condition")),
    K.CANCEL: ("closed", mark_text("Cancelled")),
    K.CANCEL_ACCEPTED: ("closed", mark_text("Agreed to cancel")),
    K.CANCEL_REFUSED: ("look", mark_text("Said that it is too late to cancel")),
    K.RECEIVED: ("good", mark_text("Received")),
    K.ARRIVED_AT_BRANCH: ("way", mark_text("Arrived where it is collected, not yet shelved")),
    K.AT_PICKUP: ("good", mark_text("Arrived where it is collected")),
    K.LOANED_TO_PATRON: ("good", mark_text("Lent to the reader")),
    K.RETURNED_BY_PATRON: ("good", mark_text("Taken back from the reader")),
    K.RETURNED: ("way", mark_text("Sent back to %(partner)s")),
    K.RENEW: ("way", mark_text("Asked %(partner)s to keep it longer")),
    K.LOST: ("late", mark_text("Lost")),
    K.DAMAGED: ("late", mark_text("Damaged")),
    K.STATUS_QUERY: ("way", mark_text("Asked %(partner)s how it stands")),
    K.STATUS_REPORT: ("way", mark_text("Told %(partner)s how it stands")),
    K.MESSAGE: ("way", mark_text("Message to %(partner)s")),
    K.NOTE: ("todo", mark_text("Note")),
    K.PATRON_ASKED: ("look", mark_text("Asked the reader")),
    K.PATRON_ANSWERED: ("good", mark_text("The reader answered")),
    K.PATRON_NOT_TOLD: ("look", mark_text("The reader could not be told by mail")),
    K.PATRON_TOLD: ("good", mark_text("The reader was told")),
    K.TROUBLE: ("late", mark_text("%(partner)s refused a message of ours")),
    K.UNDONE: ("todo", mark_text("Undone: %(act)s")),
    K.ANONYMISED: ("closed", mark_text("The reader’s name was removed")),
    K.LOCATED: ("todo", mark_text("Found our copy")),
    K.WILL_SUPPLY: ("way", mark_text("Promised to send it")),
    K.HOLD_PLACED: ("waiting", mark_text("Reserved it for %(partner)s")),
    K.CONDITIONAL: ("way", mark_text("Set a condition")),
    K.UNFILLED: ("closed", mark_text("Refused")),
    K.RETRY: ("way", mark_text("Asked %(partner)s to try again later")),
    K.FORWARDED: ("closed", mark_text("Passed on")),
    K.BROKERED: ("way", mark_text("Other libraries are asked for it")),
    K.DIGITISED: ("todo", mark_text("The copy was made")),
    K.CLEARED: ("good", mark_text("The copy was allowed")),
    K.CLEARANCE_REFUSED: ("closed", mark_text("The copy was forbidden")),
    K.COPY_DELIVERED: ("good", mark_text("The copy was delivered")),
    K.SHIPPED: ("way", mark_text("Sent to %(partner)s")),
    K.CHECKED_IN: ("good", mark_text("Taken back")),
    K.RENEW_ACCEPTED: ("way", mark_text("Let %(partner)s keep it longer")),
    K.RENEW_REFUSED: ("way", mark_text("Refused that %(partner)s keeps it longer")),
    K.DUE_DATE_CHANGED: ("way", mark_text("Changed the due date")),
    K.OVERDUE: ("late", mark_text("Reminded %(partner)s that it is overdue")),
    K.RECALL: ("late", mark_text("Recalled it")),
}

_THEIRS: Mapping[K, tuple[str, str]] = {
    K.REQUEST: ("todo", mark_text("%(partner)s asked for it")),
    K.ACKNOWLEDGED: ("waiting", mark_text("%(partner)s has our request")),
    K.REJECTED: ("closed", mark_text("%(partner)s could not take our request")),
    K.EXPECT_TO_SUPPLY: ("waiting", mark_text("%(partner)s expects to send it")),
    K.WILL_SUPPLY: ("waiting", mark_text("%(partner)s will send it")),
    K.HOLD_PLACED: ("waiting", mark_text("%(partner)s has reserved it for us")),
    K.CONDITIONAL: ("look", mark_text("%(partner)s sets a condition")),
    K.CONDITION_ACCEPTED: ("good", mark_text("%(partner)s accepts our condition")),
    K.CONDITION_REFUSED: ("closed", mark_text("%(partner)s declines our condition")),
    K.RETRY: ("waiting", mark_text("%(partner)s says: try again later")),
    K.UNFILLED: ("closed", mark_text("%(partner)s cannot")),
    K.FORWARDED: ("waiting", mark_text("%(partner)s has passed it on")),
    K.EXPIRED: ("closed", mark_text("%(partner)s says that it has expired")),
    K.CANCEL: ("look", mark_text("%(partner)s wants to cancel")),
    K.CANCEL_ACCEPTED: ("closed", mark_text("%(partner)s agreed to cancel")),
    K.CANCEL_REFUSED: ("look", mark_text("%(partner)s says that it is too late to cancel")),
    K.SHIPPED: ("way", mark_text("%(partner)s has sent it")),
    K.COPY_DELIVERED: ("good", mark_text("%(partner)s has delivered the copy")),
    K.RECEIVED: ("good", mark_text("%(partner)s has received it")),
    K.RETURNED: ("way", mark_text("%(partner)s has sent it back")),
    K.CHECKED_IN: ("good", mark_text("%(partner)s has it back")),
    K.LOST: ("late", mark_text("%(partner)s says that it is lost")),
    K.DAMAGED: ("late", mark_text("%(partner)s says that it is damaged")),
    K.RENEW: ("look", mark_text("%(partner)s asks to keep it longer")),
    K.RENEW_ACCEPTED: ("good", mark_text("%(partner)s lets us keep it longer")),
    K.RENEW_REFUSED: ("look", mark_text("%(partner)s does not let us keep it longer")),
    K.DUE_DATE_CHANGED: ("look", mark_text("%(partner)s has changed the due date")),
    K.OVERDUE: ("late", mark_text("%(partner)s reminds us that it is overdue")),
    K.RECALL: ("late", mark_text("%(partner)s wants it back")),
    K.MESSAGE: ("look", mark_text("Message from %(partner)s")),
    K.STATUS_QUERY: ("waiting", mark_text("%(partner)s asks how it stands")),
    K.STATUS_REPORT: ("waiting", mark_text("%(partner)s says how it stands")),
    K.TROUBLE: ("late", mark_text("%(partner)s refused a message of ours")),
}

_TIMERS: Mapping[K, tuple[str, str]] = {
    K.NO_ANSWER: ("closed", mark_text("%(partner)s did not answer in time")),
    K.EXPIRED: ("closed", mark_text("The day came after which it is of no use")),
    K.OVERDUE: ("late", mark_text("Overdue")),
    K.DUE_SOON: ("waiting", mark_text("Due soon")),
    K.SHELF_EXPIRED: ("look", mark_text("The time on the hold shelf is over")),
    K.RETURN_LATE: ("late", mark_text("%(partner)s has sent it back, and it is not here in time")),
    K.STATUS_QUERY: ("waiting", mark_text("Asked %(partner)s how it stands, since nothing has come")),
    K.RETRY: ("waiting", mark_text("The day came on which %(partner)s may be asked again")),
    K.RENEW_REFUSED: ("look", mark_text("%(partner)s did not answer whether we may keep it")),
    K.ANONYMISED: ("closed", mark_text("The reader’s name was removed")),
}

_BY_ORIGIN = {EventOrigin.US: _OURS, EventOrigin.PARTNER: _THEIRS, EventOrigin.TIMER: _TIMERS}

_MESSAGES = frozenset({K.MESSAGE, K.STATUS_QUERY, K.STATUS_REPORT})
_READER = frozenset({K.PATRON_ASKED, K.PATRON_ANSWERED, K.PATRON_TOLD, K.PATRON_NOT_TOLD})

CHANNELS: Mapping[str, str] = {
    "iso-ill": "ISO ILL",
    "iso_ill": "ISO ILL",
    "iso18626": "ISO 18626",
    "artemail": "ARTEmail",
    "tagged-mail": mark_text("E-mail"),
    "mail": mark_text("E-mail"),
    "loopback": mark_text("In this system"),
    "openurl": "OpenURL",
    "ncip": "NCIP",
}

_LIBRARY_DONE: Mapping[str, str] = {
    "place-hold": mark_text("The copy was reserved in the library system"),
    "release-hold": mark_text("The reservation in the library system was given up"),
    "delete-temporary": mark_text("The partner’s item was removed from the library system"),
    "set-due-date": mark_text("The reader’s due date was set in the library system"),
    "recall-patron": mark_text("It was recalled from the reader in the library system"),
    "set-lender-due": mark_text("The other library’s due date was set in the library system"),
    "recall-loan": mark_text("The loan was recalled in the library system"),
    "return-home": mark_text("The copy was brought back to its shelf in the library system"),
    "mark-lost": mark_text("The copy was marked as lost in the library system"),
    "desk:received": mark_text("The item was made in the library system"),
    "desk:loaned-to-patron": mark_text("It was lent to the reader in the library system"),
    "desk:returned-by-patron": mark_text("The reader’s loan ended in the library system"),
    "desk:returned": mark_text("The item left the library system"),
    "desk:shipped": mark_text("It was lent to the other library in the library system"),
    "desk:checked-in": mark_text("The other library’s loan ended in the library system"),
    "desk:undone": mark_text("What the library system had done was taken back"),
    "desk:settled": mark_text("The loss was settled in the library system"),
}
"""By target of a step."""


class _When(TypedDict):
    at: datetime
    day: str
    time: str


@value_object(kw_only=True)
class StorySources:
    """Of which the story is made."""

    request: Request
    history: tuple[HistoryLine, ...]
    unfinished: tuple[UnfinishedStep, ...]
    notices: tuple[NoticeView, ...] = ()
    library_steps: tuple[LibraryStep, ...] = ()


def tell_story(
    sources: StorySources, context: LibraryContext, localization: Localization, actors: ActorNames
) -> tuple[StoryLine, ...]:
    """Newest first, also of those that happened at one moment. `actors`: with the names of the history loaded."""
    teller = _StoryTeller(sources, context, localization, actors)
    lines = [
        *(teller.describe_event(line) for line in sources.history),
        *(teller.describe_notice(notice) for notice in sources.notices),
        *(teller.describe_step(step) for step in sources.unfinished if step.kind != "letter"),
        *(teller.describe_library_step(step) for step in sources.library_steps),
    ]
    return tuple(sorted(lines, key=lambda line: line.at))[::-1]


def count_topics(lines: Iterable[StoryLine]) -> Mapping[str, int]:
    """By filter, of those that show anything."""
    found = list(lines)
    counts = {topic: sum(topic in line.topics for line in found) for topic in FILTERS if topic}
    return {"": len(found), **{topic: count for topic, count in counts.items() if count}}


class _StoryTeller:
    def __init__(
        self, sources: StorySources, context: LibraryContext, localization: Localization, actors: ActorNames
    ) -> None:
        self._request = sources.request
        self._history = sources.history
        self._context = context
        self._localization = localization
        self._actors = actors

    def describe_event(self, line: HistoryLine) -> StoryLine:
        event, details = line.event, line.event.details
        origin = event.signal.origin
        dot, text = _BY_ORIGIN[origin].get(event.kind, ("waiting", event.kind.value))
        failed = bool(line.denied) or event.kind is K.TROUBLE
        facts = [*self._list_facts(line)]
        settlement = find_settlement_before(line, self._history)
        if settlement is not None:
            facts.append(describe_settlement(settlement, self._localization, self._context.zone))
        if details.reported is not None and event.kind is not K.STATUS_REPORT:
            facts.append(self._say(mark_text("Told by the answer to our question how it stands")))
        if line.denied or (details.reported is not None and event.kind is K.STATUS_REPORT):
            facts.append(self._say(mark_text("This did not fit, and changed nothing.")))
        topics = {MESSAGES} if event.kind in _MESSAGES else {READER} if event.kind in _READER else set()
        if failed:
            topics.add(FAILED)
        partner_speaks = origin is EventOrigin.PARTNER or "%(partner)s" in text
        return StoryLine(
            **self._format_when(line.at),
            dot="late" if failed else dot,
            text=self._say(text, partner=self._name_partner(event.attempt), act=self._name_undone_act(event)),
            quote=describe_note(details.note or line.note, self._localization),
            facts=tuple(facts),
            reason=self._explain_due_date(line),
            via=self._name_channel(event.attempt) if partner_speaks else "",
            who=self._name_actor(event.actor),
            sign_in_name=self._actors.find_sign_in_name(event.actor),
            topics=frozenset(topics),
            event_id=line.id,
            exchange=line.exchange,
        )

    def describe_notice(self, notice: NoticeView) -> StoryLine:
        texts = {
            NoticeStatus.SENT: ("good", mark_text("Letter to the reader: %(letter)s")),
            NoticeStatus.WAITING: ("waiting", mark_text("Letter to the reader, not yet sent: %(letter)s")),
            NoticeStatus.NOT_SENT: ("look", mark_text("Letter to the reader that could not go by mail: %(letter)s")),
            NoticeStatus.FAILED: ("late", mark_text("The letter to the reader could not be delivered: %(letter)s")),
            NoticeStatus.SKIPPED: ("closed", mark_text("Letter to the reader that was left out: %(letter)s")),
        }
        dot, text = texts[notice.status]
        failed = notice.status in (NoticeStatus.FAILED, NoticeStatus.NOT_SENT)
        return StoryLine(
            **self._format_when(notice.sent or notice.created),
            dot=dot,
            text=self._say(text, letter=self._localization.translate_sentence(name_patron_letter(notice.letter))),
            facts=(describe_send_error(notice.error, self._localization),) if notice.error else (),
            via=self._say(mark_text("Letter")),
            topics=frozenset({READER, FAILED} if failed else {READER}),
        )

    def describe_step(self, step: UnfinishedStep) -> StoryLine:
        """What is still to be done outside, or could not be done."""
        dead = step.status == "dead"
        what = self._localization.translate_sentence(name_outbox_row(step.kind, step.target, self._context))
        text = mark_text("Could not be done: %(what)s") if dead else mark_text("Still to be done: %(what)s")
        return StoryLine(
            **self._format_when(step.created),
            dot="late" if dead else "waiting",
            text=self._say(text, what=what),
            facts=(describe_send_error(step.error, self._localization),) if step.error else (),
            via=self._say(mark_text("Library system")) if step.kind == "library" else "",
            topics=frozenset({FAILED}) if dead else frozenset(),
        )

    def describe_library_step(self, step: LibraryStep) -> StoryLine:
        act = step.target.removeprefix("desk:")
        text = self._say(_LIBRARY_DONE[step.target]) if step.target in _LIBRARY_DONE else act
        return StoryLine(
            **self._format_when(step.at), dot="good", text=text, via=self._say(mark_text("Library system"))
        )

    def _format_when(self, at: datetime) -> _When:
        zone, now = self._context.zone, self._context.now()
        return {
            "at": at,
            "day": self._localization.format_short(at.astimezone(zone).date(), now, zone),
            "time": self._localization.format_clock_time(at, zone),
        }

    # --- words -----------------------------------------------------------------------------------------------

    def _say(self, text: str, **values: object) -> str:
        return self._localization.gettext(text, **values)

    def _name_partner(self, attempt: int) -> str:
        return name_partner(self._request, self._context, attempt) or self._say(mark_text("the other library"))

    def _name_channel(self, attempt: int) -> str:
        asked = self._request.find_attempt(attempt or self._request.current)
        profile = asked.partner if asked is not None else self._request.partner.profile
        partner = self._context.partner(profile)
        channel = asked.channel if asked is not None else partner.channel if partner is not None else ""
        return self._say(CHANNELS[channel]) if channel in CHANNELS else channel

    def _name_actor(self, actor: str) -> str:
        kind, _, name = actor.partition(":")
        if kind in ("staff", "api", "key") and name:
            return self._actors.name_actor(actor)
        return self._say(mark_text("the reader")) if actor == "patron" else ""

    def _name_undone_act(self, event: Event) -> str:
        """Empty: it is none that undoes another."""
        if event.kind is not K.UNDONE:
            return ""
        _, text = _OURS[K(event.details.reason)]
        return self._say(text, partner=self._name_partner(event.attempt))

    def _list_facts(self, line: HistoryLine) -> Iterator[str]:
        details, say = line.event.details, self._say
        if line.event.kind is K.UNDONE:
            return
        if details.reason and line.event.kind not in (K.PATRON_ASKED, K.CLEARED, K.CLEARANCE_REFUSED):
            yield describe_reason(details.reason, self._localization)
        elif details.reason:
            yield details.reason
        if details.conditions:
            words = [describe_condition(one.value, self._localization) for one in details.conditions]
            yield self._localization.format_list(words)
        if details.cost is not None:
            yield say(mark_text("Cost: %(money)s"), money=self._localization.format_money(details.cost))
        if details.due is not None:
            yield say(mark_text("Due: %(day)s"), day=self._format_moment(details.due))
        if details.expected is not None:
            yield say(mark_text("Expected: %(day)s"), day=self._localization.format_day(details.expected))
        if details.retry_after is not None:
            yield say(mark_text("From %(day)s"), day=self._localization.format_day(details.retry_after))
        if details.need_by is not None:
            yield say(mark_text("Needed by %(day)s"), day=self._localization.format_day(details.need_by))
        if details.barcode:
            yield say(mark_text("Barcode %(code)s"), code=details.barcode)
        for item in details.items:
            if item.barcode != details.barcode:
                code = " ".join(filter(None, (item.label, item.barcode)))
                yield say(mark_text("Barcode %(code)s"), code=code)
        if details.return_on_hold is not None:
            yield say(
                mark_text("Not to be sent back for now") if details.return_on_hold else mark_text("May be sent back")
            )
        if details.item_description:
            yield details.item_description
        if details.answer:
            yield say(mark_text("Yes") if details.answer == "yes" else mark_text("No"))
        if details.attachment:
            yield say(mark_text("With a file"))

    def _format_moment(self, moment: object) -> str:
        return self._localization.format_moment(moment, self._context.zone)  # type: ignore[arg-type]

    def _explain_due_date(self, line: HistoryLine) -> str:
        """How the reader's day follows from the lender's, where this event brought one."""
        request, due = self._request, line.event.details.due
        if request.role is not Role.BORROWING or due is None or due != request.terms.lender_due:
            return ""
        return explain_due_date(request, self._context, self._localization)


def describe_settlement(settlement: LossSettlement, localization: Localization, zone: tzinfo) -> str:
    """Of what came back after its loss was settled. Whether anything is given back is for staff to say."""
    day = localization.format_moment(settlement.at, zone)
    if settlement.cost is None:
        return localization.gettext(mark_text("It came back after its loss was settled on %(day)s."), day=day)
    if not settlement.cost.amount:
        text = mark_text("It came back after its loss was settled on %(day)s. Nothing was to be paid for it.")
        return localization.gettext(text, day=day)
    return localization.gettext(
        mark_text(
            "It came back after its loss was settled on %(day)s. %(money)s were to be paid for it: decide whether that "
            "is given back."
        ),
        day=day,
        money=localization.format_money(settlement.cost),
    )


def describe_message_kind(service: str, direction: str, partner: str, localization: Localization) -> str:
    """A message of the journal in words: `service` is an event's where its format has no name for it; other names stay
    as they are. `direction`: in or out; `partner`: its name, empty where it isn't known."""
    table = _THEIRS if direction == "in" else _OURS
    if service not in set(K) or K(service) not in table:
        return service
    _, text = table[K(service)]
    return localization.gettext(text, partner=partner or localization.gettext("the other library"))


def explain_due_date(request: Request, context: LibraryContext, localization: Localization) -> str:
    """The lender's date, the days for the way, the reader's date: in a sentence. Empty: there is nothing to explain."""
    theirs = local_day(request.terms.lender_due, context.zone)
    if theirs is None:
        return ""
    rules, ours = context.due_dates(request), local_day(request.terms.patron_due, context.zone)
    said = {"lender_day": localization.format_day(theirs)}
    if ours is None or rules.policy is DuePolicy.LOCAL:
        return localization.gettext(
            mark_text(
                "Due date: the lender wants it back on %(lender_day)s; how long the reader has it, our rules say."
            ),
            **said,
        )
    said["reader_day"] = localization.format_day(ours)
    if RequestFlag.RECALLED in request.flags:
        return localization.gettext(
            mark_text("Due date: the lender has recalled it, so the reader has it until %(reader_day)s."), **said
        )
    if not rules.transit_days and ours == theirs:
        return localization.gettext(
            mark_text("Due date: the lender wants it back on %(lender_day)s, and the reader has it until then."), **said
        )
    if ours != theirs - timedelta(days=rules.transit_days):
        return localization.ngettext(
            "Due date: the lender wants it back on %(lender_day)s, less %(num)s day for the way, and on a day on "
            "which we are open: the reader has it until %(reader_day)s.",
            "Due date: the lender wants it back on %(lender_day)s, less %(num)s days for the way, and on a day on "
            "which we are open: the reader has it until %(reader_day)s.",
            rules.transit_days,
            **said,
        )
    return localization.ngettext(
        "Due date: the lender wants it back on %(lender_day)s, less %(num)s day for the way: the reader has it until "
        "%(reader_day)s.",
        "Due date: the lender wants it back on %(lender_day)s, less %(num)s days for the way: the reader has it until "
        "%(reader_day)s.",
        rules.transit_days,
        **said,
    )


def name_partner(request: Request, context: LibraryContext, attempt: int = 0) -> str:
    """Of the attempt with this number; 0: of the one that counts. Empty: nobody is asked."""
    asked = request.find_attempt(attempt) if attempt else None
    if asked is None:
        return request.partner.name or request.partner.symbol or request.partner.profile
    return context.name_of_partner(asked.partner) or asked.symbol
