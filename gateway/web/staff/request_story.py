"""History of a request, as one story: over all protocols, letters, library calls and people, newest first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from datetime import datetime, timedelta, tzinfo
from typing import TypedDict

from gateway.domain.circulation_policy import DuePolicy
from gateway.domain.due_dates import local_day
from gateway.domain.requests.event_catalogue import EVENT_CATALOGUE
from gateway.domain.requests.events import (
    STRANGER,
    STRANGER_MAIL,
    UNTOLD,
    Event,
    EventOrigin,
    local_signal,
    partner_signal,
)
from gateway.domain.requests.events import EventKind as K
from gateway.domain.requests.reason_words import ENDING_WORDS
from gateway.domain.requests.request import BorrowingState as B
from gateway.domain.requests.request import Request, RequestFlag, Role
from gateway.domain.requests.request_messages import is_for_partner
from gateway.domain.requests.staff_views import NoticeStatus, NoticeView
from gateway.domain.requests.state_machine import PartnerNotification
from gateway.domain.requests.supplier_takeover import is_behind_partner
from gateway.domain.requests.views import (
    HistoryLine,
    LibraryStep,
    LossSettlement,
    UnfinishedStep,
    find_settlement_before,
)
from gateway.domain.value import value_object
from gateway.ports.partner_channel import CarryWay
from gateway.services.letters.localization import Localization, mark_text
from gateway.services.requests.effects import choose_way_to_tell, is_partner_notified
from gateway.services.requests.library_context import LibraryContext
from gateway.services.requests.outbox_row_names import name_outbox_row, name_patron_letter
from gateway.web.staff.actor_names import ActorNames
from gateway.web.staff.coded_words import (
    describe_condition,
    describe_letter_subject,
    describe_note,
    describe_reason,
    describe_send_error,
)

MESSAGES, READER, FAILED = "messages", "reader", "failed"
FILTERS: Mapping[str, str] = {
    "": mark_text("Everything, %(count)s"),
    MESSAGES: mark_text("Messages, %(count)s"),
    READER: mark_text("To the patron, %(count)s"),
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


_ASKED_TO_CANCEL = mark_text("Asked %(partner)s to cancel")
_UNTOLD = mark_text("%(partner)s could not be told")
_FROM_STRANGER = mark_text("A message came from another sender")
_MAIL_OF_STRANGER = mark_text("Email from another sender, linked by staff")
_RENEWED_WITHOUT_DATE = mark_text("%(partner)s granted our renewal without a new due date")
_OUT_BEHIND_BROKER = mark_text("%(partner)s cannot supply, so the next library is asked")

_MESSAGES = frozenset({K.MESSAGE, K.STATUS_QUERY, K.STATUS_REPORT})
_REASON_IN_WORDS = (K.PATRON_ASKED, K.PATRON_MESSAGE, K.CLEARED, K.CLEARANCE_REFUSED)
"""Their reason is no code."""

_READER = frozenset({K.PATRON_MESSAGE, K.PATRON_ASKED, K.PATRON_ANSWERED, K.PATRON_TOLD, K.PATRON_NOT_TOLD})

CHANNELS: Mapping[str, str] = {
    "iso-ill": "ISO ILL",
    "iso_ill": "ISO ILL",
    "iso18626": "ISO 18626",
    "artemail": "ARTEmail",
    "tagged-mail": mark_text("Email"),
    "mail": mark_text("Email"),
    "loopback": mark_text("In this system"),
    "openurl": "OpenURL",
    "ncip": "NCIP",
}

_LIBRARY_DONE: Mapping[str, str] = {
    "place-hold": mark_text("Hold placed in the library system"),
    "release-hold": mark_text("Hold cancelled in the library system"),
    "delete-temporary": mark_text("Temporary item deleted in the library system"),
    "set-due-date": mark_text("Due date for the patron set in the library system"),
    "recall-patron": mark_text("Patron’s loan recalled in the library system"),
    "set-lender-due": mark_text("Due date for the requester set in the library system"),
    "recall-loan": mark_text("Loan recalled in the library system"),
    "return-home": mark_text("Copy returned to its shelf in the library system"),
    "mark-lost": mark_text("Copy marked as lost in the library system"),
    "desk:received": mark_text("Temporary item created in the library system"),
    "desk:loaned-to-patron": mark_text("Checked out to the patron in the library system"),
    "desk:returned-by-patron": mark_text("Checked in from the patron in the library system"),
    "desk:shipped": mark_text("Checked out to the requester in the library system"),
    "desk:checked-in": mark_text("Checked in from the requester in the library system"),
    "desk:undone": mark_text("Changes in the library system undone"),
    "desk:settled": mark_text("Loss settled in the library system"),
}
"""By target of a step."""


class _When(TypedDict):
    at: datetime
    day: str
    time: str


@value_object(kw_only=True)
class StorySources:
    """The sources of which the story is made. `by_mail`: ids of events that came by email, whatever the channel;
    `letter_subjects`: of letters that staff wrote, where the story doesn't tell their events, by their moments."""

    request: Request
    history: tuple[HistoryLine, ...]
    unfinished: tuple[UnfinishedStep, ...]
    notices: tuple[NoticeView, ...] = ()
    library_steps: tuple[LibraryStep, ...] = ()
    refused: tuple[UnfinishedStep, ...] = ()
    by_mail: frozenset[str] = frozenset()
    letter_subjects: Mapping[datetime, str] = field(default_factory=dict)


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
    """Count by filter, of those that show anything."""
    story_lines = list(lines)
    counts = {topic: sum(topic in line.topics for line in story_lines) for topic in FILTERS if topic}
    return {"": len(story_lines), **{topic: count for topic, count in counts.items() if count}}


