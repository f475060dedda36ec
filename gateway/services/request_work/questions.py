"""Questions answered by links in letters, by patrons and partners.

A link says one answer to one question of one letter, and is good until the time for the answer is over. A partner's
answer goes the way of all partners' messages (`partner_inbox`), under an id made of the question and the answer; that
the question is answered once is looked up in the request's history while the request is locked. What is answered, and
what comes too late for it, is in the message journal, each answer once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta

from gateway.domain.problems import MessagePart, Refusal, RefusalReason
from gateway.domain.profile import Profile
from gateway.domain.requests.events import Event, EventDetails, EventKind, EventOrigin, LoanCondition
from gateway.domain.requests.partner_answers import ANSWERS as PARTNER_ANSWERS
from gateway.domain.requests.partner_answers import (
    REASONS,
    AnswerFieldRule,
    FieldFault,
    PartnerAnswer,
    is_answer_applicable,
    list_answer_fields,
    list_answers,
    parse_answer_form,
)
from gateway.domain.requests.patron_views import AnswerField, QuestionState, QuestionView
from gateway.domain.requests.request import BorrowingState, Request, Role
from gateway.domain.requests.signed_links import ANSWERS, InvalidLinkError, LinkFault, QuestionLink
from gateway.domain.requests.views import ActionRequest, EventDenied, NotFound
from gateway.domain.value import replace, value_object
from gateway.ports.outgoing_mail import AnswerLink
from gateway.ports.partner_channel import IncomingPartnerMessage, PartnerMessage
from gateway.ports.responder import OutcomeClass, TransportKind
from gateway.ports.shared_store import Store, Transaction
from gateway.services.letters.facts import Rows, label_rows
from gateway.services.letters.renderer import LetterRenderer, ResolvedLanguage
from gateway.services.letters.vocabulary import LanguageWords
from gateway.services.request_work.actions import ActionService
from gateway.services.requests.answered_messages import find_attempt_number
from gateway.services.requests.library_context import PATRON, LibraryContext, find_library_context, require_request
from gateway.services.requests.partner_inbox import LibraryInbox
from gateway.store.api_access import make_question_token, read_question_link
from gateway.store.journal import Journal
from gateway.store.journal_records import JournalEnding, JournalOpening
from gateway.store.requests import history, requests

PARTNER = "partner"
PROTOCOL = "letters"
"""In the journal."""

Form = Mapping[str, str]


async def make_answer_links(context: LibraryContext, request: Request) -> Mapping[str, str]:
    """Addresses that answer the request's question, by answer; none where nobody can reach us from outside, or no
    question with a time limit is open."""
    links = _list_answer_links(context, request)

    def create_answer_tokens(connection: Transaction) -> list[str]:
        return [make_question_token(connection, link, context.now()) for link in links]

    tokens = await context.store.write(create_answer_tokens) if links else []
    return {link.answer: _make_address(context, token) for link, token in zip(links, tokens, strict=True)}


def preview_answer_links(context: LibraryContext, request: Request) -> Mapping[str, str]:
    """Addresses that stand for those of `make_answer_links`; nobody can answer with them, and nothing is stored."""
    return {link.answer: _make_address(context, "…") for link in _list_answer_links(context, request)}


def _list_answer_links(context: LibraryContext, request: Request) -> list[QuestionLink]:
    query = request.query
    if not context.public_url or query is None or query.answer_by is None:
        return []
    expires = query.answer_by.replace(microsecond=0)
    return [
        QuestionLink(library=context.symbol, request_id=request.id, query=query.id, answer=answer, expires=expires)
        for answer in ANSWERS
    ]


def _make_address(context: LibraryContext, token: str) -> str:
    return f"{context.public_url.rstrip('/')}/q/{token}"


@value_object
class PatronQuestionService:
    """`contexts` and `action_services` by symbol of the library."""

    store: Store
    journal: Journal
    contexts: Mapping[str, LibraryContext]
    action_services: Mapping[str, ActionService]
    letters: LetterRenderer

    async def question(self, token: str) -> QuestionView:
        """Changes nothing. Raises InvalidLinkError (FORGED), Unavailable."""
        link, context = await self._load_link(token)
        try:
            if link.is_partners:
                return await PartnerQuestionService(context, self.journal, self.letters).show_question(link)
            return self._build_question_view(context, link, await require_request(context, link.request_id))
        except NotFound as gone:
            raise InvalidLinkError(LinkFault.FORGED) from gone

    async def answer(self, token: str, form: Mapping[str, str]) -> QuestionView:
        """Answer, and return the question as it is afterwards; the answer counts only the first time; open still where
        the form has faults. Raises InvalidLinkError (FORGED), Unavailable, Refused."""
        link, context = await self._load_link(token)
        try:
            if link.is_partners:
                return await PartnerQuestionService(context, self.journal, self.letters).take_answer(link, form)
            return await self._answer_as_patron(context, link)
        except NotFound as gone:
            raise InvalidLinkError(LinkFault.FORGED) from gone

    def spoken(self, language: str, library: str = "") -> ResolvedLanguage:
        """The words of a library's page in a language, empty: the usual one."""
        return self.letters.resolve_language(language, library)

    async def _load_link(self, token: str) -> tuple[QuestionLink, LibraryContext]:
        link = await self.store.read(lambda c: read_question_link(c, token))
        try:
            return link, find_library_context(self.contexts, link.library)
        except NotFound as gone:
            raise InvalidLinkError(LinkFault.FORGED) from gone

    # --- patrons -----------------------------------------------------------------------------------------

    async def _answer_as_patron(self, context: LibraryContext, link: QuestionLink) -> QuestionView:
        view = self._build_question_view(context, link, await require_request(context, link.request_id))
        if view.state is not QuestionState.OPEN:
            return view
        details = EventDetails(query=link.query, answer=link.answer)
        action = ActionRequest(kind=EventKind.PATRON_ANSWERED, details=details, actor=PATRON, version=None)
        try:
            answered = await self.action_services[context.symbol].perform(link.request_id, action)
        except EventDenied:  # somebody was quicker
            answered = await require_request(context, link.request_id)
        return self._build_question_view(context, link, answered)

    def _build_question_view(self, context: LibraryContext, link: QuestionLink, request: Request) -> QuestionView:
        spoken = self.letters.resolve_language(request.patron.language, context.symbol)
        query = request.query
        over = QuestionView(
            state=QuestionState.OVER, asked=PATRON, answer=link.answer, library=link.library, language=spoken.language
        )
        if query is None or query.id != link.query or query.has_run_out:
            return over
        if not query.answer and (context.now() >= link.expires or not request.open):
            return over
        return replace(
            over,
            state=QuestionState.ANSWERED if query.answer else QuestionState.OPEN,
            given=query.answer,
            rows=((spoken.words.pages["request"], request.citation.short), *_describe_offer(request, spoken.words)),
            text=query.text,
            until=spoken.words.format_moment(query.answer_by, context.zone) if query.answer_by is not None else "",
        )


