"""Notices to patrons: rendered from their rows of the outbox, listed, and what became of each.

A patron without an address for mail gets none. The notice says so, and where the profile has it among those that are
told in person (`workflow.patron.in_person`), the request stands on the task list `to-tell` until staff have told it,
with the letter printed or without.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from urllib.parse import quote

from gateway.domain.library import ContactKind, Patron
from gateway.domain.problems import Refused, Unavailable
from gateway.domain.requests.events import Event, EventDetails, EventKind, local_signal
from gateway.domain.requests.partner_policy import STAFF_LETTER
from gateway.domain.requests.patron_settings import PatronSettings
from gateway.domain.requests.request import Request, RequestFlag
from gateway.domain.requests.staff_views import NoticeLetter, NoticeStatus, NoticeView
from gateway.domain.requests.state_machine import compute_transition
from gateway.domain.requests.state_table import SendPatronLetter
from gateway.domain.requests.views import NotFound, ResultPage
from gateway.domain.sentences import write_sentence
from gateway.domain.value import replace, value_object
from gateway.ports.library_system import PatronKey
from gateway.ports.outgoing_mail import RenderedLetter
from gateway.ports.shared_store import Transaction
from gateway.services.letters.facts import NoticeFacts
from gateway.services.letters.renderer import LetterBeginning, LetterRenderer
from gateway.services.request_work.questions import make_answer_links, preview_answer_links
from gateway.services.requests.deadlines import complete_request
from gateway.services.requests.effects import LETTER, RECALLED, reader_of_request
from gateway.services.requests.library_context import LibraryContext, require_request
from gateway.services.requests.moot_steps import MOOT
from gateway.services.requests.transitions import EventRequest, apply_event_in, raise_if_denied
from gateway.store.patron_settings import load_patron_settings
from gateway.store.requests import outbox_queries
from gateway.store.requests.outbox import OutboxRow, OutboxStatus
from gateway.store.requests.outbox_payloads import parse_letter_payload

QUERY = "query"
"""The letter that asks the patron something."""

NOT_SENT = "not sent: "
"""How the note of a row begins that ended without a letter. A mail server's answer begins with a number."""

NO_PATRON = "the request has no patron any more"
NOT_WANTED = write_sentence("the patron wants no notices")
NO_ADDRESS = write_sentence("the patron has no email address")

NOTICE_STATUS: Mapping[OutboxStatus, NoticeStatus] = {
    OutboxStatus.WAITING: NoticeStatus.WAITING,
    OutboxStatus.IN_HAND: NoticeStatus.WAITING,
    OutboxStatus.DONE: NoticeStatus.SENT,
    OutboxStatus.DEAD: NoticeStatus.FAILED,
    OutboxStatus.REFUSED: NoticeStatus.FAILED,
    OutboxStatus.SKIPPED: NoticeStatus.SKIPPED,
}


NOTES_FOR_PATRON = frozenset(map(local_signal, (EventKind.CLOSE, EventKind.PATRON_ASKED, EventKind.PATRON_MESSAGE)))
"""Events whose note staff write to the patron. All other notes are a partner's words, or words for a partner."""


