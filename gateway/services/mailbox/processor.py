"""Processes one mail: read, scan, apply, journal.

Only after that it is moved, so a crash between the two moves it later, and changes nothing twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import ParamSpec, TypeVar

import structlog

from gateway.domain.clock import Clock
from gateway.domain.problems import MalformedMessage, Unavailable
from gateway.domain.sentences import Sentence, write_sentence
from gateway.domain.value import replace, value_object
from gateway.ports.incoming_mail import (
    AutomaticMailKind,
    IncomingMail,
    MailFormat,
    ParsedMail,
    ParseMail,
    take_header,
)
from gateway.ports.responder import OutcomeClass
from gateway.ports.shared_store import Transaction
from gateway.profiles import LibraryPartners, ProfileSet
from gateway.services.mailbox.early_messages import EarlyMessages, begun_transactions
from gateway.services.mailbox.mail_application import (
    ApplicationResult,
    InspectedAttachment,
    MailApplication,
    apply_bounce,
    find_infected_file,
    inspect_attachments,
)
from gateway.services.mailbox.mail_reader import (
    MailReading,
    MailStep,
    earliest_event_time,
    order_by_sent_time,
    read_mail,
    resolve_recipient,
)
from gateway.services.mailbox.mail_records import (
    MailboxInfo,
    MailVerdict,
    clean_mail_header,
    describe_unreadable_mail,
    digest_mail,
    limit_stranger_row,
    make_journal_ending,
    make_journal_opening,
    make_mail_row,
)
from gateway.services.requests.library_context import LibraryContext, find_library_context
from gateway.store import mailbox
from gateway.store.journal import Journal
from gateway.store.journal_records import BodyCipher, JournalEnding, JournalOpening
from gateway.store.mailbox import MailOutcome, MailPosition
from gateway.store.requests import requests

log = structlog.get_logger(component="mailbox")

P = ParamSpec("P")
T = TypeVar("T")

LARGE = 64_000
"""Bytes from which a mail is read in a thread."""


def conceal_nothing(content: bytes) -> bytes:
    """Conceal nothing."""
    return content


@value_object(kw_only=True)
class MailProcessor:
    """`contexts` by symbol; `parse` takes mails apart; `formats` by name; `cipher`: what contents of the staff list are
    kept with."""

    contexts: Mapping[str, LibraryContext]
    profiles: Callable[[], ProfileSet]
    parse: ParseMail
    formats: Mapping[str, MailFormat]
    journal: Journal
    cipher: BodyCipher | None
    clock: Clock
    conceal: Callable[[bytes], bytes] = conceal_nothing

    async def process(self, box: MailboxInfo, spot: MailPosition, content: bytes) -> MailOutcome:
        """Process a mail; raises Unavailable: nothing was done, and it is to be tried again."""
        return (await self.process_all(box, {spot: content}))[spot]

    async def process_all(
        self, box: MailboxInfo, contents: Mapping[MailPosition, bytes]
    ) -> Mapping[MailPosition, MailOutcome]:
        """Each by itself, in this order but for those that say when they were sent (`MailEvent.at`): these in that
        order. Those that are written together share a commit. Raises Unavailable: those that were not taken are to be
        tried again."""
        steps: list[MailStep] = []
        waits: list[BaseException] = []
        for spot, content in contents.items():
            try:
                steps.append(await self._prepare_mail(box, spot, content))
            except Unavailable as error:  # what came before it need not wait
                waits.append(error)
                break
        # The store does what it is given in the order in which it is given.
        steps = order_by_sent_time(steps)
        outcomes = await asyncio.gather(*(step.work() for step in steps), return_exceptions=True)
        for failed in (*(outcome for outcome in outcomes if isinstance(outcome, BaseException)), *waits):
            raise failed
        return {step.spot: end for step, end in zip(steps, outcomes, strict=True) if isinstance(end, MailOutcome)}

    async def _prepare_mail(self, box: MailboxInfo, spot: MailPosition, content: bytes) -> MailStep:
        """All that comes before the transaction; what it gives back is the transaction. Raises Unavailable."""
        now = self.clock.now()
        try:
            content = await _run_aside(content, self.conceal, content)
        except MalformedMessage as error:  # what can't be looked into may hold a password: only its header is kept
            head = self._conceal_in_header(content)
            return MailStep(spot, partial(self.set_aside, box, spot, head, describe_unreadable_mail(error)))
        try:
            parsed = await _run_aside(content, self.parse, content, now)
        except MalformedMessage as error:
            return MailStep(spot, partial(self.set_aside, box, spot, content, describe_unreadable_mail(error)))
        parsed = resolve_recipient(parsed, self.find_library_context(box))
        partners = self.profiles().of_library(box.library)
        try:
            reading = await _run_aside(content, read_mail, parsed, partners, self.formats, box.destination)
        except Exception as error:  # noqa: BLE001 - of a format: one mail must not hold up those behind it
            return MailStep(spot, partial(self._set_defect_aside, box, spot, content, parsed, error))
        rules = self.find_library_context(box).policy().copies
        if await find_infected_file(parsed.mail, rules):
            why = write_sentence("the virus scanner reported it")
            return MailStep(spot, partial(self.set_aside, box, spot, content, why, parsed))
        files = await inspect_attachments(parsed.mail, rules) if reading.understood.events else ()
        return MailStep(
            spot,
            partial(self._commit_mail, box, spot, content, reading, files),
            earliest_event_time(reading.understood),
        )

    def _conceal_in_header(self, content: bytes) -> bytes:
        """The header alone; nothing where not even that can be looked into."""
        try:
            return self.conceal(take_header(content))
        except MalformedMessage:
            return b""

    async def _commit_mail(
        self,
        box: MailboxInfo,
        spot: MailPosition,
        content: bytes,
        reading: MailReading,
        files: tuple[InspectedAttachment, ...],
    ) -> MailOutcome:
        parsed = reading.parsed
        try:
            return await self._write_mail(
                box, spot, content, parsed, lambda c: self._decide_verdict(c, box, reading, files)
            )
        except Unavailable:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, one mail must not hold up those behind it
            return await self._set_defect_aside(box, spot, content, parsed, error)

    async def _set_defect_aside(
        self, box: MailboxInfo, spot: MailPosition, content: bytes, parsed: ParsedMail, error: Exception
    ) -> MailOutcome:
        where = _place_of_error(error)
        log.error("mail.failed", mailbox=box.name, uid=spot.uid, error=type(error).__name__, where=where)
        return await self.set_aside(box, spot, content, _describe_defect(error, where), parsed)

    async def set_aside(
        self, box: MailboxInfo, spot: MailPosition, content: bytes, why: str, parsed: ParsedMail | None = None
    ) -> MailOutcome:
        """Set a mail aside that can't be worked with: staff look at it. Raises Unavailable."""
        verdict = MailVerdict(outcome=MailOutcome.FAILED, kind=OutcomeClass.MALFORMED, problem=why, open=True)
        return await self._write_mail(box, spot, content, parsed, lambda _: verdict)

    # --- one transaction ---------------------------------------------------------------------------------

    async def _write_mail(
        self,
        box: MailboxInfo,
        spot: MailPosition,
        content: bytes,
        parsed: ParsedMail | None,
        decide: Callable[[Transaction], MailVerdict],
    ) -> MailOutcome:
        now = self.clock.now()
        mail = parsed.mail if parsed is not None else self._parse_leniently(content, now)

        def insert_mail(connection: Transaction) -> tuple[MailOutcome, JournalOpening, JournalEnding]:
            verdict = self._find_repeat(connection, box, content, parsed) or decide(connection)
            row = make_mail_row(spot, content, parsed, mail, verdict, now)
            mail_row = limit_stranger_row(connection, row) if verdict.is_of_stranger else row
            if mail_row is not None:
                mailbox.add_mail(connection, mail_row, self.cipher)
            return (
                verdict.outcome,
                make_journal_opening(box, content, verdict, _find_number(connection, box.library, verdict), now),
                make_journal_ending(verdict, self.clock.now()),
            )

        try:
            outcome = await self.journal.record_in_transaction(insert_mail)
        except mailbox.MailTakenError:
            mail_outcome = await self._read_outcome(spot)
            if mail_outcome is None:
                raise
            return mail_outcome  # another node was quicker
        for context in self.contexts.values():
            context.wake_outbox()
        return outcome

    def _parse_leniently(self, content: bytes, now: datetime) -> IncomingMail | None:
        """Parse what was set aside, by its header alone: for people to see who wrote."""
        try:
            return self.parse(take_header(content), now).mail
        except MalformedMessage:
            return None

    async def _read_outcome(self, spot: MailPosition) -> MailOutcome | None:
        context = self.contexts[spot.library]
        outcomes = await context.store.read(
            lambda c: mailbox.find_outcomes(c, spot.library, spot.mailbox, spot.uid_validity, [spot.uid])
        )
        return outcomes.get(spot.uid)

    def _find_repeat(
        self, connection: Transaction, box: MailboxInfo, content: bytes, parsed: ParsedMail | None
    ) -> MailVerdict | None:
        """It was here before: under the same Message-ID, or a short while ago under another."""
        now = self.clock.now()
        hours = _repeat_hours(self.profiles().of_library(box.library), parsed) if parsed is not None else 0
        message_id = clean_mail_header(parsed.mail.id) if parsed is not None else ""
        for mail in mailbox.find_same_content(connection, box.library, digest_mail(content, parsed)):
            again = mail.outcome is MailOutcome.DONE and now - mail.at < timedelta(hours=hours)
            if mail.message_id == message_id or again:
                return MailVerdict(
                    outcome=mail.outcome,
                    problem=write_sentence("repeat of email %(number)s", number=mail.id),
                    service="repeat",
                    profile=mail.profile,
                )
        return None

    def _decide_verdict(
        self, connection: Transaction, box: MailboxInfo, reading: MailReading, files: tuple[InspectedAttachment, ...]
    ) -> MailVerdict:
        if reading.parsed.bounce is not None:
            return self._apply_bounce_report(connection, box, reading)
        profile = reading.profiles[0] if reading.profiles else None
        if reading.parsed.automatic is AutomaticMailKind.REPLIED:
            if profile is None or reading.problem:
                return MailVerdict(service="auto-reply", problem=reading.problem)
            context = self.find_library_context(box)
            application = MailApplication(connection, context, profile, reading.parsed, files_named=reading.files_named)
            return MailVerdict(service="auto-reply", profile=profile.name, applied=application.note_automatic_answer())
        if profile is None or (reading.problem and not reading.malformed):
            name = profile.name if profile is not None else ""
            return _verdict_for_staff(reading.problem, OutcomeClass.REJECTED, profile=name)
        if reading.malformed:
            verdict = _verdict_for_staff(reading.problem, OutcomeClass.MALFORMED, profile=profile.name)
            return replace(verdict, service=reading.format)
        return self._apply_understood(connection, box, reading, files)

    def _apply_understood(
        self, connection: Transaction, box: MailboxInfo, reading: MailReading, files: tuple[InspectedAttachment, ...]
    ) -> MailVerdict:
        """Apply a mail; where an address belongs to several partners, to the one whose request is found."""
        first = MailVerdict()
        for profile in reading.profiles:
            context = self.find_library_context(box)
            application = MailApplication(connection, context, profile, reading.parsed, files, reading.files_named)
            applied = application.apply_events(reading.understood.events)
            verdict = _make_verdict(reading, applied, profile.name)
            if not verdict.open or applied.request_id:
                if begun := begun_transactions(reading.understood.events):
                    overtaken = EarlyMessages(
                        connection, box.library, context, profile, self.parse, self.formats, self.cipher
                    )
                    overtaken.apply_waiting_mails(begun)
                return verdict
            first = first if first.profile else verdict
        return first

    def _apply_bounce_report(self, connection: Transaction, box: MailboxInfo, reading: MailReading) -> MailVerdict:
        assert reading.parsed.bounce is not None
        own = self.find_library_context(box)
        for context in (own, *(other for other in self.contexts.values() if other is not own)):
            applied = apply_bounce(connection, context, reading.parsed.bounce)
            if applied is not None:
                return MailVerdict(service="bounce", applied=applied)
        if reading.parsed.bounce.is_permanent:
            return replace(
                _verdict_for_staff(write_sentence("an unknown email was returned"), OutcomeClass.REJECTED),
                service="bounce",
            )
        return MailVerdict(service="bounce", problem=write_sentence("about an unknown email"))

    def find_library_context(self, box: MailboxInfo) -> LibraryContext:
        return find_library_context(self.contexts, box.library)