class _StoryTeller:
    def __init__(
        self, sources: StorySources, context: LibraryContext, localization: Localization, actors: ActorNames
    ) -> None:
        self._request = sources.request
        self._history = sources.history
        self._by_mail = sources.by_mail
        self._letter_subjects = sources.letter_subjects
        self._refused = {(step.event, step.created) for step in sources.refused}
        self._context = context
        self._localization = localization
        self._actors = actors

    def describe_event(self, line: HistoryLine) -> StoryLine:
        event, details = line.event, line.event.details
        origin = event.signal.origin
        dot, text = EVENT_CATALOGUE[event.kind].find_story(origin) or ("waiting", event.kind.value)
        if event.kind is K.FORWARDED and details.supplier is not None:
            text = _OUT_BEHIND_BROKER
        if event.kind is K.TROUBLE and details.reason == STRANGER:
            text = _FROM_STRANGER
        if event.kind is K.TROUBLE and details.reason == UNTOLD:
            text = _UNTOLD
        is_mail = event.kind is K.NOTE and details.reason == STRANGER_MAIL
        if is_mail:
            dot, text = "look", _MAIL_OF_STRANGER
        is_asked = event.signal == local_signal(K.CANCEL) and line.after == B.CANCEL_PENDING
        if is_asked and self._can_be_sent(event):
            dot, text = "waiting", _ASKED_TO_CANCEL
        if event.signal == partner_signal(K.RENEW_ACCEPTED) and details.due is None:
            dot, text = "look", _RENEWED_WITHOUT_DATE
        if origin is EventOrigin.US and EVENT_CATALOGUE[event.kind].unsent and not self._can_be_sent(event):
            text = EVENT_CATALOGUE[event.kind].unsent
        is_refused = origin is EventOrigin.US and (event.kind, event.at) in self._refused
        failed = bool(line.denied) or event.kind is K.TROUBLE or is_refused
        facts = [*self._list_facts(line)]
        if is_refused:
            facts.append(self._say(mark_text("Rejected by the partner")))
        if self._is_untold(line):
            facts.append(self._say(mark_text("Not sent: the partner has no message for it. Write or phone.")))
        settlement = find_settlement_before(line, self._history)
        if settlement is not None:
            facts.append(describe_settlement(settlement, self._localization, self._context.zone))
        if details.reported is not None and event.kind is not K.STATUS_REPORT:
            facts.append(self._say(mark_text("Status received in answer to our question")))
        if line.denied or (details.reported is not None and event.kind is K.STATUS_REPORT):
            facts.append(self._say(mark_text("This did not match the state of the request and changed nothing.")))
        topics = {MESSAGES} if event.kind in _MESSAGES or is_mail else {READER} if event.kind in _READER else set()
        if failed:
            topics.add(FAILED)
        partner_speaks = origin is EventOrigin.PARTNER or "%(partner)s" in text
        return StoryLine(
            **self._format_when(line.at),
            dot="late" if failed else dot,
            text=self._say(text, partner=self._name_speaker(event), act=self._name_undone_act(event)),
            quote=describe_note(details.note or line.note, self._localization),
            facts=tuple(facts),
            reason=self._explain_due_date(line),
            via=self._name_way(line, is_mail=is_mail, partner_speaks=partner_speaks),
            who=self._name_actor(event.actor),
            sign_in_name=self._actors.find_sign_in_name(event.actor),
            topics=frozenset(topics),
            event_id=line.id,
            exchange=line.exchange,
        )

    def describe_notice(self, notice: NoticeView) -> StoryLine:
        texts = {
            NoticeStatus.SENT: ("good", mark_text("Letter to the patron: %(letter)s")),
            NoticeStatus.WAITING: ("waiting", mark_text("Letter to the patron, not sent yet: %(letter)s")),
            NoticeStatus.NOT_SENT: ("look", mark_text("Letter to the patron that could not be emailed: %(letter)s")),
            NoticeStatus.FAILED: ("late", mark_text("The letter to the patron could not be delivered: %(letter)s")),
            NoticeStatus.SKIPPED: ("closed", mark_text("Letter to the patron, skipped: %(letter)s")),
        }
        dot, text = texts[notice.status]
        failed = notice.status in (NoticeStatus.FAILED, NoticeStatus.NOT_SENT)
        error = describe_send_error(notice.error, self._localization) if notice.error else ""
        return StoryLine(
            **self._format_when(notice.sent or notice.created),
            dot=dot,
            text=self._say(text, letter=self._localization.translate_sentence(name_patron_letter(notice.letter))),
            facts=tuple(filter(None, (self._letter_subjects.get(notice.created, ""), error))),
            via=self._say(mark_text("Letter")),
            topics=frozenset({READER, FAILED} if failed else {READER}),
        )

    def describe_step(self, step: UnfinishedStep) -> StoryLine:
        """Describe what is still to be done outside, or could not be done."""
        dead = step.status == "dead"
        what = self._localization.translate_sentence(name_outbox_row(step.kind, step.target, self._context))
        text = mark_text("Failed: %(what)s") if dead else mark_text("Pending: %(what)s")
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
        return name_partner(self._request, self._context, attempt) or self._say(mark_text("the partner"))

    def _name_speaker(self, event: Event) -> str:
        """The partner, or whom of those behind it a message names."""
        supplier, partner = event.details.supplier, self._name_partner(event.attempt)
        attempt = self._request.find_attempt(event.attempt)
        if event.signal.origin is not EventOrigin.PARTNER or supplier is None or attempt is None:
            return partner
        if not is_behind_partner(attempt, supplier):
            return partner
        return self._say(mark_text("%(supplier)s via %(partner)s"), supplier=supplier.symbol, partner=partner)

    def _name_way(self, line: HistoryLine, *, is_mail: bool, partner_speaks: bool) -> str:
        """Name the way by which it came or goes; empty: by none."""
        if is_mail or line.id in self._by_mail:
            return self._say(CHANNELS["mail"])
        return self._name_channel(line.event.attempt) if partner_speaks else ""

    def _name_channel(self, attempt: int) -> str:
        channel = self._find_channel(attempt)
        return self._say(CHANNELS[channel]) if channel in CHANNELS else channel

    def _find_channel(self, attempt: int) -> str:
        """Empty: by hand, or the partner is no more."""
        supplier_attempt = self._request.find_attempt(attempt or self._request.current)
        if supplier_attempt is not None:
            return supplier_attempt.channel
        partner = self._context.partner(self._request.partner.profile)
        return partner.channel if partner is not None else ""

    def _can_be_sent(self, event: Event) -> bool:
        """Return whether it can be sent, as far as is known: of a channel that the partner has no more, all could."""
        channel = self._find_channel(event.attempt)
        attempt = self._request.find_attempt(event.attempt or self._request.current)
        profile = attempt.partner if attempt is not None else self._request.partner.profile
        partner = self._context.partner(profile)
        if partner is None or partner.channel != channel or not channel:
            return bool(channel)
        notification = PartnerNotification(event.kind, event.attempt or self._request.current)
        return choose_way_to_tell(self._context, notification, self._request) is CarryWay.CARRIED

    def _is_untold(self, line: HistoryLine) -> bool:
        """Return whether the partner should hear of what was done here, and has no message for it, as far as is
        known."""
        event, request = line.event, self._request
        if EVENT_CATALOGUE[event.kind].unsent or event.signal.origin is not EventOrigin.US or self._can_be_sent(event):
            return False
        notification = PartnerNotification(event.kind, event.attempt or request.current)
        return (
            is_for_partner(request.role, line.before, event.signal)
            and is_partner_notified(self._context, notification, request)
            and choose_way_to_tell(self._context, notification, request) is CarryWay.LOST
        )

    def _name_actor(self, actor: str) -> str:
        kind, _, name = actor.partition(":")
        if kind in ("staff", "api", "key") and name:
            return self._actors.name_actor(actor)
        return self._say(mark_text("the patron")) if actor == "patron" else ""

    def _name_undone_act(self, event: Event) -> str:
        """Empty: it is none that undoes another."""
        if event.kind is not K.UNDONE:
            return ""
        _, text = EVENT_CATALOGUE[K(event.details.reason)].ours or ("", event.details.reason)
        return self._say(text, partner=self._name_partner(event.attempt))

    def _list_facts(self, line: HistoryLine) -> Iterator[str]:
        details, say = line.event.details, self._say
        if line.event.kind is K.UNDONE:
            return
        if details.reason in (STRANGER, STRANGER_MAIL):
            pass  # the line says it
        elif details.reason and line.event.kind not in _REASON_IN_WORDS:
            yield describe_reason(details.reason, self._localization)
        elif details.reason:
            yield describe_letter_subject(line.event, self._localization) or details.reason
        if details.ending is not None:
            yield self._localization.translate_sentence(ENDING_WORDS[details.ending])
        if details.conditions:
            words = [describe_condition(condition.value, self._localization) for condition in details.conditions]
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
        missing = [volume.label or volume.id for volume in self._request.volumes if volume.id in details.missing]
        if missing:
            yield say(mark_text("Missing: %(volumes)s"), volumes=self._localization.format_list(missing))
        if details.return_on_hold is not None:
            yield say(mark_text("Return postponed") if details.return_on_hold else mark_text("May be returned"))
        if details.item_description:
            yield details.item_description
        if details.answer and line.event.signal.origin is not EventOrigin.PARTNER:
            yield say(mark_text("Yes") if details.answer == "yes" else mark_text("No"))
        if details.attachment:
            yield say(mark_text("With a file"))

    def _format_moment(self, moment: object) -> str:
        return self._localization.format_moment(moment, self._context.zone)  # type: ignore[arg-type]

    def _explain_due_date(self, line: HistoryLine) -> str:
        """Explain how the reader's day follows from the lender's, where this event brought one."""
        request, due = self._request, line.event.details.due
        if request.role is not Role.BORROWING or due is None or due != request.terms.lender_due:
            return ""
        return explain_due_date(request, self._context, self._localization)