@value_object
class NoticeService:
    context: LibraryContext
    letters: LetterRenderer

    async def list_notices(self, request_id: str, limit: int, cursor: str) -> ResultPage[NoticeView]:
        """Newest first; `request_id` empty: of all requests. Raises InvalidCursorError."""
        page = await self.context.store.read(
            lambda c: outbox_queries.list_rows_of_kind(c, self.context.symbol, LETTER, request_id, limit, cursor)
        )
        return ResultPage(tuple(_build_notice_view(row) for row in page.rows), page.cursor)

    async def list_notices_of_requests(self, request_ids: Sequence[str], limit: int) -> Sequence[NoticeView]:
        """List the notices of these requests, newest first."""
        rows = await self.context.store.read(
            lambda c: outbox_queries.list_rows_of_requests(c, self.context.symbol, LETTER, request_ids, limit)
        )
        return [_build_notice_view(row) for row in rows]

    async def list_beginnings(self, request: Request, language: str = "") -> tuple[LetterBeginning, ...]:
        """List what staff may begin a letter of their own with, in this language, or in the patron's as far as the
        library's system says it. Raises ConfigurationError (a template, with file and line)."""
        patron = None
        language = language or (await load_reader_settings(self.context, request)).language
        if not language and not request.patron.language:
            with contextlib.suppress(Refused, Unavailable):
                patron = await find_reader(self.context, request)
        return self.letters.list_beginnings(request, patron, self.context.info, self.context.zone, language)

    async def preview_letter(self, request: Request, kind: EventKind, details: EventDetails) -> RenderedLetter:
        """Render the letter that an act of staff would send to the patron now; nothing is stored, and no link in it
        answers a question. Raises EventDenied, Refused, Unavailable (the library's system), ConfigurationError (a
        template, with file and line)."""
        patron, now = await find_reader(self.context, request), self.context.now()
        event = Event(local_signal(kind), now, details=details)
        transition = raise_if_denied(compute_transition(request, event, self.context.workflow(request)))
        letter = next(effect.name for effect in transition.effects if isinstance(effect, SendPatronLetter))
        after = complete_request(self.context, request, transition.request)
        notice = PatronNotice(letter=letter, event=event, request=after, created=now)
        return await render_notice(self.context, self.letters, notice, after, patron)

    async def find_request_of_notice(self, notice_id: str) -> str:
        """Find the id of the request that a notice is about. Raises NotFound: there is no such notice (any more)."""
        return (await self._load_row(notice_id)).request_id

    async def _load_row(self, notice_id: str) -> OutboxRow:
        row = await self.context.store.read(lambda c: outbox_queries.get_outbox_row(c, self.context.symbol, notice_id))
        if row is None or row.kind != LETTER:
            raise NotFound("notice")
        return row

    async def render_notice(self, notice_id: str) -> NoticeLetter:
        """The letter as it would be sent now, to be printed; nothing is changed by it.

        Raises NotFound: there is no such notice (any more), or its patron is forgotten. Raises Refused, Unavailable
        (the library's system), ConfigurationError (a template, with file and line).
        """
        row = await self._load_row(notice_id)
        request = await require_request(self.context, row.request_id)
        if not reader_of_request(request).id:
            raise NotFound("patron of this notice")
        patron = await find_reader(self.context, request)
        letter = await render_stored_notice(self.context, self.letters, row, request, patron)
        return NoticeLetter(
            notice=_build_notice_view(row),
            name=patron.name.direct,
            address=_format_postal_address(patron),
            subject=letter.subject,
            text=letter.text,
            html=letter.html,
            language=letter.language,
        )


def _build_notice_view(row: OutboxRow) -> NoticeView:
    status, error = NOTICE_STATUS[row.status], row.error
    if status is NoticeStatus.SENT and row.note.startswith(NOT_SENT):
        status, error = NoticeStatus.NOT_SENT, row.note.removeprefix(NOT_SENT)
    if status is NoticeStatus.SENT and row.note in (MOOT, NOT_WANTED):
        status, error = NoticeStatus.SKIPPED, row.note
    return NoticeView(
        id=row.id,
        request_id=row.request_id,
        letter=row.target,
        status=status,
        created=row.created,
        sent=row.ended if status is NoticeStatus.SENT else None,
        error=error,
    )


async def find_reader(context: LibraryContext, request: Request) -> Patron:
    """Find the reader; raises Refused(UNKNOWN_PATRON), Unavailable."""
    return await context.system.find_patron(PatronKey(reader_of_request(request).id, ("internal",)))


async def load_reader_settings(context: LibraryContext, request: Request) -> PatronSettings:
    """Load what the patron who gets letters about the request has set."""
    patron_id = reader_of_request(request).id
    return await context.store.read(lambda c: load_patron_settings(c, context.symbol, patron_id))