def _describe_offer(request: Request, words: LanguageWords) -> Rows:
    """Describe the supplier's condition, which its own words may leave out."""
    query, attempt = request.query, request.attempt
    if query is None or attempt is None or request.state is not BorrowingState.CONDITIONAL:
        return ()
    return label_rows(
        words,
        ("conditions", ", ".join(words.conditions.get(condition, condition) for condition in attempt.conditions)),
        ("cost", words.format_money(query.cost) if query.cost is not None else ""),
    )


async def make_partner_links(context: LibraryContext, message: PartnerMessage, days: int) -> tuple[AnswerLink, ...]:
    """Addresses that answer a letter for so many days; none where nobody can reach us from outside. The same at every
    try to send it."""
    if not context.public_url or days < 1:
        return ()
    request, attempt = message.request, find_attempt_number(message)
    if message.role is Role.BORROWING and not attempt:
        return ()  # to nobody whom the request was sent to
    names = list_answers(message.role, message.kind, request, attempt, context.workflow(request), message.at)
    expires = (message.at + timedelta(days=days)).replace(microsecond=0)
    links = [
        QuestionLink(
            library=context.symbol,
            request_id=request.id,
            query=f"{message.id}/{PARTNER_ANSWERS[name].about}",
            answer=name,
            expires=expires,
            attempt=attempt,
        )
        for name in names
    ]

    def create_partner_tokens(connection: Transaction) -> list[str]:
        return [make_question_token(connection, link, context.now()) for link in links]

    tokens = await context.store.write(create_partner_tokens) if links else []
    return tuple(
        AnswerLink(link.answer, _make_address(context, token)) for link, token in zip(links, tokens, strict=True)
    )


