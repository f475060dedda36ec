"""Port MailFormat: tagged mails as events."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date, datetime

from adapters.tagged_mail.channel import STANDARD_NUMBERS
from adapters.tagged_mail.codec import TaggedMessage, decode, is_tagged_mail
from adapters.tagged_mail.dialect import PATRON, PHRASES, SECTION, TaggedMailDialect, dialect_of
from adapters.tagged_mail.message_names import ALONE, CARRIED, MessageName, guess_our_role, normalise_text
from gateway.domain.library import Money, RecordId
from gateway.domain.profile import Profile
from gateway.domain.requests.citation import Citation, CitationExtra, CitationType
from gateway.domain.requests.drafts import LendingDraft
from gateway.domain.requests.events import EventDetails, EventKind, LoanCondition
from gateway.domain.requests.note_terms import add_unread_cost
from gateway.domain.requests.request import (
    LibraryParty,
    RequestDates,
    RequestedService,
    Role,
    ServiceType,
)
from gateway.domain.requests.volume_notes import read_named_volumes, read_wanted_volumes
from gateway.domain.sentences import write_sentence
from gateway.domain.sums import read_sum
from gateway.domain.value import value_object
from gateway.ports.incoming_mail import IncomingMail, MailEvent, MailInterpretation, list_own_lines


class TaggedMailFormat:
    name = SECTION

    def recognises(self, mail: IncomingMail, profile: Profile) -> bool:
        """See `gateway.ports.incoming_mail.MailFormat`."""
        return is_tagged_mail(list_own_lines(mail.text), dialect_of(profile).layout)

    def decode(self, mail: IncomingMail, profile: Profile) -> MailInterpretation:
        """See `gateway.ports.incoming_mail.MailFormat`. A mail may hold several messages."""
        dialect = dialect_of(profile)
        messages = decode(list_own_lines(mail.text), dialect.layout)
        files = tuple(n for n, part in enumerate(mail.attachments) if part.media_type == "application/pdf")
        alone = len(messages) == 1
        reader = TaggedMessageReader(dialect, profile, mail.subject if alone else "", files if alone else ())
        return MailInterpretation(tuple(map(reader.read_event, messages)))


@value_object
class TaggedMessageReader:
    """The reader of one mail. `subject` may hold the request's number where no tag does; `files`: indexes of its
    PDFs."""

    dialect: TaggedMailDialect
    profile: Profile
    subject: str = ""
    files: tuple[int, ...] = ()

    def read_event(self, message: TaggedMessage) -> MailEvent:
        kind, how = self._read_event_kind(message)
        role = self._read_our_role(message, kind)
        asked = kind is EventKind.REQUEST and role is Role.LENDING
        if kind is EventKind.REQUEST and not asked:
            kind, how = EventKind.MESSAGE, write_sentence("a request that we created")
        tags = ", ".join(dict.fromkeys(tag.name for tag in message.tags)) or write_sentence("none")
        return MailEvent(
            kind=kind,
            role=role,
            transaction=self._read_request_number(message),
            details=EventDetails() if asked else self._read_details(message, kind),
            request=self._read_request(message) if asked else None,
            files=self.files if kind in (EventKind.SHIPPED, EventKind.COPY_DELIVERED, EventKind.MESSAGE) else (),
            explained=(
                write_sentence("%(name)s: %(how)s; tags: %(tags)s", name=message.name.value, how=how, tags=tags),
            ),
        )

    def _first_value(self, message: TaggedMessage, field: str) -> str:
        return " ".join(message.first_value(self.dialect.field_tags(field)).split())

    # --- what it says ------------------------------------------------------------------------------------

    def _read_event_kind(self, message: TaggedMessage) -> tuple[EventKind, str]:
        answers = message.tag_values(self.dialect.field_tags("answer"))
        answer_kind = _find_answer_kind(
            answers or (*message.tag_values(self.dialect.field_tags("note")), *message.text), message.name, self.dialect
        )
        if answer_kind is not None:
            return answer_kind, write_sentence("stated in the answer")
        if message.name is MessageName.SHIPPED and self.files:
            return EventKind.COPY_DELIVERED, write_sentence("the copy was attached")
        if message.name in ALONE:
            return ALONE[message.name], write_sentence("stated in its name")
        if message.name is MessageName.RENEWAL_ANSWER and self._read_day(message, "due") is not None:
            return EventKind.RENEW_ACCEPTED, write_sentence("it has a due date")
        return EventKind.MESSAGE, write_sentence("no answer known to the profile")

    def _read_our_role(self, message: TaggedMessage, kind: EventKind) -> Role:
        """Read our role by who the partner is in the message."""
        partner = self.profile.partner
        names = (self.dialect.their_symbol, *(partner.symbols if partner is not None else ()))
        theirs = {_local_symbol(name) for name in names if name}
        borrower, lender = (_local_symbol(self._first_value(message, field)) for field in ("borrower", "lender"))
        if (borrower in theirs) != (lender in theirs):
            return Role.LENDING if borrower in theirs else Role.BORROWING
        return guess_our_role(kind)

    def _read_request_number(self, message: TaggedMessage) -> str:
        """Read the number from its tag; else the word of the subject that has digits."""
        for value in message.tag_values(self.dialect.field_tags("number")):
            if not _STANDARD.match(value):
                return " ".join(value.split())
        words = re.findall(r"[^\s:;,()<>\[\]]*\d[^\s:;,()<>\[\]]*", self.subject)
        return words[-1] if words else ""

    def _read_details(self, message: TaggedMessage, kind: EventKind) -> EventDetails:
        conditions, strange = _read_conditions(self._first_value(message, "conditions"))
        cost, cost_text = self._read_money(message, "cost")
        if kind is EventKind.CONDITIONAL and not (conditions or cost_text) and cost is None:
            conditions = (LoanCondition.OTHER,)
        days = {field: self._read_day(message, field) for field in ("due", "expected", "retry")}
        unread = [self._first_value(message, field) for field, day in days.items() if day is None]
        notes = (*message.tag_values(self.dialect.field_tags("note")), *message.text, *strange, *unread, cost_text)
        details = EventDetails(
            due=days["due"],
            expected=days["expected"],
            retry_after=days["retry"],
            reason=_hyphenate_words(self._first_value(message, "reason")),
            conditions=conditions,
            cost=cost,
            barcode=self._first_value(message, "barcode"),
            link=message.first_value(self.dialect.field_tags("link")),
            status=self._first_value(message, "status"),
            note="\n".join(filter(None, notes)),
            extras=tuple(self._unknown_extras(message)),
        )
        return read_named_volumes(kind, add_unread_cost(kind, details) if cost_text else details)

    def _unknown_extras(self, message: TaggedMessage) -> Iterator[CitationExtra]:
        """Tags that we have no place for, as they came."""
        known = self.dialect.known_tags
        return (CitationExtra(tag.name, tag.value) for tag in message.tags if tag.name not in known and tag.value)

    def _read_day(self, message: TaggedMessage, field: str) -> date | None:
        text = self._first_value(message, field)
        for form in self.dialect.dates:
            try:
                return datetime.strptime(text, form).date()  # noqa: DTZ007 - a day, without a time
            except ValueError:
                continue
        return None

    def _read_money(self, message: TaggedMessage, field: str) -> tuple[Money | None, str]:
        """The sum, or else the text that is none."""
        text = self._first_value(message, field)
        money = read_sum(text, self.dialect.currency)
        return money, text if money is None else ""

    # --- what it asks for --------------------------------------------------------------------------------

    def _read_request(self, message: TaggedMessage) -> LendingDraft:
        partner = self.profile.partner
        maximum, unread = self._read_money(message, "maximum_cost")
        need_by = self._read_day(message, "need_by")
        late = self._first_value(message, "need_by") if need_by is None else ""
        citation = self._read_tagged_citation(message, (unread, late))
        return LendingDraft(
            citation=citation,
            service=RequestedService(_guess_service(self._first_value(message, "service"), citation)),
            dates=RequestDates(need_by=need_by),
            maximum_cost=maximum,
            volumes=read_wanted_volumes(citation.note),
            extras=(*self._account_extras(message), *self._unknown_extras(message)),
            requester=LibraryParty(
                symbol=partner.symbol if partner is not None else self._first_value(message, "borrower"),
                profile=self.profile.name,
                address=message.first_value(self.dialect.field_tags("address")),
            ),
            source="partner",
        )

    def _account_extras(self, message: TaggedMessage) -> Iterator[CitationExtra]:
        """Tags that we know and have no field for."""
        for field in ("account", "billing"):
            for value in message.tag_values(self.dialect.field_tags(field)):
                yield CitationExtra(self.dialect.field_tags(field)[0], value)

    def _read_tagged_citation(self, message: TaggedMessage, more: Iterable[str]) -> Citation:
        part_title, part_author = (
            self._first_value(message, "article_title"),
            self._first_value(message, "article_author"),
        )
        identifiers = tuple(self._read_identifiers(message))
        notes = (*message.tag_values(self.dialect.field_tags("note")), *message.text, *more)
        return Citation(
            type=_guess_citation_type(bool(part_title or part_author), identifiers),
            title=self._first_value(message, "title"),
            author=self._first_value(message, "author"),
            component_title=part_title,
            component_author=part_author,
            edition=self._first_value(message, "edition"),
            publisher=self._first_value(message, "publisher"),
            place=self._first_value(message, "place"),
            published=self._first_value(message, "published"),
            volume=self._first_value(message, "volume"),
            issue=self._first_value(message, "issue"),
            pages=self._first_value(message, "pages"),
            call_number=self._first_value(message, "call_number"),
            identifiers=identifiers,
            note="\n".join(filter(None, notes)),
            original="\n".join(f"{tag.name}: {tag.value}" for tag in message.tags if tag.name != PATRON),
        )

    def _read_identifiers(self, message: TaggedMessage) -> Iterator[RecordId]:
        for field in ("oclc", "lccn", "dobis"):
            for value in message.tag_values(self.dialect.field_tags(field)):
                yield RecordId(field, " ".join(value.split()))
        tags = (*self.dialect.field_tags("standard_number"), *self.dialect.field_tags("number"))
        for value in message.tag_values(tags):
            if match := _STANDARD.match(value):
                yield RecordId(match[1].lower(), " ".join(match[2].split()))
            elif (type_ := _guess_number_type(value)) and value in message.tag_values(
                self.dialect.field_tags("standard_number")
            ):
                yield RecordId(type_, " ".join(value.split()))
            elif value in message.tag_values(self.dialect.field_tags("standard_number")):
                yield RecordId("local", " ".join(value.split()))
        for value in message.tag_values(self.dialect.field_tags("other")):
            type_, _, rest = value.partition(" ")
            yield RecordId(type_.lower(), rest.strip()) if rest.strip() else RecordId("local", type_)


_STANDARD = re.compile(rf"({'|'.join(STANDARD_NUMBERS)})[:\s]\s*(\S.*)", re.IGNORECASE | re.DOTALL)


def _guess_number_type(value: str) -> str:
    digits = re.sub(r"[\s-]", "", value)
    if re.fullmatch(r"\d{7}[\dXx]", digits):
        return "issn"
    return "isbn" if re.fullmatch(r"\d{9}[\dXx]|\d{13}", digits) else ""


def _find_answer_kind(texts: Iterable[str], name: MessageName, dialect: TaggedMailDialect) -> EventKind | None:
    """The first that is an answer in this message; the longest words first, since some begin as others do."""
    words = []
    for kind, standard in PHRASES.items():
        if CARRIED[kind] is name:
            phrases = [standard, *([dialect.answers[kind]] if kind in dialect.answers else [])]
            words += [(normalise_text(text), kind) for phrase in phrases for text in (phrase.english, phrase.french)]
    words.sort(key=lambda entry: -len(entry[0]))
    for text in texts:
        first = normalise_text(text.split("\n", 1)[0])
        for word, kind in words:
            if re.match(rf"{re.escape(word)}(?![A-Z0-9])", first):
                return kind
    return None


def _guess_citation_type(part: bool, identifiers: tuple[RecordId, ...]) -> CitationType:
    book = any(identifier.type == "isbn" for identifier in identifiers)
    if part:
        return CitationType.CHAPTER if book else CitationType.ARTICLE
    return CitationType.JOURNAL if any(id_.type == "issn" for id_ in identifiers) and not book else CitationType.BOOK


_COPY = re.compile(r"cop(y|ie)|photo|article", re.IGNORECASE)


def _guess_service(words: str, citation: Citation) -> ServiceType:
    """Guess the service; where nothing is said, a part of a work is copied."""
    if words.lower() in tuple(ServiceType):
        return ServiceType(words.lower())
    if words:
        return ServiceType.COPY if _COPY.search(words) else ServiceType.LOAN
    return ServiceType.COPY if citation.is_part else ServiceType.LOAN


def _read_conditions(text: str) -> tuple[tuple[LoanCondition, ...], tuple[str, ...]]:
    """Those that have a name, and the words of the others."""
    conditions: list[LoanCondition] = []
    strange: list[str] = []
    for part in filter(None, (part.strip() for part in re.split(r"[,;]", text))):
        word = _hyphenate_words(part)
        if word in tuple(LoanCondition):
            conditions.append(LoanCondition(word))
        else:
            strange.append(part)
    return tuple(conditions), tuple(strange)


def _hyphenate_words(text: str) -> str:
    """`On loan` -> on-loan"""
    return re.sub(r"[\s_-]+", "-", text.strip().lower())


def _local_symbol(symbol: str) -> str:
    """Return a symbol without its scheme and case: `ISIL:CA-OONL` is also called CA-OONL."""
    return symbol.rpartition(":")[2].strip().casefold()