def describe_settlement(settlement: LossSettlement, localization: Localization, zone: tzinfo) -> str:
    """Describe the settlement of a loss before the item came back. Whether anything is given back is for staff to
    say."""
    day = localization.format_moment(settlement.at, zone)
    if settlement.cost is None:
        return localization.gettext(
            mark_text("The item was returned after its loss had been settled on %(day)s."), day=day
        )
    if not settlement.cost.amount:
        text = mark_text(
            "The item was returned after its loss had been settled on %(day)s. Nothing was to be paid for it."
        )
        return localization.gettext(text, day=day)
    return localization.gettext(
        mark_text(
            "The item was returned after its loss had been settled on %(day)s. %(money)s was to be paid for it. "
            "Decide whether to refund it."
        ),
        day=day,
        money=localization.format_money(settlement.cost),
    )


def describe_message_kind(service: str, direction: str, partner: str, localization: Localization) -> str:
    """A message of the journal in words: `service` is an event's where its format has no name for it; other names stay
    as they are. `direction`: in or out; `partner`: its name, empty where it isn't known."""
    origin = EventOrigin.PARTNER if direction == "in" else EventOrigin.US
    story = EVENT_CATALOGUE[K(service)].find_story(origin) if service in set(K) else None
    if story is None:
        return service
    _, text = story
    return localization.gettext(text, partner=partner or localization.gettext("the partner"))