@value_object
class PartnerQuestionService:
    """The questions of one library."""

    context: LibraryContext
    journal: Journal
    letters: LetterRenderer

    async def show_question(self, link: QuestionLink) -> QuestionView:
        """Changes nothing. Raises NotFound, Unavailable."""
        return await self.context.store.read(
            lambda c: self._build_answer_view(c, link, self._load_linked_request(c, link))
        )

    async def take_answer(self, link: QuestionLink, form: Form) -> QuestionView:
        """Take an answer, and return the question as it is afterwards; the answer counts only the first time; still
        open where the form has faults. Raises NotFound, Unavailable."""
        view = await self.context.store.write(lambda c: self._apply_partner_answer(c, link, form))
        self.context.wake_outbox()
        return view

    def _load_linked_request(self, connection: Transaction, link: QuestionLink) -> Request:
        request = requests.load_request(connection, self.context.symbol, link.request_id)
        if request is None:
            raise NotFound("request")
        return request

    # --- taken -------------------------------------------------------------------------------------------

    def _apply_partner_answer(self, connection: Transaction, link: QuestionLink, form: Form) -> QuestionView:
        context = self.context
        request = requests.lock_request(connection, context.symbol, link.request_id)
        if request is None:
            raise NotFound("request")
        view = self._build_answer_view(connection, link, request, form)
        with_ = _find_answering_partner(context, request, link)
        if view.state is not QuestionState.OPEN:
            if view.given != link.answer:  # not the same once more
                self._journal_answer(connection, link, request, with_, form, _late_answer_refusal(view))
            return view
        if any(field.fault for field in view.fields):
            return view
        assert with_ is not None, "an open question has somebody to answer it"
        details = parse_answer_form(PARTNER_ANSWERS[link.answer], request, form, context.today()).details
        message = IncomingPartnerMessage(
            id=_answer_message_id(link),
            kind=PARTNER_ANSWERS[link.answer].kind,
            role=request.role,
            sender=with_.symbol,
            receiver=context.symbol,
            transaction=with_.transaction,
            details=self._add_message_text(link, details),
        )
        result = LibraryInbox(context).receive_in(connection, message, with_.profile)
        self._journal_answer(connection, link, request, with_, form, result.refused)
        return self._build_answer_view(connection, link, self._load_linked_request(connection, link))

    def _journal_answer(
        self,
        connection: Transaction,
        link: QuestionLink,
        request: Request,
        with_: _AnsweringPartner | None,
        form: Form,
        refused: Refusal | None,
    ) -> None:
        """Journal what was said and filled in, and what came of it. Nothing of the link itself, with which one could
        answer."""
        now = self.context.now()
        names = [field.value for field in list_answer_fields(PARTNER_ANSWERS[link.answer], request)]
        answers = {"answer": link.answer} | {name: form[name] for name in names if form.get(name, "").strip()}
        opening = JournalOpening(
            library=self.context.symbol,
            at=now,
            body=json.dumps(answers, ensure_ascii=False).encode(),
            protocol=PROTOCOL,
            transport=TransportKind.HTTP.value,
            profile=with_.profile.name if with_ is not None else "",
            service=link.answer,
            from_agency=with_.symbol if with_ is not None else "",
            to_agency=self.context.symbol,
            request_id=request.number,
            content_type="application/json",
        )
        ending = JournalEnding(
            at=now,
            outcome=OutcomeClass.OK if refused is None else OutcomeClass.REFUSED,
            reason=refused.reason.value if refused is not None else "",
            note=refused.detail if refused is not None else "",
            key=f"{_answer_message_id(link)}-{'taken' if refused is None else 'refused'}",
            managed_requests=(request.id,),
        )
        self.journal.add_once(connection, opening, ending)

    def _add_message_text(self, link: QuestionLink, details: EventDetails) -> EventDetails:
        """A message has a text, also where the partner wrote none: what the link says, in our language."""
        details = replace(details, query=link.query)
        if PARTNER_ANSWERS[link.answer].kind is not EventKind.MESSAGE:
            return details
        words = self.letters.resolve_language("", self.context.symbol).words
        day = f" ({words.format_day(details.expected)})" if details.expected is not None else ""
        return replace(details, note="\n".join(filter(None, (words.pages[f"say-{link.answer}"] + day, details.note))))

    # --- shown -------------------------------------------------------------------------------------------

    def _build_answer_view(
        self, connection: Transaction, link: QuestionLink, request: Request, form: Form | None = None
    ) -> QuestionView:
        """`form`: what was sent and is looked at; None: nothing was."""
        context, answer, with_ = (
            self.context,
            PARTNER_ANSWERS[link.answer],
            _find_answering_partner(self.context, request, link),
        )
        language = with_.profile.partner.language if with_ is not None and with_.profile.partner is not None else ""
        spoken = self.letters.resolve_language(language, context.symbol)
        words = spoken.words
        over = QuestionView(
            state=QuestionState.OVER, asked=PARTNER, answer=link.answer, library=link.library, language=spoken.language
        )
        if with_ is None or context.now() >= link.expires:
            return over
        over = replace(over, rows=_describe_request(context, request, with_.transaction, words))
        given_answer = _find_given_answer(connection, context, link)
        if given_answer is not None:
            return replace(
                over,
                state=QuestionState.ANSWERED,
                given=given_answer.details.answer,
                when=words.format_moment(given_answer.at, context.zone),
                rows=(*over.rows, *_describe_answer(given_answer.details, context, words)),
            )
        if not is_answer_applicable(answer, request, link.attempt or 0, context.workflow(request), context.now()):
            return over
        fields = _build_form_fields(answer, request, words, form, context)
        return replace(
            over, state=QuestionState.OPEN, until=words.format_moment(link.expires, context.zone), fields=fields
        )