async def _run_aside(content: bytes, read: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Return what `read` makes of a mail; of a large one in a thread, so that nobody else waits for it."""
    if len(content) < LARGE:
        return read(*args, **kwargs)
    return await asyncio.to_thread(read, *args, **kwargs)


def _make_verdict(reading: MailReading, applied: ApplicationResult, profile: str) -> MailVerdict:
    verdict = MailVerdict(service=reading.format, profile=profile, applied=applied)
    if applied.problem:
        return replace(
            _verdict_for_staff(applied.problem, OutcomeClass.REFUSED, profile, applied), service=reading.format
        )
    if reading.understood.unknown or not reading.understood.events:
        why = _describe_unknown_lines(len(reading.understood.unknown))
        return replace(_verdict_for_staff(why, OutcomeClass.REFUSED, profile, applied), service=reading.format)
    return verdict


def _describe_unknown_lines(count: int) -> Sentence:
    if not count:
        return write_sentence("no content was understood")
    if count == 1:
        return write_sentence("1 line was not understood")
    return write_sentence("%(count)s lines were not understood", count=count)


def _describe_defect(error: Exception, where: str) -> Sentence:
    return write_sentence("internal error: %(error)s %(where)s", error=type(error).__name__, where=where)


def _find_number(connection: Transaction, library: str, verdict: MailVerdict) -> str:
    """Find the number of the request that a mail is about, as the journal names it; its id where another library of
    ours has it."""
    id_ = verdict.applied.request_id
    request = requests.load_request(connection, library, id_) if id_ else None
    return request.number if request is not None else id_


def _verdict_for_staff(
    why: str, kind: OutcomeClass, profile: str = "", applied: ApplicationResult | None = None
) -> MailVerdict:
    return MailVerdict(
        outcome=MailOutcome.UNKNOWN,
        kind=kind,
        problem=why,
        open=True,
        profile=profile,
        applied=applied or ApplicationResult(),
    )


def _repeat_hours(profiles: LibraryPartners, parsed: ParsedMail) -> int:
    """Return the hours of the sender's profile; a day for whoever has none."""
    sender = parsed.mail.sender
    for profile in profiles:
        partner = profile.partner
        if partner is not None and (partner.email.casefold() == sender or partner.mail.is_partner_address(sender)):
            return partner.mail.repeat_hours
    return 24


def _place_of_error(error: BaseException) -> str:
    """Return the place in our code, without what the mail says."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_name}:{trace.tb_lineno}" if trace is not None else ""
