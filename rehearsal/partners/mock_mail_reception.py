"""Mails that a partner who is played gets: read by the format of its profile.

By mail nothing is answered but by what the mail server says: for what a scenario leaves without an answer it asks the
sender to try again later, and what is refused it doesn't take. A mail of several messages is always taken.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import datetime

from gateway.domain.problems import MalformedMessage
from gateway.domain.requests.events import EventKind
from gateway.domain.value import replace, value_object
from gateway.ports.incoming_mail import (
    IncomingMail,
    MailEvent,
    MailFormat,
    MailRecipient,
    ParsedMail,
    ParseMail,
    take_header,
)
from gateway.ports.partner_channel import IncomingPartnerMessage
from rehearsal.mock.mock_answers import say_nothing
from rehearsal.mock.mock_log import GivenAnswer, LoggedMessage
from rehearsal.partners.mock_conversation import MockConversation
from rehearsal.partners.mock_partner import MockPartner
from rehearsal.scenarios.scenario import AnswerChange, SaidEvent

MAX_IDS_KEPT = 2_000

TAKEN = "250 2.0.0 Taken"
TRY_LATER = "451 4.3.0 The scenario leaves this without an answer: try again later"


@value_object(kw_only=True)
class MockMailReply:
    """`line`: what the mail server says. `speak`: what the partner says of itself once that is out."""

    line: str = TAKEN
    after_seconds: float = 0.0
    speak: Callable[[], None] = say_nothing


@value_object
class _TakenEvent:
    """`note`: what was out of the ordinary."""

    conversation: MockConversation | None
    change: AnswerChange = AnswerChange()
    say: tuple[SaidEvent, ...] = ()
    note: str = ""
    refused: str = ""


class MailReception:
    """The reception of mails for one partner. `parse`: takes mails apart."""

    def __init__(self, partner: MockPartner, mail_format: MailFormat, parse: ParseMail) -> None:
        self.partner = partner
        self._format = mail_format
        self._parse = parse
        self._taken_ids: OrderedDict[str, None] = OrderedDict()

    @property
    def address(self) -> str:
        return self.partner.play.parties.ours.email

    async def pass_seconds(self, seconds: float) -> None:
        await self.partner.pass_seconds(seconds)

    def receive_mail(self, content: bytes, received: datetime) -> MockMailReply:
        """`content` as it travels."""
        try:
            mail = self._parse_mail(content, received)
            events, unknown = self._read_events(mail)
        except MalformedMessage as malformed:
            return self._set_mail_aside(content, received, str(malformed))
        if not events:
            return self._set_mail_aside(content, received, f"no message in the format {self._format.name}")
        taken = [self._take_event(event, f"{mail.id}-{n}", received) for n, event in enumerate(events)]
        sole = taken[0] if len(taken) == 1 else None
        line = choose_server_line(sole.change, sole.refused) if sole is not None else TAKEN
        after_seconds = sole.change.after_seconds if sole is not None else 0.0
        notes = (*(entry.note for entry in taken), *(f"not understood: {words}" for words in unknown))
        note = "; ".join(filter(None, notes))
        service = ", ".join(dict.fromkeys(event.kind.value for event in events))
        self.partner.record_arrival(
            LoggedMessage(received, service, content), taken[0].conversation, GivenAnswer(line.encode()), note
        )
        return MockMailReply(line=line, after_seconds=after_seconds, speak=lambda: self._start_speaking(taken))

    def _parse_mail(self, content: bytes, received: datetime) -> IncomingMail:
        play = self.partner.play
        recipient = MailRecipient(play.parties.ours.symbol, play.zone, play.currency)
        return replace(self._parse(content, received).mail, recipient=recipient)

    def _read_events(self, mail: IncomingMail) -> tuple[Sequence[MailEvent], Sequence[str]]:
        profile = self.partner.play.profile
        if not self._format.recognises(mail, profile):
            return (), ()
        understood = self._format.decode(mail, profile)
        return understood.events, understood.unknown

    def _set_mail_aside(self, content: bytes, received: datetime, note: str) -> MockMailReply:
        self.partner.record_arrival(LoggedMessage(received, "", content), None, GivenAnswer(TAKEN.encode()), note)
        return MockMailReply()

    def _take_event(self, event: MailEvent, place: str, now: datetime) -> _TakenEvent:
        message = self._make_message(event, place)
        if message.id in self._taken_ids:
            return _TakenEvent(self.partner.conversations.get(message.transaction), note="a repeat")
        conversation, refusal = self.partner.find_conversation(message, now)
        if conversation is None:
            words = refusal.detail if refusal is not None else ""
            return _TakenEvent(None, note=f"refused: {words}", refused=words)
        reaction = conversation.choose_reaction(message.kind, message.details.note)
        change = reaction.answer
        oddity = ""
        if change.is_whole_answer and not change.refused:
            conversation.is_taken = True
            self._keep_id(message.id)
            if message.kind is not EventKind.REQUEST:
                oddity = conversation.note_event(message, now)
        return _TakenEvent(conversation, change, reaction.say, oddity, change.refused)

    def _make_message(self, event: MailEvent, place: str) -> IncomingPartnerMessage:
        parties = self.partner.play.parties
        number = event.transaction or self._find_number_of_file(event)
        return IncomingPartnerMessage(
            id=event.id or place,
            kind=event.kind,
            role=event.role,
            sender=parties.theirs.symbol,
            receiver=parties.ours.symbol,
            transaction=number,
            details=event.details,
            request=replace(event.request, transaction=number) if event.request is not None else None,
            guard=event.guard,
        )

    def _find_number_of_file(self, event: MailEvent) -> str:
        """An order that goes alone has its own number as that of its file."""
        numbers = event.file.numbers if event.file is not None else ()
        return next((number for number in numbers if number in self.partner.conversations), "")

    def _keep_id(self, id_: str) -> None:
        self._taken_ids[id_] = None
        while len(self._taken_ids) > MAX_IDS_KEPT:
            self._taken_ids.popitem(last=False)

    def _start_speaking(self, events: Sequence[_TakenEvent]) -> None:
        for event in events:
            if event.conversation is not None:
                self.partner.start_speaking(event.conversation, event.say)


def format_mail(parsed: ParsedMail, content: bytes) -> bytes:
    """Format a mail for people: header and text, without what coding makes of the text."""
    files = "".join(f"\n[{attachment.name}, {len(attachment.content)} bytes]" for attachment in parsed.mail.attachments)
    return take_header(content) + f"{parsed.mail.text}{files}".encode()


def choose_server_line(change: AnswerChange, refused: str) -> str:
    """Choose what the mail server says. `refused`: why the mail isn't taken; empty: it is."""
    if not change.is_whole_answer:
        return TRY_LATER
    words = " ".join(refused.split())
    return f"550 5.7.1 {words}" if words else TAKEN