@value_object(kw_only=True)
class PatronNotice:
    """A notice to be rendered. `letter`: its template; `event` and `request`: what it tells, as it was then; `id`: of
    its row in the outbox, empty: it is a preview, without links that work."""

    letter: str
    event: Event
    request: Request
    created: datetime
    id: str = ""


async def render_stored_notice(
    context: LibraryContext, letters: LetterRenderer, row: OutboxRow, request: Request, patron: Patron
) -> RenderedLetter:
    """Render the notice of a row of the outbox. `request`: as it is now."""
    payload = parse_letter_payload(row.payload)
    notice = PatronNotice(
        letter=row.target, event=payload.event, request=payload.request, created=row.created, id=row.id
    )
    return await render_notice(context, letters, notice, request, patron)


async def render_notice(
    context: LibraryContext, letters: LetterRenderer, notice: PatronNotice, request: Request, patron: Patron
) -> RenderedLetter:
    """The request is told as it was when the notice was written; its patron is the one of `request`, as it is now. A
    recall is told with the date that the library has given the loan since."""
    event, settings = notice.event, await load_reader_settings(context, request)
    request = replace(request, patron=replace(request.patron, language=settings.language or request.patron.language))
    written = replace(notice.request, patron=request.patron)
    details = event.details if event.signal in NOTES_FOR_PATRON else replace(event.details, note="")
    if notice.letter == RECALLED and RequestFlag.RECALLED in request.flags:
        written = replace(written, terms=replace(written.terms, patron_due=request.terms.patron_due))
    places = {place.code: place.name for place in await context.system.pickup_locations()}
    answers: Mapping[str, str] = {}
    if notice.letter == QUERY:
        answers = await make_answer_links(context, written) if notice.id else preview_answer_links(context, written)
    pickup = reader_of_request(written).pickup
    facts = NoticeFacts(
        message_id=notice.id,
        details=details,
        link=details.link,
        pickup=places.get(pickup, pickup),
        answer_yes=answers.get("yes", ""),
        answer_no=answers.get("no", ""),
        account=context.policy().notices.account_url,
        settings=_find_settings_address(context),
    )
    return letters.render_patron_letter(
        notice.letter, written, patron, context.info, context.zone, notice.created, facts
    )


def _find_settings_address(context: LibraryContext) -> str:
    """Find the page on which patrons choose their notices; empty: their account is in another system."""
    root = context.public_url.rstrip("/")
    is_ours = bool(root) and context.policy().notices.account_url.startswith(f"{root}/")
    return f"{root}/openurl/{quote(context.symbol, safe=':')}/settings" if is_ours else ""


def make_telling_task(
    context: LibraryContext, row: OutboxRow, request: Request
) -> Callable[[Transaction], None] | None:
    """Make the task that puts the request on the list of those whose patron is told in person, in the transaction that
    ends the row. None: this notice need not be told."""
    if row.target not in (STAFF_LETTER, *context.workflow(request).patron.in_person):
        return None

    def apply_not_told_event(connection: Transaction) -> None:
        details = EventDetails(reason=row.target, note=NO_ADDRESS)
        event = Event(local_signal(EventKind.PATRON_NOT_TOLD), context.now(), "rule", details)
        apply_event_in(connection, context, EventRequest(request_id=request.id, event=event))

    return apply_not_told_event


def _format_postal_address(patron: Patron) -> tuple[str, ...]:
    """Lines of the first one; empty: the library knows none."""
    address = next(
        (contact.postal for contact in patron.contacts if contact.kind is ContactKind.POSTAL and contact.postal), None
    )
    if address is None:
        return ()
    place = " ".join(part for part in (address.postal_code, address.locality) if part)
    return tuple(line for line in (address.line1, address.line2, place, address.region, address.country) if line)