def explain_due_date(request: Request, context: LibraryContext, localization: Localization) -> str:
    """The lender's date, the days for the way, the reader's date: in a sentence. Empty: there is nothing to explain."""
    theirs = local_day(request.terms.lender_due, context.zone)
    if theirs is None:
        return ""
    rules, ours = context.due_dates(request), local_day(request.terms.patron_due, context.zone)
    days = {"lender_day": localization.format_day(theirs)}
    if ours is None or rules.policy is DuePolicy.LOCAL:
        return localization.gettext(
            mark_text("Due date: %(lender_day)s for the lender; our rules set the patron’s due date."),
            **days,
        )
    days["reader_day"] = localization.format_day(ours)
    if RequestFlag.RECALLED in request.flags:
        return localization.gettext(
            mark_text("Due date: recalled by the lender, so %(reader_day)s for the patron."), **days
        )
    if not rules.transit_days and ours == theirs:
        return localization.gettext(
            mark_text("Due date: %(lender_day)s for the lender, and the same for the patron."), **days
        )
    if ours != theirs - timedelta(days=rules.transit_days):
        return localization.ngettext(
            "Due date: %(lender_day)s for the lender, less %(num)s day for transport, moved to a day on which we are "
            "open: %(reader_day)s for the patron.",
            "Due date: %(lender_day)s for the lender, less %(num)s days for transport, moved to a day on which we "
            "are open: %(reader_day)s for the patron.",
            rules.transit_days,
            **days,
        )
    return localization.ngettext(
        "Due date: %(lender_day)s for the lender, less %(num)s day for transport: %(reader_day)s for the patron.",
        "Due date: %(lender_day)s for the lender, less %(num)s days for transport: %(reader_day)s for the patron.",
        rules.transit_days,
        **days,
    )


def name_partner(request: Request, context: LibraryContext, attempt: int = 0) -> str:
    """Name the partner of the attempt with this number; 0: of the one that counts. Empty: nobody is asked."""
    supplier_attempt = request.find_attempt(attempt) if attempt else None
    if supplier_attempt is None:
        return request.partner.name or request.partner.symbol or request.partner.profile
    return context.name_of_partner(supplier_attempt.partner) or supplier_attempt.symbol
