"""A library that is played and gets our letters: somebody reads each of them and answers as people do, by its links or
by a mail with a code or with words, or asks for something in a mail of their own.

It keeps no requests: which letters belong together it tells by the number in their subjects.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from datetime import date, datetime, timedelta
from typing import Protocol

from gateway.domain.clock import Clock
from gateway.domain.problems import MalformedMessage, Unavailable
from gateway.domain.requests.request import LibraryParty
from gateway.domain.value import value_object
from rehearsal.mock.mock_answers import PassSeconds, describe_change
from rehearsal.mock.mock_log import (
    GivenAnswer,
    LoggedMessage,
    MockExchange,
    MockExchangeLog,
    MockParties,
    ShownRequest,
)
from rehearsal.partners.mock_mail_reception import TAKEN, MockMailReply, choose_server_line
from rehearsal.scenarios.scenario import LETTER, MockScenario, WrittenAnswer
from rehearsal.scenarios.scenario_choice import ScenarioChoice

MAX_LETTERS_KEPT = 2_000
ELSE_DUE_DAYS = 28

FindLinkWords = Callable[[str, str], str]
"""What the link of an answer says in a language; empty: there is no such answer."""


@value_object(kw_only=True)
class LetterAsShown:
    """`links`: where they lead, by what they say; `number`: by which people tell requests apart, as it stands in the
    subject; a letter without one is its own."""

    id: str
    number: str
    subject: str
    sender: str
    text: str = field(repr=False)
    language: str = ""
    links: Mapping[str, str] = field(default_factory=dict, repr=False)


@value_object(kw_only=True)
class FormFilling:
    """`choose`: of a list; `due`: for a day; `words`: for a text. Each empty: only what the form insists on, as a day
    `else_due`."""

    choose: str
    due: date | None
    words: str
    else_due: date


@value_object(kw_only=True)
class LinkVisit:
    """`sent`: the fields of the form, None: the page has none. `text`: of the page that came last; `status`: its own of
    HTTP."""

    sent: Mapping[str, str] | None
    text: str
    status: int


@value_object(kw_only=True)
class MailToWrite:
    """`answers`: a letter. `copy_name`: of the PDF that is attached; empty: none."""

    sender: LibraryParty
    receiver: str
    subject: str
    words: str
    at: datetime
    answers: LetterAsShown | None
    copy_name: str


@value_object
class WrittenMail:
    """`line`: what the mail server said; empty: it hasn't taken the mail, and `problem` says why."""

    body: bytes = field(repr=False)
    line: str = ""
    problem: str = ""


class LetterPrograms(Protocol):
    """The mail program and the browser of whoever reads letters."""

    def read_letter(self, content: bytes) -> LetterAsShown:
        """`content`: a mail as it travels. Raises MalformedMessage for what can't be shown."""
        ...

    async def answer_link(self, address: str, filling: FormFilling) -> LinkVisit:
        """Opens it, fills in the form and sends that. Raises Unavailable."""
        ...

    async def write_mail(self, written: MailToWrite) -> WrittenMail: ...


@value_object(kw_only=True)
class LetterPlay:
    """The reader that is played. `parties`: with the addresses at which they get mails."""

    parties: MockParties
    choice: ScenarioChoice