def _answer_message_id(link: QuestionLink) -> str:
    """Make the id of the answer as a partner's message."""
    return f"link-{link.query}-{link.answer}"


def _late_answer_refusal(view: QuestionView) -> Refusal:
    if view.state is QuestionState.ANSWERED:
        return Refusal(
            RefusalReason.NOT_ALLOWED, f"The question was answered already: {view.given}.", MessagePart.REQUEST
        )
    return Refusal(
        RefusalReason.NOT_ALLOWED, "The link is too old, or the request has gone on without it.", MessagePart.REQUEST
    )


@value_object
class _AnsweringPartner:
    profile: Profile
    symbol: str
    transaction: str


def _find_answering_partner(context: LibraryContext, request: Request, link: QuestionLink) -> _AnsweringPartner | None:
    """Find who answers; None: it is no partner of ours any more, or not of this request."""
    name, transaction = request.partner.profile, request.transaction
    if request.role is Role.BORROWING:
        attempt = request.find_attempt(link.attempt or 0)
        if attempt is None:
            return None
        name, transaction = attempt.partner, attempt.transaction
    profile = context.profile(name)
    if profile is None or profile.partner is None:
        return None
    return _AnsweringPartner(profile, profile.partner.symbol or name, transaction)


def _find_given_answer(connection: Transaction, context: LibraryContext, link: QuestionLink) -> Event | None:
    """Find the answer that the question was given."""
    for row in history.list_events_of_request(connection, context.symbol, link.request_id):
        event = row.event
        if event.signal.origin is EventOrigin.PARTNER and event.details.query == link.query and not row.denied:
            return event
    return None


def _describe_request(context: LibraryContext, request: Request, transaction: str, words: LanguageWords) -> Rows:
    """Describe the request: nothing about the patron."""
    name = context.info.name or context.symbol
    return label_rows(words, ("request", transaction), ("title", request.citation.short), ("library", name))


def _describe_answer(details: EventDetails, context: LibraryContext, words: LanguageWords) -> Rows:
    """Describe what was filled in, but for the partner's own words."""
    return label_rows(
        words,
        ("due", words.format_moment(details.due, context.zone) if details.due is not None else ""),
        ("expected", words.format_day(details.expected) if details.expected is not None else ""),
        ("reason", words.reasons.get(details.reason, details.reason)),
        ("conditions", ", ".join(words.conditions.get(condition, condition) for condition in details.conditions)),
    )


# --- the form --------------------------------------------------------------------------------------------

_LABELS = {AnswerFieldRule.CONDITION: "conditions"}


def _build_form_fields(
    answer: PartnerAnswer, request: Request, words: LanguageWords, form: Form | None, context: LibraryContext
) -> tuple[AnswerField, ...]:
    faults: Mapping[AnswerFieldRule, FieldFault] = {}
    if form is not None:
        faults = parse_answer_form(answer, request, form, context.today()).faults
    return tuple(
        AnswerField(
            name=field.value,
            label=words.label(_LABELS.get(field, field.value)),
            needed=field in answer.needed,
            choices=_list_choices(answer, field, words),
            value=(form or {}).get(field.value, ""),
            fault=words.pages[f"fault-{faults[field].value}"] if field in faults else "",
        )
        for field in list_answer_fields(answer, request)
    )


def _list_choices(answer: PartnerAnswer, field: AnswerFieldRule, words: LanguageWords) -> tuple[tuple[str, str], ...]:
    if field is AnswerFieldRule.REASON:
        return tuple((codes.value, words.reasons.get(codes.value, codes.value)) for codes in REASONS[answer.name])
    if field is AnswerFieldRule.CONDITION:
        return tuple((term.value, words.conditions.get(term.value, term.value)) for term in LoanCondition)
    return ()