class PlayedLetterReader:
    """`show_body` makes of a mail what people may see. `pass_seconds` is told how long it takes its time."""

    def __init__(
        self,
        play: LetterPlay,
        programs: LetterPrograms,
        find_link_words: FindLinkWords,
        show_body: Callable[[bytes], bytes],
        clock: Clock,
        pass_seconds: PassSeconds = asyncio.sleep,
    ) -> None:
        self.play = play
        self._pass_seconds = pass_seconds
        self._programs = programs
        self._find_link_words = find_link_words
        self._log = MockExchangeLog(show_body)
        self._clock = clock
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._speaking: set[asyncio.Task[None]] = set()

    # --- letters that come ---------------------------------------------------------------------------------

    @property
    def address(self) -> str:
        return self.play.parties.ours.email

    async def pass_seconds(self, seconds: float) -> None:
        await self._pass_seconds(seconds)

    def receive_mail(self, content: bytes, received: datetime) -> MockMailReply:
        """`content` as it travels."""
        try:
            letter = self._programs.read_letter(content)
        except MalformedMessage as malformed:
            self._log.record_arrival(LoggedMessage(received, "", content), GivenAnswer(TAKEN.encode()), str(malformed))
            return MockMailReply()
        message = LoggedMessage(received, LETTER, content)
        if letter.id and letter.id in self._seen:
            self._log.record_arrival(message, GivenAnswer(TAKEN.encode()), "a repeat", letter.number)
            return MockMailReply()
        chosen_reaction = self.play.choice.choose_reaction(LETTER, f"{letter.subject}\n{letter.text}", (letter.number,))
        change, name = chosen_reaction.reaction.answer, chosen_reaction.scenario.name
        line = choose_server_line(change, change.refused)
        self._log.record_arrival(message, GivenAnswer(line.encode()), describe_change(change), letter.number, name)
        if not change.is_whole_answer or change.refused:
            return MockMailReply(line=line, after_seconds=change.after_seconds)
        self._keep_letter(letter.id)
        return MockMailReply(
            line=line,
            after_seconds=change.after_seconds,
            speak=lambda: self._start_answering(chosen_reaction.reaction.write, chosen_reaction.scenario, letter),
        )

    def _keep_letter(self, id_: str) -> None:
        self._seen[id_] = None
        while len(self._seen) > MAX_LETTERS_KEPT:
            self._seen.popitem(last=False)

    # --- what somebody does then -----------------------------------------------------------------------------

    def begin_scenario(self, scenario: MockScenario) -> None:
        """Begin a scenario; what it writes by itself goes out in a moment."""
        self._start_answering(scenario.write, scenario, None)

    def _start_answering(
        self, written: Sequence[WrittenAnswer], scenario: MockScenario, letter: LetterAsShown | None
    ) -> None:
        if written:
            task = asyncio.get_running_loop().create_task(self._answer_in_turn(written, scenario, letter))
            self._speaking.add(task)
            task.add_done_callback(self._speaking.discard)

    @property
    def is_speaking(self) -> bool:
        return bool(self._speaking)

    async def finish_speaking(self) -> None:
        """Wait until nothing is left to say."""
        while self._speaking:
            await asyncio.gather(*self._speaking)
            await asyncio.sleep(0)  # tasks that have ended are taken out then

    async def stop(self) -> None:
        for task in self._speaking:
            task.cancel()
        await asyncio.gather(*self._speaking, return_exceptions=True)

    async def _answer_in_turn(
        self, written: Sequence[WrittenAnswer], scenario: MockScenario, letter: LetterAsShown | None
    ) -> None:
        for answer in written:
            if answer.after_seconds:
                await self._pass_seconds(answer.after_seconds)
            if answer.link and letter is not None:
                await self._answer_by_link(answer, scenario, letter)
            else:
                await self._write_mail(answer, scenario, letter)

    async def _answer_by_link(self, written: WrittenAnswer, scenario: MockScenario, letter: LetterAsShown) -> None:
        said = self._find_link_words(written.link, letter.language) or written.link

        def record_visit(note: str, answer: GivenAnswer, sent: Mapping[str, str] | None = None) -> None:
            shown = "; ".join(f"{name}: {' '.join(value.split())}" for name, value in (sent or {}).items())
            message = LoggedMessage(self._clock.now(), f"link: {said}", shown.encode())
            self._log.record_sent(message, answer, note, letter.number, scenario.name)

        address = letter.links.get(said)
        if address is None:
            there_are = ", ".join(filter(None, letter.links)) or "none"
            record_visit(f"the letter has no such link; there are: {there_are}", GivenAnswer())
            return
        today = self._clock.now().date()
        due = today + timedelta(days=written.due_days) if written.due_days is not None else None
        else_due = today + timedelta(days=ELSE_DUE_DAYS)
        filling = FormFilling(choose=written.choose, due=due, words=written.words, else_due=else_due)
        try:
            visit = await self._programs.answer_link(address, filling)
        except Unavailable as away:
            record_visit(f"the link can't be opened: {away}", GivenAnswer())
            return
        note = "the page has nothing to send" if visit.sent is None else ""
        record_visit(note, GivenAnswer(visit.text.encode(), visit.status), visit.sent)

    async def _write_mail(self, written: WrittenAnswer, scenario: MockScenario, letter: LetterAsShown | None) -> None:
        subject = f"Re: {letter.subject}" if letter is not None else "Interlibrary loan"
        mail = MailToWrite(
            sender=self.play.parties.ours,
            receiver=letter.sender if letter is not None else self.play.parties.theirs.email,
            subject=written.subject or subject,
            words=written.words,
            at=self._clock.now(),
            answers=letter,
            copy_name=written.copy_name,
        )
        sent = await self._programs.write_mail(mail)
        message = LoggedMessage(mail.at, "reply" if letter is not None else "mail", sent.body)
        number = letter.number if letter is not None else ""
        self._log.record_sent(message, GivenAnswer(sent.line.encode()), sent.problem, number, scenario.name)

    # --- what is shown ---------------------------------------------------------------------------------------

    @property
    def shown_parties(self) -> MockParties:
        return self.play.parties

    @property
    def exchanges(self) -> Sequence[MockExchange]:
        return self._log.exchanges

    def list_requests(self) -> Sequence[ShownRequest]:
        return self.play.choice.list_requests()
